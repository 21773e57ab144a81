"""A line: our side of the talk with one other realm. It asks, waits, and knows whether anybody is there.

Belongs here: hello, numbers of requests, time outs, pauses between tries. Not here: sockets (``ports``), what
is asked (the parts, one file a noun), what the other one asks us (``asked``).

A pure machine: time comes in, frames come in, frames go out through a ``Dial``. A line is up once the
other side has answered a hello; anything that is not answered in time takes it down, and everybody who
waited hears ``LOST``. While it is down it dials anew after pauses that grow and are never quite the same;
whoever comes back says hello itself, which ends the pause on the other side.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from protocol import realms
from protocol.body import Body
from protocol.envelope import unpack_body
from protocol.errors import FAILURES, OK, Failure, Retry
from services.context import pack_struct
from services.realm.sentences import plain

FIRST_PAUSE: Final = 0.5
"""Seconds before the second try; each further one about twice as long, up to ``realm_pause_most``."""

ANNOUNCED: Final = 1.0
"""Seconds that an answer has to come when the other side has said hello meanwhile."""

SENTENCE_MOST: Final = 200
STATUS_MOST: Final = 32
"""Characters of what the other side says instead of hello."""

OPEN_MOST: Final = 256
"""Requests without an answer; a line with more is full."""


class Answer(NamedTuple):
    """What came of a request: ``ok`` and a packed body, or a code of ``protocol.errors`` and its body."""

    status: str
    body: bytes


LATER: Final = frozenset(code for code, kind in FAILURES.items() if kind.retry is Retry.LATER)
"""What is answered to what may be asked again."""

LOST: Final = Answer("lost", b"")
"""No answer came, so it may or may not have been done."""

Then = Callable[[Answer], None]
"""Told once, unless the process ends before."""


class Dial(Protocol):
    """What a line needs of a connection."""

    def send(self, frame: bytes) -> bool:
        """Hand a frame over; False when there is no room for it."""

    def redial(self) -> None:
        """Connect anew; what was handed over and not sent yet is dropped."""


class Times(NamedTuple):
    """Seconds: what an answer has to come, between two hellos on a quiet line, and most between two tries."""

    answer: float
    quiet: float
    pause_most: float


class Open(NamedTuple):
    """A request without an answer."""

    then: Then
    deadline: float


class Line:
    """The line to one realm. ``hello`` makes the body of a hello; ``heard`` judges the answer to one.

    ``heard`` returns why the one at the other end is not who we want, or ''. ``changed`` is called when the
    line went up or down.
    """

    def __init__(
        self,
        dial: Dial,
        times: Times,
        hello: Callable[[], Body],
        heard: Callable[[Answer], str],
        changed: Callable[[bool], None],
        rng: random.Random,
    ) -> None:
        self._dial = dial
        self._times = times
        self._hello = hello
        self._heard = heard
        self._changed = changed
        self._rng = rng
        self._open: dict[int, Open] = {}
        self._number = 0
        self._failures = 0
        self._next_hello = 0.0
        self._greeting = 0
        """Number of the hello that is not answered yet."""
        self._now = 0.0
        self._told = ""
        """The trouble that was last told by ``changed``."""
        self.up = False
        self.trouble = ""
        """Why it is down, as far as we know: a sentence."""

    @property
    def open(self) -> int:
        """Requests without an answer."""
        return len(self._open)

    def ask(self, now: float, kind: str, body: Body, then: Then) -> bool:
        """Ask something; False, and nothing is asked, while the line is down or full."""
        return self.up and len(self._open) < OPEN_MOST and self._ask(now, kind, body, then)

    def _ask(self, now: float, kind: str, body: Body, then: Then) -> bool:
        number = self._number + 1
        if not self._dial.send(realms.pack(number, kind, pack_struct(body))):
            return False
        self._number = number
        self._open[number] = Open(then, now + self._times.answer)
        self._next_hello = now + self._times.quiet
        return True

    def received(self, now: float, frame: bytes) -> None:
        """A reply. What fits no request was given up before, and is passed over. Raises ``ValueError``."""
        self._now = now
        number, status, body = realms.unpack(frame)
        waiting = self._open.pop(number, None)
        if waiting is not None:
            waiting.then(Answer(status, body))

    def announced(self, now: float, came_back: bool) -> None:
        """The other side has said hello. If we take it for away, or it has begun anew, try at once."""
        if came_back and self.up:
            self._fall(now, "It has started anew.")
        if self.up:
            return
        self._failures = 0
        waiting = self._open.get(self._greeting)
        if waiting is None:
            self._next_hello = now
        else:  # said to who was not there yet, or about to be answered
            deadline = min(waiting.deadline, now + ANNOUNCED)
            self._open[self._greeting] = waiting._replace(deadline=deadline)

    def broken(self, now: float, trouble: str) -> None:
        """The connection has ended; ``trouble`` says why, in a sentence."""
        if self.up or self._greeting:
            self._fall(now, trouble)

    def tick(self, now: float) -> None:
        """What time alone brings about."""
        self._now = now
        if any(now >= waiting.deadline for waiting in self._open.values()):
            self._fall(now, "It does not answer.")
        if now >= self._next_hello and not self._greeting:
            self._greet(now)

    def due(self) -> float:
        """When to be called again, at the latest."""
        deadlines = (waiting.deadline for waiting in self._open.values())
        return (
            min(deadlines, default=self._next_hello)
            if self._greeting
            else min([self._next_hello, *deadlines])
        )

    def close(self, now: float) -> None:
        """Give everything up."""
        self._lose()

    def _greet(self, now: float) -> None:
        self._next_hello = now + FIRST_PAUSE  # and not at once, whatever goes wrong here
        if not self.up:
            self._dial.redial()
        if self._ask(now, "hello", self._hello(), self._greeted):
            self._greeting = self._number
        else:
            self._fall(now, "There is no room in its connection.")

    def _greeted(self, answer: Answer) -> None:
        self._greeting = 0
        if answer is LOST:
            return  # and _fall goes on
        if self.up and answer.status in LATER:
            return  # it is there, and has much to do
        trouble = self._heard(answer) if answer.status == OK else _refusal(answer)
        if trouble:
            self._fall(self._now, trouble)
        elif not self.up:
            self.up, self._failures, self.trouble, self._told = True, 0, "", ""
            self._changed(True)

    def _fall(self, now: float, trouble: str) -> None:
        """Nobody is there whom we want, as far as we can tell."""
        was_up, self.up = self.up, False
        self.trouble = trouble
        self._greeting = 0
        self._pause(now)
        self._lose()
        if was_up or self._told != trouble:
            self._told = trouble
            self._changed(False)

    def _pause(self, now: float) -> None:
        pause = min(FIRST_PAUSE * 2 ** min(self._failures, 20), self._times.pause_most)
        self._failures += 1
        self._next_hello = now + pause * self._rng.uniform(0.5, 1.0)

    def _lose(self) -> None:
        lost, self._open = self._open, {}
        self._greeting = 0
        for waiting in lost.values():
            waiting.then(LOST)


def _refusal(answer: Answer) -> str:
    """What the one at the other end said instead of hello, for our operator."""
    try:
        said = unpack_body(answer.body).get("message", "")
    except Failure:
        said = ""
    return plain(str(said), SENTENCE_MOST) or f"It answers {plain(answer.status, STATUS_MOST)}."
