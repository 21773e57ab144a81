"""A run of two realms: two worlds beside each other that share time, network and chance, a street between."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from protocol import commands
from protocol.body import Body
from tests.simulation import rules
from tests.simulation.abroad import GROUP, REALMS, PlanOfTwo, Stretch
from tests.simulation.broken import SOUND, Broken
from tests.simulation.crossing import breaches_between, unfinished_between
from tests.simulation.device import Device
from tests.simulation.plan import Deed
from tests.simulation.realm import RealmWorker
from tests.simulation.scene import introduced, staged
from tests.simulation.street import KEYS, Street
from tests.simulation.world import LOOK_EVERY, SHARED_MEMORY, Outcome, World

SETTLE_MOST = 200.0
"""Seconds of calm within which everything must be quiet and whole, here, there and between."""
GATHERED_MOST = 60.0
"""Seconds of calm within which everybody is in the group."""


class Neighbours:
    """One run of two realms. Everything that happens in it follows from the plan."""

    def __init__(self, plan: PlanOfTwo, folder: Path, broken: Broken = SOUND) -> None:
        self.plan = plan
        for realm in REALMS:
            (folder / realm).mkdir()
        here = World(plan.sides[0], folder / "a", broken, realm="a")
        there = World(plan.sides[1], folder / "b", broken, realm="b", beside=here)
        here.neighbour = there
        self.worlds = here, there
        self.clock, self.network, self.counts = here.clock, here.network, here.counts
        self.street = Street(here.network, plan.between)
        for world, other in ((here, "b"), (there, "a")):
            introduced(world.file, other, KEYS[other])
            world.workers.insert(0, RealmWorker(world, self.street, world.plan.indoors))

    def run(self) -> Outcome:
        """Play the plan; raises ``Violation``."""
        settled = []
        try:
            self.network.calm = True
            for world in self.worlds:
                world.begin()
            self._gather()
            for stretch in self.plan.stretches:
                self._trouble(stretch)
                settled.append(self._settle())
        finally:
            for world in self.worlds:
                world.close()
        here, there = self.worlds
        digest = here.witness.digest ^ there.witness.digest << 1
        seconds = self.clock.now - 1000.0
        return Outcome(self.counts, tuple(settled), seconds, self.clock.steps, here.peaks, digest)

    def _gather(self) -> None:
        """Everybody joins the group, as soon as the realms have found each other."""
        here, there = self.worlds
        self.clock.run(self.clock.now + 1.0)
        here.devices[0].call("group.create", commands.CreateGroup(GROUP))
        self.clock.run(self.clock.now + 0.5)
        for device in here.devices:
            device.call("group.join", commands.JoinGroup(GROUP))
        for device in {each.user: each for each in there.devices}.values():
            self._join(device)
        begin = self.clock.now
        while len(there.book.of_group(f"{GROUP}@a")) < len({device.user for device in there.devices}):
            self.clock.run(self.clock.now + 0.2)
            if self.clock.now - begin > GATHERED_MOST:
                there.violated("not everybody could join a group of another realm")

    def _join(self, device: Device) -> None:
        """Until it works: the other realm may not have been met yet."""

        def answered(answer: Body | Exception) -> None:
            if isinstance(answer, Exception):
                self.clock.after(1.0, self._join, device)

        device.call("group.join", commands.JoinGroup(f"{GROUP}@a"), answered)

    def _trouble(self, stretch: Stretch) -> None:
        begin, seconds = self.clock.now, stretch.sides[0].seconds
        for world, phase in zip(self.worlds, stretch.sides, strict=True):
            world.intend(phase)
        for mishap in stretch.between:
            self.clock.after(mishap.at, self._befall, mishap)
        while (left := begin + seconds - self.clock.now) > 0:
            self.clock.run(self.clock.now + min(left, LOOK_EVERY))
            self._look()

    def _befall(self, mishap: Deed) -> None:
        self.worlds[0].note(f"between them: {mishap.kind} {mishap.what}")
        self.counts[f"between: {mishap.kind}"] += 1
        happen: Callable[[float], None] = getattr(self.street, mishap.kind)
        happen(mishap.what)

    def _look(self) -> None:
        for world in self.worlds:
            world.look()
        if found := breaches_between(*self.worlds):
            self.worlds[0].violated("; ".join(found))

    def _settle(self) -> float:
        """Nothing goes wrong any more; within bounded time all is whole. Seconds that it took."""
        begin = self.clock.now
        for world in self.worlds:
            world.mend()
        while True:
            self.clock.run(self.clock.now + LOOK_EVERY)
            self._look()
            found = [sentence for world in self.worlds for sentence in rules.unfinished(world)]
            found += unfinished_between(*self.worlds)
            if not found:
                return self.clock.now - begin
            if self.clock.now - begin > SETTLE_MOST:
                self.worlds[0].violated("; ".join(found))


def play_two(plan: PlanOfTwo, broken: Broken = SOUND) -> Outcome:
    """Run a plan in a folder of its own; raises ``Violation``."""
    parent = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=parent) as folder, broken.apply(), staged(plan.seed):
        return Neighbours(plan, Path(folder), broken).run()
