"""The imaginary network: pipes that lose, delay, double and reorder frames, and connections that break."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.clock import Clock


@dataclass(frozen=True)
class Weather:
    """Probabilities by frame, and the mean delay in seconds. All zero but the delay: plain TCP."""

    loss: float = 0.0
    double: float = 0.0
    reorder: float = 0.0
    delay: float = 0.001


class Network:
    """Makes pipes. ``calm``: from now on nothing goes wrong by itself, and frames keep their order."""

    def __init__(self, clock: Clock, rng: random.Random, counts: Counter[str]) -> None:
        self.clock = clock
        self.rng = rng
        self.counts = counts
        self.calm = False


class Pipe:
    """One direction of one connection. Frames that were under way when it closes are gone."""

    def __init__(self, network: Network, weather: Weather, deliver: Callable[[bytes], None]) -> None:
        self._network = network
        self._weather = weather
        self._deliver = deliver
        self._under_way: dict[int, bytes] = {}
        self._number = 0
        self._latest = 0.0
        self.open = True

    def send(self, frame: bytes) -> None:
        """Put a frame on its way. Into a closed pipe it falls without a sound."""
        if not self.open:
            return
        network, weather = self._network, self._weather
        network.counts["frames"] += 1
        if network.calm:
            self._travel(frame, False)
            return
        if network.rng.random() < weather.loss:
            network.counts["frames lost"] += 1
            return
        self._travel(frame, network.rng.random() < weather.reorder)
        if network.rng.random() < weather.double:
            network.counts["frames doubled"] += 1
            self._travel(frame, network.rng.random() < weather.reorder)

    def _travel(self, frame: bytes, overtaken: bool) -> None:
        clock, mean = self._network.clock, self._weather.delay
        moment = clock.now + mean * self._network.rng.expovariate(1.0)
        if overtaken:
            self._network.counts["frames reordered"] += 1
            moment += 20 * mean
        else:
            moment = self._latest = max(self._latest, moment)
        self._number += 1
        self._under_way[self._number] = frame
        clock.at(moment, self._arrive, self._number)

    def _arrive(self, number: int) -> None:
        frame = self._under_way.pop(number, None)
        if frame is not None:
            self._deliver(frame)

    def finish(self) -> None:
        """The sender is gone; what it has sent arrives all the same."""
        self.open = False

    def close(self) -> list[bytes]:
        """Break; what was under way, in the order in which it was sent."""
        self.open = False
        left = list(self._under_way.values())
        self._under_way.clear()
        return left
