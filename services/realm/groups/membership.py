"""Who of us is in a copy, as the group's home tells it.

Belongs here: a list of members, and what follows from it. Not here: messages (``copying``), and the joining
and leaving that we ask for ourselves (``joining``, ``services.group``).

The home's list holds, but for those who are on their way. Who asked to join becomes a member by it, should
the answer have been lost. Who has just joined and is not in it was perhaps not yet there when the home
looked: that is asked once more. Who is in it and has not asked does not become a member; nor does who has
left, though the home has not heard it yet. The home is told that they are not there.
"""

from __future__ import annotations

from protocol.addresses import is_name
from protocol.backend import Call
from protocol.events import MembershipEvent
from protocol.realms import Push
from services.context import Context
from services.group import exit
from services.realm.groups import joining
from services.realm.house import Peer
from services.storage import copies, groups, outbox, realms
from services.storage.copies import Copy, Known

LATE = 300_000_000
"""Microseconds. A list that seems older than that is none that was late: the home's clock was set back."""


def settle(ctx: Context, peer: Peer, push: Push) -> bool:
    """Do what the list in ``push`` says. True: it is to be told once more."""
    copy = copies.locked(ctx.tx, push.group, peer.name)
    if copy is not None and copy.members_at - LATE < push.at <= copy.members_at:
        return True  # an older list than the last one, or the same again
    named = _named(ctx, push.members or [])
    asked = copies.joinings(ctx.tx, peer.realm.id, push.group)
    present = {each.user_id: each.name for each in copies.members(ctx.tx, copy.conversation)} if copy else {}
    _take_in(ctx, peer, push, [user for user in named if user.id not in present and user.id in asked])
    _send_back(ctx, peer, push, [user for user in named if user.id not in present and user.id not in asked])
    ids = {user.id for user in named}
    copies.end_joinings(ctx.tx, peer.realm.id, push.group, sorted(ids & asked.keys()))
    new = {user: name for user, name in present.items() if user not in ids and asked.get(user) == "joined"}
    for user in new:
        copies.set_joining(ctx.tx, peer.realm.id, push.group, user, "doubted")
    out = {user: name for user, name in present.items() if user not in ids and user not in new}
    if copy is not None:
        _take_out(ctx, peer, push, copy, out)
    copy = copies.named(ctx.tx, push.group, peer.name)
    if copy is not None:
        copies.members_told(ctx.tx, copy.conversation, push.at)
    return bool(new)


def _named(ctx: Context, names: list[str]) -> list[Known]:
    """Users of ours by these names; whoever else the home thinks is one of us, is not."""
    return copies.named_of_us(ctx.tx, [name for name in names if is_name(name)])


def _take_in(ctx: Context, peer: Peer, push: Push, users: list[Known]) -> None:
    """They asked, and the home said yes, though we never heard it."""
    for user in users:
        stamp = Call(0, "group.join", user.id, user.name, 0, True, b"")
        joining.enter(ctx, peer, stamp, push.group, push.last_seq)


def _send_back(ctx: Context, peer: Peer, push: Push, users: list[Known]) -> None:
    """They are not in this group, whatever its home thinks; it is told unless that is on its way.

    A home that does not want to hear it, and names ever more groups, fills its outbox as others do: up to its
    bound. It will name them again.
    """
    on_the_way = outbox.leaving(ctx.tx, peer.realm.id, push.group) if users else set()
    new = [user for user in users if user.id not in on_the_way]
    realm = realms.numbered(ctx.tx, peer.realm.id) if new else None
    room = ctx.settings.realm_outbox_messages - realm.waiting if realm is not None else 0
    for user in new[: max(0, room)]:
        exit.tell_home(ctx, peer.realm.id, 0, push.group, user.id)


def _take_out(ctx: Context, peer: Peer, push: Push, copy: Copy, out: dict[int, str]) -> None:
    """The home has them no longer: they were removed, or it has lost them."""
    for user, name in sorted(out.items()):
        group = groups.named(ctx.tx, copy.name)
        if group is not None and groups.remove_member(ctx.tx, copy.conversation, user):
            copies.end_joinings(ctx.tx, peer.realm.id, push.group, [user])
            event = MembershipEvent(copy.conversation, copy.name, name, "removed")
            exit.gone(ctx, group, user, event)
