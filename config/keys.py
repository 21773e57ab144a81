"""The server's secrets: made by whoever needs them first, kept in the data folder, their owner's alone.

Belongs here: the CURVE key pair, and what a gateway shows to the broker to be believed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import zmq

from config.folders import private_folder

Z85_LENGTH: Final = 40
"""A key of 32 bytes in ZeroMQ's text form."""


GATEWAY_SECRET_BYTES: Final = 32


class KeyPair(NamedTuple):
    """A CURVE key pair in ZeroMQ's Z85 text form, 40 bytes each."""

    public: bytes
    secret: bytes


def server_keys(home: Path) -> KeyPair:
    """The key pair in ``home``, made now if there is none. Safe when several processes start at once.

    Raises ``PermissionError`` when the file can be read by others, ``OSError`` when it is damaged.
    """
    file = private_folder(home) / "server.key"
    keys = _content(file, lambda: b"\n".join(zmq.curve_keypair())).split()
    if [len(key) for key in keys] != [Z85_LENGTH, Z85_LENGTH]:
        raise OSError(f"{file} is damaged; restore it, or delete it and give every client the new key")
    return KeyPair(*keys)


def gateway_secret(home: Path) -> bytes:
    """The 32 bytes by which the broker knows a gateway, from ``home``; in the file they are in hex.

    Made now if there are none. Raises as ``server_keys``.
    """
    file = private_folder(home) / "gateway.key"
    text = _content(file, lambda: os.urandom(GATEWAY_SECRET_BYTES).hex().encode())
    try:
        secret = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        secret = b""
    if len(secret) != GATEWAY_SECRET_BYTES:
        raise OSError(f"{file} is damaged; delete it and restart broker and gateway, which make another")
    return secret


def _content(file: Path, make: Callable[[], bytes]) -> bytes:
    """What is in ``file``, which nobody else can read; made now if there is no such file."""
    if not file.exists():
        _create(file, make())
    if file.stat().st_mode & 0o077:
        raise PermissionError(f"{file} can be read by others; run: chmod 600 {file}")
    return file.read_bytes()


def _create(file: Path, content: bytes) -> None:
    """Write beside ``file`` and link it there: whole or not at all, and the first one wins."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, content + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
