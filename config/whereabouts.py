"""Where the server of a data folder listens: left there by the broker, for the clients of the same user.

One line, the connection string, in ``run/connection``. It stays when the server ends: a server that is
down is looked for where it was. Reading it needs no setting, so that no mistake in the settings keeps a
client from a server that runs. Beside it, in ``run/realm``, the realm process leaves how other realms know
the server: its name, and the port.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from config.folders import private_folder

EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Addresses to bind that nobody can connect to, and one that a client on this machine can."""


REALM: Final = "realm"
"""The file in ``run`` with the realm's name and port."""


def file_of(home: Path, name: str = "connection") -> Path:
    """The file in this data folder."""
    return home / "run" / name


def leave(home: Path, connection: str, name: str = "connection") -> None:
    """Write it, unless it stands there: whole or not at all, for its owner alone. Raises ``OSError``."""
    if left(home, name) == connection:
        return
    file = file_of(home, name)
    private_folder(file.parent)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(f"{connection}\n")
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def left(home: Path, name: str = "connection") -> str:
    """What was left there; empty where no server ever listened. Raises ``PermissionError``."""
    try:
        return file_of(home, name).read_text(encoding="utf-8").strip()
    except PermissionError:
        raise
    except (OSError, ValueError):
        return ""
