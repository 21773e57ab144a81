"""ZeroMQ sockets as a client wants them, driven by asyncio.

Belongs here: options, monitors, draining. What the frames mean is ``connection``'s and ``session``'s.

libzmq's file descriptor is edge-triggered: it says "something may have happened", once. So every
wake-up drains until EAGAIN, and after sending (which may swallow such an edge) EVENTS is looked at
again. This is four times as fast as ``zmq.asyncio``.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
import struct
import threading
from collections.abc import Callable
from typing import Final

import zmq
from zmq.backend import Socket as Compiled
from zmq.utils import z85

from protocol.connection_string import ConnectionString
from protocol.limits import REPLY_MAX_BYTES

NOBLOCK: Final = int(zmq.NOBLOCK)
EVENTS: Final = int(zmq.EVENTS)
POLLIN: Final = int(zmq.POLLIN)
RCVMORE: Final = int(zmq.RCVMORE)

CONNECTED: Final = int(zmq.EVENT_HANDSHAKE_SUCCEEDED)
DISCONNECTED: Final = int(zmq.EVENT_DISCONNECTED)
REACHED: Final = int(zmq.EVENT_CONNECTED)
REFUSED: Final = int(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
REFUSED_FINALLY: Final = int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL) | int(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
"""The other end speaks no CURVE, or not ours; libzmq does not try again by itself, so we do."""
_WATCHED: Final = REACHED | CONNECTED | DISCONNECTED | REFUSED | REFUSED_FINALLY

REFUSED_WITHIN: Final = 3.0
"""Seconds within which a server refuses a wrong key. A later failure is one that had no time for us."""
DRAIN: Final = 512
"""Frames taken in before the rest of the program gets a turn."""
DRAIN_SECONDS: Final = 0.02
"""The same in time: an event that a thousand sessions hear is a thousand times one session's work."""
HEARTBEAT_MS: Final = 10_000
"""A server that vanished without a word is noticed after two of these."""
RECONNECT_MS: Final = (100, 500)
"""Bounds of the first pause before connecting again; it doubles up to one of the next line's."""
RECONNECT_MOST_MS: Final = (500, 1_500)
"""However long the server was away, messages flow within 3 s of its return."""
REFUSED_PAUSE: Final = 1.0
"""Seconds after which who was refused finally is tried again: it may have listened there by mistake."""
MAX_SOCKETS: Final = 16_384


class _Shared:
    """One ZeroMQ context, with its one I/O thread, for every client in the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None

    def acquire(self) -> zmq.Context[zmq.Socket[bytes]]:
        with self._lock:
            if self._context is None:
                self._context = zmq.Context()
                self._context.set(zmq.MAX_SOCKETS, MAX_SOCKETS)
            self._users += 1
            return self._context

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users and self._context is not None:
                self._context.term()
                self._context = None


_shared = _Shared()


@functools.cache
def _own_keys() -> tuple[bytes, bytes]:
    """A key pair for this process: the server knows its users by their tokens, not by these."""
    return zmq.curve_keypair()


class Link:
    """One socket and its monitor.

    ``on_frame`` gets each frame, ``on_change`` each of the monitor's events above, and ``on_turn``
    is called when a turn of either is over. All are called from the running loop.
    """

    def __init__(
        self,
        server: ConnectionString,
        port: int,
        kind: int,
        on_frame: Callable[[bytes], None],
        on_change: Callable[[int], None],
        on_turn: Callable[[], None],
    ) -> None:
        self._on_frame = on_frame
        self._on_change = on_change
        self._on_turn = on_turn
        self._loop = asyncio.get_running_loop()
        self._socket = _shared.acquire().socket(kind)
        self._set_up(server, kind)
        self._monitor: zmq.Socket[bytes] = self._socket.get_monitor_socket(_WATCHED)
        self._monitor.setsockopt(zmq.LINGER, 0)
        # pyzmq's Python layer costs more than libzmq's own work.
        self._send: Callable[[bytes, int], object] = Compiled.send.__get__(self._socket)
        self._recv: Callable[[int], bytes] = Compiled.recv.__get__(self._socket)
        self._fd = int(self._socket.getsockopt(zmq.FD))
        self._monitor_fd = int(self._monitor.getsockopt(zmq.FD))
        self._open = True
        self._reached_at = 0.0
        self._again: asyncio.TimerHandle | None = None
        """When it is tried again after a final refusal."""
        self._reading = False
        host = f"[{server.host}]" if ":" in server.host else server.host
        self._endpoint = f"tcp://{host}:{port}"
        try:
            self._socket.connect(self._endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise ValueError(f"{host}:{port} is no address to connect to: {error}.") from None
        self._loop.add_reader(self._monitor_fd, self._read_monitor)
        self.resume()
        self._loop.call_soon(self._read_monitor)

    def _set_up(self, server: ConnectionString, kind: int) -> None:
        set_option = self._socket.setsockopt
        set_option(zmq.LINGER, 0)
        set_option(zmq.IPV6, 1 if ":" in server.host else 0)
        # Unbounded here: how much may be under way is the session's business. A SUB socket with a
        # bound would lose subscriptions beyond it when it reconnects.
        set_option(zmq.SNDHWM, 0)
        set_option(zmq.RCVHWM, 5_000 if kind == zmq.SUB else 0)
        set_option(zmq.MAXMSGSIZE, 2 * REPLY_MAX_BYTES)
        # libzmq's own jitter is unseeded: every client would come back in the same moment.
        set_option(zmq.RECONNECT_IVL, random.randint(*RECONNECT_MS))
        set_option(zmq.RECONNECT_IVL_MAX, random.randint(*RECONNECT_MOST_MS))
        set_option(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        set_option(zmq.HEARTBEAT_TIMEOUT, 2 * HEARTBEAT_MS)
        if server.key:
            public, secret = _own_keys()
            set_option(zmq.CURVE_SERVERKEY, z85.encode(server.key))
            set_option(zmq.CURVE_PUBLICKEY, public)
            set_option(zmq.CURVE_SECRETKEY, secret)

    def send(self, frames: list[bytes]) -> None:
        """Send every frame."""
        send = self._send
        for frame in frames:
            send(frame, NOBLOCK)
        self._look_again()

    def subscribe(self, changes: list[tuple[bool, bytes]]) -> None:
        """Subscribe to (or, with False, unsubscribe from) each topic, in order."""
        for subscribe, topic in changes:
            self._socket.setsockopt(zmq.SUBSCRIBE if subscribe else zmq.UNSUBSCRIBE, topic)
        self._look_again()

    def pause(self) -> None:
        """Read nothing more for a while; the server keeps some, then drops the rest."""
        self._reading = False
        self._loop.remove_reader(self._fd)

    def resume(self) -> None:
        """Read again."""
        self._reading = True
        self._loop.add_reader(self._fd, self._read)
        self._loop.call_soon(self._read)

    def start_over(self) -> None:
        """Drop what is not sent yet, and connect anew."""
        if not self._open:
            return
        if self._again is not None:
            self._again.cancel()
            self._again = None
        with contextlib.suppress(zmq.ZMQError):  # given up already
            self._socket.disconnect(self._endpoint)
        self._socket.connect(self._endpoint)

    def close(self) -> None:
        """Close both sockets; what was not sent yet is dropped."""
        self._open = False
        if self._again is not None:
            self._again.cancel()
        self._loop.remove_reader(self._fd)
        self._loop.remove_reader(self._monitor_fd)
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(0)
        _shared.release()

    def _look_again(self) -> None:
        if int(self._socket.getsockopt(EVENTS)) & POLLIN:
            self._loop.call_soon(self._read)

    def _read(self) -> None:
        if not self._open or not self._reading:
            return
        self._drain()
        self._on_turn()

    def _drain(self) -> None:
        recv, more, time = self._recv, self._socket.getsockopt, self._loop.time
        end = time() + DRAIN_SECONDS
        try:
            for _ in range(DRAIN):
                if time() > end:
                    break
                frame = recv(NOBLOCK)
                if more(RCVMORE):
                    while more(RCVMORE):  # nothing of ours has two parts
                        recv(NOBLOCK)
                    continue
                self._on_frame(frame)
            self._loop.call_soon(self._read)
        except zmq.Again:
            pass

    def _read_monitor(self) -> None:
        """What was received over a connection counts before its end is told."""
        if not self._open:
            return
        try:
            while True:
                notice, *_ = self._monitor.recv_multipart(NOBLOCK)
                (event,) = struct.unpack_from("=H", notice)
                if event & DISCONNECTED and self._reading:
                    self._drain()
                if event & REFUSED_FINALLY and self._again is None:
                    self._again = self._loop.call_later(REFUSED_PAUSE, self.start_over)
                if event & REACHED:
                    self._reached_at = self._loop.time()
                elif not event & REFUSED or self._loop.time() - self._reached_at < REFUSED_WITHIN:
                    self._on_change(event)
        except zmq.Again:
            pass
        self._on_turn()
