"""A number of bytes that many share.

Belongs here: the count. Who holds what, and what is said when there is no room, is known elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from protocol.errors import Busy


class Room:
    """``most``: bytes that all together may hold."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, count: int) -> bool:
        """Hold so many bytes more (fewer, if below 0). False, and nothing changed, when there is no room."""
        if count > self._left:
            return False
        self._left -= count
        return True

    @contextlib.contextmanager
    def held(self, count: int) -> Iterator[None]:
        """Hold so many bytes for a while. Raises ``Busy``."""
        if not self.take(count):
            raise Busy("There is no room for this at present.")
        try:
            yield
        finally:
            self.take(-count)
