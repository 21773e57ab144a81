"""The three frames a client exchanges with the broker: request, reply, event.

    request = msgpack [1, request_id, token, command, body, origin?]
    reply   = msgpack [1, request_id, status, body]
    event   = topic (16 bytes) + msgpack [1, kind, body]

``body`` is always bin: a msgpack map packed by itself, which the broker never opens. Limits on
length, nesting and ext types are set here, before anyone looks at a login.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgpack

from protocol import VERSION
from protocol.errors import OK, Invalid
from protocol.limits import (
    COMMAND_MAX_LENGTH,
    LIST_MAX_LENGTH,
    NESTING_MAX_DEPTH,
    REPLY_MAX_BYTES,
    REQUEST_MAX_BYTES,
    TOPIC_BYTES,
)

UINT64_MAX = 2**64 - 1


class NotAnEnvelope(ValueError):
    """Bytes that are no envelope at all: there is nobody to answer, so they are counted and dropped."""


class Request(NamedTuple):
    """One request. ``request_id`` is a uint64; ``token`` 16 bytes or empty; ``body`` packed bytes.

    ``origin``: the network address of whom a gateway speaks for. Anybody can write anything there, so it is
    worth nothing from anyone but a gateway.
    """

    version: int
    request_id: int
    token: bytes
    command: str
    body: bytes
    origin: str = ""


class Reply(NamedTuple):
    """One reply. ``status`` is ``"ok"`` or an error code; ``body`` packed bytes."""

    version: int
    request_id: int
    status: str
    body: bytes


class Event(NamedTuple):
    """One event as heard: 16-byte topic, kind, packed body."""

    topic: bytes
    kind: str
    body: bytes


def _no_ext(code: int, data: bytes) -> Any:
    raise ValueError("ext types are not part of the protocol")


def unpack_request(frame: bytes) -> Request:
    """Read a request frame.

    Raises ``NotAnEnvelope`` when the bytes are not a msgpack list that begins with a version and a
    request id. A frame of another version comes back with empty token, command and body, so that
    the caller can answer ``version``; one whose later fields are wrong raises ``BadRequest``.
    """
    try:
        fields = msgpack.unpackb(
            frame,
            use_list=False,
            max_str_len=COMMAND_MAX_LENGTH,
            max_bin_len=REQUEST_MAX_BYTES,
            max_array_len=16,
            max_map_len=0,
            max_ext_len=0,
        )
    except Exception as error:  # msgpack raises many types, all of them on the peer's account
        return _unusual(_first_two(frame, error))
    # One look at the common case; the rest of the function names what is wrong.
    if type(fields) is tuple and len(fields) >= 5:
        version, request_id, token, command, body = fields[:5]
        if (
            version == VERSION
            and type(version) is int
            and type(request_id) is int
            and request_id >= 0
            and type(token) is bytes
            and type(command) is str
            and type(body) is bytes
        ):
            if len(fields) == 5:
                return _new(Request, fields + _NO_ORIGIN)
            return _new(Request, fields[:6] if type(fields[5]) is str else fields[:5] + _NO_ORIGIN)
    return _unusual(fields)


def _first_two(frame: bytes, error: Exception) -> tuple[Any, ...]:
    """Version and request id of a frame that is not whole or breaks a limit, so that it can be answered."""
    unpacker = msgpack.Unpacker(
        max_buffer_size=32, max_str_len=0, max_bin_len=0, max_array_len=0, max_map_len=0, max_ext_len=0
    )
    unpacker.feed(frame[:32])
    try:
        # The header may claim four billion elements: all that matters is whether it claims two.
        if unpacker.read_array_header() < 2:
            raise NotAnEnvelope("not a list of two")
        return unpacker.unpack(), unpacker.unpack()
    except Exception:
        raise NotAnEnvelope(type(error).__name__) from None


_NO_ORIGIN = ("",)
_new = tuple.__new__
"""Makes a named tuple at a third of what calling its class costs; for the one per request."""


class BadRequest(Invalid):
    """An envelope with a request id, so it can be answered, whose other fields are wrong."""

    def __init__(self, request_id: int, message: str) -> None:
        super().__init__(message)
        self.request_id = request_id


def _unusual(fields: object) -> Request:
    """A frame that is not a plain version-1 request: another version, or a fault to name."""
    if type(fields) is not tuple or len(fields) < 2:
        raise NotAnEnvelope("not a list")
    version, request_id = fields[:2]
    if type(version) is not int or type(request_id) is not int or request_id < 0:
        raise NotAnEnvelope("no version and request id")
    if version != VERSION:
        return Request(version, request_id, b"", "", b"")
    raise BadRequest(
        request_id,
        "A request has five fields: version, request_id, token (bin), command (str), "
        "body (bin that holds a packed map).",
    )


_pack: Callable[[Any], bytes] = msgpack.Packer(autoreset=True).pack


def pack_request(request_id: int, token: bytes, command: str, body: bytes, origin: str = "") -> bytes:
    """A request frame. ``origin``: a gateway's word on where it comes from; only then has it six elements."""
    if origin:
        return _pack((VERSION, request_id, token, command, body, origin))
    return _pack((VERSION, request_id, token, command, body))


def pack_reply(request_id: int, status: str, body: bytes) -> bytes:
    """A reply frame."""
    return _pack((VERSION, request_id, status, body))


def pack_event(topic: bytes, kind: str, body: bytes) -> bytes:
    """An event frame. ``topic`` is 16 bytes."""
    return topic + _pack((VERSION, kind, body))


def unpack_reply(frame: bytes) -> Reply:
    """Read a reply frame; raises ``NotAnEnvelope`` for anything else."""
    fields = _fields(frame, REPLY_MAX_BYTES)
    if (
        len(fields) >= 4
        and type(fields[0]) is int
        and type(fields[1]) is int
        and type(fields[2]) is str
        and type(fields[3]) is bytes
        and fields[0] == VERSION
    ):
        return Reply(*fields[:4])
    raise NotAnEnvelope("not a reply")


def unpack_event(frame: bytes) -> Event:
    """Read an event frame; raises ``NotAnEnvelope`` for anything else."""
    fields = _fields(frame[TOPIC_BYTES:], REPLY_MAX_BYTES)
    if (
        len(fields) >= 3
        and type(fields[0]) is int
        and type(fields[1]) is str
        and type(fields[2]) is bytes
        and fields[0] == VERSION
    ):
        return Event(frame[:TOPIC_BYTES], fields[1], fields[2])
    raise NotAnEnvelope("not an event")


def _fields(frame: bytes, most: int) -> tuple[Any, ...]:
    try:
        fields = msgpack.unpackb(
            frame, use_list=False, max_bin_len=most, max_array_len=16, max_map_len=0, max_ext_len=0
        )
    except Exception as error:
        raise NotAnEnvelope(type(error).__name__) from None
    if type(fields) is not tuple:
        raise NotAnEnvelope("not a list")
    return fields


def pack_body(body: Any) -> bytes:
    """A body's map (or ``msgspec.to_builtins`` of a struct) as packed bytes."""
    return _pack(body)


def unpack_body(body: bytes) -> dict[str, Any]:
    """Open a request's body: a msgpack map with string keys and bounded nesting.

    Raises ``Invalid`` with a sentence. An empty bin counts as an empty map.
    """
    if not body:
        return {}
    try:
        fields = msgpack.unpackb(body, ext_hook=_no_ext, max_ext_len=0, max_array_len=LIST_MAX_LENGTH)
    except Exception as error:  # msgpack raises many types, all of them on the peer's account
        raise Invalid(f"The body is not msgpack ({type(error).__name__}).") from None
    if type(fields) is not dict:
        raise Invalid("The body is not a map.")
    nested = False
    for key, value in fields.items():
        if type(key) is not str:
            raise Invalid("The body has a field whose name is not a str.")
        nested = nested or type(value) is dict or type(value) is list
    if nested:
        _check_depth(fields)
    return fields


def _check_depth(value: Any) -> None:
    layer = [value]
    for _ in range(NESTING_MAX_DEPTH):
        below: list[Any] = []
        for item in layer:
            if type(item) is dict:
                below.extend(item.values())
            elif type(item) is list:
                below.extend(item)
        layer = [item for item in below if type(item) in (dict, list)]
        if not layer:
            return
    raise Invalid(f"The body nests deeper than {NESTING_MAX_DEPTH}.")


__all__ = [
    "OK",
    "BadRequest",
    "Event",
    "NotAnEnvelope",
    "Reply",
    "Request",
    "pack_body",
    "pack_event",
    "pack_reply",
    "pack_request",
    "unpack_body",
    "unpack_event",
    "unpack_reply",
    "unpack_request",
]
