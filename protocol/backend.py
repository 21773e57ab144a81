"""What the broker and its workers say to each other, over a socket that no client can reach.

    worker → broker   [1, "beat", service, name, capacity]      every heartbeat, and at once on start
                      [1, "done", replies, events, effects]     results of a batch, after its commit
    broker → worker   [1, "work", [call, ...]]                  a batch, in order
                      [1, "tell", payload]                      something was committed; see TELL
                      [1, "probe"]                              are you there? answered with a beat; also
                                                                said to a newcomer, who now is known
                      [1, "stop"]                               no more work will come (see capacity 0)

A beat *is* the registration. Capacity is how many calls the worker will hold at once; 0 means that
it is about to end. ``replies`` are [handle, status, body], with a status "ok", a code of ``protocol.errors``
or ELSEWHERE; ``events`` are whole event frames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import msgpack
import msgspec
from msgspec import Meta

from protocol import VERSION

T = TypeVar("T")

BEAT: Final = "beat"
DONE: Final = "done"
WORK: Final = "work"
PROBE: Final = "probe"
STOP: Final = "stop"
TELL: Final = "tell"
"""Effect [TELL, service, payload]: hand these bytes to the workers of that service. Empty ones say: look
whether there is something to do, and are handed over once a turn. Any may be lost."""

ELSEWHERE: Final = "elsewhere"
"""Status of a reply: nothing was done, the same request is the realm process's. No client ever sees it."""
REALM: Final = "realm"
"""The service of the realm process."""

OPEN: Final = "open"
"""Effect [OPEN, token, session, user_id, user]: the broker may stamp requests that bear this token."""
CLOSE: Final = "close"
"""Effect [CLOSE, session]: forget the session, at once."""


class Call(NamedTuple):
    """One request on its way to a worker, stamped by the broker.

    ``user_id`` and ``session`` are 0 for a caller without a session; ``devices`` says whether the
    user listens on more than the connection that asked. ``handle`` comes back in the reply.
    ``address``: the network address it came from, where the command's rate is counted by address;
    else empty. ``gateway``: it came from a gateway, in whose session nobody else ever asked anything.
    """

    handle: int
    command: str
    user_id: int
    user: str
    session: int
    devices: bool
    body: bytes
    address: str = ""
    gateway: bool = False


def call(fields: tuple[Any, ...]) -> Call:
    """A ``Call`` from its nine fields, cheaper than by calling the class: there is one per request."""
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


def pack_tell(payload: bytes) -> bytes:
    """What a service is told."""
    return _pack((VERSION, TELL, payload))


def pack_signal(kind: str) -> bytes:
    """``PROBE`` or ``STOP``."""
    return _pack((VERSION, kind))


def unpack(frame: bytes) -> tuple[Any, ...]:
    """The fields after the version. Raises ``ValueError`` when it is none of ours.

    The fields of each kind are made sure of by ``read_beat``, ``read_done`` and ``read_work``.
    """
    fields = msgpack.unpackb(frame, use_list=False, max_ext_len=0)
    if type(fields) is not tuple or len(fields) < 2 or fields[0] != VERSION:
        raise ValueError("not a backend message")
    return fields[1:]


_Replies = tuple[tuple[int, str, bytes], ...]
_Events = tuple[bytes, ...]
_Effects = tuple[tuple[Any, ...], ...]
_Capacity = Annotated[int, Meta(ge=0)]


def read_beat(fields: Sequence[Any]) -> tuple[str, str, int]:
    """Service, name and capacity of a ``BEAT``. Raises ``ValueError``, as the next two do."""
    return _fit(fields[:3], tuple[str, str, _Capacity])


def read_done(fields: Sequence[Any]) -> tuple[_Replies, _Events, _Effects]:
    """Replies, events and effects of a ``DONE``; what an effect holds is read when it is carried out."""
    return _fit(fields[:3], tuple[_Replies, _Events, _Effects])


def read_work(fields: Sequence[Any]) -> list[Call]:
    """The calls of a ``WORK``."""
    return _fit(fields[:1], tuple[list[Call]])[0]


def read_tell(fields: Sequence[Any]) -> bytes:
    """The payload of a ``TELL`` as a worker hears it."""
    return _fit(fields[:1], tuple[bytes])[0]


def read_telling(fields: Sequence[Any]) -> tuple[str, bytes]:
    """Service and payload of the effect ``TELL``, without its name."""
    return _fit(fields[:2], tuple[str, bytes])


def read_open(fields: Sequence[Any]) -> tuple[bytes, int, int, str]:
    """Token, session, user's number and name of an ``OPEN``, without its name."""
    return _fit(fields[:4], tuple[bytes, int, int, str])


def read_close(fields: Sequence[Any]) -> int:
    """The session of a ``CLOSE``, without its name."""
    return _fit(fields[:1], tuple[int])[0]


def _fit(fields: Sequence[Any], shape: type[T]) -> T:
    """The fields, typed. Bytes are told to be known, else text in base64 would do for them."""
    return msgspec.convert(fields, shape, builtin_types=(bytes,))
