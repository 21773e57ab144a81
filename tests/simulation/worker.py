"""A worker process of the simulation: the real loop and handlers, an imaginary socket, a real SQLite file.

Passwords are hashed at once, but the hands that do it take time to say so, and meanwhile anything may happen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any

import zmq

from protocol import backend
from services.batch import Engine
from services.context import Service
from services.loop import Link, Loop
from services.slow import at_once
from tests.simulation.disk import Disk
from tests.simulation.network import Pipe, Weather
from tests.simulation.turn import Turn

if TYPE_CHECKING:
    from tests.simulation.world import World


HASHING = (0.005, 0.3)
"""Seconds that a password takes, at least and at most."""


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
        self._piece: Turn | None = None
        self._unsent: list[bytes] = []
        self.alive = False
        self.frozen_until = 0.0
        self.dies_after_commit = False
        self.stops: tuple[str, float] | None = None
        """Where it will be stopped, ``inside`` its next transaction or ``after`` it; for so many seconds."""
        self.engine: Engine

    @property
    def name(self) -> str:
        """For people."""
        return f"{self._service.name}.{self._number}"

    @property
    def roots(self) -> list[Any]:
        """What it keeps in memory."""
        return [self.engine]

    def start(self) -> None:
        """Begin a life with an empty memory; once the database can be opened, which takes its lock."""
        world = self._world
        if world.lock.held:
            world.lock.wait(lambda: world.restart_worker(self))
            return
        self.alive, self.dies_after_commit, self.stops = True, False, None
        self.frozen_until = 0.0
        self._life += 1
        self._disk = Disk(world, self)
        self._socket = Socket()
        self.engine = Engine(self._service, self._disk, world.settings, world.log, lambda: 0, self._hands)
        self._loop = self._made(Link(self._socket, self.engine), f"{self.name}-{self._life}")
        self._planned = False
        self._dial(self._life)
        self._plan()

    def _made(self, link: Link, name: str) -> Loop:
        world = self._world
        return Loop(self._service, world.settings, world.log, name, [link], clock=lambda: 0)

    def kill(self) -> None:
        """kill -9. The broker notices after a moment that nobody is there."""
        if not self.alive:
            return
        self.alive = False
        piece, self._piece = self._piece, None
        if piece is not None:
            piece.kill()
        self._disk.close()
        self._unsent.clear()
        self._hang_up(self._world.rng.uniform(0.0, 0.3))

    def freeze(self, seconds: float) -> None:
        """SIGSTOP, then SIGCONT: late, but not dead."""
        self.frozen_until = self._world.clock.now + seconds

    # --- standing still -------------------------------------------------------------------------

    def await_lock(self) -> None:
        """Called in the middle of a turn: wait until nobody else is in a transaction."""
        world = self._world
        while world.lock.held:
            world.counts["waits for a stopped writer"] += 1
            world.lock.wait(partial(self._go_on, self._life))
            self._stand_still()

    def commits(self) -> None:
        """Called at the end of a transaction, before its commit: this is where the process may be stopped."""
        if self._is_stopped("inside"):
            self._world.lock.held = True
            try:
                self._stand_still()
            finally:
                for go_on in self._world.lock.release():
                    self._world.clock.after(0.0, go_on)

    def committed(self) -> None:
        """Called after a commit: the process may be stopped before it says a word of it."""
        if self._is_stopped("after"):
            self._stand_still()

    def _is_stopped(self, where: str) -> bool:
        if self.stops is None or self.stops[0] != where or self._piece is None:
            return False
        (_, seconds), self.stops = self.stops, None
        self._world.counts[f"stopped {where} a transaction"] += 1
        self.freeze(seconds)
        self._world.clock.at(self.frozen_until, self._go_on, self._life)
        return True

    def _stand_still(self) -> None:
        """What was said before has left."""
        sent, self._socket.sent = self._socket.sent, []
        self._carry(sent)
        assert self._piece is not None
        self._piece.stop()

    def _go_on(self, life: int) -> None:
        if not self.alive or life != self._life or self._piece is None:
            return
        if self._world.clock.now < self.frozen_until:
            self._world.clock.at(self.frozen_until, self._go_on, life)
            return
        piece = self._piece
        piece.go_on()
        if piece.over:
            self._piece = None
            self._turn_over()

    # --- the connection -------------------------------------------------------------------------

    def _dial(self, life: int) -> None:
        world = self._world
        if not self.alive or life != self._life:
            return
        broker = world.broker
        if not broker.alive or world.clock.now < self.frozen_until:
            world.clock.at(max(world.clock.now + 0.05, self.frozen_until), self._dial, life)
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
        # Meant for an earlier broker: libzmq kept it, and knows of no such thing.
        unsent, self._unsent = self._unsent, []
        self._carry(unsent)

    def _carry(self, frames: list[bytes]) -> None:
        """Send, now or as soon as there is a connection."""
        if self._to_broker is None:
            self._unsent += frames
        else:
            for frame in frames:
                self._to_broker.send(frame)

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
        self._world.clock.after(noticed_after, broker.lose_worker, life, peer)

    # --- turns ----------------------------------------------------------------------------------

    def _plan(self) -> None:
        if not self._planned:
            self._planned = True
            self._wake(self._world.rng.uniform(0.0, 0.001), self._turn, self._life)

    def _wake(self, seconds: float, turn: Callable[..., None], *arguments: Any) -> None:
        self._world.clock.at(max(self._world.clock.now + seconds, self.frozen_until), turn, *arguments)

    def _idle_turn(self, life: int, turns: int) -> None:
        """The poll's timeout, unless there was a turn meanwhile."""
        if turns == self._turns:
            self._turn(life)

    def _hands(self, work: Callable[[], Any]) -> Future[Any]:
        """The thread that hashes passwords: what comes of it is known at once, and told later."""
        done: Future[Any] = Future()
        result = at_once(work)
        self._wake(self._world.rng.uniform(*HASHING), self._hashed, self._life, done, result)
        return done

    def _hashed(self, life: int, done: Future[Any], result: Future[Any]) -> None:
        if not self.alive or life != self._life:
            self._world.counts["killed while hashing"] += 1
            return
        if self._world.clock.now < self.frozen_until:
            self._wake(0.0, self._hashed, life, done, result)
            return
        if (error := result.exception()) is not None:
            done.set_exception(error)
        else:
            done.set_result(result.result())
        self._plan()

    def _turn(self, life: int) -> None:
        if not self.alive or life != self._life:
            return
        if self._world.clock.now < self.frozen_until:
            self._wake(0.0, self._turn, life)
            return
        self._planned = False
        if self._piece is not None:
            return
        self._turns += 1
        if self.stops is None and not self._world.lock.held:
            self._act()
            self._turn_over()
        else:
            self._piece = Turn(self._act)
            self._go_on(life)

    def _act(self) -> None:
        clock = self._world.clock
        self._loop.keep_time(clock.now, clock.wall)
        self._loop.turn(clock.wall)

    def _turn_over(self) -> None:
        world = self._world
        sent, self._socket.sent = self._socket.sent, []
        dies = self.dies_after_commit and any(map(_tells, sent))
        if dies and not world.broken.early:
            # Between the commit and the word to the broker; a broken build has these the other way round.
            sent = []
        self._carry(sent)
        if dies:
            world.counts["killed after a commit"] += 1
            world.kill_worker(self)
            return
        self._disk.settle()
        if self._is_pressed():
            self._plan()
        else:
            patience = self._loop.patience(world.clock.now) + 0.0005
            self._wake(patience, self._idle_turn, self._life, self._turns)

    def _is_pressed(self) -> bool:
        """Whether there is something to do at once."""
        return bool(self._socket.arrived) or self.engine.ready


def _tells(frame: bytes) -> bool:
    """Whether a frame carries answers and events: something was changed."""
    kind, *fields = backend.unpack(frame)
    return kind == backend.DONE and bool(fields[0]) and bool(fields[1])
