"""The realm process of the simulation: the real house, its parts and its loop, on imaginary sockets.

It is a worker like the others, so what befalls them befalls it, too.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from services.batch import Engine
from services.loop import Link, Loop
from services.realm import BORROWED, SERVICE
from services.realm.asked import ASKED
from services.realm.groups import parting
from services.realm.house import House
from services.realm.line import Times
from services.realm.loop import RealmLoop
from services.realm.parts import PARTS
from services.realm.passed import PASSED
from tests.simulation.network import Weather
from tests.simulation.street import KEYS, Ports, Street
from tests.simulation.turn import Killed
from tests.simulation.worker import Worker

if TYPE_CHECKING:
    from tests.simulation.world import World

TIMES = Times(4.0, 2.0, 8.0)


class Opened:
    """The port is never another's."""

    def opened(self, now: float) -> bool:
        """Whether we listen."""
        return True


class RealmWorker(Worker):
    """The realm process of one world, in as many lives as it takes."""

    def __init__(self, world: World, street: Street, weather: Weather) -> None:
        super().__init__(world, SERVICE, 1, weather)
        self._street = street
        self._spent = False
        self.house: House

    def _made(self, link: Link, name: str) -> Loop:
        world = self._world
        self._spent = False
        self._ports = Ports(self._street, world, self._plan)
        self.house = House(
            world.settings,
            self._disk,
            world.log,
            self._ports,
            {
                service.name: Engine(service, self._disk, world.settings, world.log, lambda: 0, self._hands)
                for service in BORROWED
            },
            asked=ASKED,
            passed=PASSED,
            parts=PARTS,
            rng=random.Random(world.rng.getrandbits(64)),
            start=world.clock.wall,
            times=TIMES,
            part_from=parting.part,
        )
        self.house.key = KEYS[world.settings.realm]
        return RealmLoop(
            SERVICE,
            world.settings,
            world.log,
            name,
            [link],
            self.house,
            self._ports,  # type: ignore[arg-type]
            Opened(),  # type: ignore[arg-type]
            monotonic=lambda: world.clock.now,
        )

    @property
    def roots(self) -> list[Any]:
        """What it keeps in memory."""
        return [self.engine, self.house]

    def kill(self) -> None:
        """kill -9: its connections break, too."""
        if self.alive:
            self._ports.die()
        super().kill()

    def committed(self) -> None:
        """This may be where it dies: what it was about to say to the other realm is never said."""
        super().committed()
        if self.dies_after_commit:
            self._spent = True
            raise Killed

    def _act(self) -> None:
        try:
            super()._act()
        except Killed:
            if not self._spent:
                raise

    def _turn_over(self) -> None:
        if self._spent:
            self._socket.sent.clear()
            self._world.counts["realm process killed after a commit"] += 1
            self._world.kill_worker(self)
        else:
            super()._turn_over()

    def _is_pressed(self) -> bool:
        ports = self._ports
        return super()._is_pressed() or bool(ports.asked or ports.answered or ports.ended)
