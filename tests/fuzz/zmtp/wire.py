"""The bytes of ZMTP 3.1 (https://rfc.zeromq.org/spec/37/), with every number open to lies."""

from __future__ import annotations

from typing import Final

SIGNATURE: Final = b"\xff" + bytes(8) + b"\x7f"
MORE: Final = 1
LONG: Final = 2
COMMAND: Final = 4


def greeting(
    version: tuple[int, int] = (3, 1),
    mechanism: bytes = b"NULL",
    as_server: int = 0,
    filler: bytes = bytes(31),
    signature: bytes = SIGNATURE,
) -> bytes:
    """The 64 bytes that begin a connection."""
    return signature + bytes(version) + mechanism.ljust(20, b"\0")[:20] + bytes([as_server]) + filler


def frame(body: bytes, flags: int = 0, claim: int | None = None) -> bytes:
    """One frame. ``claim``: the length that it says it has; long where it must be or ``flags`` say so."""
    length = len(body) if claim is None else claim
    if length > 255 or flags & LONG:
        return bytes([flags | LONG]) + length.to_bytes(8, "big") + body
    return bytes([flags, length]) + body


def command(name: bytes, data: bytes = b"", name_length: int | None = None) -> bytes:
    """A command frame."""
    length = len(name) if name_length is None else name_length
    return frame(bytes([length & 255]) + name + data, COMMAND)


def entry(
    name: bytes, value: bytes, name_length: int | None = None, value_length: int | None = None
) -> bytes:
    """One property of a READY, INITIATE or the like."""
    first = len(name) if name_length is None else name_length
    second = len(value) if value_length is None else value_length
    return bytes([first & 255]) + name + (second & 0xFFFFFFFF).to_bytes(4, "big") + value


def ready(socket_type: bytes, identity: bytes = b"") -> bytes:
    """The READY of the NULL mechanism."""
    return command(b"READY", entry(b"Socket-Type", socket_type) + entry(b"Identity", identity))


def ping(context: bytes, ttl: int = 0) -> bytes:
    """A heartbeat. A context is 16 bytes at most, by the book."""
    return command(b"PING", ttl.to_bytes(2, "big") + context)
