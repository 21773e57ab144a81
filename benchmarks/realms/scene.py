"""Three realms that are paired, with everybody in their places: before, while and after things break."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import combinations, permutations
from pathlib import Path
from types import TracebackType

from benchmarks import ledger
from benchmarks.crash.judge import Verdict
from benchmarks.crash.reckoning import Heard
from benchmarks.crash.scene import folder
from benchmarks.realms.books import Books, arrived, unsettled
from benchmarks.realms.cast import REALMS, RealmCast
from benchmarks.realms.hosts import Hosts
from benchmarks.realms.installation import Installation
from benchmarks.realms.judge import judge
from benchmarks.realms.wires import Cables, Doors, Wires

PATIENCE = 180.0
"""Seconds of calm within which everything must have arrived everywhere."""
LOOK_EVERY = 0.25


class Scene:
    """``with Scene(…) as scene``: realms, pairwise paired, with their people. Nobody listens or writes yet.

    ``on_hosts``: each realm on a host of its own. ``names``: fewer than all realms; the home is among them.
    """

    def __init__(
        self, cast: RealmCast, *, seed: int = 1, on_hosts: bool = False, names: Sequence[str] = REALMS
    ) -> None:
        self.random = random.Random(seed)
        self.counts: Counter[str] = Counter()
        """Blows that fell, by name."""
        self.realms: dict[str, Installation] = {}
        self._cast = cast
        self._seed = seed
        self._on_hosts = on_hosts
        self._names = names
        self._exits = ExitStack()
        self.wires: Wires
        self._read: dict[str, int] = {}
        self._sent: Counter[str] = Counter()

    def __enter__(self) -> Scene:
        try:
            self._set_up()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    def _set_up(self) -> None:
        place = self._exits.enter_context(folder("pesan-realms-"))
        if self._on_hosts:
            self.wires = Cables(self._exits.enter_context(Hosts(self._names)))
        else:
            self.wires = Doors(self._exits, self._seed)
        for realm in self._names:
            self._start(realm, place)
        for one, other in combinations(self._names, 2):
            self.realms[other].join(self.realms[one].invite())
        for installation in self.realms.values():
            installation.enter()
        for installation in self.realms.values():
            installation.join_group()

    def _start(self, realm: str, place: Path) -> None:
        installation = Installation(realm, self._cast, place, launcher=self.wires.launcher(realm))
        self._exits.callback(installation.close)
        self.wires.connect(installation)
        installation.server.start()
        self.realms[realm] = installation

    # --- while it runs --------------------------------------------------------------------------

    @property
    def ways(self) -> list[tuple[str, str]]:
        """From which realm to which people write."""
        return list(permutations(self._names, 2))

    def go(self) -> None:
        """Everybody listens, and then everybody writes."""
        for installation in self.realms.values():
            installation.people.start()
        for installation in self.realms.values():
            installation.people.go()

    def run(self, seconds: float) -> None:
        """Let them write for a while."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for installation in self.realms.values():
                installation.people.until(lambda _: False, 0.01)

    def flows(self) -> None:
        """Wait until every realm has got something more from others."""
        before = {realm: arrived(each.server.home) for realm, each in self.realms.items()}
        if not self._until(
            lambda: all(arrived(self.realms[realm].server.home) > count for realm, count in before.items())
        ):
            raise RuntimeError("nothing arrives any more")

    def until_sent(self, realm: str, to: str, count: int) -> None:
        """Wait until so many more messages are on their way from one realm to another one."""
        enough = self.sent(realm, to) + count
        if not self._until(lambda: self.sent(realm, to) >= enough):
            raise RuntimeError("nobody writes any more")

    def sent(self, realm: str, to: str) -> int:
        """Direct messages that people of one realm have begun to send to another one."""
        lines = self.realms[realm].people.lines
        for line in lines[self._read.get(realm, 0) :]:
            if line.what == ledger.SENT and line.fields[3] == "1" and not line.fields[1].startswith("#"):
                self._sent[f"{realm}{line.fields[1].partition('@')[2]}"] += 1
        self._read[realm] = len(lines)
        return self._sent[realm + to]

    # --- after ----------------------------------------------------------------------------------

    def heal(self) -> None:
        """Every line is whole."""
        for realm in self.realms:
            self.wires.heal(realm)

    def reckon(self) -> tuple[Verdict, list[Books], float | None]:
        """The verdict, what it is based on, and seconds from the last word until nothing was under way.

        None: something still was after ``PATIENCE``. Ends the people's programs.
        """
        for installation in self.realms.values():
            installation.people.stop()
        begun = time.monotonic()
        homes = {realm: installation.server.home for realm, installation in self.realms.items()}
        settled = self._until(lambda: not unsettled(homes)) and all(map(self._heard, self.realms.values()))
        quiet = round(time.monotonic() - begun, 2) if settled else None
        for installation in self.realms.values():
            installation.people.close()
        books = [each.with_history(each.books()) for each in self.realms.values()]
        return judge(books), books, quiet

    def _until(self, reached: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + PATIENCE
        while not reached():
            if time.monotonic() > deadline:
                return False
            self.run(LOOK_EVERY)
        return True

    def _heard(self, installation: Installation) -> bool:
        people = installation.people
        return people.until(Heard(people, installation.stored()), PATIENCE)

    def errors(self) -> str:
        """What processes wrote to stderr, if any of it is a fault."""
        said = "".join(installation.server.errors() for installation in self.realms.values())
        return said if "Traceback" in said else ""


def total(books: Sequence[Books], what: str) -> int:
    """Lines of one kind in all ledgers."""
    return sum(line.what == what for each in books for line in each.lines)
