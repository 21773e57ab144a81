"""A worker process of the simulation: the real loop and handlers, an imaginary socket, a real SQLite file."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import zmq

from protocol import backend
from services.batch import Engine
from services.context import Service
from services.loop import Link, Loop
from services.storage.engine import StoreUnavailable, Transaction
from services.storage.sqlite import SqliteStore
from tests.simulation.network import Pipe, Weather

if TYPE_CHECKING:
    from tests.simulation.world import World


class Socket:
    """What the loop takes for a socket: frames in, and frames out to be carried when the turn is over."""

    def __init__(self) -> None:
        self.arrived: deque[bytes] = deque()
        self.sent: list[bytes] = []

    def recv(self, flags: int, /) -> bytes:
        """The next frame that arrived."""
        if not self.arrived:
            raise zmq.Again
        return self.arrived.popleft()

    def send(self, frame: bytes, flags: int, /) -> None:
        """To be carried later."""
        self.sent.append(frame)


class Disk:
    """A worker's store, which may be full, or fail to say that a commit succeeded.

    ``early``: a broken build that lets results out before their transaction is committed.
    """

    dialect = "sqlite"

    def __init__(self, world: World) -> None:
        self._world = world
        self._store = SqliteStore(world.file)
        self._open: ExitStack | None = None

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """As the store's own."""
        self.settle()
        with self._store.read() as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """As the store's own, with the mishaps that are planned."""
        self.settle()
        world = self._world
        if world.disk_full:
            world.counts["writes on a full disk"] += 1
            raise StoreUnavailable("the imaginary disk is full")
        stack = ExitStack()
        tx = stack.enter_context(self._store.write())
        try:
            yield tx
        except BaseException as error:
            stack.__exit__(type(error), error, error.__traceback__)
            raise
        if world.broken.early:
            self._open = stack
            return
        stack.close()
        world.witness.committed()
        if world.commits_in_doubt:
            world.counts["commits in doubt"] += 1
            raise StoreUnavailable("the imaginary disk did not say whether it was done")

    exclusive = write

    def settle(self) -> None:
        """Commit what a broken build has left open."""
        if self._open is not None:
            stack, self._open = self._open, None
            stack.close()
            self._world.witness.committed()

    def close(self) -> None:
        """The process is dead: what was not committed never was."""
        if self._open is not None:
            stack, self._open = self._open, None
            error = KeyboardInterrupt()
            with suppress(KeyboardInterrupt):
                stack.__exit__(KeyboardInterrupt, error, None)
        self._store.close()


class Worker:
    """One worker of one service, in as many lives as it takes."""

    def __init__(self, world: World, service: Service, number: int, weather: Weather) -> None:
        self._world = world
        self._service = service
        self._number = number
        self._weather = weather
        self._life = 0
        self._to_broker: Pipe | None = None
        self._to_us: Pipe | None = None
        self._peer = b""
        self._planned = False
        self._turns = 0
        self.alive = False
        self.frozen_until = 0.0
        self.dies_after_commit = False
        self.engine: Engine

    @property
    def name(self) -> str:
        """For people."""
        return f"{self._service.name}.{self._number}"

    def start(self) -> None:
        """Begin a life with an empty memory."""
        world = self._world
        self.alive, self.dies_after_commit = True, False
        self._life += 1
        self._disk = Disk(world)
        self._socket = Socket()
        self.engine = Engine(self._service, self._disk, world.settings, world.log, clock=lambda: 0)
        link = Link(self._socket, self.engine)
        name = f"{self.name}-{self._life}"
        self._loop = Loop(self._service, world.settings, world.log, name, [link], clock=lambda: 0)
        self._planned = False
        self._dial(self._life)
        self._plan()

    def kill(self) -> None:
        """kill -9. The broker notices after a moment that nobody is there."""
        if not self.alive:
            return
        self.alive = False
        self._disk.close()
        self._hang_up(self._world.rng.uniform(0.0, 0.3))

    def freeze(self, seconds: float) -> None:
        """SIGSTOP, then SIGCONT: late, but not dead."""
        self.frozen_until = self._world.clock.now + seconds

    # --- the connection -------------------------------------------------------------------------

    def _dial(self, life: int) -> None:
        world = self._world
        if not self.alive or life != self._life:
            return
        broker = world.broker
        if not broker.alive:
            world.clock.after(0.05, self._dial, life)
            return
        peer = self._peer = world.fresh_peer()
        broker_life = broker.life

        def to_broker(frame: bytes) -> None:
            broker.from_worker(broker_life, peer, frame)

        def to_us(frame: bytes) -> None:
            if self.alive and life == self._life:
                self._socket.arrived.append(frame)
                self._plan()

        self._to_broker = Pipe(world.network, self._weather, to_broker)
        self._to_us = Pipe(world.network, self._weather, to_us)
        broker.accept_worker(peer, self._to_us)

    def broker_died(self) -> None:
        """The connection broke; dial until somebody answers."""
        self._hang_up(0.0)
        if self.alive:
            self._world.clock.after(0.05, self._dial, self._life)

    def _hang_up(self, noticed_after: float) -> None:
        if self._to_us is not None:
            self._to_us.close()
        if self._to_broker is not None:
            # What a dead process had written may have left the machine's buffers, or not.
            if self._world.rng.random() < 0.5:
                self._to_broker.finish()
            else:
                self._to_broker.close()
        broker, life, peer = self._world.broker, self._world.broker.life, self._peer
        self._to_broker = self._to_us = None

        def lost() -> None:
            if broker.life == life:
                broker.lose(peer)

        self._world.clock.after(noticed_after, lost)

    # --- turns ----------------------------------------------------------------------------------

    def _plan(self) -> None:
        if not self._planned:
            self._planned = True
            self._wake(self._world.rng.uniform(0.0, 0.001), self._turn, self._life)

    def _wake(self, seconds: float, turn: Callable[..., None], *arguments: int) -> None:
        self._world.clock.at(max(self._world.clock.now + seconds, self.frozen_until), turn, *arguments)

    def _idle_turn(self, life: int, turns: int) -> None:
        """The poll's timeout, unless there was a turn meanwhile."""
        if turns == self._turns:
            self._turn(life)

    def _turn(self, life: int) -> None:
        if not self.alive or life != self._life:
            return
        self._planned = False
        self._turns += 1
        world = self._world
        self._loop.keep_time(world.clock.now, world.clock.wall)
        self._loop.turn(world.clock.wall)
        sent, self._socket.sent = self._socket.sent, []
        dies = self.dies_after_commit and any(map(_tells, sent))
        if dies and not world.broken.early:
            # Between the commit and the word to the broker; a broken build has these the other way round.
            sent = []
        if self._to_broker is not None:
            for frame in sent:
                self._to_broker.send(frame)
        if dies:
            world.counts["killed after a commit"] += 1
            world.kill_worker(self)
            return
        self._disk.settle()
        if self._socket.arrived or self.engine.waiting:
            self._plan()
        else:
            patience = self._loop.patience(world.clock.now) + 0.0005
            self._wake(patience, self._idle_turn, life, self._turns)


def _tells(frame: bytes) -> bool:
    """Whether a frame carries answers and events: something was changed."""
    kind, *fields = backend.unpack(frame)
    return kind == backend.DONE and bool(fields[0]) and bool(fields[1])
