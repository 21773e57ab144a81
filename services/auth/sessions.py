"""Sessions: resume, list, end. A session is one device that has logged in; its token is all it needs.

Ending one is said three times: in the table, to the broker with the reply, and to the broker again
on the tick for a minute, because a worker may die between its commit and its word to the broker.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from protocol import backend
from protocol.commands import Empty, LoginReply, Resume, Revoke, SessionInfo, SessionsReply
from protocol.errors import InvalidCredentials, NotFound, Unauthenticated
from protocol.limits import LIST_MAX_ITEMS
from services import backoff, topics
from services.context import Caller, Context
from services.storage import sessions, users

REPEAT_SECONDS: Final = 2.0
"""Seconds between two repetitions of what has ended: the longest that a lost word lets a session live."""

REPEAT_FOR: Final = 60 * 1_000_000
"""Microseconds for which the end of a session is repeated."""


def caller_session(ctx: Context, caller: Caller) -> sessions.Session:
    """The caller's session, if it has not ended since the broker stamped the call."""
    session = sessions.current(ctx.tx, caller.session, caller.user_id)
    if session is None:
        raise Unauthenticated("This session has ended; log in again.")
    return session


def live(ctx: Context, caller: Caller) -> users.User:
    """The caller's account, if their session has not ended."""
    caller_session(ctx, caller)
    user = users.numbered(ctx.tx, caller.user_id)
    if user is None:
        raise Unauthenticated("This account does not exist any more.")
    return user


def close(ctx: Context, ended: Iterable[int]) -> None:
    """Tell the broker to forget these sessions."""
    for session in ended:
        ctx.effect(backend.CLOSE, session)


def resume(ctx: Context, caller: Caller, command: Resume) -> LoginReply:
    """Make a session known to the broker again."""
    found = sessions.resume(ctx.tx, command.token, ctx.now)
    if found is None:
        raise InvalidCredentials("This session has ended; log in again.")
    backoff.at_home(ctx, found.user_id, caller)
    ctx.effect(backend.OPEN, command.token, found.id, found.user_id, found.user)
    return LoginReply(found.user, command.token, found.id, found.topic)


def logout(ctx: Context, caller: Caller, command: Empty) -> Empty:
    """End the caller's session and replace what it has known.

    Not what a gateway has known: its visitors never learn any topic, and it goes on to hear for the others.
    Else each dropped TCP connection would have everyone who listens ask and subscribe anew.
    """
    # Locked first, as by everyone who ends sessions, so that none of them wait for each other in a circle.
    user = users.locked(ctx.tx, caller.user_id)
    ended = sessions.end(ctx.tx, caller.session, caller.user_id, ctx.now)
    close(ctx, [caller.session])
    if ended and user is not None and not caller.gateway:
        topics.replace_heard_by(ctx, user)
    return Empty()


def list_sessions(ctx: Context, caller: Caller, command: Empty) -> SessionsReply:
    """The caller's sessions, newest first."""
    found = sessions.of_user(ctx.tx, caller.user_id, LIST_MAX_ITEMS)
    return SessionsReply(
        [SessionInfo(id, device, created, seen, id == caller.session) for id, device, created, seen in found]
    )


def revoke(ctx: Context, caller: Caller, command: Revoke) -> Empty:
    """End one of the caller's sessions and replace what it has known. Ending it twice is ending it once."""
    # Locked first: of two devices that revoke each other, the second finds itself ended.
    users.locked(ctx.tx, caller.user_id)
    user = live(ctx, caller)
    if not sessions.exists(ctx.tx, command.session, user.id):
        raise NotFound(f"You have no session {command.session}.")
    ended = sessions.end(ctx.tx, command.session, user.id, ctx.now)
    close(ctx, [command.session])
    if ended:
        topics.replace_heard_by(ctx, user)
    return Empty()


def repeat_ends(ctx: Context) -> None:
    """Tell the broker once more which sessions ended of late."""
    close(ctx, sessions.ended_since(ctx.tx, ctx.now - REPEAT_FOR))
