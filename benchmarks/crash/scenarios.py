"""What goes wrong, as a table: each row a way of breaking things, and what is expected of it.

A blow is a function of the scene that breaks something, sees to its return, and says from which moment
on delivery must flow again. Killed processes are started again at once, as a supervisor would.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from benchmarks.crash.scene import Scene
from benchmarks.own_server import SERVICES

WORKER_BAR: Final = 2.0
"""Seconds after a worker's death within which delivery flows again."""
BROKER_BAR: Final = 3.0
"""The same after the broker's return: from its ``pesan ready`` on."""
AWAY: Final = 4.0
"""Seconds for which the broker stays away in one scenario: clients are then trying at their slowest."""
STOPPED: Final = 10.0
FULL: Final = 5.0
STORM: Final = 10.0
CHAOS: Final = 20.0


class Blow(NamedTuple):
    """When it fell, and from when on flow is measured. Nanoseconds."""

    fell: int
    since: int


class Scenario(NamedTuple):
    """One row of the matrix."""

    name: str
    blow: Callable[[Scene], Blow]
    measured_from: str
    """In words: what ``since`` is."""
    bar: float | None = None
    """Seconds within which everything flows; None: reported as measured."""
    rounds: int = 3
    """How many blows fall, one after the other."""
    counts: dict[str, int] | None = None
    proxied: bool = False
    small_disk: bool = False
    supervised: bool = False
    """Run by ``pesan up``, which also starts again what was killed."""


def killed(*names: str) -> Callable[[Scene], Blow]:
    """kill -9 of server processes, all at the same moment; started again at once."""

    def blow(scene: Scene) -> Blow:
        fell = scene.kill(names)
        back = scene.restart(names)
        return Blow(fell, back if "broker" in names else fell)

    return blow


def broker_away(scene: Scene) -> Blow:
    """The broker stays away for so long that everyone's back-off has grown."""
    fell = scene.kill(["broker"])
    scene.run(AWAY)
    return Blow(fell, scene.restart(["broker"]))


def client_killed(scene: Scene) -> Blow:
    """A program of a quarter of the people, who send and receive; it goes on from its own notes."""
    program = scene.random.choice(scene.crowd.programs)
    fell = time.monotonic_ns()
    scene.crowd.kill(program)
    scene.crowd.restart(program)
    return Blow(fell, fell)


def everything_killed(scene: Scene) -> Blow:
    """The whole server and every client program: as when the machine's plug is pulled, but for the disk."""
    programs, names = scene.crowd.programs, list(scene.server.processes)
    fell = scene.kill(names)
    scene.crowd.kill(*programs)
    back = scene.restart(names)
    scene.crowd.restart(*programs)
    return Blow(fell, back)


def stopped_one_of_two(scene: Scene) -> Blow:
    """SIGSTOP of one messaging worker; the other one takes over when it counts as dead."""
    name = scene.random.choice(["messaging.1", "messaging.2"])
    fell = scene.signal(name, signal.SIGSTOP)
    scene.run(STOPPED)
    scene.signal(name, signal.SIGCONT)
    return Blow(fell, fell)


def stopped_the_only_one(scene: Scene) -> Blow:
    """SIGSTOP of the only messaging worker: nothing flows until it goes on."""
    fell = scene.signal("messaging.1", signal.SIGSTOP)
    scene.run(STOPPED)
    return Blow(fell, scene.signal("messaging.1", signal.SIGCONT))


def disk_full(scene: Scene) -> Blow:
    """No byte more on the disk of the data folder; in the middle the messaging worker is killed as well.

    If it could not start on a full disk, it is started again as soon as there is room.
    """
    assert scene.disk is not None
    scene.notes["disk"] = scene.disk.kind
    fell = time.monotonic_ns()
    scene.disk.fill(_pids(scene))
    scene.run(FULL / 2)
    scene.kill(["messaging.1"])
    scene.restart(["messaging.1"])
    scene.run(FULL / 2)
    scene.notes["acknowledged_while_full"] = _acknowledged(scene, fell + int(FULL * 0.2e9))
    scene.disk.empty(_pids(scene))
    at = time.monotonic_ns()
    scene.notes["could_not_start_while_full"] = scene.restart_ended()
    return Blow(fell, at)


def torn(scene: Scene) -> Blow:
    """Connections to both ports are reset, closed, stalled, delayed and half-closed at random."""
    assert scene.proxy is not None
    fell = time.monotonic_ns()
    scene.proxy.storm(STORM)
    scene.notes["faults"] = dict(scene.proxy.counts)
    return Blow(fell, time.monotonic_ns())


def black_hole(scene: Scene) -> Blow:
    """Every connection swallows what is said for 5 s, then is reset."""
    assert scene.proxy is not None
    fell = time.monotonic_ns()
    scene.proxy.black_hole(5.0)
    return Blow(fell, time.monotonic_ns())


def chaos(scene: Scene) -> Blow:
    """For 20 s something dies every second or oftener: one to three server processes, a client program."""
    fell = time.monotonic_ns()
    kills = 0
    while time.monotonic_ns() - fell < CHAOS * 1e9:
        victims = scene.random.sample(sorted(scene.server.processes), scene.random.choice([1, 1, 1, 2, 3]))
        scene.kill(victims)
        kills += len(victims)
        if scene.random.random() < 0.2:
            program = scene.random.choice(scene.crowd.programs)
            scene.crowd.kill(program)
            scene.crowd.restart(program)
            kills += 1
        scene.run(scene.random.uniform(0.0, 0.3))
        scene.restart(victims)
        scene.run(scene.random.uniform(0.0, 1.0))
    scene.notes["kills"] = kills
    return Blow(fell, time.monotonic_ns())


def database_cut(scene: Scene) -> Blow:
    """PostgreSQL ends every connection, again and again, commits under way included."""
    fell = at = time.monotonic_ns()
    for _ in range(10):
        at = time.monotonic_ns()
        cut = scene.cut_database()
        scene.notes["connections_cut"] = int(str(scene.notes.get("connections_cut", 0))) + cut
        scene.run(scene.random.uniform(0.1, 0.6))
    return Blow(fell, at)


def _pids(scene: Scene) -> list[int]:
    return [process.pid for process in scene.server.processes.values()]


def _acknowledged(scene: Scene, since: int) -> int:
    return sum(line.what == "acked" and line.at > since for line in scene.crowd.lines)


EVERY_SERVICE: Final = tuple(f"{service}.1" for service in SERVICES)
EVERY_PROCESS: Final = ("broker", *EVERY_SERVICE)
DEATH, RETURN = "the kill", "the broker's return"

SQLITE_ONLY: Final = ("disk-full",)
POSTGRES_ONLY: Final = ("database-cut",)
SCENARIOS: Final = (
    Scenario("broker", killed("broker"), RETURN, BROKER_BAR),
    Scenario("broker-away", broker_away, RETURN, BROKER_BAR),
    *(Scenario(service, killed(f"{service}.1"), DEATH, WORKER_BAR) for service in SERVICES),
    Scenario("one-of-two", killed("messaging.1"), DEATH, WORKER_BAR, counts={"messaging": 2}),
    Scenario("all-services", killed(*EVERY_SERVICE), DEATH, WORKER_BAR),
    Scenario("all-processes", killed(*EVERY_PROCESS), RETURN, BROKER_BAR),
    Scenario("client", client_killed, DEATH),
    Scenario("everything", everything_killed, RETURN),
    Scenario("stopped", stopped_the_only_one, "SIGCONT", rounds=1),
    Scenario("stopped-one-of-two", stopped_one_of_two, "SIGSTOP", counts={"messaging": 2}, rounds=2),
    Scenario("disk-full", disk_full, "there being room", small_disk=True, rounds=2),
    Scenario("database-cut", database_cut, "the last cut", rounds=1),
    Scenario("torn", torn, "the end of it", proxied=True, rounds=1),
    Scenario("black-hole", black_hole, "the end of it", proxied=True, rounds=1),
    Scenario("up-broker", killed("broker"), RETURN, BROKER_BAR, supervised=True, rounds=2),
    Scenario("up-messaging", killed("messaging.1"), DEATH, WORKER_BAR, supervised=True, rounds=2),
    Scenario("up-all-processes", killed(*EVERY_PROCESS), RETURN, BROKER_BAR, supervised=True, rounds=1),
    Scenario("chaos", chaos, "the last start", BROKER_BAR, rounds=1),
)
