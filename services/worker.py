"""The one loop that all services share: sockets, signals and the clock around the batch engine.

Here: receiving work, sending what came of it, heartbeats, the service's tick, and ending well. Not
here: what any command means (``services.batch`` and the handlers).

Every heartbeat registers the worker anew, so a broker that restarts knows it within half a second. The
loop that works also beats: a worker that is stuck falls silent, and the broker gives its work to others.
Signals only set a flag; the first one drains, the second one ends the process at once.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any, Final

import zmq

from config.folders import socket_folder
from config.log import ServerLog
from config.settings import Settings
from protocol import backend
from protocol.backend import Call
from services.batch import Done, Engine
from services.context import Service, Slow
from services.storage.engine import Store

# Flags as plain ints: arithmetic on zmq's own flags costs as much as the system call they go with.
NOBLOCK: Final = int(zmq.NOBLOCK)

FRAME_BYTES: Final = 4 << 20
"""Bytes of replies and events after which a further frame is begun."""

QUEUE: Final = 10_000
"""Frames kept for a broker that is away; heartbeats beyond that are dropped."""

RECONNECT_MS: Final = 50
LINGER_MS: Final = 500


def endpoints(settings: Settings) -> list[str]:
    """Addresses of the brokers' backend sockets."""
    return [f"ipc://{socket_folder(settings.home) / 'backend.sock'}"]


class Link:
    """The connection to one broker, with an engine of its own: handles are the broker's numbers."""

    def __init__(self, socket: zmq.Socket[bytes], engine: Engine) -> None:
        self.socket = socket
        self.engine = engine
        self.stopped = False
        self.probed = False
        self.junk = 0

    def receive(self, most: int) -> list[Call]:
        """Calls that have arrived, up to about ``most``. What is no message is counted in ``junk``."""
        calls: list[Call] = []
        receive = self.socket.recv
        while len(calls) < most:
            try:
                self._read(receive(NOBLOCK), calls)
            except zmq.Again:
                break
            except (ValueError, TypeError, IndexError):
                self.junk += 1
        return calls

    def _read(self, frame: bytes, calls: list[Call]) -> None:
        kind, *fields = backend.unpack(frame)
        if kind == backend.WORK:
            # Whoever said that no more will come has been followed by another broker.
            self.stopped = False
            calls.extend([Call(*call) for call in fields[0]])
        elif kind == backend.PROBE:
            self.probed = True
        elif kind == backend.STOP:
            self.stopped = True

    def send(self, frame: bytes) -> bool:
        """Send a frame; False when the broker has been away for so long that there is no room."""
        try:
            self.socket.send(frame, NOBLOCK)
        except zmq.Again:
            return False
        return True


class Worker:
    """One process of one service. ``run`` returns when it was told to stop and has finished."""

    def __init__(
        self, service: Service, store: Store, settings: Settings, log: ServerLog, addresses: Sequence[str]
    ) -> None:
        self._service = service
        self._settings = settings
        self._log = log
        self._name = f"{service.name}-{os.getpid()}"
        slow = any(isinstance(handler, Slow) for handler in service.handlers.values())
        self._capacity = min(settings.worker_capacity, settings.slow_capacity if slow else sys.maxsize)
        self._context = zmq.Context()
        self._links = [
            Link(self._connect(address), Engine(service, store, settings, log)) for address in addresses
        ]
        self._wakeup, self._alarm = os.pipe()
        os.set_blocking(self._alarm, False)
        os.set_blocking(self._wakeup, False)
        self._stop = False
        self._deadline = float("inf")
        self._next_beat = self._next_tick = 0.0

    def _connect(self, address: str) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, LINGER_MS)
        socket.setsockopt(zmq.SNDHWM, QUEUE)
        socket.setsockopt(zmq.RCVHWM, QUEUE)
        socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        socket.connect(address)
        return socket

    # --- the loop -------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until told to stop."""
        self._listen_to_signals()
        poller = zmq.Poller()
        poller.register(self._wakeup, zmq.POLLIN)
        for link in self._links:
            poller.register(link.socket, zmq.POLLIN)
        self._log.info("started", worker=self._name)
        while not self._finished():
            self._keep_time()
            if self._wakeup in dict(poller.poll(self._patience())):
                os.read(self._wakeup, 64)
            for link in self._links:
                self._turn(link)
        self._log.info("stopped", worker=self._name)
        self._close()

    def _turn(self, link: Link) -> None:
        """Take in what has arrived, then do some of what waits."""
        calls = link.receive(self._settings.batch_size)
        if link.junk:
            self._log.warning("not a message", worker=self._name, frames=link.junk)
            link.junk = 0
        if link.probed:
            link.probed = False
            self._beat(link)
        if calls:
            self._hand_out(link, link.engine.take(calls, _now()))
        if link.engine.waiting:
            self._hand_out(link, link.engine.step(_now()))

    def _hand_out(self, link: Link, done: Done) -> None:
        """Send a batch's results to the broker that asked, and to the others what concerns everyone."""
        for frame in frames(done):
            link.send(frame)
        if len(self._links) > 1:
            self._tell([other for other in self._links if other is not link], done)
        self._log.actions(done.actions, _now(), time.perf_counter_ns())

    @staticmethod
    def _tell(links: list[Link], done: Done) -> None:
        news = Done()
        news.events = done.events
        news.effects = [effect for effect in done.effects if effect[0] == backend.CLOSE]
        for link in links:
            for frame in frames(news):
                link.send(frame)

    # --- time -----------------------------------------------------------------------------------

    def _keep_time(self) -> None:
        """Beat and tick, each when it is due; begin to stop when told so."""
        now = time.monotonic()
        if self._stop and self._deadline == float("inf"):
            self._deadline = now + self._settings.drain_timeout
            self._next_beat = now
        if now >= self._next_beat:
            self._next_beat = now + self._settings.worker_heartbeat
            for link in self._links:
                self._beat(link)
        tick = self._service.tick
        if tick is not None and now >= self._next_tick:
            self._next_tick = now + tick.seconds
            self._tell(self._links, self._links[0].engine.tick(_now()))

    def _beat(self, link: Link) -> None:
        capacity = 0 if self._stop else self._capacity
        link.send(backend.pack_beat(self._service.name, self._name, capacity))

    def _patience(self) -> int:
        """Milliseconds until something is due; 0 while calls wait."""
        if any(link.engine.waiting for link in self._links):
            return 0
        due = min(self._next_beat, self._deadline)
        if self._service.tick is not None:
            due = min(due, self._next_tick)
        return max(0, int((due - time.monotonic()) * 1000) + 1)

    # --- the end --------------------------------------------------------------------------------

    def _listen_to_signals(self) -> None:
        signal.set_wakeup_fd(self._alarm, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told_to_stop)

    def _told_to_stop(self, number: int, frame: FrameType | None) -> None:
        if self._stop:
            os._exit(128 + number)
        self._stop = True

    def _finished(self) -> bool:
        """Told to stop, and every broker has said that no more will come, or the time is up."""
        if not self._stop:
            return False
        if time.monotonic() >= self._deadline:
            return True
        return all(link.stopped and not link.engine.waiting for link in self._links)

    def _close(self) -> None:
        signal.set_wakeup_fd(-1)
        for link in self._links:
            link.socket.close()
        self._context.term()
        os.close(self._wakeup)
        os.close(self._alarm)


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


def _now() -> int:
    return time.time_ns() // 1000
