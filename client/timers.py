"""What is to happen later, for machines that have no clock of their own.

Belongs here: a queue of moments. Nothing is cancelled: a callback looks whether it still matters.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any, Final

NEVER: Final = float("inf")
GROWTH: Final = 1.25
"""How much longer each pause before another try is. Not 1.5: a worker that was killed serves again after half
a second to a second, and who has then just begun a long pause hears nothing meanwhile."""


class Timers:
    """Callbacks by moment, in seconds of whatever clock the owner is given."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[float, Any], None], Any]] = []
        self._count = 0

    def at(self, moment: float, callback: Callable[[float, Any], None], argument: Any = None) -> None:
        """Call ``callback(now, argument)`` in the first ``run`` at or after ``moment``."""
        self._count += 1
        heapq.heappush(self._heap, (moment, self._count, callback, argument))

    def next(self) -> float:
        """The earliest moment, or ``NEVER``."""
        return self._heap[0][0] if self._heap else NEVER

    def run(self, now: float) -> None:
        """Make every call that is due. Calls added meanwhile wait for the next run, so this ends."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap))
        for _, _, callback, argument in due:
            callback(now, argument)
