"""Pace: how large a request to one peer may be, so that its line carries it within the time an answer has.

Belongs here: that number of bytes, and how it learns. Not here: what is cut to it (``sending``, ``groups``).
A line that loses what it is given may only be slow; if all of it were given to it again, it would never get
through. So after each loss requests are half as large, and larger again only when a full one was quick.
"""

from __future__ import annotations

from typing import Final

MOST: Final = 1 << 20
"""Bytes of texts in one request; the last one may go beyond."""
LEAST: Final = 1 << 14
QUICK: Final = 0.25
"""Of the time that an answer has: who took no longer may be given twice as much."""


class Pace:
    """One line's. ``patience``: seconds that an answer may take."""

    def __init__(self, patience: float) -> None:
        self._quick = patience * QUICK
        self.bytes = MOST

    def lost(self) -> None:
        """The line fell."""
        self.bytes = max(LEAST, self.bytes // 2)

    def answered(self, size: int, seconds: float) -> None:
        """A request of ``size`` bytes took so long."""
        if size * 2 >= self.bytes and seconds < self._quick:
            self.bytes = min(MOST, self.bytes * 2)
