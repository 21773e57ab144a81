"""Slow calls as they arrive: which of them need not wait for a hash at all, and who is known.

Belongs here: the look that each is given, all of a batch in one read transaction. Not here: the line in
which the others stand (``services.slow``), and what is done with either (``services.batch``).

What is refused anyway goes straight, too: nobody fills the line with what will never be hashed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from protocol.errors import Failure
from services.context import Context, Ready, Slow
from services.job import Job
from services.storage.engine import Store, StoreUnavailable, Transaction

Asked = tuple[Job, Slow]
"""A call and its handler."""


class Need(Enum):
    """What a slow call has to wait for."""

    NOTHING = "nothing"
    """It goes with the batch."""
    TURN = "turn"
    """Its turn in the line."""
    TURN_OF_THE_KNOWN = "turn of the known"
    """A turn before strangers."""


def needs(
    asked: Sequence[Asked],
    store: Store,
    context: Callable[[Transaction], Context],
    fault: Callable[[Job, Exception], None],
) -> list[Need]:
    """For each call what it needs, in order. Where that cannot be found out, it stands in line as a stranger.

    ``fault`` is told of a call whose handler failed.
    """
    found: list[Need] = []
    while len(found) < len(asked):
        try:
            with store.read() as tx:
                ctx = context(tx)
                for job, slow in asked[len(found) :]:
                    found.append(_need(ctx, job, slow))
        except StoreUnavailable:
            found += [Need.TURN] * (len(asked) - len(found))
        except Exception as error:
            # The transaction may be of no use any more: go on behind the culprit in a new one.
            fault(asked[len(found)][0], error)
            found.append(Need.TURN)
    return found


def _need(ctx: Context, job: Job, slow: Slow) -> Need:
    try:
        prepared = slow.before(ctx, job.call, job.request)
    except Failure:
        return Need.NOTHING
    if isinstance(prepared, Ready):
        return Need.NOTHING
    known = slow.known is not None and slow.known(ctx, job.call, job.request)
    return Need.TURN_OF_THE_KNOWN if known else Need.TURN
