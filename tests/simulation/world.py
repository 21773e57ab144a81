"""A run: parties, deeds and mishaps from a plan, and what was seen of the rules."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from config.log import ServerLog
from protocol import commands
from services import auth, file, group, messaging
from services.passwords import passwords
from tests.simulation import rules
from tests.simulation.book import Book
from tests.simulation.broken import SOUND, Broken
from tests.simulation.broker import Broker
from tests.simulation.clock import Clock
from tests.simulation.device import Device
from tests.simulation.mishaps import befall
from tests.simulation.network import Network
from tests.simulation.plan import PEOPLE, Deed, Phase, Plan
from tests.simulation.scene import PASSWORD, settings, staged, template
from tests.simulation.turn import WriteLock
from tests.simulation.witness import Witness
from tests.simulation.worker import Worker

SETTLE_MOST = 400.0
"""Seconds of calm within which everything must be quiet and whole."""
LOOK_EVERY = 1.0

SHARED_MEMORY = Path("/dev/shm")


class Violation(AssertionError):
    """A rule was broken. The text says which, in which run, and what had happened."""


class _Quiet:
    """The log of the simulation: faults are violations, the rest is nobody's business."""

    def __init__(self, world: World) -> None:
        self._world = world

    def fault(self, service: str, where: str, error: BaseException) -> None:
        """A mistake of ours; or what was seen in the middle of a transaction."""
        if isinstance(error, Violation):
            raise error
        self._world.violated(f"{service} failed in {where}: {error!r}")

    def actions(self, *_: Any) -> None:
        """What users did."""

    def info(self, *_: Any, **__: Any) -> None:
        """What operators may like to know."""

    warning = info


@dataclass(frozen=True)
class Outcome:
    """What a run that broke no rule was like. ``settled``: seconds until all was whole, by phase."""

    counts: Counter[str]
    settled: tuple[float, ...]
    seconds: float
    steps: int
    peaks: Counter[str]
    """The most that was held of anything in memory, by class and attribute."""
    digest: int
    """The same for the same plan: of everything that was handed out, and when."""


class World:
    """One run. Everything that happens in it follows from the plan."""

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        broken: Broken = SOUND,
        *,
        realm: str = "here",
        beside: World | None = None,
    ) -> None:
        self.plan = plan
        self.broken = broken
        self.rng: random.Random = beside.rng if beside else random.Random(plan.seed)
        self.clock: Clock = beside.clock if beside else Clock()
        self.counts: Counter[str] = beside.counts if beside else Counter()
        self.peaks: Counter[str] = beside.peaks if beside else Counter()
        self.network: Network = beside.network if beside else Network(self.clock, self.rng, self.counts)
        self.neighbour = beside
        """The other realm, which shares time, network and chance with this one."""
        self.settings = settings(folder, plan, realm)
        self.log = cast(ServerLog, _Quiet(self))
        self.file = folder / "pesan.db"
        self._passwords = {name: [PASSWORD] for name in PEOPLE}
        self.disk_full = self.commits_in_doubt = False
        self.trace: list[str] = beside.trace if beside else []
        self._ids = 1 << 40 if beside else 0
        self._peers = 0
        shutil.copy(template(broken.without_ids), self.file)
        self.book = Book(self.file)
        self.witness = Witness(self)
        self.lock = WriteLock()
        self.broker = Broker(self)
        self.workers = [
            Worker(self, service, number + 1, plan.indoors)
            for service in (auth.SERVICE, group.SERVICE, file.SERVICE, messaging.SERVICE)
            for number in range(plan.messaging if service is messaging.SERVICE else 1)
        ]
        self.devices = [
            Device(self, user, number, plan.weather) for number, user in enumerate(plan.devices, 1)
        ]

    # --- names that parties ask for -------------------------------------------------------------

    def message_id(self) -> bytes:
        """An id as a client would choose it: time first."""
        self._ids += 1
        return int(self.clock.wall // 1000).to_bytes(6, "big") + self._ids.to_bytes(10, "big")

    def fresh_peer(self) -> bytes:
        """A routing id."""
        self._peers += 1
        return self._peers.to_bytes(5, "big")

    # --- the run --------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Play the plan; raises ``Violation``."""
        settled = []
        try:
            self.network.calm = True
            self._start()
            self._gather()
            for phase in self.plan.phases:
                self._trouble(phase)
                settled.append(self._settle())
        finally:
            self.close()
        seconds = self.clock.now - 1000.0
        return Outcome(
            self.counts, tuple(settled), seconds, self.clock.steps, self.peaks, self.witness.digest
        )

    def close(self) -> None:
        """Every process ends."""
        for worker in self.workers:
            worker.kill()
        self.book.close()

    def _start(self) -> None:
        self.begin()
        self.clock.run(self.clock.now + 1.0)

    def begin(self) -> None:
        """Every process starts."""
        self.broker.start()
        for worker in self.workers:
            worker.start()
        for device in self.devices:
            device.start()

    def _gather(self) -> None:
        for number, name in self.plan.members:
            self.devices[number].call("group.create", commands.CreateGroup(name))
            self.clock.run(self.clock.now + 0.2)
            self.devices[number].call("group.join", commands.JoinGroup(name))
            self.clock.run(self.clock.now + 0.2)

    def _trouble(self, phase: Phase) -> None:
        begin = self.clock.now
        self.intend(phase)
        while (left := begin + phase.seconds - self.clock.now) > 0:
            self.clock.run(self.clock.now + min(left, LOOK_EVERY))
            self.look()

    def intend(self, phase: Phase) -> None:
        """What people do in this phase, and what goes wrong, will happen at its time."""
        self.network.calm = False
        for deed in phase.deeds:
            self.clock.after(deed.at, self._do, deed)
        for mishap in phase.mishaps:
            self.clock.after(mishap.at, befall, self, mishap)

    def mend(self) -> None:
        """Nothing goes wrong any more."""
        self.network.calm = True
        self.disk_full = self.commits_in_doubt = False
        for worker in self.workers:
            worker.dies_after_commit, worker.stops = False, None

    def _settle(self) -> float:
        """Nothing goes wrong any more; within bounded time all is whole. Seconds that it took."""
        begin = self.clock.now
        self.mend()
        while True:
            self.clock.run(self.clock.now + LOOK_EVERY)
            self.look()
            found = rules.unfinished(self)
            if not found:
                return self.clock.now - begin
            if self.clock.now - begin > SETTLE_MOST:
                self.violated("; ".join(found))

    def look(self) -> None:
        """What must hold at any moment holds, or the run is over: were it whole again later, too."""
        if found := rules.breaches(self):
            self.violated("; ".join(found))

    # --- deeds ----------------------------------------------------------------------------------

    def _do(self, deed: Deed) -> None:
        device = self.devices[deed.who]
        self.note(f"{device.name} {deed.kind} {deed.what or ''}")
        self.counts["deeds"] += 1
        if not device.alive:
            return
        match deed.kind:
            case "send":
                self._say(device, deed.what[0], 1)
            case "burst":
                self._say(device, *deed.what)
            case "broadcast":
                self._say(device, "*", 1)
            case "read":
                device.call("message.read", commands.Read(1 << 40, address=deed.what[0]))
            case "history":
                device.call("message.history", commands.History(address=deed.what[0], limit=deed.what[1]))
            case "typing":
                device.call("message.typing", commands.Typing(deed.what[0]))
            case "create":
                device.call("group.create", commands.CreateGroup(deed.what))
            case "join":
                device.call("group.join", commands.JoinGroup(deed.what))
            case "leave":
                device.call("group.leave", commands.NameGroup(deed.what))
            case "remove":
                device.call("group.remove", commands.RemoveMember(*deed.what))
            case "password":
                self._change_password(device)
            case "revoke":
                self._revoke(device)
            case "logout":
                device.call("auth.logout", commands.Empty())
            case "login":
                device.enter_anew()
            case "wrong password":
                device.call("auth.login", commands.Login(device.user, "not a password of anybody's"))
            case unknown:
                raise AssertionError(f"nobody can {unknown}")

    def _say(self, device: Device, to: str, count: int) -> None:
        for _ in range(count):
            device.send(to, f"{device.name} says {len(device.letters)} to {to}")

    def _change_password(self, device: Device) -> None:
        old = self.password(device.user)
        new = f"password number {len(self._passwords[device.user])}"
        self._passwords[device.user].append(new)
        device.call("auth.password", commands.ChangePassword(old, new))

    def password(self, user: str) -> str:
        """The one in force: who does not know whether a change was made tries both."""
        stored = self.book.password(user)
        argon2 = passwords(self.settings)
        return next(each for each in reversed(self._passwords[user]) if argon2.fits(stored, each))

    def _revoke(self, device: Device) -> None:
        """End every other session of the user."""

        def listed(answer: commands.Body | Exception) -> None:
            if isinstance(answer, commands.SessionsReply):
                for session in answer.sessions:
                    if not session.current:
                        device.call("auth.revoke", commands.Revoke(session.session))

        device.call("auth.sessions", commands.Empty(), listed)

    # --- ends and beginnings ---------------------------------------------------------------------

    def kill_worker(self, worker: Worker) -> None:
        """A worker dies; its supervisor starts it again."""
        if worker.alive:
            worker.kill()
            self.clock.after(self.rng.uniform(0.05, 2.0), self.restart_worker, worker)

    def restart_worker(self, worker: Worker) -> None:
        """Its supervisor starts it."""
        if not worker.alive:
            worker.start()

    def kill_broker(self) -> None:
        """The broker dies; its supervisor starts it again."""
        if self.broker.alive:
            self.broker.kill()
            for worker in self.workers:
                worker.broker_died()
            for device in self.devices:
                device.broker_died()
            self.clock.after(self.rng.uniform(0.05, 2.0), self.broker.start)

    def restart_device(self, device: Device) -> None:
        """Its user starts the program again."""
        if not device.alive:
            device.start()

    def mend_disk(self) -> None:
        """There is room again, and commits are told of."""
        self.disk_full = self.commits_in_doubt = False

    # --- for whoever reads what happened ----------------------------------------------------------

    def note(self, text: str) -> None:
        """Something that happened, for whoever reads why a run failed."""
        self.trace.append(f"{self.clock.now:10.4f} {text}")

    def violated(self, sentence: str) -> None:
        """A rule was broken: the run is over."""
        recent = "\n".join(self.trace[-40:])
        raise Violation(f"seed {self.plan.seed}: at {self.clock.now:.4f}: {sentence}\n{recent}")


def play(plan: Plan, broken: Broken = SOUND) -> Outcome:
    """Run a plan in a folder of its own; raises ``Violation``."""
    parent = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=parent) as folder, broken.apply(), staged(plan.seed):
        return World(plan, Path(folder), broken).run()
