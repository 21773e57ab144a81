"""Slow calls as they arrive: which of them need not wait for a hash at all, and who is known.

Belongs here: the look that each is given, all of a batch in one read transaction, and which calls may share
a transaction with them afterwards. Not here: the line in which the others stand (``services.slow``), and
what is done with either (``services.batch``).

What is refused anyway stands in no line: nobody fills it with what will never be hashed. Nor does a refusal
wait for a write transaction, which is what a crowd of wrong names would else keep busy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

from protocol.errors import Failure
from services.context import Context, Ready, Slow
from services.ended import still
from services.job import Job
from services.storage.engine import Store, StoreUnavailable, Transaction

Asked = tuple[Job, Slow]
"""A call and its handler."""


class Need(Enum):
    """What a slow call has to wait for."""

    NOTHING = "nothing"
    """It goes with the batch, in a transaction of its own."""
    TURN = "turn"
    """Its turn in the line."""
    TURN_OF_THE_KNOWN = "turn of the known"
    """A turn before strangers."""


def needs(
    jobs: Sequence[Job],
    handlers: Mapping[str, Any],
    store: Store,
    context: Callable[[Transaction], Context],
    fault: Callable[[Job, Exception], None],
) -> dict[int, Need | Failure]:
    """By handle, what each slow call among ``jobs`` needs, or the refusal that is its answer.

    Where that cannot be found out, it stands in line as a stranger. ``fault`` is told of a call whose
    handler failed.
    """
    asked = [(job, slow) for job in jobs if isinstance(slow := handlers[job.call.command], Slow)]
    if not asked:
        return {}
    found: list[Need | Failure] = []
    while len(found) < len(asked):
        try:
            with store.read() as tx:
                ctx = context(tx)
                for job, slow in asked[len(found) :]:
                    found.append(_need(ctx, job, slow))
        except StoreUnavailable:
            found += [Need.TURN] * (len(asked) - len(found))
        except Exception as error:
            # The transaction may be of no use any more: go on behind the culprit in a new one. When all
            # have been looked at, there is none: the transaction itself did not end well.
            fault(asked[min(len(found), len(asked) - 1)][0], error)
            if len(found) < len(asked):
                found.append(Need.TURN)
    return _in_order(jobs, {job.call.handle: need for (job, _), need in zip(asked, found, strict=True)})


def _need(ctx: Context, job: Job, slow: Slow) -> Need | Failure:
    try:
        still(ctx, job)
        prepared = slow.before(ctx, job.call, job.request)
    except Failure as refusal:
        return refusal
    if isinstance(prepared, Ready):
        return Need.NOTHING
    known = slow.known is not None and slow.known(ctx, job.call, job.request)
    return Need.TURN_OF_THE_KNOWN if known else Need.TURN


def _in_order(jobs: Sequence[Job], found: dict[int, Need | Failure]) -> dict[int, Need | Failure]:
    """``found``, but what is refused behind a change by the same session is asked again after that.

    Who makes a group and joins it in one breath must not hear that there is none.
    """
    changing: set[int] = set()
    for job in jobs:
        need, session = found.get(job.call.handle), job.call.session
        if isinstance(need, Failure) and session in changing:
            found[job.call.handle] = Need.NOTHING
        elif need in (None, Need.NOTHING) and job.row.writes and session:
            changing.add(session)
    return found


def transactions(jobs: Sequence[Job]) -> list[list[Job]]:
    """Calls that write, by the transaction they are to be in, in that order.

    Each slow one that goes straight has its own, and so has each that is ``Apart``: it locks its user and a
    group, or a group and those whose files were in it, until it is done, and a transaction that locked those
    of several, in order of arrival, would stand in a circle with others. The rest share the first, but for
    what the session of one that went straight asked after it.
    """
    if all(job.straight is None for job in jobs):
        return [list(jobs)] if jobs else []
    first: list[Job] = []
    later: list[list[Job]] = []
    behind: set[int] = set()
    for job in jobs:
        if job.straight is None and job.call.session not in behind:
            first.append(job)
            continue
        later.append([job])
        behind.add(job.call.session)
    return [first, *later] if first else later
