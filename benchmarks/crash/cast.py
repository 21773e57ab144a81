"""Who talks with whom, and in which client program each of them lives."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

GROUP = "#ops"
PROBER = "dewi"
"""Asks every service something, all the time, so that the flow of each is seen."""


class Stream(NamedTuple):
    """Messages of one person that another one must hear."""

    sender: str
    hearer: str


class Cast(Struct, frozen=True):
    """How many people there are and how fast they write."""

    pairs: int = 20
    members: int = 10
    """Of the group."""
    posters: int = 3
    programs: int = 4
    """Client programs; the two of a pair never live in the same one."""
    rate: float = 15.0
    """Messages a second of each of a pair; a poster writes twice as many."""
    module: str = "benchmarks.crash.client"
    """The module that is run as client program; a broken one must be condemned."""

    def pair(self, number: int) -> tuple[str, str]:
        """The two of one pair."""
        return f"ani{number}", f"budi{number}"

    @property
    def group(self) -> list[str]:
        """The group's members, its posters first."""
        return [f"citra{number}" for number in range(self.members)]

    @property
    def everyone(self) -> list[str]:
        """Every user there is."""
        return [name for number in range(self.pairs) for name in self.pair(number)] + self.group + [PROBER]

    @property
    def streams(self) -> list[Stream]:
        """Every way that messages take."""
        found = []
        for number in range(self.pairs):
            ani, budi = self.pair(number)
            found += [Stream(ani, budi), Stream(budi, ani)]
        posters = self.group[: self.posters]
        return found + [Stream(one, other) for one in posters for other in self.group if one != other]

    def writes_to(self, user: str) -> str:
        """The one address that this user writes to; '' when they only listen."""
        if user.startswith("ani"):
            return "budi" + user.removeprefix("ani")
        if user.startswith("budi"):
            return "ani" + user.removeprefix("budi")
        return GROUP if user in self.group[: self.posters] else ""

    def program(self, number: int) -> list[str]:
        """The users who live in client program ``number``."""
        half = max(1, self.programs // 2)
        lives = []
        for pair in range(self.pairs):
            left, right = self.pair(pair)
            if pair % half == number:
                lives.append(left)
            if half + pair % half == number:
                lives.append(right)
        return lives + [name for place, name in enumerate(self.group) if place % self.programs == number]
