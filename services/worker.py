"""A worker process: the sockets, the signals and the waiting around the loop that all services share.

Not here: what happens in a turn (``services.loop``). Signals only set a flag; the first one drains, the
second one ends the process at once.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Final

import zmq

from config.folders import socket_folder
from config.log import ServerLog
from config.readiness import Pulse, say_ready
from config.settings import Settings
from services.batch import Engine
from services.context import Service
from services.loop import Link, Loop
from services.slow import Aside
from services.storage.engine import Store

QUEUE: Final = 10_000
"""Frames kept for a broker that is away; heartbeats beyond that are dropped."""

RECONNECT_MS: Final = 50
LINGER_MS: Final = 500


def endpoints(settings: Settings) -> list[str]:
    """Addresses of the brokers' backend sockets."""
    return [f"ipc://{socket_folder(settings.home) / 'backend.sock'}"]


class Worker:
    """One process of one service. ``run`` returns when it was told to stop and has finished."""

    def __init__(
        self, service: Service, store: Store, settings: Settings, log: ServerLog, addresses: Sequence[str]
    ) -> None:
        self._log = log
        self._context = zmq.Context()
        self._wakeup, self._alarm = os.pipe()
        os.set_blocking(self._alarm, False)
        os.set_blocking(self._wakeup, False)
        self._hands = Aside(settings.password_nice, self._wake)
        self._sockets = [self._connect(address) for address in addresses]
        links = [
            Link(socket, Engine(service, store, settings, log, hands=self._hands)) for socket in self._sockets
        ]
        name = f"{service.name}-{os.getpid()}"
        self._loop = (
            service.loop(settings, store, log, name, links, self._hands)
            if service.loop
            else Loop(service, settings, log, name, links)
        )
        self._beside = service.beside(settings) if service.beside else None
        self._stop = False

    def _connect(self, address: str) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, LINGER_MS)
        socket.setsockopt(zmq.SNDHWM, QUEUE)
        socket.setsockopt(zmq.RCVHWM, QUEUE)
        socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        socket.connect(address)
        return socket

    def run(self) -> None:
        """Work until told to stop."""
        self._listen_to_signals()
        loop = self._loop
        poller = zmq.Poller()
        poller.register(self._wakeup, zmq.POLLIN)
        for socket in self._sockets:
            poller.register(socket, zmq.POLLIN)
        loop.attach(poller)
        self._log.info("started", worker=loop.name)
        ready, pulse = False, Pulse()
        if self._beside:
            self._beside.start()
        while True:
            now = time.monotonic()
            if self._beside is None or self._beside.lives(now):
                pulse.beat(now)
            if self._stop:
                loop.stop(now)
            if loop.finished(now):
                break
            loop.keep_time(now, _wall())
            patience = loop.patience(time.monotonic())
            if self._wakeup in dict(poller.poll(int(patience * 1000) + (patience > 0))):
                os.read(self._wakeup, 64)
            loop.turn(_wall())
            if not ready and loop.serving:
                ready = True
                say_ready()
        self._log.info("stopped", worker=loop.name)
        self._close()

    def _listen_to_signals(self) -> None:
        signal.set_wakeup_fd(self._alarm, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told_to_stop)

    def _told_to_stop(self, number: int, frame: FrameType | None) -> None:
        if self._stop:
            os._exit(128 + number)
        self._stop = True

    def _wake(self) -> None:
        """From another thread: there is something to do. A full pipe says that already."""
        with suppress(BlockingIOError):
            os.write(self._alarm, b"!")

    def _close(self) -> None:
        signal.set_wakeup_fd(-1)
        self._hands.close()
        if self._beside:
            self._beside.close()
        self._loop.close()
        for socket in self._sockets:
            socket.close()
        self._context.term()
        os.close(self._wakeup)
        os.close(self._alarm)


def _wall() -> int:
    return time.time_ns() // 1000
