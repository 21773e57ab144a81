"""The broker process of the simulation: the real core between imaginary sockets.

The turn is that of ``broker.server``: workers first, then clients, then subscriptions, then time, then out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
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
FIRST_FD = 10


class Listener:
    """An events connection: its descriptor, the way to it, and how to end it."""

    def __init__(self, fd: int, pipe: Pipe, hang_up: Callable[[], None]) -> None:
        self.fd = fd
        self.pipe = pipe
        self.hang_up = hang_up
        self.topics: set[bytes] = set()


class Broker:
    """One broker, in as many lives as it takes. Descriptors come back, and routing ids that clients chose."""

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
        self.subscriptions = Subscriptions(self.core.epoch, world.settings.topics_per_connection)
        self._clients: dict[bytes, Pipe] = {}
        self._workers: dict[bytes, Pipe] = {}
        self._listeners: dict[int, Listener] = {}
        self._fds: dict[int, int] = {}
        self._connections = 0
        self._from_clients: list[tuple[bytes, str, bytes]] = []
        self._from_workers: list[tuple[bytes, bytes]] = []
        self._from_listeners: list[tuple[int, int, bytes]] = []
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

    def accept_client(self, peer: bytes, address: str, pipe: Pipe) -> None:
        """A commands connection. Its routing id may have been another one's."""
        self._clients[peer] = pipe

    def accept_worker(self, peer: bytes, pipe: Pipe) -> None:
        """A worker's connection."""
        self._workers[peer] = pipe

    def accept_listener(self, pipe: Pipe, hang_up: Callable[[], None]) -> int:
        """An events connection; its number. Its descriptor is the lowest free one, as from the kernel."""
        fd = next(fd for fd in itertools.count(FIRST_FD) if fd not in self._fds)
        self._connections += 1
        self._listeners[self._connections] = Listener(fd, pipe, hang_up)
        self._fds[fd] = self._connections
        self.subscriptions.connected(fd)
        return self._connections

    def lose_client(self, life: int, peer: bytes, pipe: Pipe) -> None:
        """A commands connection is gone."""
        if self.alive and life == self._life and self._clients.get(peer) is pipe:
            del self._clients[peer]

    def lose_worker(self, life: int, peer: bytes) -> None:
        """A worker's connection is gone; of it the monitor tells, so every worker is probed for a while."""
        if self.alive and life == self._life and self._workers.pop(peer, None) is not None:
            self._probes = PROBES

    def lose_listener(self, life: int, connection: int) -> None:
        """An events connection is gone; its descriptor is free, though frames of it may wait to be read."""
        if self.alive and life == self._life and connection in self._listeners:
            fd = self._listeners.pop(connection).fd
            del self._fds[fd]
            self.subscriptions.disconnected(fd)

    # --- in -------------------------------------------------------------------------------------

    def from_client(self, life: int, peer: bytes, address: str, frame: bytes) -> None:
        """A frame reached the commands socket."""
        if self.alive and life == self._life:
            self._from_clients.append((peer, address, frame))
            self._plan()

    def from_worker(self, life: int, peer: bytes, frame: bytes) -> None:
        """A frame reached the backend socket."""
        if self.alive and life == self._life:
            self._from_workers.append((peer, frame))
            self._plan()

    def from_listener(self, life: int, connection: int, frame: bytes) -> None:
        """A frame reached the events socket."""
        if self.alive and life == self._life and connection in self._listeners:
            self._from_listeners.append((connection, self._listeners[connection].fd, frame))
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
        for peer, address, frame in clients:
            if not core.peers.known(peer):
                core.peers.meet(peer, address)
            core.request(now, peer, frame)
        if core.sessions.changes:
            core.report_presence(now)
        for connection, fd, frame in listeners:
            self._judge(connection, fd, frame)
        self._hang_up()
        if self.subscriptions.empty():
            core.epoch = self.subscriptions.epoch
        if now >= self._next_tick:
            self._next_tick = now + TICK
            if self._probes:
                self._probes -= 1
                core.probe()
            core.wall = EPOCH
            core.tick(now)
            self.subscriptions.rest(TICK)
            self._count()
        self._flush(now)

    def _judge(self, connection: int, fd: int, frame: bytes) -> None:
        """An approval is the connection's that sent the frame, whoever has its descriptor by now."""
        if not self.subscriptions.frame(frame, fd) or connection not in self._listeners:
            return
        topic, topics = frame[1:], self._listeners[connection].topics
        if frame[0] == SUBSCRIBE:
            topics.add(topic)
            if wants_welcome(topic):
                self._publish([event(topic, Welcome(self.subscriptions.epoch))])
        else:
            topics.discard(topic)

    def _hang_up(self) -> None:
        """Whoever has the descriptor by now is hung up on, and comes back."""
        while self.subscriptions.unwanted:
            connection = self._fds.get(self.subscriptions.unwanted.pop())
            if connection is not None:
                self._world.counts["hung up on"] += 1
                self._listeners[connection].hang_up()

    def _count(self) -> None:
        counts = self.core.counts
        self._world.counts.update(
            {f"broker: {name.replace('_', ' ')}": count for name, count in counts.items()}
        )
        counts.clear()

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
            self._world.witness.published(frame)
            topic = frame[:TOPIC_BYTES]
            for listener in self._listeners.values():
                if topic in listener.topics:
                    listener.pipe.send(frame)
