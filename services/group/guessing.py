"""Wrong passwords of a group: who has to wait before the next one.

Belongs here: the three counts of ``group.join``. Not here: pauses (``services.backoff``), and who becomes a
member (``services.group.entry``).

An account costs nothing, so counting by account alone would bound nobody. Wrong passwords count by account
and by address, each with pauses of its own, and by group for all who are not in it. The last count is a
pace and no pause: it stays as it is however long somebody guesses, so that a newcomer who knows the password
has as good a chance at the next try as whoever guesses, and is never kept out for longer each time. Members
show no password, and notice nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from protocol.addresses import name_key
from services import backoff
from services.backoff import NOWHERE, SECOND, Source
from services.context import Caller, Context
from services.storage import password_failures

SLACK: Final = 100
"""Tries by which several workers may together overdraw: each looks before it hashes, and counts after."""


class Guesser(NamedTuple):
    """Who tries the password of a group, as an account and as an address."""

    account: Source
    address: Source


def guesser(caller: Caller, group: str) -> Guesser:
    """The caller, before the group of this name."""
    subject = f"#{name_key(group)}"
    return Guesser(backoff.holder(caller, subject), Source(subject, caller.address or NOWHERE, True))


def check(ctx: Context, who: Guesser) -> None:
    """Raises ``RateLimited`` when another try is too early."""
    backoff.check(ctx, who.account)
    backoff.check(ctx, who.address, ctx.settings.password_tries_strangers)
    wait = _wait(ctx, who.account.subject)
    if wait and ctx.settings.rate_limits:
        raise backoff.too_early(wait)


def failed(ctx: Context, who: Guesser) -> None:
    """A wrong password."""
    backoff.failed(ctx, who.account)
    backoff.failed(ctx, who.address)
    interval, tries = _pace(ctx)
    password_failures.spend(ctx.tx, who.account.subject, ctx.now, interval, tries + SLACK)


def passed(ctx: Context, who: Guesser) -> None:
    """The right one: account and address start anew. What all strangers did stays counted."""
    backoff.passed(ctx, who.account)
    backoff.passed(ctx, who.address)


def _pace(ctx: Context) -> tuple[int, int]:
    """Microseconds between two tries of all strangers, and how many they may have at once."""
    return int(ctx.settings.group_password_pace * SECOND), ctx.settings.group_password_tries


def _wait(ctx: Context, subject: str) -> int:
    """Microseconds until strangers have another try."""
    interval, tries = _pace(ctx)
    _, strangers = password_failures.of(ctx.tx, subject, password_failures.STRANGERS, 0)
    ahead = strangers.last_at - ctx.now
    if ahead > (tries + SLACK) * interval:  # the clock has gone back
        return 0
    return max(0, ahead - (tries - 1) * interval)
