"""Everything at once, from a seed: people write in both directions while lines and processes break.

``python -m tests.realms.test_mishaps FIRST COUNT`` plays more of them than the suite does.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from services.storage.realms import State
from tests.realms.conftest import Found
from tests.realms.network import CALM, STORM, Weather
from tests.realms.town import Town

WHERE = (("a", "ani", "budi@b"), ("b", "budi", "ani@a"))
WINDY = Weather(loss=0.02, double=0.1, delay=(0.001, 0.5))


class Story:
    """One run. ``said``: what each wrote and was told to be stored, in order."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.rng = random.Random(town.rng.random())
        self.said: dict[str, list[str]] = {"ani": [], "budi": []}
        self.happened: list[str] = []

    def write(self) -> None:
        """Somebody writes a few messages."""
        realm, who, other = self.rng.choice(WHERE)
        bodies = [f"{who} {len(self.said[who]) + place}" for place in range(self.rng.choice((1, 1, 2, 7)))]
        if not self.town[realm].store.full:
            self.town[realm].say_many(who, other, bodies)
            self.said[who] += bodies

    def read(self) -> None:
        """Somebody reads everything."""
        realm, who, other = self.rng.choice(WHERE)
        newest = self.town[realm].do(who, "message.history", **{"with": other, "limit": 1})["last_seq"]
        if not self.town[realm].store.full:
            self.town[realm].do(who, "message.read", **{"with": other, "seq": newest})

    def kill(self) -> None:
        """A realm process dies, now or between a commit and the word of it."""
        realm = self.town[self.rng.choice("ab")]
        if self.rng.random() < 0.5:
            realm.kill()
        else:
            realm.die_before_answering()

    def weather(self) -> None:
        """It changes."""
        self.town.network.weather = self.rng.choice((CALM, WINDY, STORM))

    def cut(self) -> None:
        """The line is cut, or mended."""
        self.rng.choice((self.town.network.cut, self.town.network.heal))("a", "b")

    def fill(self) -> None:
        """A disk is full, or has room again."""
        realm = self.town[self.rng.choice("ab")]
        realm.store.full = not realm.store.full

    def block(self) -> None:
        """An operator changes their mind about the other realm, twice."""
        here, there = self.rng.choice(("ab", "ba"))
        if not self.town[here].store.full:
            self.town.set_state(here, there, State.BLOCKED)
            self.town.run(self.rng.uniform(0, 3))
            self.town.set_state(here, there, State.PAIRED)

    def revive(self) -> None:
        """Who is dead lives again, and full disks have room."""
        for name in "ab":
            self.town[name].store.full = False
            if self.town[name].house is None:
                self.town[name].start()

    def play(self, steps: int) -> None:
        """Things happen, and some time passes in between."""
        often: list[Callable[[], None]] = [self.write, self.write, self.write, self.read, self.revive]
        seldom: list[Callable[[], None]] = [self.kill, self.weather, self.cut, self.fill, self.block]
        for _ in range(steps):
            act = self.rng.choice(often if self.rng.random() < 0.75 else seldom)
            self.happened.append(act.__name__)
            act()
            self.town.run(self.rng.choice((0.0, 0.002, 0.01, 0.3, 4.0)))

    def end(self) -> None:
        """Everything is mended, and what waits arrives."""
        self.town.network.heal("a", "b")
        self.town.network.weather = CALM
        for name in "ab":
            self.town[name].spare()
        self.revive()
        self.town.settle()
        self.town.run(30)


def play(town: Town, steps: int = 120) -> Story:
    """A story from its beginning to its end, and what must be true of it."""
    for realm, who, other in WHERE:
        town[realm].say(who, other, f"{who} 0")
    town.settle()
    story = Story(town)
    story.said = {"ani": ["ani 0"], "budi": ["budi 0"]}
    story.play(steps)
    story.end()
    for realm, who, other in WHERE:
        found = town[realm].history(who, other)
        for name, bodies in story.said.items():
            theirs = [body for body in found if body.startswith(name)]
            assert theirs == bodies, (realm, name, story.happened)
        assert not town[realm].heard(who, "undelivered")
        delivered = town[realm].do(who, "message.history", **{"with": other, "limit": 1})["delivered_seq"]
        own = [m["seq"] for m in town[realm].messages(who, other) if m["body"].startswith(who)]
        assert delivered == own[-1], (realm, delivered, own[-1], story.happened)
        row = town[realm].row_of(other.partition("@")[2])
        assert (row.waiting, row.waiting_bytes) == (0, 0)
    return story


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_each_side_has_everything_once_and_in_order(founded: Found, seed: int) -> None:
    story = play(founded(seed=seed))
    # A story in which nobody says anything proves nothing.
    assert len(story.said["ani"]) + len(story.said["budi"]) > 40


def main(first: int, count: int) -> None:
    """Many stories."""
    for seed in range(first, first + count):
        with tempfile.TemporaryDirectory() as folder:
            town = Town(Path(folder), blanks=Path(folder), seed=seed)
            try:
                play(town)
            except BaseException:
                print("seed", seed, flush=True)
                raise
            finally:
                town.close()
    print(count, "stories ended well")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
