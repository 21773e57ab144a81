"""What happens in a run: who is there, what they do, what goes wrong and when. Data, made from choices.

The choices come from a seed, or from hypothesis, which can then make a failing plan smaller.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from tests.simulation.network import Weather

T = TypeVar("T")

PEOPLE = ("ani", "budi", "citra", "dewi")
GROUPS = ("ops", "lab")


class Chooser(Protocol):
    """Where choices come from."""

    def whole(self, least: int, most: int) -> int:
        """A whole number, both ends included."""

    def number(self, least: float, most: float) -> float:
        """A number in between."""

    def one(self, things: Sequence[T]) -> T:
        """One of them."""


class Dice:
    """Choices from a seed."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def whole(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return self._rng.randint(least, most)

    def number(self, least: float, most: float) -> float:
        """A number in between."""
        return self._rng.uniform(least, most)

    def one(self, things: Sequence[T]) -> T:
        """One of them."""
        return self._rng.choice(things)


@dataclass(frozen=True)
class Deed:
    """Something that one device does, or that befalls somebody. ``at`` in seconds of its phase."""

    at: float
    kind: str
    who: int = 0
    what: Any = None


@dataclass(frozen=True)
class Phase:
    """A stretch of trouble; after it everything works again until all is quiet."""

    seconds: float
    deeds: tuple[Deed, ...]
    mishaps: tuple[Deed, ...]


@dataclass(frozen=True)
class Plan:
    """A whole run. ``seed`` decides what the plan leaves open: delays, losses, ids."""

    seed: int
    devices: tuple[str, ...]
    """Users by device: the same name twice is one user with two devices."""
    messaging: int
    """Messaging workers; of the other services there is one each."""
    weather: Weather
    """Of the clients' connections."""
    indoors: Weather
    """Of the workers' connections."""
    members: tuple[tuple[int, str], ...]
    """(device, group): who is in which group when the first trouble begins; the first one creates it."""
    phases: tuple[Phase, ...]
    metered: bool
    """Whether there are rate limits, so low that they are reached."""
    tight: bool
    """Whether the server has so little room that it must refuse, forget and put off."""
    chosen: bool
    """Whether clients choose their routing ids, so that a new connection has that of the one before."""


DEEDS = (
    *("send",) * 12,
    *("burst",) * 3,
    *("broadcast",) * 2,
    *("read",) * 2,
    "typing",
    "history",
    *("create", "join", "join", "leave", "leave", "remove", "remove"),
    "password",
    "revoke",
    "logout",
    *("login",) * 2,
    "wrong password",
)

MISHAPS = (
    *("kill worker",) * 4,
    *("kill worker after commit",) * 5,
    *("kill device",) * 3,
    *("cut",) * 5,
    *("kill broker",) * 2,
    *("stop worker inside a transaction",) * 2,
    *("stop worker after commit",) * 2,
    "freeze worker",
    "freeze broker",
    "disk full",
    "commits in doubt",
    "stray frame",
    "flood of subscriptions",
    "kill everything",
)

ON_DEVICES = ("device", "cut", "stray", "flood")


def plan(choose: Chooser, seed: int) -> Plan:
    """A plan from choices."""
    count = choose.whole(2, len(PEOPLE))
    devices = PEOPLE[:count] + tuple(choose.one(PEOPLE[:count]) for _ in range(choose.whole(0, 2)))
    weather = choose.one((_fair, _rough, _rough))(choose)
    indoors = choose.one((_indoors, _indoors, _rough))(choose)
    members = tuple(
        (device, group) for group in GROUPS for device in range(len(devices)) if choose.whole(0, 3)
    )
    phases = tuple(_phase(choose, len(devices)) for _ in range(choose.whole(1, 3)))
    messaging = choose.whole(1, 2)
    metered, tight, chosen = (choose.whole(0, 3) == 0 for _ in range(3))
    return Plan(seed, devices, messaging, weather, indoors, members, phases, metered, tight, chosen)


def seeded(seed: int) -> Plan:
    """The plan of a seed."""
    return plan(Dice(seed), seed)


def _fair(choose: Chooser) -> Weather:
    return Weather(delay=choose.number(0.0002, 0.02))


def _indoors(choose: Chooser) -> Weather:
    return Weather(delay=choose.number(0.0001, 0.002))


def _rough(choose: Chooser) -> Weather:
    return Weather(
        loss=choose.number(0.0, 0.1),
        double=choose.number(0.0, 0.1),
        reorder=choose.number(0.0, 0.2),
        delay=choose.number(0.0005, 0.05),
    )


def _phase(choose: Chooser, devices: int) -> Phase:
    seconds = choose.number(2.0, 15.0)
    deeds = [_deed(choose, seconds, devices) for _ in range(choose.whole(3, 25))]
    mishaps = [_mishap(choose, seconds, devices) for _ in range(choose.whole(0, 6))]
    return Phase(seconds, tuple(deeds), tuple(mishaps))


def _deed(choose: Chooser, seconds: float, devices: int) -> Deed:
    kind = choose.one(DEEDS)
    what: Any = None
    if kind in ("send", "burst", "typing", "read", "history"):
        what = (choose.one((*PEOPLE, "#ops", "#ops", "#lab")), choose.whole(2, 90))
    elif kind in ("create", "join", "leave"):
        what = choose.one(GROUPS)
    elif kind == "remove":
        what = (choose.one(GROUPS), choose.one(PEOPLE))
    return Deed(choose.number(0.0, seconds), kind, choose.whole(0, devices - 1), what)


def _mishap(choose: Chooser, seconds: float, devices: int) -> Deed:
    kind = choose.one(MISHAPS)
    most = devices - 1 if any(word in kind for word in ON_DEVICES) else 5
    what = (choose.number(0.05, 8.0), choose.one(("commands", "events")))
    return Deed(choose.number(0.0, seconds), kind, choose.whole(0, most), what)
