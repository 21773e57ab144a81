"""Wrong passwords slow down whoever tries them, and nobody else.

Belongs here: when another try is too early, and what a wrong and a right password change about that.
Not here: hashing (``services.passwords``), the rows (``services.storage.password_failures``).

Two counts for each name. One is of the *source* that tries: so many wrong ones in a row are free, then
each costs a pause, twice as long as the one before. The other is of all *strangers* together: addresses
from which the owner of the name never came. It stops those who have many addresses, and it slows strangers
only: who comes from a known address, or shows the session they hold, is not held up by what others do. A
name that nobody has is counted the same way, so that the pauses tell nothing. A try that comes too early is
refused before any hashing, and not counted: the pause is as long as it was.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from config.settings import Settings
from protocol.errors import RateLimited
from services.context import Caller, Context
from services.storage import known_addresses, password_failures
from services.storage.password_failures import STRANGERS, Failures

SECOND: Final = 1_000_000

PRUNE_EVERY: Final = 60 * SECOND
"""Microseconds between two looks of one process at how many rows there are."""

NOWHERE: Final = "?"
"""Source of a caller whose address the broker could not tell."""


class Source(NamedTuple):
    """Who tries passwords for ``subject``. ``known``: strangers' failures are not held against them."""

    subject: str
    name: str
    known: bool


def stranger(ctx: Context, caller: Caller, subject: str, owner: int) -> Source:
    """Someone who tries the password of user ``owner`` (0: there is none), by where they come from."""
    if owner and caller.user_id == owner:
        return holder(caller, subject)
    address = caller.address or NOWHERE
    return Source(subject, address, known_addresses.knows(ctx.tx, owner, address, ctx.now))


def holder(caller: Caller, subject: str) -> Source:
    """Someone with a session, by who they are."""
    return Source(subject, f"@{caller.user_id}", True)


def check(ctx: Context, source: Source, tries: int = 0) -> None:
    """Raises ``RateLimited`` when another try is too early. ``tries``: in place of ``password_tries``."""
    settings = ctx.settings
    if not settings.rate_limits:
        return
    own, all_strangers = password_failures.of(ctx.tx, source.subject, source.name, _since(ctx))
    wait = _wait(own, tries or settings.password_tries, settings, ctx.now)
    if not source.known:
        wait = max(wait, _wait(all_strangers, settings.password_tries_strangers, settings, ctx.now))
    if wait:
        raise too_early(wait)


def too_early(wait: int) -> RateLimited:
    """What is answered to who has to wait so many microseconds."""
    seconds = math.ceil(wait / 1000) / 1000
    return RateLimited(f"Too many wrong passwords; try again in {_spoken(seconds)}.", retry_after=seconds)


def failed(ctx: Context, source: Source) -> None:
    """A wrong password."""
    since = _since(ctx)
    password_failures.add(ctx.tx, source.subject, source.name, ctx.now, since)
    if not source.known:
        password_failures.add(ctx.tx, source.subject, STRANGERS, ctx.now, since)
    if ctx.now - ctx.cache.get("failures pruned", 0) > PRUNE_EVERY:
        ctx.cache["failures pruned"] = ctx.now
        settings = ctx.settings
        password_failures.prune(ctx.tx, since, settings.password_failures_kept, settings.password_tries)


def passed(ctx: Context, source: Source) -> None:
    """The right password: this source starts anew. What strangers did stays counted."""
    password_failures.clear(ctx.tx, source.subject, source.name)


def at_home(ctx: Context, user_id: int, caller: Caller) -> None:
    """The user is where the caller is; from now on that is no strange place."""
    if caller.address not in ("", NOWHERE):
        known_addresses.remember(ctx.tx, user_id, caller.address, ctx.now)


def pause(failures: int, tries: int, settings: Settings) -> float:
    """Seconds that have to pass after so many failures in a row, the first ``tries`` - 1 of them free.

    >>> from pathlib import Path
    >>> [pause(failures, 5, Settings(home=Path())) for failures in (0, 4, 5, 6, 7, 8, 1000)]
    [0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 300.0]
    """
    if failures < tries:
        return 0.0
    doubled = settings.password_pause * 2.0 ** min(failures - tries, 64)
    return min(doubled, settings.password_pause_most)


def _wait(failures: Failures, tries: int, settings: Settings, now: int) -> int:
    """Microseconds until the next try; never more than the pause, should the clock have gone back."""
    length = int(pause(failures.in_a_row, tries, settings) * SECOND)
    return min(max(0, failures.last_at + length - now), length)


def _since(ctx: Context) -> int:
    return ctx.now - int(ctx.settings.password_failures_remembered * SECOND)


def _spoken(seconds: float) -> str:
    whole = math.ceil(seconds)
    return "a second" if whole == 1 else f"{whole} seconds"
