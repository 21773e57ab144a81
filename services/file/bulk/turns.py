"""Whose turn it is: accounts have turns among each other, however much each of them asks for.

Here: the queues in which slow things wait. Not here: what is done when it is somebody's turn (``line``).
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import Final, Generic, TypeVar

from protocol.limits import FILE_WINDOW
from services.file.bulk.desk import Reading

T = TypeVar("T")

SEALS: Final = 4096
"""Uploads that wait to be sealed; who comes then asks again later."""
READINGS_PER_PEER: Final = 2 * FILE_WINDOW
READINGS_PER_USER: Final = 32 * FILE_WINDOW
READINGS: Final = 4096
"""Parts that wait to be read, for a connection, a user, all; what is beyond is dropped, and asked again."""


class Readings:
    """Parts that wait to be read: each user has a turn, there each connection, and that its own order."""

    def __init__(self) -> None:
        self._of: OrderedDict[int, OrderedDict[bytes, deque[Reading]]] = OrderedDict()
        self._lengths: Counter[int] = Counter()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, peer: bytes, reading: Reading) -> bool:
        """Wait for a turn; False when too many wait."""
        user = reading.user
        peers = self._of.get(user)
        waiting = peers.get(peer, ()) if peers else ()
        if (
            self._length >= READINGS
            or self._lengths[user] >= READINGS_PER_USER
            or len(waiting) >= READINGS_PER_PEER
        ):
            return False
        self._of.setdefault(user, OrderedDict()).setdefault(peer, deque()).append(reading)
        self._lengths[user] += 1
        self._length += 1
        return True

    def next(self) -> tuple[bytes, Reading]:
        """Whose turn it is. Raises ``KeyError`` when nobody waits."""
        user, peers = self._of.popitem(last=False)
        peer, waiting = peers.popitem(last=False)
        reading = waiting.popleft()
        self._length -= 1
        self._lengths[user] -= 1
        if waiting:
            peers[peer] = waiting
        if peers:
            self._of[user] = peers
        else:
            del self._lengths[user]
        return peer, reading


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
