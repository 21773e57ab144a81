"""What came into a room while somebody read older messages there: it waits, so that nothing moves.

Belongs here: keeping it in order, each once, and so much of it. What was dropped ``room`` fetches again.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from client.gui.model.pages import PAGE
from client.gui.model.rows import Happened
from protocol.events import MessageEvent

HELD_MOST: Final = 4 * PAGE
"""Of what came meanwhile, the newest that are at hand; others are fetched when they are scrolled to."""


class Holding:
    """``count``: messages of others, also those that are not at hand any more."""

    def __init__(self) -> None:
        self.count = 0
        self._held: deque[MessageEvent | Happened] = deque(maxlen=HELD_MOST)
        self._last = 0

    def take(self, event: MessageEvent, ours: bool) -> bool:
        """A message; False when it is known."""
        if event.seq <= self._last:
            return False
        self._last = event.seq
        self._held.append(event)
        self.count += not ours
        return True

    def happened(self, row: Happened) -> None:
        """Somebody came or went."""
        self._held.append(row)

    def release(self) -> list[MessageEvent | Happened]:
        """What was held, oldest first; nothing is held then."""
        held = list(self._held)
        self.clear()
        return held

    def clear(self) -> None:
        """Nothing is held."""
        self._held.clear()
        self.count = self._last = 0
