"""On behalf of somebody: what a peer's users may ask of us, carried out as the foreigners that they are here.

Belongs here: the closed list of commands, how each one's request is made a foreigner's, and what is taken
out of its reply. Not here: the commands themselves. They are done by the same handlers as everybody's, with
the same rules and refusals; ``calls`` is the other side of this.

A command that is not on the list does not exist for a peer, whatever its users may do at home.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from protocol import addresses
from protocol.addresses import Kind, checked_name, group_name
from protocol.body import Body, convert
from protocol.commands import (
    COMMANDS,
    Empty,
    GetUser,
    GroupReply,
    JoinGroup,
    ListMembers,
    MembersReply,
    RemoveMember,
    UserInfo,
)
from protocol.envelope import unpack_body
from protocol.errors import OK, Internal, Invalid, NotFound, TooLarge
from protocol.realms import PeerCall
from services.context import pack_struct
from services.realm import patience
from services.realm.house import Carried, House, Peer, Reply, refuse
from services.realm.people import ForeignSender, own
from services.realm.presence import nudge
from services.storage import foreigners

NOT_MET: Final = -1
"""Stands for a foreigner of whom we have no row: a number of nobody, who shares nothing with anybody."""


class Allowed(NamedTuple):
    """A command that a peer's users may ask. ``meet``: they are known here from then on.

    ``fit(request, ours)`` makes the request one about things of ours, ``ours`` being our name, or refuses it;
    ``strip`` takes out of the reply what is none of their business.
    """

    fit: Callable[[Any, str], Body]
    strip: Callable[[Any], Body]
    meet: bool = False


def _user(request: GetUser, ours: str) -> GetUser:
    return GetUser(checked_name(request.user))


def _as_shown(reply: UserInfo) -> UserInfo:
    """All of it: the handler says of people to strangers only that they exist."""
    return UserInfo(reply.user, reply.online, reply.last_seen)


def _join(request: JoinGroup, ours: str) -> JoinGroup:
    return JoinGroup(group_name(request.group), request.password)


def _joined(reply: GroupReply) -> GroupReply:
    """Nobody listens to a topic across realms, and our numbers of conversations say nothing there."""
    return GroupReply(0, b"", reply.last_seq)


def _members(request: ListMembers, ours: str) -> ListMembers:
    after = _person(request.after, ours) if request.after else ""
    return ListMembers(group_name(request.group), after, request.limit)


def _listed(reply: MembersReply) -> MembersReply:
    return MembersReply(list(reply.members), reply.more)


def _remove(request: RemoveMember, ours: str) -> RemoveMember:
    return RemoveMember(group_name(request.group), _person(request.user, ours))


def _nothing(reply: Empty) -> Empty:
    return Empty()


def _person(text: str, ours: str) -> str:
    """Somebody as our rows name them: a user of ours bare, a foreigner with their realm."""
    address = addresses.parse(text)
    if address.kind is not Kind.DIRECT:
        raise Invalid(f"{text[:128]!r} is no user.")
    return str(address._replace(realm="" if address.realm == ours else address.realm))


ALLOWED: Final[dict[str, Allowed]] = {
    "user.get": Allowed(_user, _as_shown),
    "group.join": Allowed(_join, _joined, meet=True),
    "group.members": Allowed(_members, _listed),
    "group.remove": Allowed(_remove, _nothing),
}
"""Every command that a peer's users may ask of us, by name."""


def call(house: House, peer: Peer, body: PeerCall, reply: Reply) -> None:
    """The request ``call`` of a peer. Raises ``Failure`` where it is refused before anything is done."""
    allowed = ALLOWED.get(body.command)
    if allowed is None:
        raise NotFound(f"There is no command {body.command[:64]!r} for users of other realms.")
    row = COMMANDS[body.command]
    if len(body.body) > row.limit:
        raise TooLarge(f"A request of {body.command} has at most {row.limit} bytes.", limit=row.limit)
    user_id, user = _caller(house, peer, body.user, meet=allowed.meet)
    request = allowed.fit(convert(unpack_body(body.body), row.request), house.settings.realm)
    carried = Carried(body.command, user_id, user, pack_struct(request))
    answer = partial(_answer, patience.of(peer).wait(reply), allowed, row.reply)
    house.carry([carried], [answer])
    if allowed.meet:
        nudge(house, peer.name)


def _caller(house: House, peer: Peer, name: str, *, meet: bool) -> tuple[int, str]:
    """Number and name of the foreigner who asks; of who is not known and need not be, ``NOT_MET``."""
    if meet:
        caller = peer.people.caller(name)
        return caller.id, caller.name
    try:
        own(name)
    except ForeignSender:
        peer.people.log_foreign(name, 1)
        raise
    with house.store.read() as tx:
        known = foreigners.named(tx, name, peer.name)
    return (known.id, known.name) if known is not None else (NOT_MET, f"{name}@{peer.name}")


def _answer(reply: Reply, allowed: Allowed, shape: type[Body], status: str, body: bytes) -> None:
    """Pass on what the handler answered, without what is ours alone."""
    if status != OK:
        reply(status, body)
        return
    try:
        stripped = allowed.strip(msgspec.msgpack.decode(body, type=shape))
    except msgspec.ValidationError:
        refuse(reply, Internal("A fault of this realm's; its log says more."))
        return
    reply(OK, pack_struct(stripped))
