"""Virtual time: what is due next happens next, and nothing waits."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

BEGIN = 1_000.0
"""Seconds that the monotonic clock shows when a run begins."""
EPOCH = 1_700_000_000.0
"""What to add to have seconds since the Unix epoch."""


class Clock:
    """``now`` in seconds. What is due at the same moment happens in the order in which it was planned."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.steps = 0
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    @property
    def wall(self) -> int:
        """Microseconds since the Unix epoch."""
        return int((self.now + EPOCH) * 1e6)

    def at(self, moment: float, action: Callable[..., None], *arguments: Any) -> None:
        """Plan a call; a moment that has passed means now."""
        self._count += 1
        heapq.heappush(self._heap, (max(moment, self.now), self._count, action, arguments))

    def after(self, seconds: float, action: Callable[..., None], *arguments: Any) -> None:
        """Plan a call ``seconds`` from now."""
        self.at(self.now + seconds, action, *arguments)

    def run(self, until: float) -> None:
        """Let time pass up to ``until``."""
        heap = self._heap
        while heap and heap[0][0] <= until:
            self.now, _, action, arguments = heapq.heappop(heap)
            self.steps += 1
            action(*arguments)
        self.now = until
