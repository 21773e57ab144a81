"""Imaginary lines between realms: they lose, double and delay what is said, and can be cut.

Here: frames under way, and the ports of a house. Not here: realms (``town``).
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.storage.realms import Realm as Row

if TYPE_CHECKING:
    from tests.realms.town import Realm, Town


@dataclass(frozen=True)
class Weather:
    """Probabilities by frame, and how long one is under way at least and at most, in seconds."""

    loss: float = 0.0
    double: float = 0.0
    delay: tuple[float, float] = (0.001, 0.001)
    rate: float = float("inf")
    """Bytes a second."""


CALM = Weather()
STORM = Weather(loss=0.15, double=0.15, delay=(0.001, 12.0))
"""Some frames are under way for longer than anybody waits for an answer."""


class Network:
    """All frames under way."""

    def __init__(self, rng: random.Random) -> None:
        self.now = 0.0
        self.weather = CALM
        self.counts: Counter[str] = Counter()
        self._rng = rng
        self._cut: set[frozenset[str]] = set()
        self._under_way: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def cut(self, one: str, other: str) -> None:
        """Nothing gets through any more."""
        self._cut.add(frozenset((one, other)))

    def heal(self, one: str, other: str) -> None:
        """It does again."""
        self._cut.discard(frozenset((one, other)))

    def carry(self, one: str, other: str, size: int, arrive: Callable[[], None]) -> None:
        """Put a frame of so many bytes on its way from one realm to another."""
        weather, rng = self.weather, self._rng
        self.counts["frames"] += 1

        def arrived() -> None:
            if frozenset((one, other)) in self._cut:
                self.counts["cut off"] += 1
            else:
                arrive()

        if rng.random() < weather.loss:
            self.counts["lost"] += 1
            return
        doubled = rng.random() < weather.double
        self.counts["doubled"] += doubled
        for _ in range(1 + doubled):
            self._number += 1
            moment = self.now + rng.uniform(*weather.delay) + size / weather.rate
            heapq.heappush(self._under_way, (moment, self._number, arrived))

    def next_at(self) -> float:
        """When the next frame arrives."""
        return self._under_way[0][0] if self._under_way else float("inf")

    def arrive(self) -> None:
        """Hand over whatever has arrived by now."""
        while self._under_way and self._under_way[0][0] <= self.now:
            heapq.heappop(self._under_way)[2]()


class ImaginaryDial:
    """A realm's connection to another one. What was asked on an earlier one is not answered on this."""

    def __init__(self, town: Town, home: Realm, there: str) -> None:
        self._town = town
        self._home = home
        self._there = there
        self._life = 0

    def send(self, frame: bytes) -> bool:
        """Put a request on its way."""
        route = (self, self._life)
        there = self._town[self._there]
        key = self._home.key
        self._town.network.carry(
            self._home.name, there.name, len(frame), lambda: there.asked(key, route, frame)
        )
        return True

    def redial(self) -> None:
        """Another connection."""
        self._life += 1

    def answered(self, life: int, frame: bytes) -> None:
        """A reply has arrived."""
        house = self._home.house
        peer = house.peers.get(self._there) if house is not None else None
        if house is not None and peer is not None and peer.dial is self and life == self._life:
            house.answered(peer, frame)

    def carry_back(self, life: int, frame: bytes) -> None:
        """Put a reply on its way."""
        self._town.network.carry(self._there, self._home.name, len(frame), lambda: self.answered(life, frame))


class ImaginaryPorts:
    """What a house takes for its sockets."""

    def __init__(self, town: Town, home: Realm) -> None:
        self._town = town
        self._home = home
        self.admitted: set[bytes] = set()

    def dial(self, realm: Row) -> ImaginaryDial:
        """A connection to a realm."""
        return ImaginaryDial(self._town, self._home, realm.name)

    def hang_up(self, realm: Row) -> None:
        """The house forgets it; what is under way finds nobody."""

    def admit(self, keys: set[bytes], strangers: bool) -> None:
        """Who may connect from now on."""
        self.admitted = keys

    def answer(self, route: Any, frame: bytes) -> None:
        """Put a reply on its way, or die of it."""
        if self._home.dies_before_answering():
            return
        dial, life = route
        dial.carry_back(life, frame)
