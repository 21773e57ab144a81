"""Questions about groups: which there are, and who is in one."""

from __future__ import annotations

from protocol.commands import GroupInfo, GroupsReply, ListGroups, ListMembers, MemberInfo, MembersReply
from protocol.errors import Conflict, Forbidden
from services.context import Caller, Context
from services.group import homes
from services.group.entry import found
from services.storage import groups


def members(ctx: Context, caller: Caller, command: ListMembers) -> MembersReply:
    """Members of a group, for its members."""
    name = homes.ours(ctx, caller, command.group)
    group = found(groups.named(ctx.tx, name), name)
    if not groups.is_member(ctx.tx, group.id, caller.user_id):
        raise Forbidden(f"You are not a member of #{group.name}.")
    place = groups.place(ctx.tx, group.id, command.after) if command.after else groups.FIRST
    if place is None:
        raise Conflict(f"{command.after} is no longer a member of #{group.name}; list it from the start.")
    page = groups.members(ctx.tx, group.id, place, command.limit + 1)
    shown = [
        MemberInfo(member.name, member.user_id == group.creator_id, member.online, member.joined_at)
        for member in page[: command.limit]
    ]
    return MembersReply(shown, len(page) > command.limit)


def list_groups(ctx: Context, caller: Caller, command: ListGroups) -> GroupsReply:
    """All groups of this realm, by name; copies of others' are found in ``conversation.list``."""
    page = groups.page(ctx.tx, caller.user_id, command.after.removeprefix("#"), command.limit + 1)
    shown = [GroupInfo(*group) for group in page[: command.limit]]
    return GroupsReply(shown, len(page) > command.limit)
