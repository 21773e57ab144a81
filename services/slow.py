"""Slow calls: the line in which they wait, and the hands that do them.

Belongs here: who is next, who must go when the line is full, and a thread that steps back behind everything
else on the machine. Not here: what a slow call is (``services.context.Slow``), and its three steps
(``services.batch``).

The line is fair by source. Two hundred wrong passwords a second from one place make that place wait, and
nobody else: each source has its turn, and when the line is full the source with most of it gives way. From
many places they still wait behind whoever is known: a user who has come from the same address before.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, Generic, TypeVar

from protocol.backend import Call
from protocol.errors import Busy

T = TypeVar("T")

RETRY_AFTER: Final = 1.0
"""Seconds after which who found the line full may try again."""

KNOWN_IN_A_ROW: Final = 4
"""So many of those who are known are served before a stranger has a turn: an attacker may be known."""

NOBODY: Final = "nobody"
"""A source that nobody has: an address or ``@`` and a number is what they look like."""

Hands = Callable[[Callable[[], Any]], "Future[Any]"]
"""Begins a piece of work; the future holds what came of it."""


class Part(Generic[T]):
    """Those who wait, in turns: one of each source, the source's own in order."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, deque[T]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, source: str, item: T) -> None:
        """Stand in line."""
        self._of.setdefault(source, deque()).append(item)
        self._length += 1

    def next(self) -> T:
        """Whose turn it is. Raises ``KeyError`` when nobody waits."""
        source, items = self._of.popitem(last=False)
        item = items.popleft()
        self._length -= 1
        if items:
            self._of[source] = items
        return item

    def give_way(self, source: str) -> T | None:
        """The last of the source that has most, who goes; None if ``source`` had as many with one more."""
        longest = max(self._of, key=lambda name: len(self._of[name]))
        if len(self._of[longest]) <= len(self._of.get(source, ())) + 1:
            return None
        self._length -= 1
        return self._of[longest].pop()


class Line(Generic[T]):
    """At most ``most`` that wait. Those who are known are served before strangers, for the most part."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: Part[T] = Part()
        self._strangers: Part[T] = Part()
        self._in_a_row = 0

    def __len__(self) -> int:
        return len(self._known) + len(self._strangers)

    def add(self, source: str, item: T, known: bool = False) -> T | None:
        """Stand in line. Returns who must go for it when that is full, be it ``item``."""
        gone: T | None = None
        if len(self) >= self._most:
            if known and self._strangers:
                gone = self._strangers.give_way(NOBODY)
                gone = self._strangers.next() if gone is None else gone
            else:
                part = self._known if known else self._strangers
                gone = part.give_way(source) if part else None
                if gone is None:
                    return item
        (self._known if known else self._strangers).add(source, item)
        return gone

    def next(self) -> T:
        """Whose turn it is. Raises ``KeyError`` when nobody waits."""
        if self._known and (self._in_a_row < KNOWN_IN_A_ROW or not self._strangers):
            self._in_a_row += 1
            return self._known.next()
        self._in_a_row = 0
        return self._strangers.next()


def source_of(call: Call) -> str:
    """Where a call comes from: its user, or the address of who has no session."""
    return f"@{call.user_id}" if call.user_id else call.address


def crowded() -> Busy:
    """What is answered to who must go."""
    return Busy("Too many are waiting to have a password checked.", retry_after=RETRY_AFTER)


def at_once(work: Callable[[], Any]) -> Future[Any]:
    """Hands that do the work before they say that they have begun: for tests, and a machine without time."""
    future: Future[Any] = Future()
    try:
        future.set_result(work())
    except Exception as error:
        future.set_exception(error)
    return future


class Aside:
    """Hands of their own: a thread that does one piece of work at a time and then calls ``wake``.

    It runs at a lower priority, so that hashing takes the time that nobody else wants. Only the thread does:
    what holds a lock of the database must not stand behind others.
    """

    def __init__(self, nice: int, wake: Callable[[], None]) -> None:
        self._nice = nice
        self._wake = wake
        self._pool = ThreadPoolExecutor(1, "slow", self._step_back)

    def __call__(self, work: Callable[[], Any]) -> Future[Any]:
        """Begin it; one after the other, if there are several."""
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._wake())
        return future

    def _step_back(self) -> None:
        """Linux keeps a priority for each thread; elsewhere it would be the whole process's."""
        if sys.platform == "linux":
            thread = threading.get_native_id()
            least = min(19, os.getpriority(os.PRIO_PROCESS, 0) + self._nice)
            os.setpriority(os.PRIO_PROCESS, thread, least)

    def close(self) -> None:
        """Finish what has begun, and begin nothing more."""
        self._pool.shutdown(cancel_futures=True)
