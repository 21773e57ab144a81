"""Reading the settings: once at start, from ``pesan.toml`` in the data folder and from ``PESAN_*`` in the
environment, which wins.

Which settings there are is ``settings``', and what is wrong with one, in words, ``mistakes``'.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from config.folders import server_home
from config.readiness import SIGNS
from config.settings import Settings

_FROM_ENVIRONMENT = {
    "PESAN_HOST": "host",
    "PESAN_ADVERTISE": "advertise",
    "PESAN_PORT_BASE": "port_base",
    "PESAN_CURVE": "curve",
    "PESAN_REALM": "realm",
    "PESAN_DATABASE": "database",
    "PESAN_FILES": "file_storage",
    "PESAN_RATE_LIMITS": "rate_limits",
}
"""Variables and the settings that they override."""
_SWITCHES = ("curve", "rate_limits")
_WORDS = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
"""Words for a switch in the environment. Only there: a realm may be called ``no``."""
_DATABASES = ("postgresql://", "postgres://")


class SettingsError(Exception):
    """A setting is unknown, of the wrong type or out of bounds. The text names it and its place."""


def load(environment: Mapping[str, str] = os.environ, home: Path | None = None) -> Settings:
    """The settings of the server whose data folder is ``home`` (default: ``PESAN_HOME``).

    Raises ``SettingsError``, with a sentence that names the setting and where it was read.
    """
    home = home or server_home(environment)
    file = home / "pesan.toml"
    fields = _from_file(file)
    origin = {name: str(file) for name in fields}
    for variable, name in _FROM_ENVIRONMENT.items():
        if environment.get(variable, "") != "":
            text = environment[variable]
            fields[name] = _WORDS.get(text.lower(), text) if name in _SWITCHES else text
            origin[name] = variable
    if "home" in fields:
        raise SettingsError(f"{file}: the data folder is set by PESAN_HOME, not in its own file.")
    return _checked({**fields, "home": home}, origin, file)


def _from_file(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise SettingsError(f"{file} cannot be read: it is no text in UTF-8.") from None
    import tomllib  # here, for many a server has no such file

    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise SettingsError(f"{file}: {error}") from None


def _path(kind: type, value: Any) -> Any:
    """msgspec has no paths of its own; ours arrives as one already."""
    if isinstance(value, kind):
        return value
    raise NotImplementedError(kind)


def _checked(fields: dict[str, Any], origin: dict[str, str], file: Path) -> Settings:
    try:
        settings = msgspec.convert(fields, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        from config import mistakes  # here, for few make any

        section, name = mistakes.place(str(error))
        said = mistakes.sentence(str(error), fields, Settings)
        raise SettingsError(f"{origin.get(section or name, str(file))}: {said}") from None
    if re.fullmatch(r"\[.*:.*\]", settings.host):  # IPv6 as it stands in an address with a port
        settings = msgspec.structs.replace(settings, host=settings.host[1:-1])
    if settings.database and not settings.database.startswith(_DATABASES):
        # All of it is not shown: it may hold a password.
        raise SettingsError(
            f"{origin['database']}: the database must be postgresql://USER@HOST/NAME, "
            "or empty for SQLite in the data folder."
        )
    if 0 < settings.watchdog_timeout < SIGNS * settings.worker_heartbeat:
        # An idle worker wakes for its heartbeats alone, and would be killed for its silence in between.
        raise SettingsError(
            f"{origin.get('watchdog_timeout', str(file))}: watchdog_timeout must be 0 or at least "
            f"{SIGNS * settings.worker_heartbeat:g}, {SIGNS} times worker_heartbeat, "
            f"not {settings.watchdog_timeout:g}."
        )
    realm = settings.realm or _host_realm()
    if not re.fullmatch(r"[a-z0-9.-]{1,64}", realm):
        raise SettingsError(
            f"{origin.get('realm', 'host name')}: {realm!r} is no realm: a-z, 0-9, dots, dashes."
        )
    if not settings.curve and not settings.loopback:
        raise SettingsError(
            f"{origin.get('curve', str(file))}: curve may be off only on a loopback address, "
            f"and host is {settings.host}."
        )
    return msgspec.structs.replace(settings, realm=realm)


def _host_realm() -> str:
    return re.sub(r"[^a-z0-9.-]", "-", socket.gethostname().lower())[:64] or "pesan"
