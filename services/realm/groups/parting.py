"""Parting: a realm that we are paired with no longer has no members in our groups, and nobody online.

Belongs here: taking them out, as if they had left. Not here: our copies of its groups, which stay as they are
and may be read; nothing is posted there any more (``services.messaging``).
"""

from __future__ import annotations

from typing import Final

from protocol.events import MembershipEvent
from protocol.realms import Presences
from services.context import Context
from services.group import exit
from services.realm import pairing, visitors
from services.realm.house import House
from services.storage import conversations, followers, groups, users
from services.storage.realms import Realm, State

AT_ONCE: Final = 100
"""Memberships that end in one go, each in a transaction of its own."""


def part(house: House, realm: Realm) -> bool:
    """Take some of this realm's users out of our groups; whether that was all. None of them is online."""
    with house.store.read() as tx:
        found = followers.memberships(tx, realm.name, AT_ONCE)
    for conversation, user in found:
        with house.write() as ctx:
            _leave(ctx, conversation, user)
    if len(found) == AT_ONCE:
        return False
    with house.write() as ctx:
        followers.doubt(ctx.tx, realm.id)  # should it be a peer again, it hears that its members are out
        visitors.keep(ctx, realm.name, Presences([], all=True))
        if realm.state == State.REMOVED:  # for whoever wrote there at the very moment of its removal
            pairing.give_up(ctx.tx, realm)
    if found:
        house.log.info("members of a realm taken out", realm=realm.name, memberships=len(found))
    return True


def _leave(ctx: Context, conversation: int, user: int) -> None:
    place = conversations.numbered(ctx.tx, conversation)
    group = groups.locked(ctx.tx, place.name) if place is not None else None
    who = users.numbered(ctx.tx, user)
    if group is not None and who is not None and groups.remove_member(ctx.tx, group.id, user):
        exit.gone(ctx, group, user, MembershipEvent(group.id, group.name, who.name, "left"))
