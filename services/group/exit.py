"""Ceasing to be a member: leave, be removed. Either way the group's topic is replaced.

Who is gone still knows the old topic, so it carries nothing more after this. The last one to leave
takes the group and its messages with them. Who leaves a group of another realm is out of our copy at once,
and its home is told as soon as it can be.
"""

from __future__ import annotations

from typing import Final

from protocol import addresses
from protocol.commands import Empty, NameGroup, RemoveMember
from protocol.errors import Conflict, Forbidden, Invalid, NotFound
from protocol.events import MembershipEvent
from services import topics
from services.context import Caller, Context
from services.freeing import free_conversation
from services.group import homes
from services.group.entry import found
from services.group.homes import Named
from services.storage import copies, followers, groups, outbox, realms, refusals, users
from services.storage.outbox import Entry
from services.storage.realms import State
from services.storage.users import User

LEAVE_BYTES: Final = 128
"""What a leave counts for in an outbox."""


def leave(ctx: Context, caller: Caller, command: NameGroup) -> Empty:
    """Leave a group."""
    named = homes.read(ctx.settings, command.group)
    if named.realm and homes.realm_of(caller.user):
        raise NotFound(f"There is no group #{named} here.")
    group = found(groups.locked(ctx.tx, str(named)), str(named))
    if not groups.remove_member(ctx.tx, group.id, caller.user_id):
        raise Forbidden(f"You are not a member of #{group.name}.")
    if named.realm:
        refusals.forget(ctx.tx, group.id, caller.user_id)
        _tell_home(ctx, caller, group.id, named)
    gone(ctx, group, caller.user_id, MembershipEvent(group.id, group.name, caller.user, "left"))
    return Empty()


def _tell_home(ctx: Context, caller: Caller, copy: int, named: Named) -> None:
    realm = realms.named(ctx.tx, named.realm)
    if realm is not None and realm.state == State.PAIRED:
        tell_home(ctx, realm.id, copy, named.name, caller.user_id)


def tell_home(ctx: Context, realm: int, copy: int, name: str, user: int) -> None:
    """This user of ours is not in the home's group of this bare name, whatever it thinks."""
    copies.end_joinings(ctx.tx, realm, name, [user])
    ctx.queue(realm, Entry("leave", user, name, copy, 0, None, "", LEAVE_BYTES))


def remove(ctx: Context, caller: Caller, command: RemoveMember) -> Empty:
    """Remove a member; for the creator only."""
    name = homes.ours(ctx, caller, command.group)
    wanted = addresses.parse(command.user)
    if wanted.kind is not addresses.Kind.DIRECT:
        raise Invalid(f"{wanted} is no user.")
    group = found(groups.locked(ctx.tx, name), name)
    _may_remove(ctx, caller, group)
    user = _user(ctx, wanted)
    if user.id == caller.user_id:
        raise Conflict(f"You cannot remove yourself; leave #{group.name} instead.")
    if not groups.remove_member(ctx.tx, group.id, user.id):
        raise NotFound(f"{user.name} is not a member of #{group.name}.")
    gone(ctx, group, user.id, MembershipEvent(group.id, group.name, user.name, "removed", caller.user))
    return Empty()


def _user(ctx: Context, wanted: addresses.Address) -> User:
    """Who is meant: somebody of ours, or of another realm as far as we have met them."""
    ours = wanted.realm in ("", ctx.settings.realm)
    name = wanted.name if ours else str(wanted)
    user = users.named(ctx.tx, name)
    if user is None:
        raise NotFound(f"There is no user {name}.")
    return user


def _may_remove(ctx: Context, caller: Caller, group: groups.Group) -> None:
    if group.creator_id == caller.user_id:
        return
    if not groups.is_member(ctx.tx, group.id, caller.user_id):
        raise Forbidden(f"You are not a member of #{group.name}.")
    creator = users.numbered(ctx.tx, group.creator_id)
    who = f"{creator.name}, who created it," if creator else "its creator"
    raise Forbidden(f"Only {who} may remove members of #{group.name}.")


def gone(ctx: Context, group: groups.Group, user: int, event: MembershipEvent) -> None:
    """A member is out already: tell everybody whom that concerns, and do what is left to do.

    The members hear it on the topic that is about to be replaced, and so do all devices of the one who is
    gone, and the realm that they are of.
    """
    ctx.publish(group.topic, event)
    who = users.numbered(ctx.tx, user)
    if who is not None:
        ctx.publish(who.topic, event)
        homes.changed(ctx, group.id, who.name)
    _after(ctx, group, user)


def _after(ctx: Context, group: groups.Group, gone: int) -> None:
    """Replace the topic, hand on the role, or clear up after the last member."""
    heir = groups.longest_standing(ctx.tx, group.id)
    if heir is None:
        free_conversation(ctx, group.id)
        groups.delete(ctx.tx, group.id)
        followers.bereave(ctx.tx, group.id, group.name)
        copies.forget(ctx.tx, group.id)
        outbox.forget(ctx.tx, group.id)
        refusals.forget(ctx.tx, group.id)
        return
    if gone == group.creator_id:
        groups.set_creator(ctx.tx, group.id, heir)
    topics.replace_group(ctx, group)
