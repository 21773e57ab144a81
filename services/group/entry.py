"""Becoming a member: create a group, join one. Passwords are hashed and checked outside any transaction.

A member sees the whole history, and starts with all of it counted as read.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from config.settings import Settings
from protocol.addresses import TopicKind, group_name, new_topic
from protocol.commands import CreateGroup, GroupReply, JoinGroup
from protocol.errors import Busy, Conflict, InvalidCredentials, NotFound, TooLarge, Unauthenticated
from protocol.events import MembershipEvent, TopicsEvent
from protocol.realms import MEMBERS_MAX
from services.context import RETRY_AFTER, Caller, Context, Ready
from services.group import guessing, homes
from services.group.guessing import Guesser
from services.passwords import passwords
from services.storage import groups, sessions, users

OPEN: Final = ""
"""Stored in place of a hash where no password is needed."""


def still(ctx: Context, caller: Caller) -> None:
    """Let none of the caller's sessions end until this is done; refuses when the caller's has.

    Whoever ends a session replaces the topics of the groups that the user is in. A group that is entered
    at that moment would be overlooked, and its topic told to the session that ends.
    """
    users.locked(ctx.tx, caller.user_id)
    if not caller.session and caller.user_id:
        return  # somebody in another realm, as in services.ended
    if sessions.current(ctx.tx, caller.session, caller.user_id) is None:
        raise Unauthenticated("This session has ended; log in again.")


def found(group: groups.Group | None, name: str) -> groups.Group:
    """The group, or ``NotFound`` that names it."""
    if group is None:
        raise NotFound(f"There is no group #{name}.")
    return group


# --- create -------------------------------------------------------------------------------------


def before_create(ctx: Context, caller: Caller, command: CreateGroup) -> str | Ready:
    """The password to hash, if there is one; refuses at once what a hash would be wasted on."""
    name = group_name(command.group)
    if groups.named(ctx.tx, name) is not None:
        raise _taken(name)
    return command.password or Ready(OPEN)


def hash_password(settings: Settings, password: str) -> str:
    """What to store."""
    return passwords(settings).hash(password)


def create(ctx: Context, caller: Caller, command: CreateGroup, hashed: str) -> GroupReply:
    """Create the group with the caller as creator and only member."""
    still(ctx, caller)
    name = group_name(command.group)
    topic = new_topic(TopicKind.CONVERSATION)
    group = groups.add(ctx.tx, name, hashed, caller.user_id, topic, ctx.now)
    if group is None:
        raise _taken(name)
    groups.add_member(ctx.tx, group, caller.user_id, ctx.now)
    _tell_devices(ctx, caller, group)
    return GroupReply(group, topic, 0)


def _taken(name: str) -> Conflict:
    return Conflict(f"There is already a group #{name}; choose another name, or join it.")


# --- join ---------------------------------------------------------------------------------------


class Attempt(NamedTuple):
    """A password to be checked against a group's hash."""

    password: str
    stored: str
    who: Guesser


def before_join(ctx: Context, caller: Caller, command: JoinGroup) -> Attempt | Ready:
    """What is to be checked: nothing for a member, or where no password is needed."""
    name = homes.ours(ctx, caller, command.group)
    group = found(groups.named(ctx.tx, name), name)
    if groups.is_member(ctx.tx, group.id, caller.user_id):
        return Ready(None)
    if group.password == OPEN:
        return Ready(OPEN)
    if not command.password:
        raise InvalidCredentials(f"#{group.name} needs a password.")
    who = guessing.guesser(caller, name)
    guessing.check(ctx, who)
    return Attempt(command.password, group.password, who)


def check_join(settings: Settings, attempt: Attempt) -> str | Guesser:
    """The hash that the password fits; who has failed."""
    if not passwords(settings).fits(attempt.stored, attempt.password):
        return attempt.who
    return attempt.stored


def join(
    ctx: Context, caller: Caller, command: JoinGroup, checked: str | Guesser | None
) -> GroupReply | InvalidCredentials:
    """Make the caller a member. Who is one already is told the same again, and nobody else anything."""
    still(ctx, caller)
    name = homes.ours(ctx, caller, command.group)
    group = found(groups.locked(ctx.tx, name), name)
    if isinstance(checked, Guesser):
        guessing.failed(ctx, checked)
        return InvalidCredentials(f"The password does not fit #{group.name}.")
    if checked:
        guessing.passed(ctx, guessing.guesser(caller, name))
    if not groups.is_member(ctx.tx, group.id, caller.user_id):
        if group.password != checked:
            raise Busy(f"#{group.name} was changed a moment ago; try again.", retry_after=RETRY_AFTER)
        _admit(ctx, caller, group)
    return GroupReply(group.id, group.topic, group.last_seq)


def _admit(ctx: Context, caller: Caller, group: groups.Group) -> None:
    most = ctx.settings.group_max_members
    if homes.realm_of(caller.user):
        most = min(most, MEMBERS_MAX)
    if groups.count_members(ctx.tx, group.id) >= most:
        raise TooLarge(f"#{group.name} is full: it may have {most} members.", limit=most)
    groups.add_member(ctx.tx, group.id, caller.user_id, ctx.now)
    entered(ctx, caller, group)
    homes.came(ctx, group.id, group.name, caller.user)


def entered(ctx: Context, caller: Caller, group: groups.Group) -> None:
    """The caller has become a member: tell the others, and the caller's other devices."""
    ctx.publish(group.topic, MembershipEvent(group.id, group.name, caller.user, "joined"))
    _tell_devices(ctx, caller, group.id)


def _tell_devices(ctx: Context, caller: Caller, group: int) -> None:
    """The caller's other devices learn that there is a topic to ask for."""
    user = users.numbered(ctx.tx, caller.user_id)
    if user is not None:
        ctx.publish(user.topic, TopicsEvent(group))
