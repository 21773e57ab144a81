"""Joining a group of another realm: its home says yes, and a copy of it begins here, or has another member.

Belongs here: ``group.join`` as it is passed on. Not here: passwords and their pauses, which are the home's.

Theory of operation. That somebody asks is written down before the home is asked, and stays so until the
home has named them among our members. So whatever is lost on the way, the next list of members that the home
tells makes them one (``membership``); and nobody is ever made a member who has not asked.
"""

from __future__ import annotations

from functools import partial

from protocol.backend import Call
from protocol.commands import GroupReply, JoinGroup
from protocol.errors import Busy, Conflict, Failure, Internal, Unavailable
from services.context import Context
from services.group import entry, exit
from services.group.homes import Named
from services.realm import calls
from services.realm.groups.asking import home_of
from services.realm.house import House, Peer, Reply, grant
from services.storage import copies, groups, members, outbox
from services.storage.copies import Copy

SEQ_MOST = 1 << 62
"""No group has so many messages, whatever its home says."""

RETRY_AFTER = 1.0
"""Seconds until a leave that waits may have been told."""


def join(house: House, call: Call, request: JoinGroup, reply: Reply) -> None:
    """Have the home make the caller a member. While it is away, who is one already is told so."""
    named = home_of(house, request.group)
    try:
        peer = calls.free(house, named.realm)  # before anything is written down
    except Unavailable:
        already = _already(house, call, named)
        if already is None:
            raise
        grant(reply, already)
        return
    have = _write_down(house, peer, call, named)
    asked = JoinGroup(named.name, request.password)
    then = partial(_answered, house, peer, call, named, have, reply)
    calls.question(house, call, named.realm, "group.join", asked, partial(calls.answered, reply, then))


def _already(house: House, call: Call, named: Named) -> GroupReply | None:
    """What a member is told who joins once more."""
    with house.store.write() as tx:
        ctx = Context(tx, house.wall, house.settings, {})
        entry.still(ctx, call)
        copy = copies.named(tx, named.name, named.realm)
        marker = members.marker(tx, copy.conversation, call.user_id) if copy is not None else None
    if copy is None or marker is None:
        return None
    return GroupReply(copy.conversation, copy.topic, max(copy.last_seq, marker.read_seq))


def _write_down(house: House, peer: Peer, call: Call, named: Named) -> int:
    """Remember that the caller asks; how far we have the group."""
    with house.store.write() as tx:
        if call.user_id in outbox.leaving(tx, peer.realm.id, named.name):
            # Else the home would hear of it behind the joining, and take them out again.
            raise Busy(f"{named.realm} has not heard yet that you left #{named}.", retry_after=RETRY_AFTER)
        copies.asks(tx, peer.realm.id, named.name, call.user_id, house.wall)
        copy = copies.named(tx, named.name, named.realm)
    return copy.last_seq if copy is not None else 0


def _answered(
    house: House, peer: Peer, call: Call, named: Named, have: int, reply: Reply, answer: bytes | Failure
) -> None:
    if isinstance(answer, Failure):
        if not isinstance(answer, Unavailable):  # or it may have been done all the same
            _forget(house, peer, call, named)
        raise answer
    last_seq = calls.read(named.realm, GroupReply, answer).last_seq
    if not 0 <= last_seq < SEQ_MOST:
        raise Internal(f"{named.realm} does not answer as it should; its log may say more.")
    if last_seq < have:
        raise _begun_anew(house, peer, call, named)
    with house.write() as ctx:
        entry.still(ctx, call)
        known = enter(ctx, peer, call, named.name, last_seq)
    grant(reply, known)


def _begun_anew(house: House, peer: Peer, call: Call, named: Named) -> Conflict:
    """The home is behind what we had of it before it was asked. Our copy is not of this group any more.

    What the home says from now on would take numbers that our copy has given to something else.
    """
    house.log.warning("home is behind its copy", realm=named.realm)
    with house.write() as ctx:
        exit.tell_home(ctx, peer.realm.id, 0, named.name, call.user_id)
    return Conflict(
        f"{named.realm} has begun #{named} anew, or came out of a backup:"
        " first leave it, everybody here who is in it, then join again."
    )


def _forget(house: House, peer: Peer, call: Call, named: Named) -> None:
    """Refused. Who is in our copy all the same is taken out by what the home tells next."""
    with house.store.write() as tx:
        copies.end_joinings(tx, peer.realm.id, named.name, [call.user_id])


def enter(ctx: Context, peer: Peer, call: Call, group: str, last_seq: int) -> GroupReply:
    """Make the caller a member of our copy, as of the home's number ``last_seq``; they have read all that."""
    copies.add(ctx.tx, group, peer.name, peer.realm.id, last_seq, ctx.now)
    copy = copies.locked(ctx.tx, group, peer.name)
    assert copy is not None
    copies.heard_of(ctx.tx, copy.conversation, last_seq)
    copies.set_joining(ctx.tx, peer.realm.id, group, call.user_id, "joined")
    return _entered(ctx, copy, call, last_seq)


def _entered(ctx: Context, copy: Copy, call: Call, last_seq: int) -> GroupReply:
    if copies.add_member(ctx.tx, copy.conversation, call.user_id, last_seq, ctx.now):
        group = groups.named(ctx.tx, copy.name)
        assert group is not None
        entry.entered(ctx, call, group)
        return GroupReply(copy.conversation, copy.topic, last_seq)
    marker = members.marker(ctx.tx, copy.conversation, call.user_id)
    assert marker is not None
    return GroupReply(copy.conversation, copy.topic, max(copy.last_seq, marker.read_seq))
