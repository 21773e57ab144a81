"""Plans of two realms: who is there, what they write to each other, and what goes wrong here, there, between.

As ``plan``, from the same choices: a seed or hypothesis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.simulation.network import Weather
from tests.simulation.plan import Chooser, Deed, Dice, Phase, Plan

REALMS = ("a", "b")
GROUP = "ops"
"""Its home is ``a``."""
PEOPLE = ("ani", "budi")
KEEPER = "ani"
"""Of ``a``: makes the group, removes others from it, and stays."""

DEEDS = (
    *("send",) * 10,
    *("burst",) * 4,
    *("read",) * 3,
    *("history", "typing", "login"),
    *("join", "join", "leave", "remove"),
)
MISHAPS = (
    *("kill worker",) * 5,
    *("kill worker after commit",) * 5,
    *("kill broker",) * 2,
    *("kill everything",) * 2,
    *("kill device",) * 2,
    *("cut",) * 2,
    "stop worker inside a transaction",
    "stop worker after commit",
    "freeze worker",
    "disk full",
    "commits in doubt",
)
BETWEEN = (*("cut",) * 3, *("silence",) * 2)


@dataclass(frozen=True)
class Stretch:
    """One phase: on each side, and between them."""

    sides: tuple[Phase, Phase]
    between: tuple[Deed, ...]


@dataclass(frozen=True)
class PlanOfTwo:
    """A whole run. ``between``: the weather of the line. The phases of ``sides`` are empty."""

    seed: int
    sides: tuple[Plan, Plan]
    between: Weather
    stretches: tuple[Stretch, ...]


def plan_of_two(choose: Chooser, seed: int) -> PlanOfTwo:
    """A plan from choices."""
    sides = _side(choose, seed), _side(choose, seed)
    between = choose.one((_fair, _rough, _rough))(choose)
    stretches = tuple(_stretch(choose, sides) for _ in range(choose.whole(1, 2)))
    return PlanOfTwo(seed, sides, between, stretches)


def seeded_pair(seed: int) -> PlanOfTwo:
    """The plan of a seed."""
    return plan_of_two(Dice(seed), seed)


def _side(choose: Chooser, seed: int) -> Plan:
    devices = PEOPLE + tuple(choose.one(PEOPLE) for _ in range(choose.whole(0, 1)))
    weather, indoors = _fair(choose), Weather(delay=choose.number(0.0001, 0.002))
    return Plan(seed, devices, choose.whole(1, 2), weather, indoors, (), (), False, False, False)


def _fair(choose: Chooser) -> Weather:
    return Weather(delay=choose.number(0.0005, 0.05))


def _rough(choose: Chooser) -> Weather:
    return Weather(
        loss=choose.number(0.0, 0.1),
        double=choose.number(0.0, 0.1),
        reorder=choose.number(0.0, 0.2),
        delay=choose.number(0.0005, 0.05),
    )


def _stretch(choose: Chooser, sides: tuple[Plan, Plan]) -> Stretch:
    seconds = choose.number(2.0, 10.0)
    one, other = (_phase(choose, seconds, realm, side) for realm, side in zip(REALMS, sides, strict=True))
    between = tuple(
        Deed(choose.number(0.0, seconds), choose.one(BETWEEN), 0, choose.number(0.05, 6.0))
        for _ in range(choose.whole(0, 3))
    )
    return Stretch((one, other), between)


def _phase(choose: Chooser, seconds: float, realm: str, side: Plan) -> Phase:
    deeds = tuple(_deed(choose, seconds, realm, side) for _ in range(choose.whole(3, 15)))
    mishaps = tuple(
        Deed(
            choose.number(0.0, seconds),
            choose.one(MISHAPS),
            choose.whole(0, 5),
            (choose.number(0.05, 6.0), choose.one(("commands", "events"))),
        )
        for _ in range(choose.whole(0, 4))
    )
    return Phase(seconds, deeds, mishaps)


def _deed(choose: Chooser, seconds: float, realm: str, side: Plan) -> Deed:
    kind = choose.one(DEEDS)
    at, who = choose.number(0.0, seconds), choose.whole(0, len(side.devices) - 1)
    other = "b" if realm == "a" else "a"
    group = GROUP if realm == "a" else f"{GROUP}@a"
    theirs = [f"{name}@{other}" for name in PEOPLE]
    what: Any = (choose.one((*theirs, *theirs, f"#{group}", f"#{group}", *PEOPLE)), choose.whole(2, 60))
    if kind in ("leave", "remove") and realm == "a" and side.devices[who] == KEEPER:
        kind, what = "remove", (group, choose.one((*theirs, PEOPLE[1])))
    elif kind in ("join", "leave"):
        what = group
    elif kind == "remove":
        what = (group, choose.one(PEOPLE))  # who is no creator is refused
    return Deed(at, kind, who, what)
