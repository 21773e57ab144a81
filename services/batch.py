"""The batch engine: calls in, everything that came of them out. No socket, no clock, no signal.

Theory of operation. ``take`` decodes and validates each call and runs all that write in **one** write
transaction: first those that are handled together (sends), then the others in order of arrival, each in
a savepoint. Those that only read follow in a read transaction of their own, so that no other
process waits for them; slow ones (a password hash) stand in line, and are given to other hands one by one,
unless a look at them shows that there is nothing to hash: then each has its transaction behind the batch's.

An error never spoils its neighbours: a refusal or a fault of one call undoes that call alone. When
the store itself fails, every call that depended on it answers ``unavailable`` and nothing was done.
Nothing is handed out before its transaction is committed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

from config.log import Action, ServerLog
from config.settings import Settings
from protocol.backend import Call
from protocol.commands import COMMANDS, Body, read
from protocol.envelope import pack_body
from protocol.errors import OK, Failure, Internal, NotFound, Unauthenticated, Unavailable
from services import strangers
from services.arrival import Need, needs, transactions
from services.context import Apart, Context, Finish, Ready, Service, Slow, Together, TooHasty, pack_struct
from services.ended import living, over, still
from services.job import Job
from services.slow import Hands, Line, at_once, crowded, origin_of
from services.storage.engine import Store, StoreBusy, StoreUnavailable, Transaction

READ_BYTES: Final = 4 << 20
"""Bytes of answers after which the rest of the reading waits for the next step."""

RETRY_AFTER: Final = 0.3
"""Seconds after which a client may try again when the store failed."""


class Done:
    """What came of some calls: all of it is committed."""

    __slots__ = ("actions", "effects", "events", "replies")

    def __init__(self) -> None:
        self.replies: list[tuple[int, str, bytes]] = []
        self.events: list[bytes] = []
        self.effects: list[tuple[Any, ...]] = []
        self.actions: list[Action] = []


class Unanswered(ValueError):
    """A service lacks a handler for one of its commands."""


class Engine:
    """One service's handlers at work on one store. ``clock`` counts nanoseconds, for the log only."""

    def __init__(
        self,
        service: Service,
        store: Store,
        settings: Settings,
        log: ServerLog,
        clock: Callable[[], int] = time.perf_counter_ns,
        hands: Hands = at_once,
    ) -> None:
        self._rows = {name: row for name, row in COMMANDS.items() if row.service == service.name}
        if lacking := sorted(self._rows.keys() - service.handlers.keys()):
            raise Unanswered(f"The service {service.name} has no handler for {', '.join(lacking)}.")
        self._service = service
        self._store = store
        self._settings = settings
        self._log = log
        self._clock = clock
        self._cache: dict[str, Any] = {}
        self._readers: deque[Job] = deque()
        self._slow: Line[Job] = Line(settings.slow_queue)
        self._hands = hands
        self._at_work: tuple[Job, Future[Any]] | None = None

    @property
    def waiting(self) -> int:
        """Calls taken in and not answered yet: call ``step`` until there are none."""
        return len(self._readers) + len(self._slow) + (self._at_work is not None)

    @property
    def ready(self) -> bool:
        """Whether ``step`` has anything to do now; not while all that waits waits for hands at work."""
        next_slow = bool(self._slow) if self._at_work is None else self._at_work[1].done()
        return bool(self._readers) or next_slow

    def take(self, calls: list[Call], now: int) -> Done:
        """Handle calls that have arrived; slow ones are kept for ``step``. ``now`` in microseconds."""
        done = Done()
        writers: list[Job] = []
        since = self._clock()
        jobs = [job for call in calls if (job := self._job(call, since, done)) is not None]
        for job in self._lined_up(jobs, now, done):
            if job.row.writes:
                writers.append(job)
            else:
                self._readers.append(job)
        for together in transactions(writers):
            self._write(together, now, done)
        if self._readers:
            self._read(now, done)
        return done

    def step(self, now: int) -> Done:
        """Handle some of what waits: a stretch of reading, or one slow call."""
        done = Done()
        if self._readers:
            self._read(now, done)
            return done
        self._put_down(now, done)
        if self._slow and self._at_work is None:
            self._take_up(self._slow.next(), now, done)
            self._put_down(now, done)
        return done

    def tick(self, now: int) -> Done:
        """Do what the service does by itself. A store that fails now is tried again with the next tick."""
        done = Done()
        tick = self._service.tick
        if tick is None:
            return done
        try:
            with self._store.write() if tick.writes else self._store.read() as tx:
                ctx = self._context(tx, now)
                tick.handle(ctx)
        except StoreUnavailable as error:
            self._log.warning("tick failed", service=self._service.name, reason=str(error))
        except Exception as error:
            self._log.fault(self._service.name, "tick", error)
        else:
            done.events, done.effects = ctx.events, ctx.effects
        return done

    # --- taking in ------------------------------------------------------------------------------

    def _job(self, call: Call, since: int, done: Done) -> Job | None:
        """The call, decoded and validated; None when it was refused and answered."""
        row = self._rows.get(call.command)
        failure: Failure
        if row is None:
            failure = NotFound(f"There is no command {call.command[:64]!r} here.")
        elif row.session and not call.user_id:
            failure = Unauthenticated("Log in first.")
        else:
            try:
                handler = self._service.handlers[call.command]
                apart = handler.handle if isinstance(handler, Apart) else None
                return Job(call, row, read(row, call.body), since, apart)
            except Failure as error:
                failure = error
        self._answer(done, call, failure, since)
        return None

    # --- writing --------------------------------------------------------------------------------

    def _write(self, jobs: list[Job], now: int, done: Done) -> None:
        """Run everything that writes. Tried once more when another transaction stood in the way."""
        alone, busy, hasty = False, False, True
        while True:
            try:
                with self._store.write() as tx:
                    ctx = self._context(tx, now, hasty)
                    answers = self._written(ctx, jobs, alone)
                    ctx.settle()
                break
            except TooHasty:
                hasty = False
                continue
            except StoreUnavailable as error:
                self._cache.clear()
                if isinstance(error, StoreBusy) and not busy:
                    busy = True
                    continue
                answers = self._failed(error, jobs)
                ctx = None
                break
            except Exception as error:
                # A handler for many calls failed, so all was undone: one at a time shows which it is.
                self._cache.clear()
                self._log.fault(self._service.name, "batch", error)
                if not alone:
                    alone, hasty = True, False
                    continue
                answers = [_internal()] * len(jobs)
                ctx = None
                break
        if ctx is not None:
            done.events += ctx.events
            done.effects += ctx.effects
        for job, answer in zip(jobs, answers, strict=True):
            self._answer(done, job.call, answer, job.since)

    def _written(self, ctx: Context, jobs: list[Job], alone: bool) -> list[Body | Failure]:
        """An answer for each job, in order. ``alone``: nothing is handled together."""
        answers: dict[int, Body | Failure] = {}
        together: dict[int, tuple[Together, list[int]]] = {}
        single: list[int] = []
        for place, job in enumerate(jobs):
            handler = self._service.handlers[job.call.command]
            if isinstance(handler, Together) and not alone:
                together.setdefault(id(handler), (handler, []))[1].append(place)
            else:
                single.append(place)
        for handler, places in together.values():
            answers.update(self._together(ctx, jobs, handler, places))
        for place in single:
            answers[place] = self._guarded(ctx, jobs[place], self._plain(jobs[place]))
        return [answers[place] for place in range(len(jobs))]

    @staticmethod
    def _together(
        ctx: Context, jobs: list[Job], handler: Together, places: list[int]
    ) -> dict[int, Body | Failure]:
        """Answers by place: for those whose session lives, the handler's."""
        alive = living(ctx, [jobs[place] for place in places])
        answers: dict[int, Body | Failure] = dict.fromkeys(places, over())
        fit = [place for place in places if (jobs[place].call.session, jobs[place].call.user_id) in alive]
        if fit:
            found = handler.handle(ctx, [(jobs[place].call, jobs[place].request) for place in fit])
            answers.update(zip(fit, found, strict=True))
        return answers

    def _plain(self, job: Job) -> Finish:
        """The job's handler as one that takes a single call."""
        if job.straight is not None:
            return job.straight
        handler = self._service.handlers[job.call.command]
        assert not isinstance(handler, Slow | Apart)
        return handler.alone if isinstance(handler, Together) else handler

    def _guarded(self, ctx: Context, job: Job, handler: Finish) -> Body | Failure:
        """Run one handler in a savepoint; what it did and said is gone when it refuses or fails."""
        mark = ctx.mark()
        try:
            with ctx.tx.savepoint():
                still(ctx, job)
                return handler(ctx, job.call, job.request)
        except StoreUnavailable:
            raise
        except Failure as refusal:
            answer = refusal
        except Exception as error:
            self._log.fault(self._service.name, job.call.command, error)
            answer = _internal()
        ctx.undo(mark)
        return answer

    # --- reading --------------------------------------------------------------------------------

    def _read(self, now: int, done: Done) -> None:
        """Run what only reads, until the answers are many bytes."""
        size = 0
        while self._readers and size < READ_BYTES:
            try:
                with self._store.read() as tx:
                    ctx = self._context(tx, now)
                    # Nothing is to be committed, so what a call says may go out whatever befalls the next.
                    ctx.events, ctx.effects = done.events, done.effects
                    while self._readers and size < READ_BYTES:
                        size += self._one_read(ctx, self._readers[0], done)
                        self._readers.popleft()
            except StoreUnavailable as error:
                failed = list(self._readers)
                self._readers.clear()
                for job, answer in zip(failed, self._failed(error, failed), strict=True):
                    self._answer(done, job.call, answer, job.since)
            except Exception as error:
                # The transaction may be of no use any more: go on behind the culprit in a new one.
                self._log.fault(self._service.name, "read", error)
                if self._readers:
                    job = self._readers.popleft()
                    self._answer(done, job.call, _internal(), job.since)

    def _one_read(self, ctx: Context, job: Job, done: Done) -> int:
        """Answer one call; how many bytes the answer has."""
        mark = ctx.mark()
        answer: Body | Failure
        try:
            still(ctx, job)
            answer = self._plain(job)(ctx, job.call, job.request)
        except Exception as error:
            ctx.undo(mark)
            if not isinstance(error, Failure):
                raise
            answer = error
        return self._answer(done, job.call, answer, job.since)

    # --- slow calls -----------------------------------------------------------------------------

    def _lined_up(self, jobs: list[Job], now: int, done: Done) -> list[Job]:
        """Let those wait that must; the others, in order of arrival."""
        context = partial(self._context, now=now)
        found = needs(jobs, self._service.handlers, self._store, context, self._fault)
        if not found:
            return jobs
        straight: list[Job] = []
        for job in jobs:
            need = found.get(job.call.handle)
            if need is None:
                straight.append(job)
            elif isinstance(need, Failure):
                self._answer(done, job.call, need, job.since)
            elif need is Need.NOTHING:
                straight.append(job._replace(straight=self._slowly(job).straight))
            else:
                gone = self._slow.add(origin_of(job.call), job, need is Need.TURN_OF_THE_KNOWN)
                if gone is not None:
                    self._answer(done, gone.call, crowded(), gone.since)
        return straight

    def _take_up(self, job: Job, now: int, done: Done) -> None:
        """The first of the three steps of a slow call, and its work begun; that has no transaction."""
        slow = self._slowly(job)
        try:
            with self._store.read() as tx:
                prepared = slow.before(self._context(tx, now), job.call, job.request)
            if isinstance(prepared, Ready):  # only since it stands in line
                self._at_work = job, at_once(lambda: prepared.result)
            else:
                self._at_work = job, self._hands(partial(slow.work, self._settings, prepared))
        except Exception as error:
            self._answer(done, job.call, self._excused(error, job), job.since)

    def _put_down(self, now: int, done: Done) -> None:
        """The last of the three steps, if the work is done."""
        if self._at_work is None or not self._at_work[1].done():
            return
        (job, future), self._at_work = self._at_work, None
        try:
            finish = self._slowly(job).finisher(future.result())
        except Exception as error:
            self._answer(done, job.call, self._excused(error, job), job.since)
            return
        answer: Body | Failure
        for last in (False, True):
            try:
                with self._store.write() if job.row.writes else self._store.read() as tx:
                    ctx = self._context(tx, now)
                    answer = self._guarded(ctx, job, finish)
                    ctx.settle()
                done.events += ctx.events
                done.effects += ctx.effects
            except Exception as error:
                if isinstance(error, StoreBusy) and not last:
                    continue
                answer = self._excused(error, job)
            break
        self._answer(done, job.call, answer, job.since)

    def _slowly(self, job: Job) -> Slow:
        handler = self._service.handlers[job.call.command]
        assert isinstance(handler, Slow)
        return handler

    def _excused(self, error: Exception, job: Job) -> Body | Failure:
        """What is answered when a step of a slow call raised."""
        if isinstance(error, Failure):
            return error
        if isinstance(error, StoreUnavailable):
            return self._failed(error, [job])[0]
        self._fault(job, error)
        return _internal()

    def _fault(self, job: Job, error: Exception) -> None:
        self._log.fault(self._service.name, job.call.command, error)

    # --- answering ------------------------------------------------------------------------------

    def _context(self, tx: Transaction, now: int, hasty: bool = False) -> Context:
        return Context(tx, now, self._settings, self._cache, hasty)

    def _failed(self, error: StoreUnavailable, jobs: list[Job]) -> list[Body | Failure]:
        self._log.warning("store failed", service=self._service.name, reason=str(error), calls=len(jobs))
        message = "The database cannot do this at present; try again."
        return [Unavailable(message, retry_after=RETRY_AFTER, uncertain=True)] * len(jobs)

    def _answer(self, done: Done, call: Call, answer: Body | Failure, since: int) -> int:
        """Add the reply and its line in the log; how many bytes the reply's body has."""
        if isinstance(answer, Failure):
            code, body = answer.code, pack_body(answer.body())
        else:
            code, body = OK, pack_struct(answer)
        done.replies.append((call.handle, code, body))
        known = Action(call.user, call.command, code, since) if call.user_id else None
        done.actions.append(known or strangers.action(call, code, since))
        return len(body)


def _internal() -> Failure:
    return Internal("The server made a mistake; its log says more.")
