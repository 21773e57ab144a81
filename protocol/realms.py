"""What realms say to each other: one asks, the other answers, over a socket that only paired realms reach.

    request  = msgpack [1, number, kind, body]        body: a packed map, one struct of this file
    reply    = msgpack [1, number, status, body]      status: "ok", or a code of ``protocol.errors``

Who asks is known by the CURVE key of the connection and by nothing that is said. Names of people are
bare: they are the asking realm's own users, for it speaks for no others; only in a group may its home
name members of third realms, as ``name@realm``. All of it is done again without harm: a request whose
answer was lost is simply asked once more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

import msgpack
import msgspec
from msgspec import Meta, field

from protocol import VERSION, limits
from protocol.body import Address, Body, Bytes, Empty, Id, MessageId, Seq
from protocol.files import FileInfo

T = TypeVar("T")

REALM_MAX_LENGTH: Final = 64
FRAME_MAX_BYTES: Final = 4 << 20
"""Largest frame between realms, in bytes. libzmq hangs up on a larger one."""
ITEMS_MAX: Final = 1000
"""Items of one ``deliver``, and messages of one ``push``."""
MEMBERS_MAX: Final = 10_000
"""Members of one realm in a group of another. So many names fit into one ``push``."""
GROUPS_MAX: Final = 1000
"""Groups in which somebody's coming and going is told."""
SECRET_BYTES: Final = 16
"""The one-time secret of an invitation."""

PersonName = Annotated[str, Meta(min_length=1, max_length=limits.NAME_MAX_LENGTH)]
"""A bare name, of a user or (without its mark) of a group."""
RealmName = Annotated[str, Meta(min_length=1, max_length=REALM_MAX_LENGTH)]
Secret = Annotated[bytes, Meta(min_length=SECRET_BYTES, max_length=SECRET_BYTES)]

# --- being there --------------------------------------------------------------------------------


class Hello(Body, frozen=True, omit_defaults=False):
    """Said first on every connection, and every few seconds on a quiet one: I am here.

    ``realm``: the asker's name. ``start``: a number of its process's own, so that one that came back is
    told from one that only lost its connection. ``address``: where it may be reached, '' if it cannot say.
    """

    realm: RealmName
    start: Id
    now: Seq
    address: Annotated[str, Meta(max_length=300)] = ""


class HelloReply(Body, frozen=True, omit_defaults=False):
    """The same of the one who was asked, and the release it runs."""

    realm: RealmName
    start: Id
    now: Seq
    version: Annotated[str, Meta(max_length=64)]


class Pair(Body, frozen=True, omit_defaults=False):
    """Become peers, with the secret of an invitation: the only request of who is no peer yet."""

    realm: RealmName
    secret: Secret
    address: Annotated[str, Meta(max_length=300)]


class PairReply(Body, frozen=True, omit_defaults=False):
    """Done; ``realm`` is the name of the one who was asked.

    ``reached``: it has reached the asker at their address, too, and been answered.
    """

    realm: RealmName
    reached: bool = False


# --- messages, markers, posts -------------------------------------------------------------------


class Item(Body, frozen=True):
    """One thing from the outbox. ``n``: its number there; ``user`` did it; ``to``: a name of the asked realm.

    ``message``: to the user ``to``. ``post``: to the group ``to``. ``read``: ``user`` has read their
    conversation with ``to`` up to the message ``id`` of ``to``'s. ``leave``: ``user`` left the group ``to``.
    """

    n: Id
    kind: str
    user: PersonName
    to: PersonName
    id: MessageId | None = None
    body: str = ""
    sent_at: Seq = 0
    file: FileInfo | None = None


class Deliver(Body, frozen=True, omit_defaults=False):
    """Items in order, none left out between them."""

    items: Annotated[list[Item], Meta(max_length=ITEMS_MAX)]


class Refused(Body, frozen=True, omit_defaults=False):
    """An item that will not be taken, however often it is offered."""

    n: Id
    code: Annotated[str, Meta(max_length=32)]
    message: Annotated[str, Meta(max_length=1024)]


class DeliverReply(Body, frozen=True, omit_defaults=False):
    """Everything up to the item ``n`` is committed, or refused. Those behind it are to be offered again."""

    n: Seq
    refused: Annotated[list[Refused], Meta(max_length=ITEMS_MAX)]


# --- groups -------------------------------------------------------------------------------------


class GroupMessage(Body, frozen=True):
    """A message of a group, with the number its home gave it.

    ``from``: a bare name of the home's, or ``name@realm``.
    """

    seq: Id
    sender: Annotated[str, Meta(min_length=1, max_length=128)] = field(name="from")
    body: str
    sent_at: Seq
    id: MessageId
    file: FileInfo | None = None


class Push(Body, frozen=True):
    """A group of the asking realm: what comes behind ``after``, in order and without holes.

    ``members``: the asked realm's users who are members now, bare names; absent when that has not changed.
    ``at``: microseconds on the asking realm's clock when it looked; of two lists of members the later holds.
    """

    group: PersonName
    after: Seq
    messages: Annotated[list[GroupMessage], Meta(max_length=ITEMS_MAX)]
    last_seq: Seq
    at: Seq = 0
    members: Annotated[list[PersonName], Meta(max_length=MEMBERS_MAX)] | None = None


class PushReply(Body, frozen=True, omit_defaults=False):
    """The asked realm has the group up to ``have``; what comes behind it is to be pushed next.

    ``again``: ``members`` were late, or lacked somebody who has just joined; they are to be said once more.
    """

    have: Seq
    again: bool = False


# --- on behalf of somebody ----------------------------------------------------------------------


class PeerCall(Body, frozen=True, omit_defaults=False):
    """A command of a user of the asking realm, done as ``user@realm``. The reply is that command's own."""

    user: PersonName
    command: Annotated[str, Meta(max_length=limits.COMMAND_MAX_LENGTH)]
    body: Annotated[bytes, Meta(max_length=limits.REQUEST_MAX_BYTES)]


class PeerPresence(Body, frozen=True, omit_defaults=False):
    """One user of the asking realm. ``groups``: of that realm, in which somebody of the asked one is, too."""

    user: PersonName
    online: bool
    last_seen: Seq
    groups: Annotated[list[PersonName], Meta(max_length=GROUPS_MAX)] = field(default_factory=list)


class Presences(Body, frozen=True, omit_defaults=False):
    """Who of the asking realm came or went, of those who share a conversation with somebody of the asked one.

    ``all``: these are all who are online; anybody else is not.
    """

    users: Annotated[list[PeerPresence], Meta(max_length=10_000)]
    all: bool


class PeerTyping(Body, frozen=True, omit_defaults=False):
    """``user`` (as in ``GroupMessage`` for a group of the asking realm's) is typing.

    ``to``: a user of the asked realm; ``#group``: a group of the asked one; ``#group@realm``: of the asking.
    """

    user: Annotated[str, Meta(min_length=1, max_length=128)]
    to: Address


# --- files --------------------------------------------------------------------------------------


class FetchChunk(Body, frozen=True, omit_defaults=False):
    """Bytes of a file of the asked realm: ``file`` is its number there, as its message showed it."""

    file: Id
    offset: Bytes
    size: Annotated[int, Meta(ge=1, le=limits.FILE_CHUNK_BYTES)]


class FetchReply(Body, frozen=True, omit_defaults=False):
    """Some bytes; fewer than were asked for only at the end."""

    data: Annotated[bytes, Meta(max_length=limits.FILE_CHUNK_BYTES)]


ASKED: Final[dict[str, type[Body]]] = {
    "hello": Hello,
    "pair": Pair,
    "deliver": Deliver,
    "push": Push,
    "call": PeerCall,
    "presence": Presences,
    "typing": PeerTyping,
    "fetch": FetchChunk,
}
"""Every kind of request with its body."""

ANSWERED: Final[dict[str, type[Body]]] = {
    "hello": HelloReply,
    "pair": PairReply,
    "deliver": DeliverReply,
    "push": PushReply,
    "presence": Empty,
    "typing": Empty,
    "fetch": FetchReply,
}
"""The reply's body of every kind but ``call``, whose reply is that of the command."""

_pack: Callable[[Any], bytes] = msgpack.Packer(autoreset=True).pack
_decoders = {kind: msgspec.msgpack.Decoder(shape) for kind, shape in ASKED.items()}


def pack(number: int, kind: str, body: bytes) -> bytes:
    """A request frame; or, with a status in place of the kind, a reply's."""
    return _pack((VERSION, number, kind, body))


def unpack(frame: bytes) -> tuple[int, str, bytes]:
    """Number, kind (or status) and packed body. Raises ``ValueError`` when it is none of ours."""
    try:
        version, number, kind, body = msgpack.unpackb(frame, use_list=False, max_ext_len=0)
    except Exception as error:  # msgpack raises half a dozen kinds
        raise ValueError("not a message between realms") from error
    if version != VERSION or type(number) is not int or not 0 < number < 2**63:
        raise ValueError("not a message between realms")
    if type(kind) is not str or len(kind) > 32 or type(body) is not bytes:
        raise ValueError("not a message between realms")
    return number, kind, body


def read(kind: str, body: bytes) -> Body:
    """The typed body of a request. Raises ``ValueError`` with a sentence that names the field."""
    decoder = _decoders.get(kind)
    if decoder is None:
        raise ValueError(f"There is no request {kind!r} between realms.")
    found: Body = decoder.decode(body)  # msgspec's errors are ValueErrors
    return found


def read_reply(shape: type[T], body: bytes) -> T:
    """The typed body of a reply. Raises ``ValueError`` with a sentence that names the field."""
    return msgspec.msgpack.decode(body, type=shape)
