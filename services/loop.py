"""What a worker does in each turn: take in, work, hand out, beat, tick, end well. No socket, clock or signal.

Here: the loop that all services share, as a machine that is told the time. What any command means is
``services.batch``'s and the handlers'; sockets, signals and waiting are ``services.worker``'s.

Every heartbeat registers the worker anew, so a broker that restarts knows it within half a second. The
loop that works also beats: a worker that is stuck falls silent, and the broker gives its work to others.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import zmq

from config.log import ServerLog
from config.settings import Settings
from protocol import backend
from protocol.backend import Call
from services.batch import Done, Engine
from services.context import Service, Slow

# Flags as plain ints: arithmetic on zmq's own flags costs as much as the system call they go with.
NOBLOCK: Final = int(zmq.NOBLOCK)

FRAME_BYTES: Final = 4 << 20
"""Bytes of replies and events after which a further frame is begun."""

TOLD_MOST: Final = 1000
"""What a service was told and has not looked at yet; beyond that the oldest is forgotten."""

NEVER: Final = float("inf")


class Socket(Protocol):
    """What a link needs of a socket. Both raise ``zmq.Again`` where they would have to wait."""

    def recv(self, flags: int, /) -> bytes:
        """The next frame."""

    def send(self, frame: bytes, flags: int, /) -> Any:
        """Send a frame."""


class Link:
    """The connection to one broker, with an engine of its own: handles are the broker's numbers."""

    def __init__(self, socket: Socket, engine: Engine) -> None:
        self.socket = socket
        self.engine = engine
        self.stopped = False
        self.probed = False
        self.heard = False
        self.junk = 0
        self.told: list[bytes] = []
        """What other services told this one (``backend.TELL``), for a service that asks to be told."""

    def receive(self, most: int) -> list[Call]:
        """Calls that have arrived, up to about ``most``. What is no message is counted in ``junk``."""
        calls: list[Call] = []
        receive = self.socket.recv
        while len(calls) < most:
            try:
                self._read(receive(NOBLOCK), calls)
            except zmq.Again:
                break
            except ValueError:
                self.junk += 1
        return calls

    def _read(self, frame: bytes, calls: list[Call]) -> None:
        kind, *fields = backend.unpack(frame)
        self.heard = True
        if kind == backend.WORK:
            # Whoever said that no more will come has been followed by another broker.
            self.stopped = False
            calls.extend(backend.read_work(fields))
        elif kind == backend.PROBE:
            self.probed = True
        elif kind == backend.STOP:
            self.stopped = True
        elif kind == backend.TELL:
            self.told.append(backend.read_tell(fields))
            del self.told[:-TOLD_MOST]

    def send(self, frame: bytes) -> bool:
        """Send a frame; False when the broker has been away for so long that there is no room."""
        try:
            self.socket.send(frame, NOBLOCK)
        except zmq.Again:
            return False
        return True


class Loop:
    """One worker's turns. ``now``: seconds, monotonic; ``wall``: microseconds since the epoch.

    ``clock`` is the engines', for the durations in the log.
    """

    def __init__(
        self,
        service: Service,
        settings: Settings,
        log: ServerLog,
        name: str,
        links: Sequence[Link],
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self.name = name
        self.links = links
        self._service = service
        self._settings = settings
        self._log = log
        self._clock = clock
        slow = any(isinstance(handler, Slow) for handler in service.handlers.values())
        self._capacity = min(settings.worker_capacity, settings.slow_capacity if slow else sys.maxsize)
        self._deadline = NEVER
        self._next_beat = self._next_tick = 0.0

    @property
    def serving(self) -> bool:
        """Whether a broker has answered, and so hands work to us."""
        return any(link.heard for link in self.links)

    @property
    def _stopping(self) -> bool:
        return self._deadline != NEVER

    def attach(self, poller: zmq.Poller) -> None:
        """Have sockets waited for that are not the links'; most services have none."""

    def close(self) -> None:
        """Let go of what is not the links'."""

    # --- one turn -------------------------------------------------------------------------------

    def turn(self, wall: int) -> None:
        """Take in what has arrived on each link, then do some of what waits."""
        for link in self.links:
            self._turn(link, wall)

    def _turn(self, link: Link, wall: int) -> None:
        calls = link.receive(self._settings.batch_size)
        if link.junk:
            self._log.warning("not a message", worker=self.name, frames=link.junk)
            link.junk = 0
        if link.probed:
            link.probed = False
            self._beat(link)
        calls = self._taken(link, calls)
        if calls:
            self._hand_out(link, link.engine.take(calls, wall), wall)
        if link.engine.ready:
            self._hand_out(link, link.engine.step(wall), wall)

    def _taken(self, link: Link, calls: list[Call]) -> list[Call]:
        """Those of the calls that are for the engine: for most services all of them."""
        return calls

    def _hand_out(self, link: Link, done: Done, wall: int) -> None:
        """Send a batch's results to the broker that asked, and to the others what concerns everyone."""
        for frame in frames(done):
            link.send(frame)
        if len(self.links) > 1:
            self._tell([other for other in self.links if other is not link], done)
        self._log.actions(done.actions, wall, self._clock())

    @staticmethod
    def _tell(links: Sequence[Link], done: Done) -> None:
        news = Done()
        news.events = done.events
        news.effects = [effect for effect in done.effects if effect[0] == backend.CLOSE]
        for link in links:
            for frame in frames(news):
                link.send(frame)

    # --- time -----------------------------------------------------------------------------------

    def keep_time(self, now: float, wall: int) -> None:
        """Beat and tick, each when it is due."""
        if now >= self._next_beat:
            self._next_beat = now + self._settings.worker_heartbeat
            for link in self.links:
                self._beat(link)
        tick = self._service.tick
        if tick is not None and now >= self._next_tick:
            self._next_tick = now + tick.seconds
            self._tell(self.links, self.links[0].engine.tick(wall))

    def _beat(self, link: Link) -> None:
        capacity = 0 if self._stopping else self._capacity
        link.send(backend.pack_beat(self._service.name, self.name, capacity))

    def patience(self, now: float) -> float:
        """Seconds until something is due; 0.0 while there is something to do at once."""
        if any(link.engine.ready for link in self.links):
            return 0.0
        due = min(self._next_beat, self._deadline)
        if self._service.tick is not None:
            due = min(due, self._next_tick)
        return max(0.0, due - now)

    # --- the end --------------------------------------------------------------------------------

    def stop(self, now: float) -> None:
        """Take no more work: the next beat says so, and what is in hand gets ``drain_timeout`` seconds."""
        if not self._stopping:
            self._deadline = now + self._settings.drain_timeout
            self._next_beat = now

    def finished(self, now: float) -> bool:
        """Told to stop, and every broker has said that no more will come, or the time is up."""
        if not self._stopping:
            return False
        if now >= self._deadline:
            return True
        return all(link.stopped and not link.engine.waiting for link in self.links)


def frames(done: Done) -> list[bytes]:
    """A batch's results as frames of bounded size: usually one, none when nothing came of it."""
    if not (done.replies or done.events or done.effects):
        return []
    if len(done.replies) + len(done.events) <= 64 or _size(done) <= FRAME_BYTES:
        return [backend.pack_done(done.replies, done.events, done.effects)]
    parts = [backend.pack_done([], [], done.effects)] if done.effects else []
    parts += [backend.pack_done(part, [], []) for part in _parts(done.replies, lambda reply: len(reply[2]))]
    parts += [backend.pack_done([], part, []) for part in _parts(done.events, len)]
    return parts


def _size(done: Done) -> int:
    return sum(len(reply[2]) for reply in done.replies) + sum(map(len, done.events))


def _parts(items: list[Any], size: Any) -> list[list[Any]]:
    """``items`` in order, cut where a part would grow beyond ``FRAME_BYTES``."""
    parts: list[list[Any]] = [[]]
    total = 0
    for item in items:
        if parts[-1] and total + size(item) > FRAME_BYTES:
            parts.append([])
            total = 0
        parts[-1].append(item)
        total += size(item)
    return parts
