"""The broker process of the simulation: the real core between imaginary sockets.

The turn is that of ``broker.server``: workers first, then clients, then subscriptions, then time, then out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.core import Core
from broker.subscriptions import SUBSCRIBE, Subscriptions, wants_welcome
from protocol import backend
from protocol.events import Welcome, event
from protocol.limits import TOPIC_BYTES
from tests.simulation.clock import EPOCH
from tests.simulation.network import Pipe

if TYPE_CHECKING:
    from tests.simulation.world import World

TICK = 0.1
PROBES = 10


class Broker:
    """One broker, in as many lives as it takes. Routing ids and descriptors never come back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._life = 0
        self.alive = False
        self.core: Core
        self.frozen_until = 0.0

    def start(self) -> None:
        """Begin a life that knows nothing of those before."""
        world = self._world
        self.alive = True
        self._life += 1
        rng = world.rng
        self.core = Core(
            world.settings,
            name=b"the only broker.",
            version="0",
            first_handle=rng.getrandbits(40) << 20,
            epoch=rng.getrandbits(48),
        )
        self._subscriptions = Subscriptions(self.core.epoch, world.settings.topics_per_connection)
        self._clients: dict[bytes, Pipe] = {}
        self._workers: dict[bytes, Pipe] = {}
        self._listeners: dict[int, tuple[Pipe, set[bytes]]] = {}
        self._from_clients: list[tuple[bytes, bytes]] = []
        self._from_workers: list[tuple[bytes, bytes]] = []
        self._from_listeners: list[tuple[int, bytes]] = []
        self._probes = 0
        self._next_tick = 0.0
        self._planned = False
        world.clock.after(0.0, self._beat, self._life)

    def kill(self) -> None:
        """End without a word. Whoever holds a connection finds it broken."""
        self.alive = False

    def freeze(self, seconds: float) -> None:
        """Do nothing for a while (SIGSTOP, then SIGCONT)."""
        self.frozen_until = self._world.clock.now + seconds

    # --- connections ----------------------------------------------------------------------------

    def accept_client(self, peer: bytes, pipe: Pipe) -> None:
        """A commands connection."""
        self._clients[peer] = pipe
        self.core.meet(peer, "127.0.0.1")

    def accept_worker(self, peer: bytes, pipe: Pipe) -> None:
        """A worker's connection."""
        self._workers[peer] = pipe

    def accept_listener(self, fd: int, pipe: Pipe) -> None:
        """An events connection."""
        self._listeners[fd] = (pipe, set())
        self._subscriptions.connected(fd)

    def lose(self, peer: bytes | int) -> None:
        """A connection is gone; of a worker's the monitor tells, so every worker is probed for a while."""
        if not self.alive:
            return
        if isinstance(peer, int):
            self._listeners.pop(peer, None)
            self._subscriptions.disconnected(peer)
        elif self._workers.pop(peer, None) is not None:
            self._probes = PROBES
        else:
            self._clients.pop(peer, None)

    # --- in -------------------------------------------------------------------------------------

    def from_client(self, life: int, peer: bytes, frame: bytes) -> None:
        """A frame reached the commands socket."""
        if self.alive and life == self._life:
            self._from_clients.append((peer, frame))
            self._plan()

    def from_worker(self, life: int, peer: bytes, frame: bytes) -> None:
        """A frame reached the backend socket."""
        if self.alive and life == self._life:
            self._from_workers.append((peer, frame))
            self._plan()

    def from_listener(self, life: int, fd: int, frame: bytes) -> None:
        """A frame reached the events socket."""
        if self.alive and life == self._life:
            self._from_listeners.append((fd, frame))
            self._plan()

    @property
    def life(self) -> int:
        """Which life this is: frames of an earlier one reach nobody."""
        return self._life

    # --- turns ----------------------------------------------------------------------------------

    def _plan(self) -> None:
        if not self._planned:
            self._planned = True
            moment = self._world.clock.now + self._world.rng.uniform(0.0, 0.001)
            self._world.clock.at(max(moment, self.frozen_until), self._turn, self._life)

    def _beat(self, life: int) -> None:
        """The poll's timeout: a turn at least every tick."""
        if self.alive and life == self._life:
            self._plan()
            self._world.clock.after(TICK, self._beat, life)

    def _turn(self, life: int) -> None:
        if not self.alive or life != self._life:
            return
        self._planned = False
        now, core = self._world.clock.now, self.core
        workers, self._from_workers = self._from_workers, []
        clients, self._from_clients = self._from_clients, []
        listeners, self._from_listeners = self._from_listeners, []
        for peer, frame in workers:
            core.backend(now, peer, frame)
        for peer, frame in clients:
            core.request(now, peer, frame)
        for fd, frame in listeners:
            self._judge(fd, frame)
        if self._subscriptions.empty():
            core.epoch = self._subscriptions.epoch
        if now >= self._next_tick:
            self._next_tick = now + TICK
            if self._probes:
                self._probes -= 1
                core.probe()
            core.wall = EPOCH
            core.tick(now)
        self._flush(now)

    def _judge(self, fd: int, frame: bytes) -> None:
        if fd not in self._listeners or not self._subscriptions.frame(frame, fd):
            return
        topic, topics = frame[1:], self._listeners[fd][1]
        if frame[0] == SUBSCRIBE:
            topics.add(topic)
            if wants_welcome(topic):
                self._publish([event(topic, Welcome(self._subscriptions.epoch))])
        else:
            topics.discard(topic)

    def _flush(self, now: float) -> None:
        core = self.core
        for peer, frame in core.work():
            self._to_worker(now, peer, frame)
        signals, core.signals = core.signals, []
        for peer, kind in signals:
            self._to_worker(now, peer, backend.pack_signal(kind))
        events, core.events = list(core.events), []
        self._publish(events)
        replies, core.replies = list(core.replies), []
        for peer, frame in replies:
            if (pipe := self._clients.get(peer)) is not None:
                pipe.send(frame)

    def _to_worker(self, now: float, peer: bytes, frame: bytes) -> None:
        pipe = self._workers.get(peer)
        if pipe is None:
            self.core.worker_gone(now, peer)
        else:
            pipe.send(frame)

    def _publish(self, events: list[bytes]) -> None:
        for frame in events:
            topic = frame[:TOPIC_BYTES]
            for pipe, topics in self._listeners.values():
                if topic in topics:
                    pipe.send(frame)
