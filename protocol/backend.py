"""What the broker and its workers say to each other, over a socket that no client can reach.

    worker → broker   [1, "beat", service, name, capacity]      every heartbeat, and at once on start
                      [1, "done", replies, events, effects]     results of a batch, after its commit
    broker → worker   [1, "work", [call, ...]]                  a batch, in order
                      [1, "probe"]                              are you there? answered with a beat; also
                                                                said to a newcomer, who now is known
                      [1, "stop"]                               no more work will come (see capacity 0)

A beat *is* the registration. Capacity is how many calls the worker will hold at once; 0 means that
it is about to end. ``replies`` are [handle, status, body]; ``events`` are whole event frames.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgpack

from protocol import VERSION

BEAT: Final = "beat"
DONE: Final = "done"
WORK: Final = "work"
PROBE: Final = "probe"
STOP: Final = "stop"

OPEN: Final = "open"
"""Effect [OPEN, token, session, user_id, user]: the broker may stamp requests that bear this token."""
CLOSE: Final = "close"
"""Effect [CLOSE, session]: forget the session, at once."""


class Call(NamedTuple):
    """One request on its way to a worker, stamped by the broker.

    ``user_id`` and ``session`` are 0 for a caller without a session; ``devices`` says whether the
    user listens on more than the connection that asked. ``handle`` comes back in the reply.
    """

    handle: int
    command: str
    user_id: int
    user: str
    session: int
    devices: bool
    body: bytes


def call(fields: tuple[Any, ...]) -> Call:
    """A ``Call`` from its seven fields, cheaper than by calling the class: there is one per request."""
    return tuple.__new__(Call, fields)


_pack: Callable[[Any], bytes] = msgpack.Packer(autoreset=True).pack


def pack_beat(service: str, name: str, capacity: int) -> bytes:
    """A heartbeat, which is also the registration."""
    return _pack((VERSION, BEAT, service, name, capacity))


def pack_done(
    replies: list[tuple[int, str, bytes]], events: list[bytes], effects: list[tuple[Any, ...]]
) -> bytes:
    """Everything that came of a batch."""
    return _pack((VERSION, DONE, replies, events, effects))


def pack_work(calls: list[Call]) -> bytes:
    """A batch of calls."""
    return _pack((VERSION, WORK, calls))


def pack_signal(kind: str) -> bytes:
    """``PROBE`` or ``STOP``."""
    return _pack((VERSION, kind))


def unpack(frame: bytes) -> tuple[Any, ...]:
    """The fields after the version. Raises ``ValueError`` when it is none of ours."""
    fields = msgpack.unpackb(frame, use_list=False, max_ext_len=0)
    if type(fields) is not tuple or len(fields) < 2 or fields[0] != VERSION:
        raise ValueError("not a backend message")
    return fields[1:]
