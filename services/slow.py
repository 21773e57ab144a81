"""Slow calls: the line in which they wait, and the hands that do them.

Belongs here: who is next, who must go when the line is full, and a thread that steps back behind everything
else on the machine. Not here: what a slow call is (``services.context.Slow``), and its three steps
(``services.batch``).

The line is fair by address, and among those who share one by user: accounts cost nothing. Two hundred
wrong passwords a second from one place make that place wait, and nobody else: each has its turn, and when
the line is full the place with most of it gives way, of those there the one with most. From many places
they still wait behind whoever is known: a user who has come from the same address before, or has a session.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, Generic, NamedTuple, TypeVar

from config.priority import step_back
from protocol.backend import Call
from protocol.errors import Busy

T = TypeVar("T")

RETRY_AFTER: Final = 1.0
"""Seconds after which who found the line full may try again."""

KNOWN_IN_A_ROW: Final = 4
"""So many of those who are known are served before a stranger has a turn: an attacker may be known."""

Hands = Callable[[Callable[[], Any]], "Future[Any]"]
"""Begins a piece of work; the future holds what came of it."""


class Origin(NamedTuple):
    """Where a call comes from: its network address, and its user (0: nobody's session)."""

    address: str
    user: int = 0


NOBODY: Final = Origin("nobody")
"""An origin that nobody has."""


class Part(Generic[T]):
    """Those who wait, in turns: one of each address, there one of each user, each user's own in order."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, OrderedDict[int, deque[T]]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, origin: Origin, item: T) -> None:
        """Stand in line."""
        self._of.setdefault(origin.address, OrderedDict()).setdefault(origin.user, deque()).append(item)
        self._length += 1

    def next(self) -> T:
        """Whose turn it is. Raises ``KeyError`` when nobody waits."""
        address, users = self._of.popitem(last=False)
        user, items = users.popitem(last=False)
        item = items.popleft()
        self._length -= 1
        if items:
            users[user] = items
        if users:
            self._of[address] = users
        return item

    def give_way(self, origin: Origin) -> T | None:
        """The last of the user with most at the address with most, who goes.

        None if ``origin`` had as many with one more, and so must go itself.
        """
        longest = max(self._of, key=self._at)
        if self._at(longest) <= self._at(origin.address) + 1:
            longest = origin.address  # as many as anybody: it is settled among those who are there
        users = self._of.get(longest, OrderedDict())
        if not users:
            return None
        user = max(users, key=lambda number: len(users[number]))
        if longest == origin.address and len(users[user]) <= len(users.get(origin.user, ())) + 1:
            return None
        self._length -= 1
        item = users[user].pop()
        if not users[user]:
            del users[user]
        if not users:
            del self._of[longest]
        return item

    def _at(self, address: str) -> int:
        """How many wait at an address."""
        return sum(map(len, self._of.get(address, {}).values()))


class Line(Generic[T]):
    """At most ``most`` that wait. Those who are known are served before strangers, for the most part."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: Part[T] = Part()
        self._strangers: Part[T] = Part()
        self._in_a_row = 0

    def __len__(self) -> int:
        return len(self._known) + len(self._strangers)

    def add(self, origin: Origin, item: T, known: bool = False) -> T | None:
        """Stand in line. Returns who must go for it when that is full, be it ``item``."""
        gone: T | None = None
        if len(self) >= self._most:
            if known and self._strangers:
                gone = self._strangers.give_way(NOBODY)
                gone = self._strangers.next() if gone is None else gone
            else:
                part = self._known if known else self._strangers
                gone = part.give_way(origin) if part else None
                if gone is None:
                    return item
        (self._known if known else self._strangers).add(origin, item)
        return gone

    def next(self) -> T:
        """Whose turn it is. Raises ``KeyError`` when nobody waits."""
        if self._known and (self._in_a_row < KNOWN_IN_A_ROW or not self._strangers):
            self._in_a_row += 1
            return self._known.next()
        self._in_a_row = 0
        return self._strangers.next()


def origin_of(call: Call) -> Origin:
    """Where a call comes from. Users whose address is not known have nothing but their number in common."""
    return Origin(call.address or f"@{call.user_id}", call.user_id)


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
        self._wake = wake
        self._pool = ThreadPoolExecutor(1, "slow", step_back, (nice,))

    def __call__(self, work: Callable[[], Any]) -> Future[Any]:
        """Begin it; one after the other, if there are several."""
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._wake())
        return future

    def close(self) -> None:
        """Finish what has begun, and begin nothing more."""
        self._pool.shutdown(cancel_futures=True)
