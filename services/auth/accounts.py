"""Accounts: register, log in, change the password. Everything here makes or checks a hash.

Each command comes in three steps: ``before`` looks the account up, the work on the hash has no
transaction, and the last step checks that the account is still as it was looked up, then acts.
Not here: what needs no password (``services.auth.sessions``), and the hashing (``services.passwords``).
"""

from __future__ import annotations

import secrets
from typing import Final, NamedTuple

from config.settings import Settings
from protocol import backend
from protocol.addresses import TopicKind, checked_name, name_key, new_topic
from protocol.commands import ChangePassword, Empty, Login, LoginReply, Register, RegisterReply
from protocol.errors import Busy, Conflict, Invalid, InvalidCredentials
from protocol.limits import TOKEN_BYTES
from services import backoff, topics
from services.auth import nobody
from services.auth.sessions import caller_session, close, live
from services.backoff import Source
from services.context import RETRY_AFTER, Caller, Context
from services.passwords import acceptable, passwords
from services.storage import groups, sessions, users

FORGET_AFTER: Final = 30 * 86_400 * 1_000_000
"""Microseconds after which an ended session is no longer kept, once its user logs in again."""


# --- register -----------------------------------------------------------------------------------


def before_register(ctx: Context, caller: Caller, command: Register) -> str:
    """The password to hash; refuses at once what a hash would be wasted on."""
    checked_name(command.username)
    acceptable(command.password, ctx.settings)
    if users.named(ctx.tx, command.username) is not None:
        raise _taken(command.username)
    return command.password


def hash_password(settings: Settings, password: str) -> str:
    """The hash to store."""
    return passwords(settings).hash(password)


def register(ctx: Context, caller: Caller, command: Register, hashed: str) -> RegisterReply:
    """Create the account, a member of the conversation that everyone is in."""
    user = users.add(ctx.tx, command.username, hashed, new_topic(TopicKind.USER), ctx.now)
    if user is None:
        raise _taken(command.username)
    groups.join_broadcast(ctx.tx, user, ctx.now)
    return RegisterReply(command.username)


def _taken(name: str) -> Conflict:
    return Conflict(f"There is already a user {name}; choose another name.")


# --- log in -------------------------------------------------------------------------------------


class Attempt(NamedTuple):
    """A password to be checked against a stored hash; ``stored`` None: there is no such user.

    Then it is checked against one with the parameters ``like``.
    """

    password: str
    user_id: int
    stored: str | None
    source: Source
    like: str


class Checked(NamedTuple):
    """The password fits the hash ``stored``; ``fresh`` replaces a hash made with older parameters."""

    user_id: int
    stored: str
    fresh: str | None
    source: Source


def before_login(ctx: Context, caller: Caller, command: Login) -> Attempt:
    """What is to be checked. A name that nobody has goes the same way as one that somebody has."""
    checked_name(command.username)
    if not command.device.isprintable():
        raise Invalid("The name of a device may hold printable characters only.")
    like = nobody.parameters(ctx, command.username)
    user = users.named(ctx.tx, command.username)
    user_id, stored = (0, None) if user is None else (user.id, user.password)
    source = backoff.stranger(ctx, caller, name_key(command.username), user_id)
    backoff.check(ctx, source)
    return Attempt(command.password, user_id, stored, source, like)


def comes_from_home(ctx: Context, caller: Caller, command: Login) -> bool:
    """Whether the user of this name has come from here before, or shows their session."""
    try:
        user = users.named(ctx.tx, checked_name(command.username))
    except Invalid:
        return False
    return backoff.stranger(ctx, caller, "", user.id if user else 0).known


def check_login(settings: Settings, attempt: Attempt) -> Checked | Source:
    """Who has failed if the password is wrong or there is no such user, found in the same time."""
    argon2 = passwords(settings)
    if not argon2.fits(attempt.stored, attempt.password, attempt.like) or attempt.stored is None:
        return attempt.source
    fresh = argon2.hash(attempt.password) if argon2.outdated(attempt.stored) else None
    return Checked(attempt.user_id, attempt.stored, fresh, attempt.source)


def login(
    ctx: Context, caller: Caller, command: Login, checked: Checked | Source
) -> LoginReply | InvalidCredentials:
    """Open a session, and end the one that was silent longest if there are too many.

    What is ended here is cut off as if it were revoked: the device may be in anybody's hands by now.
    """
    if isinstance(checked, Source):
        backoff.failed(ctx, checked)
        return InvalidCredentials("User name and password do not fit.")
    user = _unchanged(ctx, checked.user_id, checked.stored)
    backoff.passed(ctx, checked.source)
    backoff.at_home(ctx, user.id, caller)
    if checked.fresh is not None:
        users.set_password(ctx.tx, user.id, checked.fresh)
    token = secrets.token_bytes(TOKEN_BYTES)
    session = sessions.add(ctx.tx, user.id, token, command.device, ctx.now)
    most = ctx.settings.sessions_per_user
    ended = sessions.end_most_silent(ctx.tx, session, user.id, most, ctx.now)
    close(ctx, ended)
    topic = topics.replace_heard_by(ctx, user) if ended else user.topic
    sessions.forget(ctx.tx, user.id, ctx.now - FORGET_AFTER)
    ctx.effect(backend.OPEN, token, session, user.id, user.name)
    return LoginReply(user.name, token, session, topic)


def _unchanged(ctx: Context, user_id: int, stored: str) -> users.User:
    """The user, locked, whose hash is still the one that was checked. The client tries again if not."""
    user = users.locked(ctx.tx, user_id)
    if user is None or user.password != stored:
        raise Busy("The password was changed a moment ago; try again.", retry_after=RETRY_AFTER)
    return user


# --- change the password ------------------------------------------------------------------------


class ChangeAttempt(NamedTuple):
    """The old password, to be checked, and the new one, to be hashed."""

    old: str
    new: str
    stored: str
    source: Source


class Change(NamedTuple):
    """The hash that was checked and the one that takes its place."""

    stored: str
    fresh: str
    source: Source


def before_change(ctx: Context, caller: Caller, command: ChangePassword) -> ChangeAttempt:
    """What is to be checked."""
    acceptable(command.new, ctx.settings)
    user = live(ctx, caller)
    source = backoff.holder(caller, name_key(user.name))
    backoff.check(ctx, source)
    return ChangeAttempt(command.old, command.new, user.password, source)


def with_session(ctx: Context, caller: Caller, command: ChangePassword) -> bool:
    """Whether the session that asks is one: it was given to who knew the password."""
    return sessions.current(ctx.tx, caller.session, caller.user_id) is not None


def check_change(settings: Settings, attempt: ChangeAttempt) -> Change | Source | None:
    """The change to make; who has failed; None when an earlier try, its answer lost, has made it already."""
    argon2 = passwords(settings)
    if argon2.fits(attempt.stored, attempt.old):
        return Change(attempt.stored, argon2.hash(attempt.new), attempt.source)
    if argon2.fits(attempt.stored, attempt.new):
        return None
    return attempt.source


def change_password(
    ctx: Context, caller: Caller, command: ChangePassword, change: Change | Source | None
) -> Empty | InvalidCredentials:
    """Set it, end every other session, and replace the topics that those have known.

    The user's own topic is replaced in any case: it is a secret, and secrets change with the password.
    """
    if change is None:
        return Empty()
    if isinstance(change, Source):
        backoff.failed(ctx, change)
        return InvalidCredentials("The old password does not fit.")
    user = _unchanged(ctx, caller.user_id, change.stored)
    backoff.passed(ctx, change.source)
    caller_session(ctx, caller)
    users.set_password(ctx.tx, user.id, change.fresh)
    ended = sessions.end_others(ctx.tx, caller.session, user.id, ctx.now)
    close(ctx, ended)
    if ended:
        topics.replace_heard_by(ctx, user)
    else:
        topics.replace_user(ctx, user)
    return Empty()
