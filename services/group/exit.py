"""Ceasing to be a member: leave, be removed. Either way the group's topic is replaced.

Who is gone still knows the old topic, so it carries nothing more after this. The last one to leave
takes the group and its messages with them.
"""

from __future__ import annotations

from protocol.addresses import checked_name, group_name
from protocol.commands import Empty, NameGroup, RemoveMember
from protocol.errors import Conflict, Forbidden, NotFound
from protocol.events import MembershipEvent
from services import topics
from services.context import Caller, Context
from services.freeing import free_conversation
from services.group.entry import found
from services.storage import groups, users


def leave(ctx: Context, caller: Caller, command: NameGroup) -> Empty:
    """Leave a group."""
    name = group_name(command.group)
    group = found(groups.locked(ctx.tx, name), name)
    if not groups.remove_member(ctx.tx, group.id, caller.user_id):
        raise Forbidden(f"You are not a member of #{group.name}.")
    _tell(ctx, group, caller.user_id, MembershipEvent(group.id, group.name, caller.user, "left"))
    _after(ctx, group, caller.user_id)
    return Empty()


def remove(ctx: Context, caller: Caller, command: RemoveMember) -> Empty:
    """Remove a member; for the creator only."""
    name = group_name(command.group)
    checked_name(command.user)
    group = found(groups.locked(ctx.tx, name), name)
    _may_remove(ctx, caller, group)
    user = users.named(ctx.tx, command.user)
    if user is None:
        raise NotFound(f"There is no user {command.user}.")
    if user.id == caller.user_id:
        raise Conflict(f"You cannot remove yourself; leave #{group.name} instead.")
    if not groups.remove_member(ctx.tx, group.id, user.id):
        raise NotFound(f"{user.name} is not a member of #{group.name}.")
    _tell(ctx, group, user.id, MembershipEvent(group.id, group.name, user.name, "removed", caller.user))
    _after(ctx, group, user.id)
    return Empty()


def _may_remove(ctx: Context, caller: Caller, group: groups.Group) -> None:
    if group.creator_id == caller.user_id:
        return
    if not groups.is_member(ctx.tx, group.id, caller.user_id):
        raise Forbidden(f"You are not a member of #{group.name}.")
    creator = users.numbered(ctx.tx, group.creator_id)
    who = f"{creator.name}, who created it," if creator else "its creator"
    raise Forbidden(f"Only {who} may remove members of #{group.name}.")


def _tell(ctx: Context, group: groups.Group, gone: int, event: MembershipEvent) -> None:
    """Tell the members, on the topic that is about to be replaced, and all devices of the one who is gone."""
    ctx.publish(group.topic, event)
    user = users.numbered(ctx.tx, gone)
    if user is not None:
        ctx.publish(user.topic, event)


def _after(ctx: Context, group: groups.Group, gone: int) -> None:
    """What is left to do once a member is out: replace the topic, hand on the role, or clear up."""
    heir = groups.longest_standing(ctx.tx, group.id)
    if heir is None:
        free_conversation(ctx, group.id)
        groups.delete(ctx.tx, group.id)
        return
    if gone == group.creator_id:
        groups.set_creator(ctx.tx, group.id, heir)
    topics.replace_group(ctx, group)
