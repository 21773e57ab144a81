"""Requests: waiting, flying, repeated, answered. Messages go by ``outbox`` instead, for their order.

Belongs here: when a request is sent and sent again. Who we are and what an answer means to the
session is ``session``'s. No socket and no clock.

A request waits until it may go, flies, and is answered; or it is refused for now and waits a little;
or it gets no answer in ``PATIENCE`` seconds, or the connection becomes a new one, and it flies again
under a new request id. A command that must not be done twice never flies twice.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from client.errors import Timeout
from client.timers import GROWTH, NEVER, Timers
from protocol.commands import COMMANDS, Body, Command, body_of, convert
from protocol.envelope import pack_body, pack_request, unpack_body
from protocol.errors import OK, Failure, Internal, Invalid, RateLimited, Retry, TooLarge, failure

PATIENCE: Final = 5.0
"""Seconds without an answer after which a request is sent again; doubles up to the next line."""
PATIENCE_MOST: Final = 20.0
OPEN_MOST: Final = 48
"""Requests in flight; further ones wait their turn."""
DELAY_MOST: Final = 5.0

ONCE: Final = {name for name, row in COMMANDS.items() if not row.retry} | {"auth.password"}
"""Commands of which a second try fails because of the first."""

OnAnswer = Callable[[float, Body | Exception], None]


class Request:
    """One call. ``deadline`` is ``NEVER`` for the machine's own, which go first."""

    __slots__ = (
        "body",
        "command",
        "deadline",
        "done",
        "failure",
        "flights",
        "on_answer",
        "queued",
        "token",
        "tries",
    )

    def __init__(self, command: Command, body: bytes, on_answer: OnAnswer, deadline: float) -> None:
        self.command = command
        self.body = body
        self.on_answer = on_answer
        self.deadline = deadline
        self.done = False
        self.queued = False
        self.flights: list[int] = []
        """Request ids under which it was sent over this connection, the newest last."""
        self.token = b""
        """The token it flew with."""
        self.tries = 0
        self.failure: Failure | None = None
        """The last refusal that was only for now."""


class Requests:
    """Every request without an answer. ``on_done`` sees each answer before its caller does.

    What is refused as too often, and waits, is added to ``pauses``.
    """

    def __init__(
        self,
        rng: random.Random,
        timers: Timers,
        request_ids: Iterator[int],
        on_done: Callable[[float, Request, Body | Exception], None],
        pauses: list[RateLimited],
    ) -> None:
        self._rng = rng
        self._timers = timers
        self._request_ids = request_ids
        self._on_done = on_done
        self._pauses = pauses
        self._flying: dict[int, Request] = {}
        self._open = 0
        self._queue: deque[Request] | None = None
        """None when it is empty: an empty one takes 760 bytes, and most sessions are idle."""
        self._parked: list[Request] = []

    @property
    def waiting(self) -> bool:
        """Whether there is anything in the queue."""
        return self._queue is not None

    def find(self, request_id: int) -> Request | None:
        """The request that has this id in flight."""
        return self._flying.get(request_id)

    def all(self) -> list[Request]:
        """Every request without an answer."""
        return [
            request
            for request in dict.fromkeys((*self._flying.values(), *(self._queue or ()), *self._parked))
            if not request.done
        ]

    # --- out ------------------------------------------------------------------------------------

    def add(self, request: Request) -> None:
        """Into the queue, for the first time or again.

        The machine's own go first, for they mend what others wait for, and so does what has its
        place among the open ones already.
        """
        if request.done or request.queued:
            return
        request.queued = True
        if self._queue is None:
            self._queue = deque()
        if request.deadline == NEVER or request.flights:
            self._queue.appendleft(request)
        else:
            self._queue.append(request)

    def ship(self, now: float, token: bytes, in_session: bool) -> list[bytes]:
        """Frames of what may fly now. Unless ``in_session``, what needs a session is parked."""
        frames: list[bytes] = []
        queue = self._queue
        while queue:
            request = queue[0]
            if self._open >= OPEN_MOST and request.deadline != NEVER and not request.flights:
                break
            queue.popleft()
            request.queued = False
            if request.done:
                continue
            if request.command.session and not in_session:
                self._parked.append(request)
                continue
            request.token = token if request.command.session else b""
            frames.append(self._fly(now, request))
        if not queue:
            self._queue = None
        return frames

    def _fly(self, now: float, request: Request) -> bytes:
        request_id = next(self._request_ids)
        if not request.flights:
            self._open += 1
        request.flights.append(request_id)
        self._flying[request_id] = request
        if request.command.name not in ONCE:
            patience = min(PATIENCE * 2**request.tries, PATIENCE_MOST)
            self._timers.at(now + patience, self._overdue, (request, request_id))
        return pack_request(request_id, request.token, request.command.name, request.body)

    def _overdue(self, now: float, flight: tuple[Request, int]) -> None:
        request, request_id = flight
        if not request.done and request.flights[-1:] == [request_id]:
            request.tries += 1
            self.add(request)

    def unpark(self) -> None:
        """There is a session again."""
        parked, self._parked = self._parked, []
        for request in parked:
            self.add(request)

    def connected(self) -> None:
        """The connection is a new one: what was in flight flies again."""
        for request in self.all():
            if request.flights:
                self._land(request)
                self.add(request)

    def disconnected(self, now: float) -> None:
        """Answers to what is in flight will not come; what must not fly twice ends here."""
        for request in self.all():
            if request.flights and request.command.name in ONCE:
                message = "The connection was lost meanwhile: it may or may not have been done."
                self.finish(now, request, Timeout(message))

    # --- in -------------------------------------------------------------------------------------

    def answered(self, now: float, request: Request, request_id: int, answer: Body | Failure) -> None:
        """An answer that ends the request, or a refusal for now, or one of an old flight."""
        if isinstance(answer, Failure):
            if self.outdated(request, request_id):
                return
            # From a service that died over it nobody knows whether it was done.
            uncertain = request.command.name in ONCE and bool(answer.fields.get("uncertain"))
            if answer.retry is Retry.LATER and not uncertain:
                self._wait(now, request, answer)
                return
        self.finish(now, request, answer)

    def outdated(self, request: Request, request_id: int) -> bool:
        """Whether a newer flight will bring its own answer, so that this one's no says nothing."""
        return request.queued or request.flights[-1] != request_id

    def again(self, request: Request) -> None:
        """Fly again as soon as may be."""
        self._land(request)
        self.add(request)

    def _wait(self, now: float, request: Request, answer: Failure) -> None:
        if request.deadline != NEVER:
            if now + answer.retry_after >= request.deadline:
                self.finish(now, request, answer)  # to wait in silence would help nobody
                return
            if isinstance(answer, RateLimited):
                self._pauses.append(answer)
        self._land(request)
        request.failure = answer
        delay = answer.retry_after * GROWTH ** min(request.tries, 32)
        delay = min(delay, max(answer.retry_after, DELAY_MOST))
        request.tries += 1
        self._timers.at(now + delay * self._rng.uniform(1.0, 1.5), self._waited, request)

    def _waited(self, now: float, request: Request) -> None:
        self.add(request)

    def finish(self, now: float, request: Request, answer: Body | Exception) -> None:
        """Answered, or given up."""
        if request.done:
            return
        request.done = True
        self._land(request)
        self._on_done(now, request, answer)
        request.on_answer(now, answer)

    def _land(self, request: Request) -> None:
        if request.flights:
            self._open -= 1
        for request_id in request.flights:
            del self._flying[request_id]
        request.flights = []


def read_answer(command: Command, status: str, packed: bytes) -> Body | Failure:
    """A reply's body as a typed value: the command's reply, or the refusal."""
    try:
        fields = unpack_body(packed)
        if status != OK:
            return failure(status, fields)
        return convert(fields, command.reply)
    except Failure as error:
        return Internal(f"The server's answer makes no sense: {error}")


def unsendable(command: str, body: Body) -> Failure | None:
    """Why a body cannot travel: half a surrogate pair, as a shell's arguments may bring, or its size.

    Asked at once: found while packing, the first would spoil what is sent beside it; and for a frame
    that is too large the server would cut the connection, as often as it is repeated.
    """
    limit = COMMANDS[command].limit
    try:
        if len(pack_body(body_of(body))) <= limit:
            return None
    except (ValueError, OverflowError):
        return Invalid("This cannot be sent: it is no Unicode text, or too large a number.")
    return TooLarge(f"The body of {command} may have {limit} bytes.", limit=limit)
