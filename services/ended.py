"""Calls whose session has ended since the broker stamped them: refused, whatever they ask.

Belongs here: the one question that every call of a session is asked inside its transaction. A revoked
device whose request was under way would else still post, or be told the topics that took the place of
those it knew. How sessions end is ``services.auth.sessions``'.

A call with a user and without a session comes from the realm process, for a user of another realm, whose
sessions are that realm's business. No broker stamps one so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from protocol.backend import Call
from protocol.errors import Unauthenticated
from services.context import Context
from services.job import Job
from services.storage import sessions

FOR_THE_ENDED: Final = frozenset(("auth.logout",))
"""Commands of a session that are carried out though it has ended: a second try must hear that it is done."""


def still(ctx: Context, job: Job) -> None:
    """Raises ``Unauthenticated`` when the session of this call has ended."""
    call, row = job.call, job.row
    if not row.session or call.command in FOR_THE_ENDED or _of_another_realm(call):
        return
    if sessions.current(ctx.tx, call.session, call.user_id) is None:
        raise over()


def living(ctx: Context, jobs: Sequence[Job]) -> set[tuple[int, int]]:
    """(session, user) of those calls whose session has not ended, in one look for all of them."""
    asked = {(job.call.session, job.call.user_id) for job in jobs}
    foreign = {pair for pair in asked if not pair[0]}
    if not foreign:
        return sessions.living(ctx.tx, asked)
    return sessions.living(ctx.tx, asked - foreign) | foreign


def _of_another_realm(call: Call) -> bool:
    return not call.session and bool(call.user_id)


def over() -> Unauthenticated:
    """What the caller hears."""
    return Unauthenticated("This session has ended; log in again.")
