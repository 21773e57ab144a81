"""The server's CURVE key pair: made on the first start, kept in the data folder, its owner's alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

import zmq

from config.folders import private_folder

Z85_LENGTH: Final = 40
"""A key of 32 bytes in ZeroMQ's text form."""


class KeyPair(NamedTuple):
    """A CURVE key pair in ZeroMQ's Z85 text form, 40 bytes each."""

    public: bytes
    secret: bytes


def server_keys(home: Path) -> KeyPair:
    """The key pair in ``home``, made now if there is none. Safe when several processes start at once.

    Raises ``PermissionError`` when the file can be read by others, ``OSError`` when it is damaged.
    """
    file = private_folder(home) / "server.key"
    if not file.exists():
        _create(file)
    if file.stat().st_mode & 0o077:
        raise PermissionError(f"{file} can be read by others; run: chmod 600 {file}")
    keys = file.read_bytes().split()
    if [len(key) for key in keys] != [Z85_LENGTH, Z85_LENGTH]:
        raise OSError(f"{file} is damaged; restore it, or delete it and give every client the new key")
    return KeyPair(*keys)


def _create(file: Path) -> None:
    """Write a new pair beside ``file`` and link it there: whole or not at all, and the first one wins."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, b"\n".join(zmq.curve_keypair()) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
