"""Profiles: who one is at which server, and the session that was opened there.

What a person writes is ``config.toml`` in the configuration folder ($XDG_CONFIG_HOME/pesan);
``config.sample.toml`` beside this file shows all of it. What the program remembers is one file per
profile in the state folder ($XDG_STATE_HOME/pesan), readable by its owner alone. Finding the server
is ``places``'.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any, Final

from client.cli.exits import USAGE, Mistake
from config.folders import config_folder, private_folder, state_folder

DEFAULT: Final = "default"
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}").fullmatch


@dataclass(frozen=True)
class Profile:
    """One section of ``config.toml``. Empty: not set."""

    server: str = ""
    """Connection string of the server, pesan://HOST:PORT?key=KEY."""
    user: str = ""
    """The name to log in with when none is given."""


@dataclass(frozen=True)
class Login:
    """A session that was opened: at ``server``, as ``user``.

    ``token`` is a secret, and empty when the session is over.
    """

    server: str
    user: str
    token: bytes
    session: int
    local: bool = False
    """The server was found in this machine's data folder: look there again instead."""


def checked_name(name: str) -> str:
    """``name`` if it may name a profile (it becomes part of a file's name)."""
    if not _NAME(name):
        raise Mistake(f"{name!r} cannot name a profile: use letters, digits, dots, dashes.", USAGE)
    return name


def config_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where profiles are written down."""
    return config_folder(environment) / "config.toml"


def load(name: str, environment: Mapping[str, str] = os.environ) -> Profile:
    """The profile of this name; an empty one where the file does not mention it."""
    file = config_file(environment)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Profile()
    except (OSError, ValueError) as error:
        raise Mistake(f"{file}: {error}", USAGE) from None
    return parse(text, str(file)).get(name, Profile())


def parse(text: str, origin: str) -> dict[str, Profile]:
    """Every profile of a file. Raises ``Mistake`` that names the place of what is wrong."""
    import tomllib

    try:
        tables = tomllib.loads(text)
    except ValueError as error:
        raise Mistake(f"{origin}: {error}", USAGE) from None
    sections = tables.pop("profile", {})
    if tables or not isinstance(sections, dict):
        strange = next(iter(tables), "profile")
        raise Mistake(f"{origin}: {strange!r} is unknown; settings go under [profile.NAME].", USAGE)
    return {name: _profile(name, section, origin) for name, section in sections.items()}


def _profile(name: str, section: Any, origin: str) -> Profile:
    known = {field.name for field in fields_of(Profile)}
    if not isinstance(section, dict):
        raise Mistake(f"{origin}: {name!r} must be a section, [profile.{name}].", USAGE)
    for key, value in section.items():
        if key not in known:
            raise Mistake(f"{origin}: [profile.{name}] knows no {key!r}, only {sorted(known)}.", USAGE)
        if not isinstance(value, str):
            raise Mistake(f"{origin}: [profile.{name}] {key} must be text.", USAGE)
    return Profile(**section)


# --- the session ----------------------------------------------------------------------------------


def login_file(name: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Where the session of a profile is remembered."""
    return state_folder(environment) / f"{name}.json"


def record_file(name: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Where a profile keeps marks of what it was handed out, and where its readers stopped."""
    return state_folder(environment) / f"{name}.seen"


def load_login(name: str, environment: Mapping[str, str] = os.environ) -> Login | None:
    """The session of a profile; None when there is none, or the file makes no sense."""
    file = login_file(name, environment)
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        return Login(
            server=str(stored["server"]),
            user=str(stored["user"]),
            token=bytes.fromhex(stored["token"]),
            session=int(stored["session"]),
            local=bool(stored.get("local", False)),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    except OSError as error:
        raise Mistake(f"{file}: {error.strerror}") from None


def save_login(name: str, login: Login, environment: Mapping[str, str] = os.environ) -> None:
    """Remember a session, readable by its owner alone: whole or not at all."""
    file = login_file(name, environment)
    private_folder(file.parent)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    stored = {
        "server": login.server,
        "local": login.local,
        "user": login.user,
        "session": login.session,
        "token": login.token.hex(),
    }
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(json.dumps(stored) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def forget_login(name: str, environment: Mapping[str, str] = os.environ) -> None:
    """Keep the token no longer; where the server is, and who we were there, are no secrets."""
    login = load_login(name, environment)
    if login is not None:
        save_login(name, replace(login, token=b"", session=0), environment)
