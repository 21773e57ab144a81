"""What ``pesan up`` does about its processes: a machine without a process, a clock or a signal.

It is told what happened (a process serves, a process ended, a signal came, time passed), each time with
``now`` in seconds, and says in ``effects`` what to do about it. ``broker.up.supervisor`` does it.

The rules:

* Who ends is started again: at once the first time, then after a growing while, until it ran well.
* Who says "could not start" (exit code 78) before it ever served ends everything: trying again will not
  help, and a server that is half there helps nobody. Who served before is tried again all the same: what
  has changed meanwhile (a database that is away, a setting) may change back, and the others still serve.
* A reload replaces workers one at a time: the new one serves before the old one is told to stop. If the
  new one does not come, the old one stays and the rest are left alone.
* Who has once given a sign of life and then gives none for ``watchdog`` seconds is killed: it may hold a
  lock that all others wait for. Only time in which we were awake ourselves counts.
* The first call of ``stop`` lets everyone drain, the second one kills.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final, NamedTuple

from broker.up.procfile import Job

COULD_NOT_START: Final = 78
"""EX_CONFIG of sysexits.h; ours, our processes', and what systemd is told not to retry."""
NO_COMMAND: Final = (126, 127)
"""A shell's exit codes for a command that cannot be run or is not there."""

FIRST_PAUSE: Final = 0.5
"""Seconds before the second start in a row; each further one waits twice as long."""
LONGEST_PAUSE: Final = 30.0
STEADY: Final = 20.0
"""Seconds of running after which a process counts as well again."""
SERVES_WITHIN: Final = 15.0
"""Seconds that a replacement has to say that it serves."""

LOOKS: Final = 4
"""Looks at who has fallen silent, in the time after which one is killed. Who sees that twice as much time
has passed between two looks was stopped itself, perhaps with everybody else, and begins to count anew."""

FOREVER: Final = float("inf")


class Start(NamedTuple):
    """Start a process for this job; its events bear this number."""

    number: int
    job: Job


class Signal(NamedTuple):
    """Send a signal to a process."""

    number: int
    signal: int


class Say(NamedTuple):
    """Tell the operator, in one line."""

    text: str


Effect = Start | Signal | Say


class Role(Enum):
    """What a process is to its place."""

    CURRENT = "fills it"
    COMING = "will, once it serves"
    LEAVING = "did"


class Child:
    """One process."""

    __slots__ = ("heard", "kill_at", "number", "place", "role", "started", "told")

    def __init__(self, number: int, place: Place, role: Role, now: float) -> None:
        self.number = number
        self.place = place
        self.role = role
        self.started = now
        self.kill_at = FOREVER
        """When it is killed, if it has not ended: told to stop, or awaited. Who serves is awaited no more."""
        self.told = False
        """Whether it was told to stop."""
        self.heard = FOREVER
        """When it last gave a sign of life; who never does is not waited for."""


class Place:
    """A line of the Procfile, or one of several processes of it."""

    __slots__ = ("failures", "job", "proved", "start_at")

    def __init__(self, job: Job) -> None:
        self.job = job
        self.failures = 0
        """Ends in a row, without having run well in between."""
        self.proved = False
        """Whether any process of it has ever served."""
        self.start_at = FOREVER


def pause(failures: int, chance: float) -> float:
    """Seconds before the next start after ``failures`` earlier ends in a row. ``chance`` is in [0, 1).

    Grows in spite of the jitter: the longest of one step is shorter than the shortest of the next.
    """
    if not failures:
        return 0.0
    whole: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 16))
    return whole * (1 - 0.25 * chance)


def how(code: int) -> str:
    """An exit code in words; below 0, as ``subprocess`` has it, the number of a signal."""
    if code < 0:
        known = -code in set(signal.Signals)
        return f"was ended by {signal.Signals(-code).name if known else f'signal {-code}'}"
    if code == COULD_NOT_START:
        return "could not start"
    return f"ended with exit code {code}"


class Policy:
    """Everything that is to be decided. In seconds: ``drain`` is how long a process may take to stop,
    ``watchdog`` how long it may be silent (0: for ever).
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        drain: float,
        watchdog: float = 0.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.effects: list[Effect] = []
        self.outcome: int | None = None
        """The exit code, once everything has ended."""
        self.stopping = False
        self._exit_code = 0
        self._drain = drain
        self._chance = chance
        self._numbers = 0
        self._places = [Place(job) for job in jobs]
        self._children: dict[int, Child] = {}
        self._round: list[Place] = []
        """Places whose process is still to be replaced."""
        self._replacing: Child | None = None
        """The newcomer that is waited for, or the one who leaves for it."""
        self._once_more = False
        self._watchdog = watchdog or FOREVER
        self._looked = 0.0

    # --- what happens ---------------------------------------------------------------------------

    def begin(self, now: float) -> None:
        """Start everything."""
        for place in self._places:
            self._start(place, Role.CURRENT, now)

    def serves(self, now: float, number: int) -> None:
        """A process says that it serves."""
        child = self._children.get(number)
        if child is None:
            return
        child.place.proved = True
        if not child.told:
            child.kill_at = FOREVER
        if child.role is not Role.COMING or self.stopping:
            return
        old = self._current(child.place)
        assert old is not None, "who takes over from one that died is not coming any more"
        child.role, old.role = Role.CURRENT, Role.LEAVING
        self._replacing = old
        self._tell(now, old)

    def lives(self, now: float, number: int) -> None:
        """A process gives a sign of life."""
        child = self._children.get(number)
        if child is not None:
            child.heard = now

    def ended(self, now: float, number: int, code: int) -> None:
        """A process ended; ``code`` as ``subprocess`` gives it."""
        child = self._children.pop(number)
        if self.stopping:
            if not self._children:
                self.outcome = self._exit_code
            return
        if child.role is Role.COMING:
            self._abandon(now, child, how(code))
        elif child.role is Role.LEAVING:
            if child is self._replacing:
                self._next(now)
        else:
            self._lost(now, child, code)

    def reload(self, now: float) -> None:
        """Replace every worker, one at a time."""
        if self.stopping:
            return
        if self._replacing is not None:
            self._once_more = True
            return
        self._round = [place for place in self._places if place.job.replaceable]
        self._say("replacing the workers, one at a time")
        self._next(now)

    def stop(self, now: float, exit_code: int) -> None:
        """Let every process drain; when called again, kill them. The first call's exit code counts."""
        if self.stopping:
            for child in self._children.values():
                self.effects.append(Signal(child.number, signal.SIGKILL))
            return
        self.stopping = True
        self._exit_code = exit_code
        for child in self._children.values():
            if not child.told:
                self._tell(now, child)
        if not self._children:
            self.outcome = exit_code

    def tick(self, now: float) -> None:
        """Do what is due."""
        for place in self._places:
            if place.start_at <= now and not self.stopping:
                place.start_at = FOREVER
                self._start(place, Role.CURRENT, now)
        for child in self._children.values():
            if child.kill_at <= now:
                child.kill_at = FOREVER
                self.effects.append(Signal(child.number, signal.SIGKILL))
                self._say(f"{child.place.job.name} takes too long: killed")
        self._look(now)

    def due(self) -> float:
        """When ``tick`` has something to do; ``FOREVER`` for never."""
        starts = [FOREVER] if self.stopping else [place.start_at for place in self._places]
        counting = any(child.heard != FOREVER for child in self._children.values())
        look = self._looked + self._watchdog / LOOKS if counting else FOREVER
        return min([look, *starts, *(child.kill_at for child in self._children.values())])

    def _look(self, now: float) -> None:
        """Kill who has fallen silent."""
        asleep = now - self._looked > 2 * self._watchdog / LOOKS
        self._looked = now
        for child in self._children.values():
            if child.heard == FOREVER:
                continue
            if asleep:
                child.heard = now
            elif now - child.heard >= self._watchdog:
                child.heard = FOREVER
                self.effects.append(Signal(child.number, signal.SIGKILL))
                self._say(f"{child.place.job.name} gave no sign of life for {self._watchdog:g} s: killed")

    # --- what is done about it ------------------------------------------------------------------

    def _lost(self, now: float, child: Child, code: int) -> None:
        """A process ended that nobody had told to."""
        place = child.place
        if not place.proved and (code == COULD_NOT_START or code in NO_COMMAND):
            self._say(
                f"{place.job.name} could not start, and trying again will not help: stopping everything"
            )
            self.stop(now, COULD_NOT_START)
            return
        heir = self._coming(place)
        if heir is not None:
            heir.role = Role.CURRENT  # and goes on being awaited: it must serve, or be started anew
            self._say(f"{place.job.name} {how(code)}: the one that was to replace it takes over")
            self._next(now)
            return
        if now - child.started >= STEADY:
            place.failures = 0
        wait = pause(place.failures, self._chance())
        place.failures += 1
        place.start_at = now + wait
        self._say(f"{place.job.name} {how(code)}: starting it again{f' in {wait:.1f} s' if wait else ''}")

    def _next(self, now: float) -> None:
        """Replace the next one of the round."""
        self._replacing = None
        while self._round:
            place = self._round.pop(0)
            if self._current(place) is not None:
                self._replacing = self._start(place, Role.COMING, now)
                self._replacing.kill_at = now + SERVES_WITHIN
                return
            place.start_at = now  # it was waiting for its next try
        self._say("every worker was replaced")
        if self._once_more:
            self._once_more = False
            self.reload(now)

    def _abandon(self, now: float, child: Child, why: str) -> None:
        left, again = [child.place, *self._round], self._once_more
        self._round, self._replacing, self._once_more = [], None, False
        names = ", ".join(place.job.name for place in left)
        self._say(f"the new {child.place.job.name} {why}: as before stay {names}")
        if again:  # what was wrong may have been mended meanwhile
            self.reload(now)

    def _start(self, place: Place, role: Role, now: float) -> Child:
        self._numbers += 1
        child = self._children[self._numbers] = Child(self._numbers, place, role, now)
        self.effects.append(Start(child.number, place.job))
        return child

    def _tell(self, now: float, child: Child) -> None:
        """Tell a process to stop: once, for our processes take a second time as an order to drop all."""
        child.told = True
        child.kill_at = now + self._drain
        self.effects.append(Signal(child.number, signal.SIGTERM))

    def _say(self, text: str) -> None:
        self.effects.append(Say(text))

    def _current(self, place: Place) -> Child | None:
        return self._who(place, Role.CURRENT)

    def _coming(self, place: Place) -> Child | None:
        return self._who(place, Role.COMING)

    def _who(self, place: Place, role: Role) -> Child | None:
        return next((one for one in self._children.values() if one.place is place and one.role is role), None)
