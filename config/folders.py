"""Which folder holds what: the server's data folder, and a person's own configuration and state."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

SOCKET_PATH_MAX: Final = 100
"""Longest path of a Unix socket that every system accepts (the kernel's is 107), in bytes."""


def server_home(environment: Mapping[str, str] = os.environ) -> Path:
    """The server's data folder: ``PESAN_HOME``, else ``pesan`` in the XDG data folder."""
    named = environment.get("PESAN_HOME")
    if named:
        return Path(named).expanduser().absolute()
    return _xdg(environment, "XDG_DATA_HOME", ".local/share") / "pesan"


def config_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where a person's client keeps its configuration."""
    return _xdg(environment, "XDG_CONFIG_HOME", ".config") / "pesan"


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where a person's client keeps what it must remember: sessions, read positions, history of input."""
    return _xdg(environment, "XDG_STATE_HOME", ".local/state") / "pesan"


def _xdg(environment: Mapping[str, str], variable: str, default: str) -> Path:
    named = environment.get(variable)
    if named and Path(named).is_absolute():
        return Path(named)
    return Path(environment.get("HOME") or Path.home()) / default


def private_folder(path: Path) -> Path:
    """``path``, made if needed, readable by its owner alone. Raises ``OSError`` with a sentence."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.chmod(0o700)
    except (FileExistsError, NotADirectoryError):
        raise NotADirectoryError(
            f"{path} cannot be a folder, for a file is in its place or above it"
        ) from None
    except PermissionError:
        raise PermissionError(
            f"{path} cannot be written by this user; PESAN_HOME names another folder"
        ) from None
    except OSError as error:
        raise OSError(f"{path} cannot be made: {error.strerror}") from None
    return path


def socket_folder(home: Path) -> Path:
    """Where our own processes keep their Unix sockets: ``run`` in the data folder.

    A path too long for a Unix socket is replaced by a private folder under the temporary one,
    named after it, so that every process of one installation finds the same.
    """
    folder = home / "run"
    if len(os.fsencode(folder / "backend.sock")) <= SOCKET_PATH_MAX:
        return private_folder(folder)
    import hashlib  # here, for every process that starts would pay for what few need
    import tempfile

    short = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"pesan-{os.getuid()}-{short}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.getuid() or folder.is_symlink():
        raise PermissionError(f"{folder} belongs to someone else; set PESAN_HOME to a shorter path")
    folder.chmod(0o700)
    return folder
