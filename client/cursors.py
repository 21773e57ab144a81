"""How far a conversation was heard without a hole, and what waits behind the first hole.

Belongs here: the arithmetic of one conversation's sequence. It fetches nothing and knows no time.

The rule: a cursor is *contiguous*. It stands at n only when 1..n (or everything behind where it
began) were handed out, each once and in order. It is never the maximum of what was heard, because
a message that was lost on the way would then be lost for good.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

PENDING_MOST: Final = 1000
"""Events kept behind a hole. Those beyond are dropped: filling the hole goes on and fetches them."""


class Cursor(Generic[T]):
    """Where one conversation stands.

    >>> cursor = Cursor[str](4)
    >>> cursor.offer(6, "six"), cursor.hole()
    ([], (4, 6))
    >>> cursor.offer(5, "five"), cursor.seq
    (['five', 'six'], 6)
    """

    __slots__ = ("_pending", "known", "seq")

    def __init__(self, seq: int) -> None:
        self.seq = seq
        """Everything up to here was handed out."""
        self.known = seq
        """The highest seq that is known to exist: says that there is a hole, never that there is none."""
        self._pending: dict[int, T] = {}

    def exists(self, seq: int) -> None:
        """The server told that messages up to ``seq`` exist."""
        self.known = max(self.known, seq)

    def offer(self, seq: int, item: T) -> list[T]:
        """One item was heard; returns what may be handed out now, in order. Doubles give nothing."""
        self.exists(seq)
        if seq != self.seq + 1:
            if seq > self.seq and len(self._pending) < PENDING_MOST:
                self._pending[seq] = item
            return []
        self.seq = seq
        return [item, *self._follow()]

    def fill(self, first: int, last: int, items: Iterable[tuple[int, T]]) -> list[T]:
        """A fetched range, complete from ``first`` to ``last``; returns what may be handed out now.

        A range that does not touch the cursor changes nothing.
        """
        self.exists(last)
        if not first <= self.seq + 1 <= last:
            return []
        ready = []
        for seq, item in sorted(items, key=lambda pair: pair[0]):
            if self.seq < seq <= last:
                ready.append(item)
                self.seq = seq
        self.seq = last
        self._pending = {seq: item for seq, item in self._pending.items() if seq > last}
        return ready + self._follow()

    def hole(self) -> tuple[int, int] | None:
        """What is missing, both ends exclusive: (cursor, next heard or one past the highest known)."""
        if self.known == self.seq:
            return None
        return self.seq, min(self._pending) if self._pending else self.known + 1

    def _follow(self) -> list[T]:
        """What was waiting right behind the cursor."""
        ready = []
        while self._pending and (item := self._pending.pop(self.seq + 1, None)) is not None:
            ready.append(item)
            self.seq += 1
        return ready
