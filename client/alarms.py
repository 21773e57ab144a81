"""One timer of the loop for everyone on the trunks who wants to be woken.

Belongs here: who is next. A timer of asyncio for each of thousands of sessions, set anew with each request,
would cost more memory and time than what is done when it rings.
"""

from __future__ import annotations

import asyncio
import heapq
from typing import Final, Protocol

from client.timers import NEVER

GRAIN: Final = 0.02
"""Seconds that a moment may be late: those that lie so close are rung for together."""


class Sleeper(Protocol):
    """Who is woken. ``alarm_at`` is the alarms' own; it begins as ``NEVER``."""

    alarm_at: float

    def ring(self) -> None:
        """The moment has come, or was put off meanwhile: the sleeper sees for itself."""


class Alarms:
    """The next moment of each sleeper. A later one than is known replaces nothing: it rings early, once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[tuple[float, int, Sleeper]] = []
        self._count = 0
        self._dropped = 0
        self._timer: asyncio.TimerHandle | None = None

    def set(self, sleeper: Sleeper, moment: float) -> None:
        """Ring then, unless it rings sooner anyway; ``NEVER`` asks for nothing."""
        if moment >= sleeper.alarm_at:
            return
        sleeper.alarm_at = moment
        self._count += 1
        heapq.heappush(self._heap, (moment, self._count, sleeper))
        if self._timer is None or moment < self._timer.when() - GRAIN:
            self._arm(moment)

    def drop(self, sleeper: Sleeper) -> None:
        """Never ring for this one again; of those who come and go none is kept for long."""
        sleeper.alarm_at = -NEVER
        self._dropped += 1
        if self._dropped > len(self._heap) // 2:
            self._dropped = 0
            self._heap = [entry for entry in self._heap if entry[2].alarm_at == entry[0]]
            heapq.heapify(self._heap)

    def close(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._heap.clear()

    def _arm(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(moment + GRAIN, self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = self._loop.time()
        due = []
        while self._heap and self._heap[0][0] <= now:
            moment, _, sleeper = heapq.heappop(self._heap)
            if sleeper.alarm_at == moment:
                due.append(sleeper)
        for sleeper in due:
            if sleeper.alarm_at != -NEVER:
                sleeper.alarm_at = NEVER
                sleeper.ring()
        if self._heap:
            # Who was woken may have armed it for itself, later than others want it.
            self._arm(self._heap[0][0])
