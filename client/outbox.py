"""Messages on their way to the server, in the order in which the program sent them.

Belongs here: what to send next, what to send again, and when. No socket, clock or session.

Sends to one address form a *chain*. Up to ``WINDOW`` of them fly at once, each naming the one before
it as ``after``, so the server refuses a message whose predecessor it does not have. Whatever goes
wrong with one (busy, lost, refused for a missing predecessor), the whole chain *rewinds*: everything
without an answer goes back to the queue and is sent again from the first one on, under the same ids.
So order holds without waiting for each answer, and a repeated message is stored once. A chain that was
told "not now" flies half as many at once, and one more for each that is stored: so a server that takes
few is not asked in vain for many, which would be refused in silence before long.

An answer may belong to a flight from before a rewind. A yes counts all the same; a no does not,
because the flight that replaced it will bring its own.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from client.timers import GROWTH, NEVER
from protocol.addresses import BROADCAST, name_key
from protocol.commands import Body, Broadcast, Send
from protocol.errors import Conflict, Failure, Retry, Unavailable

WINDOW: Final = 64
"""Messages of one chain in flight."""
OPEN_MOST: Final = 192
"""Messages in flight over all chains; a broker takes 256 requests of a session."""
PATIENCE: Final = 5.0
"""Seconds until a chain whose first message was not answered rewinds; doubles up to the next line."""
PATIENCE_MOST: Final = 20.0
DELAY_MOST: Final = 2.0
TRIES_KNOWN: Final = 8
"""Flights of one message whose answer still counts; an answer to an earlier one is ignored."""


class Entry:
    """One message. ``handle`` is the caller's own; ``deadline`` is kept for whoever gives up."""

    __slots__ = ("after", "body", "chain", "deadline", "done", "failure", "flights", "handle", "id", "to")

    def __init__(self, chain: Chain, handle: int, to: str, body: str, id: bytes) -> None:
        self.chain = chain
        self.handle = handle
        self.to = to
        self.body = body
        self.id = id
        self.done = False
        self.flights: list[int] = []
        """Request ids under which it was sent, the newest last."""
        self.failure: Failure | None = None
        """The last refusal that was only for now."""
        self.deadline = NEVER


class Chain:
    """The messages to one address. What flies was sent before what waits."""

    __slots__ = ("flying", "held_until", "key", "patience", "stumbles", "waiting", "window")

    def __init__(self, key: str) -> None:
        self.key = key
        self.waiting: deque[Entry] = deque()
        self.flying: dict[Entry, float] = {}
        self.held_until = 0.0
        self.patience = PATIENCE
        self.stumbles = 0
        """Rewinds since the last message that was stored."""
        self.window = WINDOW
        """How many may fly at once. One, when nobody stores messages at present: all of them would only keep
        the machine busy that is starting the one who does."""

    def due(self) -> float:
        """When this chain wants to be looked at: the end of its pause, or of its patience."""
        if self.flying:
            return next(iter(self.flying.values())) + self.patience
        return self.held_until if self.waiting else NEVER


class Shipment(NamedTuple):
    """One message to put on the wire now."""

    request_id: int
    command: str
    body: Body


class Outbox:
    """Every chain. Times are seconds of the caller's clock."""

    def __init__(self, rng: random.Random, request_ids: Iterator[int]) -> None:
        self._rng = rng
        self._request_ids = request_ids
        self._chains: dict[str, Chain] = {}
        self._flights: dict[int, Entry] = {}
        self._flying = 0

    def __len__(self) -> int:
        """Messages without an answer."""
        return sum(
            not entry.done for chain in self._chains.values() for entry in (*chain.flying, *chain.waiting)
        )

    @property
    def busy(self) -> bool:
        """Whether anything has no answer."""
        return bool(self._chains)

    def __contains__(self, request_id: int) -> bool:
        return request_id in self._flights

    def add(self, handle: int, to: str, body: str, id: bytes) -> Entry:
        """Put a message at the end of its chain."""
        key = name_key(to)
        chain = self._chains.get(key)
        if chain is None:
            chain = self._chains[key] = Chain(key)
        entry = Entry(chain, handle, to, body, id)
        chain.waiting.append(entry)
        return entry

    def ship(self, now: float) -> list[Shipment]:
        """Whatever may fly now."""
        shipments: list[Shipment] = []
        for chain in list(self._chains.values()):
            if chain.flying and now >= chain.due():
                chain.patience = min(chain.patience * 2, PATIENCE_MOST)
                self._rewind(chain)
            before = len(shipments)
            if now >= chain.held_until:
                self._ship_chain(now, chain, shipments)
            if not chain.waiting and not chain.flying:
                del self._chains[chain.key]
            elif self._full and len(shipments) > before:
                self._chains[chain.key] = self._chains.pop(chain.key)  # so that the others get a turn
        return shipments

    @property
    def _full(self) -> bool:
        return self._flying >= OPEN_MOST

    def _ship_chain(self, now: float, chain: Chain, shipments: list[Shipment]) -> None:
        last = next(reversed(chain.flying), None)
        while chain.waiting and len(chain.flying) < chain.window and not self._full:
            entry = chain.waiting.popleft()
            if entry.done:
                continue
            request_id = next(self._request_ids)
            entry.flights.append(request_id)
            self._flights[request_id] = entry
            if len(entry.flights) > TRIES_KNOWN:
                del self._flights[entry.flights.pop(0)]
            chain.flying[entry] = now
            self._flying += 1
            after = last.id if last is not None else None
            last = entry
            if entry.to == BROADCAST:
                shipments.append(
                    Shipment(request_id, "message.broadcast", Broadcast(entry.body, entry.id, after))
                )
            else:
                shipments.append(
                    Shipment(request_id, "message.send", Send(entry.to, entry.body, entry.id, after))
                )

    def stored(self, request_id: int) -> Entry | None:
        """The server has it. Returns the message, unless it was answered before."""
        entry = self._flights.get(request_id)
        if entry is None:
            return None
        entry.chain.patience = PATIENCE
        entry.chain.stumbles = 0
        entry.chain.window = min(entry.chain.window + 1, WINDOW)
        self.drop(entry)
        return entry

    def refused(self, now: float, request_id: int, failure: Failure) -> Entry | None:
        """The server said no. Returns the message when that is final; else it will fly again."""
        if self.outdated(request_id):
            return None
        entry = self._flights[request_id]
        chain = entry.chain
        if failure.retry is Retry.LATER:
            entry.failure = failure
            chain.window = 1 if isinstance(failure, Unavailable) else max(1, chain.window // 2)
            self._hold(chain, now, failure.retry_after)
        elif failure.retry is Retry.RESUME:
            self._rewind(chain)
        elif isinstance(failure, Conflict) and isinstance(failure.fields.get("missing"), bytes):
            self._hold(chain, now, 0.0 if not chain.stumbles else 0.02)
        else:
            self.drop(entry)
            return entry
        return None

    def outdated(self, request_id: int) -> bool:
        """Whether another flight of the same message will bring its own answer."""
        entry = self._flights.get(request_id)
        return entry is None or entry.flights[-1] != request_id or entry not in entry.chain.flying

    def _hold(self, chain: Chain, now: float, delay: float) -> None:
        """Rewind and pause: longer each time nothing was stored in between, with jitter."""
        delay = min(delay * GROWTH ** min(chain.stumbles, 32), max(delay, DELAY_MOST))
        chain.stumbles += 1
        chain.held_until = max(chain.held_until, now + delay * self._rng.uniform(1.0, 1.5))
        self._rewind(chain)

    def _rewind(self, chain: Chain) -> None:
        self._flying -= len(chain.flying)
        chain.waiting.extendleft(reversed(chain.flying))
        chain.flying.clear()

    def rewind(self) -> None:
        """The connection or the session is a new one: everything unanswered flies again, at once."""
        for chain in self._chains.values():
            chain.patience = PATIENCE
            self._rewind(chain)

    def drop(self, entry: Entry) -> None:
        """Answered, or given up. One that waits is skipped when its turn comes."""
        entry.done = True
        for request_id in entry.flights:
            self._flights.pop(request_id, None)
        if entry.chain.flying.pop(entry, None) is not None:
            self._flying -= 1

    def clear(self) -> list[Entry]:
        """Empty it; returns what had no answer, in order."""
        left = [
            entry
            for chain in self._chains.values()
            for entry in (*chain.flying, *chain.waiting)
            if not entry.done
        ]
        for entry in left:
            self.drop(entry)
        self._chains.clear()
        return left

    def due(self) -> float:
        """When ``ship`` is to be called next, if nothing else happens."""
        full, due = self._full, NEVER
        for chain in self._chains.values():  # asked for with each frame: min() would cost twice as much
            if not full or chain.flying:  # what only waits will go with the next answer
                due = min(due, chain.due())
        return due
