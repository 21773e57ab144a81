"""Where the server is: what was named, what the profile says, or this machine's own data folder.

Belongs here: turning those into a connection string. Whether anyone answers there is found out later.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from client.cli.exits import OFFLINE, USAGE, Mistake
from client.cli.profiles import Login, Profile
from config import whereabouts
from config.folders import server_home
from protocol import connection_string
from protocol.connection_string import ConnectionString

if TYPE_CHECKING:
    from config.settings import Settings

PATIENCE: Final = 1.0
"""Seconds that the name of a host may take to be looked up, when the server was not reached anyway."""


class Place(NamedTuple):
    """A server. ``local``: found in this machine's data folder."""

    server: ConnectionString
    local: bool = False

    def same(self, login: Login) -> bool:
        """Whether a session belongs to this server, so that its token may be shown to it."""
        try:
            return self.server.same_server(connection_string.parse(login.server))
        except ValueError:
            return False


def find(
    named: str, profile: Profile, login: Login | None, environment: Mapping[str, str] = os.environ
) -> Place:
    """The server: ``--server``, PESAN_SERVER, the profile's (or where it logged in), the local one."""
    remembered = login.server if login and not login.local else ""
    for text, origin in (
        (named, "--server"),
        (environment.get("PESAN_SERVER", ""), "PESAN_SERVER"),
        (profile.server, "the profile's server"),
        (remembered, "the remembered server"),
    ):
        if text:
            return Place(_parsed(text, origin))
    for home in local_homes(environment):
        found = local_server(home, environment)
        if found is not None:
            return Place(found, local=True)
    raise Mistake(
        "no server is known: start one here (pesan up), or name one with --server or PESAN_SERVER.", OFFLINE
    )


def local_homes(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Data folders to look into: the one that is set, or the usual one and a checkout's own ``var``."""
    if environment.get("PESAN_HOME"):
        return [server_home(environment)]
    checkout = Path(__file__).resolve().parents[2]
    beside = [checkout / "var"] if (checkout / "Procfile").is_file() else []
    return [server_home(environment), *beside]


def local_server(home: Path, environment: Mapping[str, str] = os.environ) -> ConnectionString | None:
    """The server whose data folder this is; None when none was ever started there.

    It is where it said that it listens, unless PESAN_HOST or PESAN_PORT_BASE say otherwise now.
    """
    key_file = home / "server.key"
    try:
        if not key_file.is_file():
            return None
        left = whereabouts.left(home)
        noted = connection_string.parse(left) if left else None
    except PermissionError:
        return None  # somebody else's
    except ValueError:
        raise Mistake(f"{whereabouts.file_of(home)} is damaged; delete it.") from None
    moved = any(environment.get(variable) for variable in ("PESAN_HOST", "PESAN_PORT_BASE"))
    if noted is not None and not moved:
        return noted
    settings = _settings(home, environment)
    host, port = whereabouts.EVERYWHERE.get(settings.host, settings.host), settings.port_base
    encrypted = settings.curve
    if noted is not None:
        host = host if environment.get("PESAN_HOST") else noted.host
        port = port if environment.get("PESAN_PORT_BASE") else noted.port
        encrypted = bool(noted.key) or not settings.loopback
    return ConnectionString(host, port, _public_key(key_file) if encrypted else b"")


def _settings(home: Path, environment: Mapping[str, str]) -> Settings:
    from config.loading import SettingsError, load

    try:
        return load(environment, home)
    except SettingsError as error:
        raise Mistake(str(error)) from None


def _public_key(file: Path) -> bytes:
    """The public half only: the first of the two lines."""
    from zmq.utils import z85

    try:
        with file.open("rb") as stream:
            key = z85.decode(stream.readline().strip())
    except ValueError:
        key = b""
    if len(key) != connection_string.KEY_BYTES:
        raise Mistake(f"{file} is damaged.")
    return key


def why_not(server: ConnectionString) -> str:
    """What to look at when a server is not reached; asks for the address of its host, but not for long."""
    if server.host == "localhost" or server.host.startswith("127.") or server.host == "::1":
        return "is it running? (pesan up)"
    if _has_no_address(server.host):
        return f"there is no host {server.host}."
    return "is it running, and can this machine reach it?"


def _has_no_address(host: str) -> bool:
    import socket
    import threading

    missing = False

    def ask() -> None:
        nonlocal missing
        try:
            socket.getaddrinfo(host, None)
        except (OSError, UnicodeError):
            missing = True

    asking = threading.Thread(target=ask, daemon=True, name="resolver")
    asking.start()
    asking.join(PATIENCE)
    return missing


def _parsed(text: str, origin: str) -> ConnectionString:
    try:
        return connection_string.parse(text)
    except ValueError as error:
        raise Mistake(f"{origin}: {error}", USAGE) from None
