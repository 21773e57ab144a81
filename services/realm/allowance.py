"""An allowance: how much one other realm may ask of us. Beyond it, it hears when to go on.

Belongs here: what counts, and the buckets it is taken from. Not here: what users may ask of their own server
(the broker's), and what is done with a request that is granted (``asked``).

Three things count: requests on behalf of single users, messages and the like in the others, and bytes; and
hellos, apart from these. So a
crowd that looks up names over there does not hold up messages, and one large request counts as the many that
it could have been. A request may go below nothing, and what comes next waits until that is made up for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from config.settings import RateLimits
from protocol.body import Body

KIB: Final = 1024
HELLO: Final = "hello"
HELLOS: Final = 10.0
HELLOS_BURST: Final = 100
"""Hellos a second and at once, in room of their own: who is busy must not look as if they were away."""
SINGLE: Final = frozenset({"call", "fetch", "typing", "pair"})
"""Kinds that count as requests; all others count by what is in them."""


class Bucket:
    """Fills at ``rate`` a second up to ``burst``; starts full, and may be in debt."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._level = float(burst)
        self._at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until there is something in it; 0.0 while there is."""
        self._level = min(self._burst, self._level + max(0.0, now - self._at) * self._rate)
        self._at = now
        return 0.0 if self._level > 0 else (1.0 - self._level) / self._rate

    def take(self, amount: float) -> None:
        """Take so much, be it there or not."""
        self._level -= amount


class Allowance:
    """What one realm may do: buckets for requests, for what is in them, and for KiB."""

    def __init__(self, rates: RateLimits) -> None:
        self._requests = Bucket(rates.peer_rate, rates.peer_burst)
        self._items = Bucket(rates.peer_item_rate, rates.peer_item_burst)
        self._kib = Bucket(rates.peer_kib_rate, rates.peer_kib_burst)
        self._hellos = Bucket(HELLOS, HELLOS_BURST)

    def wait(self, now: float, kind: str) -> float:
        """Seconds until a request of this kind may come; 0.0 for now."""
        if kind == HELLO:
            return self._hellos.wait(now)
        counted = self._requests if kind in SINGLE else self._items
        return max(counted.wait(now), self._kib.wait(now))

    def take(self, kind: str, size: int, body: Body | None = None) -> None:
        """A request of ``size`` bytes has come; ``body``, unless it was refused unread."""
        if kind == HELLO:
            self._hellos.take(1)
        elif kind in SINGLE:
            self._requests.take(1)
        else:
            self._items.take(max(1, sum(len(part) for part in _lists(body))))
        fetched = body.size if kind == "fetch" and body is not None else 0  # type: ignore[attr-defined]
        self._kib.take((size + fetched) / KIB)


def _lists(body: Body | None) -> list[Sequence[Any]]:
    fields = () if body is None else body.__struct_fields__
    return [found for name in fields if isinstance(found := getattr(body, name), list)]
