"""Calls: questions of our users that another realm has to answer, asked there on their behalf.

Belongs here: how any command is asked of a peer, what its refusals become here, ``user.get`` of ``bob@b`` and
``message.send`` to somebody whom we have not met. Not here: what peers' users may ask us (``behalf``), and
commands about groups, which the groups' files pass on through ``question`` and ``ask``.

A peer's answer is a stranger's: only its shape is trusted, once it has been made sure of, and its sentences
are shown with its name before them. What it may refuse with is a closed list; a code that would make a client
do something (log in again, speak another version) never comes through.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar

from config.log import Action
from protocol import addresses
from protocol.addresses import Address, Kind, checked_name, name_key
from protocol.backend import Call
from protocol.body import Body, convert
from protocol.commands import GetUser, Send, UserInfo
from protocol.envelope import unpack_body
from protocol.errors import (
    OK,
    Busy,
    Conflict,
    Failure,
    Forbidden,
    Internal,
    Invalid,
    InvalidCredentials,
    NotFound,
    RateLimited,
    TooLarge,
    Unavailable,
    failure,
)
from protocol.realms import PeerCall
from services.context import pack_struct
from services.realm.house import House, Peer, Reply, grant, refuse
from services.realm.line import LOST, Answer
from services.realm.presence import nudge
from services.realm.sentences import plain
from services.storage import acquaintances, foreigners, realms, users
from services.storage.engine import StoreUnavailable
from services.storage.realms import State

T = TypeVar("T")

SAID: Final = (Invalid, InvalidCredentials, Forbidden, NotFound, Conflict, TooLarge, RateLimited, Busy)
"""Refusals that a peer may give our users; anything else is a fault of its own, or it is away."""

ACQUAINTS: Final = frozenset(("group.join",))
"""Commands by which people here and there come to share a conversation."""

AGAIN: Final = 30.0
"""Seconds after which something asked of a realm that is away may be asked again: nobody waits for that."""

SOON: Final = 2.0
"""The same where the line broke while it was being asked: it may be there again in a moment."""

SENTENCE_MOST: Final = 300
"""Characters of a peer's sentence that are shown."""

Then = Callable[[bytes | Failure], None]
"""Told once: the packed body of what was granted, or why it was not."""


def question(house: House, caller: Call, realm: str, command: str, request: Body, then: Then) -> None:
    """Have a command carried out in another realm, as its caller; ``request`` as it is to be said there.

    What it answers is a line in the log, as if a service of ours had. Raises what ``free`` raises, as where
    as many questions wait already as one realm may have.
    """
    peer = free(house, realm)
    body = PeerCall(caller.user, command, pack_struct(request))
    since = int(house.now * 1e9)

    def heard(answer: Answer) -> None:
        found = _judged(house, realm, answer)
        outcome = found.code if isinstance(found, Failure) else OK
        house.done.actions.append(Action(caller.user, command, outcome, since))
        then(found)
        if command in ACQUAINTS:
            nudge(house, realm)

    if not peer.ask("call", body, heard):
        raise away(house, realm)


def ask(
    house: House,
    caller: Call,
    realm: str,
    command: str,
    request: Body,
    granted: Callable[[bytes], None],
    reply: Reply,
) -> None:
    """The same for who has only to hear of success; refusals are the answer. ``granted`` may refuse, too."""

    def then(answer: bytes | Failure) -> None:
        if isinstance(answer, Failure):
            raise answer
        granted(answer)

    question(house, caller, realm, command, request, partial(answered, reply, then))


def answered(reply: Reply, then: Then, answer: bytes | Failure) -> None:
    """Go on with what a peer answered, and have what is raised on the way be the caller's answer."""
    try:
        then(answer)
    except Failure as refusal:
        refuse(reply, refusal)
    except StoreUnavailable:
        refuse(reply, Unavailable("The database cannot do this at present; try again.", retry_after=0.5))


def _judged(house: House, realm: str, answer: Answer) -> bytes | Failure:
    if answer is LOST:
        return away(house, realm, uncertain=True)
    if answer.status == OK:
        return answer.body
    try:
        said = failure(answer.status, unpack_body(answer.body))
    except Failure:
        return _fault(realm)
    if isinstance(said, Unavailable):
        return Unavailable(f"{realm}: {_shown(said.message)}", retry_after=AGAIN, uncertain=True)
    if not isinstance(said, SAID):
        return _fault(realm)
    fields: dict[str, Any] = {}
    if isinstance(said, RateLimited | Busy):
        fields["retry_after"] = min(max(said.retry_after, 0.05), 3600.0)
    if isinstance(said, TooLarge) and type(limit := said.fields.get("limit")) is int:
        fields["limit"] = limit
    return type(said)(f"{realm}: {_shown(said.message)}", **fields)


def read(realm: str, shape: type[T], body: bytes) -> T:
    """A peer's reply, typed. Raises ``Internal`` that names the realm when it is not of this shape."""
    try:
        return convert(unpack_body(body), shape)
    except Failure:
        raise _fault(realm) from None


def _fault(realm: str) -> Failure:
    return Internal(f"{realm} does not answer as it should; its log may say more.")


def _shown(sentence: str) -> str:
    """A peer's sentence without whatever might do something to a terminal or a log, and not too long."""
    return plain(sentence, SENTENCE_MOST) or "no."


# --- whom we can ask ----------------------------------------------------------------------------


def reach(house: House, realm: str) -> Peer:
    """The peer of this name, if it is there.

    Raises ``NotFound`` for a realm that we are not paired with, ``Forbidden`` for one that is blocked,
    ``Unavailable`` for one that is away.
    """
    peer = house.peers.get(realm)
    if peer is None or not peer.line.up:
        raise away(house, realm)
    return peer


def free(house: House, realm: str) -> Peer:
    """The same, if one question more may be asked of it; else raises ``Busy``, too."""
    peer = reach(house, realm)
    if peer.line.open >= house.settings.realm_open_requests:
        raise Busy(f"Too much is being asked of {realm} at present.", retry_after=0.2)
    return peer


def away(house: House, realm: str, *, uncertain: bool = False) -> Failure:
    """Why this realm cannot be asked. ``uncertain``: it was, and may have done it all the same."""
    try:
        with house.store.read() as tx:
            row = realms.named(tx, realm)
    except StoreUnavailable:
        return Unavailable(f"{realm} does not answer.", retry_after=AGAIN)
    if row is None or row.state == State.REMOVED:
        return NotFound(f"There is no realm {realm} here; this is {house.settings.realm}.")
    if row.state == State.BLOCKED:
        return Forbidden(f"{realm} is blocked here.")
    since = f" since {_time(row.away_since)}" if row.away_since else ""
    fields = {"uncertain": True} if uncertain else {}
    after = SOON if uncertain else AGAIN
    return Unavailable(f"{realm} does not answer{since}; try again later.", retry_after=after, **fields)


def _time(at: int) -> str:
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")


# --- user.get -----------------------------------------------------------------------------------


def get_user(house: House, call: Call, request: GetUser, reply: Reply) -> None:
    """``user.get`` of somebody in another realm: it is asked, and what we know ourselves is added."""
    address = foreign_user(house, request.user)
    shown = partial(_known_user, house, call, address)
    ask(
        house,
        call,
        address.realm,
        "user.get",
        GetUser(address.name),
        lambda body: grant(reply, shown(body)),
        reply,
    )


def _known_user(house: House, call: Call, address: Address, body: bytes) -> UserInfo:
    """What the peer says of its user, under their address.

    Presence that it told us is added for who shares a conversation with them: in a group of ours the other
    realm cannot know who shares it.
    """
    name, online, last_seen = _told_user(house, address, body)
    with house.store.read() as tx:
        met = foreigners.named(tx, address.name, address.realm)
        if met is not None and acquaintances.share(tx, call.user_id, met.id):
            seen = users.seen(tx, met.name)
            assert seen is not None
            online = online or seen.online
            last_seen = max(last_seen, seen.last_seen_at)
    return UserInfo(f"{name}@{address.realm}", online, house.wall if online else last_seen)


def _told_user(house: House, address: Address, body: bytes) -> tuple[str, bool, int]:
    """Name as registered there, online, last seen. Raises ``Internal`` when it is somebody else's."""
    info = read(address.realm, UserInfo, body)
    if name_key(info.user) != name_key(address.name):
        raise _fault(address.realm)
    return info.user, info.online, min(max(info.last_seen, 0), house.wall)


def foreign_user(house: House, text: str) -> Address:
    """The address of a user in another realm. Raises ``Invalid`` when it is anything else."""
    address = addresses.parse(text)
    if address.kind is not Kind.DIRECT or address.realm in ("", house.settings.realm):
        raise Invalid(f"{text[:128]!r} is no user of another realm.")
    checked_name(address.name)
    return address


# --- message.send -------------------------------------------------------------------------------


def send(house: House, call: Call, request: Send, reply: Reply) -> None:
    """``message.send`` to somebody whom we have not met: are they there?

    If so, or if their realm cannot say so now, they are known from here on, and the send is carried out as
    if they always had been. A message to a name that nobody has there is refused later, when it is delivered.
    """
    address = foreign_user(house, request.to)

    def then(answer: bytes | Failure) -> None:
        _meet(house, _addressee(house, address, answer), address.realm)
        house.carry_as_asked(call, reply)
        nudge(house, address.realm)

    guarded = partial(answered, reply, then)
    try:
        question(house, call, address.realm, "user.get", GetUser(address.name), guarded)
    except (Unavailable, Busy) as trouble:
        guarded(trouble)


def _addressee(house: House, address: Address, answer: bytes | Failure) -> str:
    """The name as it is written there, or as it was written here where the peer cannot say so now."""
    if isinstance(answer, Unavailable | Busy | RateLimited):
        return address.name
    if isinstance(answer, NotFound):
        raise NotFound(f"There is no user {address.name}@{address.realm}.")
    if isinstance(answer, Failure):
        raise answer
    return _told_user(house, address, answer)[0]


def _meet(house: House, name: str, realm: str) -> None:
    with house.store.write() as tx:
        known = foreigners.named(tx, name, realm)
        most = house.settings.realm_users
        if known is None and foreigners.count(tx, realm) >= most:
            raise Forbidden(f"We know {most} users of {realm} already, and that is the limit.", limit=most)
        foreigners.met(tx, name, realm, house.wall)
