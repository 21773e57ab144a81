"""Whose turn it is: accounts have turns among each other, however much each of them asks for.

Here: the queues in which slow things wait. Not here: what is done when it is somebody's turn (``line``).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final, Generic, TypeVar

T = TypeVar("T")

SEALS: Final = 4096
"""Uploads that wait to be sealed; who comes then asks again later."""


class Seals(Generic[T]):
    """Uploads that wait to be sealed: one of each user is at work, and users have turns.

    So a user with many large uploads waits for their own, and takes one hand of several.
    """

    def __init__(self, hands: int) -> None:
        """``hands``: how many are sealed at once."""
        self._hands = hands
        self._waiting: OrderedDict[int, deque[T]] = OrderedDict()
        self._length = 0
        self._at_work: set[int] = set()

    def add(self, user: int, seal: T) -> bool:
        """Wait for a turn; False when too many wait."""
        if self._length >= SEALS:
            return False
        self._waiting.setdefault(user, deque()).append(seal)
        self._length += 1
        return True

    def begin(self) -> T | None:
        """One that is to begin now, if a hand is free for somebody; ``done`` is owed for it."""
        if len(self._at_work) >= self._hands:
            return None
        user = next((user for user in self._waiting if user not in self._at_work), None)
        if user is None:
            return None
        waiting = self._waiting.pop(user)
        seal = waiting.popleft()
        self._length -= 1
        self._at_work.add(user)
        if waiting:
            self._waiting[user] = waiting
        return seal

    def done(self, user: int) -> None:
        """The one of this user that was at work no longer is."""
        self._at_work.discard(user)
