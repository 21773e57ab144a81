"""A number of bytes that many share.

Belongs here: the count. Who holds what, and what is said when there is no room, is known elsewhere.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

from protocol.errors import Busy

SHARE: Final = 4
"""One user may have the n-th part of what all share, bytes here and places for files: nobody takes it all."""


def hand_back() -> None:
    """Have what was megabytes go back to the system when it is freed, in all of this process."""
    from config.heap import keep_chunks  # here, because few gateways are ever asked for such room

    keep_chunks()


class Room:
    """``most``: bytes that all together may hold. ``one``: what anybody must be able to hold alone."""

    def __init__(self, most: int, one: int = 0) -> None:
        self.share = min(max(most // SHARE, one), most)
        """What one user may hold."""
        self._left = most
        self._begun = False
        self._users: Counter[str] = Counter()

    def take(self, count: int, user: str) -> bool:
        """Hold so many bytes more (fewer, if below 0). False, and nothing changed, when there is no room."""
        held = self._users[user] + count
        if count > 0 and (count > self._left or held > self.share):
            return False
        if not self._begun:
            self._begun = True
            hand_back()
        self._left -= count
        self._users[user] = held
        if not held:
            del self._users[user]
        return True

    @contextlib.contextmanager
    def held(self, count: int, user: str) -> Iterator[None]:
        """Hold so many bytes for a while. Raises ``Busy``."""
        if not self.take(count, user):
            raise Busy("There is no room for this at present.")
        try:
            yield
        finally:
            self.take(-count, user)
