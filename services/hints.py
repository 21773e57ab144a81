"""What handlers tell the realm process: there is something to do, or somebody comes, goes or types.

    payload = b""                              there are new rows in an outbox
            | msgpack ["typing", user, to]     ``user`` is typing to ``to``
            | msgpack ["presence", [user, …]]  these users came online or went offline

A handler says it with ``ctx.effect(backend.TELL, "realm", payload)``, after the commit it goes to every
worker of that service. It may be lost and does no harm then: outboxes are looked at every second, presence is
told whole whenever a line to a peer begins, and typing is over in some moments.

Belongs here: the shapes and their bytes, for those who tell and for the one who is told. Not here: what is
done about them (``services.realm``). Imports ``protocol`` alone, for every service may import it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, NamedTuple

import msgpack
import msgspec
from msgspec import Meta

from protocol import backend
from protocol.body import Address, Id

SERVICE: Final = backend.REALM
"""The service whose workers are told."""

WAKE: Final = b""
"""Look into your outboxes."""

MOST: Final = 1000
"""Users in one ``Presence``; ``presence`` makes as many payloads as it takes."""

_TYPING: Final = "typing"
_PRESENCE: Final = "presence"


class Typing(NamedTuple):
    """A member of a conversation that reaches into other realms is typing.

    ``user``: as their row is named, so a foreigner in a group of ours is ``bob@b``. ``to``: as members here
    write it: ``bob@b``, ``#team@b``, or ``#ops`` for a group of ours that has foreign members.
    """

    user: str
    to: str


class Presence(NamedTuple):
    """Users of ours, by number, who came or went. Whether they are online now is in the store."""

    users: tuple[int, ...]


Hint = Typing | Presence

_pack: Callable[[Any], bytes] = msgpack.Packer(autoreset=True).pack
_Person = Annotated[str, Meta(min_length=1, max_length=128)]


def typing(user: str, to: str) -> bytes:
    """The payload that says that somebody is typing."""
    return _pack((_TYPING, user, to))


def presence(users: Sequence[int]) -> list[bytes]:
    """The payloads that say that these have come or gone."""
    parts = [users[start : start + MOST] for start in range(0, len(users), MOST)]
    return [_pack((_PRESENCE, part)) for part in parts]


def unpack(payload: bytes) -> Hint | None:
    """What was told; None is ``WAKE``. Raises ``ValueError`` when it is none of these."""
    if payload == WAKE:
        return None
    try:
        kind, *fields = msgpack.unpackb(payload, use_list=False, max_ext_len=0)
        if kind == _TYPING:
            return Typing(*msgspec.convert(fields, tuple[_Person, Address]))
        if kind == _PRESENCE:
            return Presence(*msgspec.convert(fields, tuple[tuple[Id, ...]]))
    except Exception as error:  # msgpack raises half a dozen kinds
        raise ValueError("not a hint") from error
    raise ValueError("not a hint")
