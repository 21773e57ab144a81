"""Questions about people: who am I, who is online, who is this, who is there at all."""

from __future__ import annotations

from protocol import addresses
from protocol.addresses import Kind, checked_name
from protocol.commands import (
    Empty,
    FindUser,
    FoundReply,
    GetUser,
    ListOnline,
    ListUsers,
    OnlineReply,
    UserInfo,
    UsersReply,
    WhoamiReply,
)
from protocol.errors import Invalid, NotFound
from services import elsewhere
from services.auth.sessions import caller_session, live
from services.context import Caller, Context
from services.storage import acquaintances, groups, presence, users


def whoami(ctx: Context, caller: Caller, command: Empty) -> WhoamiReply:
    """The caller, this session's device, the user topic in force, and since when the account exists."""
    session = caller_session(ctx, caller)
    user = live(ctx, caller)
    return WhoamiReply(user.name, session.id, session.device, user.topic, user.created_at)


def online(ctx: Context, caller: Caller, command: ListOnline) -> OnlineReply:
    """Everyone online, by name."""
    names = presence.online(ctx.tx, command.after, command.limit + 1)
    return OnlineReply(names[: command.limit], len(names) > command.limit)


def get(ctx: Context, caller: Caller, command: GetUser) -> UserInfo:
    """One user. Who asks from another realm and shares no conversation with them hears that they exist."""
    address = addresses.parse(command.user)
    if address.kind is not Kind.DIRECT:
        raise Invalid(f"{address} is no user.")
    if address.realm not in ("", ctx.settings.realm):
        raise elsewhere.asked(ctx, address.realm)
    found = users.named(ctx.tx, address.name)
    if found is None:
        raise NotFound(f"There is no user {address.name}.")
    if "@" in caller.user and not acquaintances.share(ctx.tx, caller.user_id, found.id):
        return UserInfo(found.name, online=False, last_seen=0)
    seen = users.seen(ctx.tx, found.name)
    assert seen is not None
    return _shown(seen, ctx.now)


def exists(ctx: Context, caller: Caller, command: FindUser) -> FoundReply:
    """What bears this name.

    Older protocols tell an unknown name from a wrong password; in one of them no user is called as a group.
    """
    name = checked_name(command.user)
    return FoundReply(users.seen(ctx.tx, name) is not None, groups.named(ctx.tx, name) is not None)


def list_users(ctx: Context, caller: Caller, command: ListUsers) -> UsersReply:
    """All users, by name."""
    found = users.page(ctx.tx, command.after, command.limit + 1)
    return UsersReply([_shown(user, ctx.now) for user in found[: command.limit]], len(found) > command.limit)


def _shown(user: users.Seen, now: int) -> UserInfo:
    return UserInfo(user.name, user.online, now if user.online else user.last_seen_at)
