"""How often what changes by itself is drawn, when it changes often.

Belongs here: which of the marked parts are drawn now, and which a little later. No Flet, no clock of its own.

In a room into which much is said, each message by itself would have the window laid out and painted anew, and
keys would wait for that. So what others do is drawn at once when it is rare, and in lots when it is not;
what somebody does here is always drawn at once, with all that waited.
"""

from __future__ import annotations

import math
from typing import Final

from client.gui.model.changes import Part

APART: Final[dict[Part, float]] = {
    Part.COMING: 0.25,
    Part.TYPING: 0.25,
    Part.TALKS: 0.6,
    Part.PEOPLE: 0.6,
    Part.GROUPS: 0.6,
}
"""Seconds between two drawings of what others change; all else is drawn whenever it is marked."""
DONE_HERE: Final = frozenset({Part.SCREEN, Part.COMPOSER, Part.SEARCH})
"""Marked by what somebody does at this window."""


class Pace:
    """Parts that wait, and when each was drawn last (monotonic seconds)."""

    def __init__(self) -> None:
        self._drawn: dict[Part, float] = {}
        self._waiting: set[Part] = set()

    def due(self, marked: frozenset[Part], now: float) -> frozenset[Part]:
        """Which parts to draw now, of those that are marked and those that waited."""
        self._waiting |= marked
        at_once = bool(marked & DONE_HERE)
        ready = {part for part in self._waiting if at_once or self._from(part) <= now}
        self._waiting -= ready
        self._drawn.update(dict.fromkeys(ready & APART.keys(), now))
        return frozenset(ready)

    def rest(self, now: float) -> float | None:
        """Seconds until something that waits is due; None when nothing waits."""
        if not self._waiting:
            return None
        return max(0.0, min(self._from(part) for part in self._waiting) - now)

    def _from(self, part: Part) -> float:
        """When it may be drawn again."""
        return self._drawn.get(part, -math.inf) + APART.get(part, 0.0)
