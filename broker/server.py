"""The broker's sockets and its one loop. Decides nothing: frames go to ``core``, what it says is sent.

Each turn: poll, drain every socket up to a batch, then flush what the core gathered.
"""

from __future__ import annotations

import os
import socket as plain_socket
import time
from collections.abc import Callable

import zmq

from broker.bulk import Bulk
from broker.core import Core
from broker.door import open_to_strangers
from broker.fast_socket import NOBLOCK, RCVMORE, SNDMORE_NOBLOCK, monitored_value, receiver, sender
from broker.memory import Memory, resident, trim
from broker.owed import LARGE, Owed
from broker.peers import UNKNOWN_ADDRESS
from broker.subscriptions import NOBODY, SUBSCRIBE, Subscriptions, wants_welcome
from config.folders import socket_folder
from config.keys import KeyPair
from config.log import ServerLog
from config.readiness import Pulse
from config.settings import Settings
from protocol import backend, limits
from protocol.commands import SERVICES
from protocol.events import Welcome, event

TICK = 0.1
"""Seconds between looks at the clock's work."""
TICK_MS = int(TICK * 1000)
DISCARDED_AT_ONCE = 10_000
"""Frames on the events socket that are thrown away in a turn while nothing is approved: some milliseconds."""
EVENTS_RCVBUF = 65_536
"""Bytes from one client that the kernel keeps for the events socket."""
PARTS_AT_ONCE = 2000
"""Parts of one message that are passed over in one turn: a message may have millions, and is nobody's."""
PROBES = 10
"""Ticks during which every worker is asked whether it is there, after one of them hung up. The notice
comes from the I/O thread, and for a moment the socket still takes messages for the one that is gone."""
WAITED_FOR = frozenset(SERVICES) - {backend.REALM}
"""Services without which nobody is at home; the realm process is only for who talks to other realms."""
EXIT_FORCED = 130
GRACE = 1.0
"""Seconds that readiness waits for the other services once a login would be answered."""


class Server:
    """Sockets of one broker, and ``bulk``'s. ``bind`` raises ``zmq.ZMQError`` when an address is taken."""

    def __init__(
        self, settings: Settings, keys: KeyPair, core: Core, log: ServerLog, bulk: Bulk | None = None
    ) -> None:
        self._log = log
        self._bulk = bulk
        self._settings = settings
        self._keys = keys
        self._core = core
        self._subscriptions = Subscriptions(core.epoch, settings.topics_per_connection)
        self._context = zmq.Context()
        self._memory = Memory(resident, trim)
        self._stopping = False
        self._skipping = False
        """Whether the next frame of the commands socket is a further part of a message to pass over."""
        self._dropped = 0
        self._probes = 0
        self._auth_since: float | None = None
        self._frontend = self._socket(zmq.ROUTER, limits.REQUEST_MAX_BYTES, settings.replies_queue)
        self._events = self._socket(zmq.XPUB, limits.SUBSCRIPTION_MAX_BYTES, settings.events_queue)
        self._backend = self._context.socket(zmq.ROUTER)
        self._frontend.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._backend.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._events.setsockopt(zmq.XPUB_MANUAL, 1)
        # What the kernel holds of a flood is still read after its sender was hung up on.
        self._events.setsockopt(zmq.RCVBUF, EVENTS_RCVBUF)
        # What waits for a worker is bounded by its capacity, and must never be dropped here.
        self._backend.setsockopt(zmq.SNDHWM, 0)
        self._backend.setsockopt(zmq.RCVHWM, 0)
        self._backend.setsockopt(zmq.LINGER, 500)
        self._receive, self._reply = receiver(self._frontend), sender(self._frontend)
        self._announce, self._upstream = sender(self._events), receiver(self._events)
        self._owed = Owed(self._frontend, settings.replies_queue_bytes, settings.replies_queue_bytes_of_all)
        self._wakeup, self._wakeup_write = os.pipe()

    def _socket(self, kind: int, max_bytes: int, queue: int) -> zmq.Socket[bytes]:
        """A socket that strangers can reach."""
        socket = self._context.socket(kind)
        open_to_strangers(socket, self._settings, self._keys, max_bytes)
        socket.setsockopt(zmq.LINGER, 500)
        socket.setsockopt(zmq.SNDHWM, queue)
        return socket

    def bind(self) -> None:
        """Open the doors: to workers first, so that none is told of clients too early."""
        self._backend_monitor = self._monitor(self._backend, zmq.EVENT_DISCONNECTED)
        self._events_monitor = self._monitor(self._events, zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        self._backend.bind(f"ipc://{socket_folder(self._settings.home) / 'backend.sock'}")
        self._events.bind(self._settings.events_address)
        self._frontend.bind(self._settings.commands_address)
        if self._bulk:
            self._bulk.bind()

    def _monitor(self, socket: zmq.Socket[bytes], events: int) -> zmq.Socket[bytes]:
        monitor: zmq.Socket[bytes] = socket.get_monitor_socket(events)
        return monitor

    def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until ``stop``. ``on_ready`` is called once, when a login would be answered."""
        poller = zmq.Poller()
        sockets = (self._frontend, self._backend, self._events, self._backend_monitor, self._events_monitor)
        for socket in sockets:
            poller.register(socket, zmq.POLLIN)
        poller.register(self._wakeup, zmq.POLLIN)
        ready, pulse = False, Pulse()
        next_tick = 0.0
        deadline: float | None = None
        while True:
            poller.poll(TICK_MS)
            now = time.monotonic()
            self._drain_monitors()
            self._drain_backend(now)
            if deadline is None:
                self._drain_frontend(now)
            if self._core.sessions.changes:
                self._core.report_presence(now)
            self._drain_subscriptions()
            if now >= next_tick:
                next_tick = now + TICK
                self._tick(now)
                pulse.beat(now)
            self._flush(now)
            if not ready and self._ready(now):
                ready = True
                on_ready()
            if self._stopping and deadline is None:
                poller.unregister(self._frontend)
                poller.unregister(self._wakeup)
                deadline = now + self._settings.drain_timeout
                self._core.dismiss()
                self._flush(now)
            if deadline is not None and (not self._core.in_flight or now >= deadline):
                break
        self._log.info("stopped", unanswered=self._core.in_flight)
        self.close()

    def _ready(self, now: float) -> bool:
        """Whether a login would be answered; the other services get a moment to appear as well."""
        live = self._core.workers.services()
        if "auth" in live and self._auth_since is None:
            self._auth_since = now
        return self._auth_since is not None and (WAITED_FOR.issubset(live) or now - self._auth_since > GRACE)

    def close(self) -> None:
        """Close every socket; what was flushed gets half a second to leave."""
        for socket in (self._backend, self._events):
            socket.disable_monitor()
        self._backend_monitor.close(0)
        self._events_monitor.close(0)
        for socket in (self._frontend, self._events, self._backend):
            socket.close()
        if self._bulk:
            self._bulk.close()
        self._context.term()
        os.close(self._wakeup)
        os.close(self._wakeup_write)

    def stop(self) -> None:
        """Take no more requests, finish those in hand, end. The second call ends the process at once.

        Safe in a signal handler and from another thread: it only sets a flag and wakes the loop.
        """
        if self._stopping:
            os._exit(EXIT_FORCED)
        # In this order: once the flag is set the loop may end and close what is written to.
        os.write(self._wakeup_write, b"!")
        self._stopping = True

    # --- in -------------------------------------------------------------------------------------

    def _drain_frontend(self, now: float) -> None:
        recv, more, core = self._receive, self._frontend.getsockopt, self._core
        known, request = core.peers.known, core.request
        if not self._skipped():
            return
        try:
            for _ in range(self._settings.batch_size):
                peer = recv(NOBLOCK)
                frame = recv(NOBLOCK) if known(peer) else self._first_frame(peer)
                if more(RCVMORE):
                    core.counts["multipart"] += 1
                    self._skipping = True
                    if not self._skipped():
                        return
                    continue
                request(now, peer, frame)
        except zmq.Again:
            pass

    def _skipped(self) -> bool:
        """Pass over the further parts of a message; False: there are more, and it is someone else's turn.

        Nothing of ours has parts. Few of them are a mistake, so many an attack, and are hung up on.
        """
        recv, more = self._receive, self._frontend.getsockopt
        for _ in range(PARTS_AT_ONCE):
            if not self._skipping:
                return True
            recv(NOBLOCK)
            self._skipping = bool(more(RCVMORE))
        if self._skipping:
            part = self._frontend.recv(NOBLOCK, copy=False)
            self._skipping = part.more
            _hang_up(_source(part), self._settings.port_base)
        return not self._skipping

    def _first_frame(self, peer: bytes) -> bytes:
        """The payload from a connection not known yet, which also tells its network address."""
        message = self._frontend.recv(NOBLOCK, copy=False)
        try:
            address = str(message.get("Peer-Address"))
        except zmq.ZMQError:
            address = UNKNOWN_ADDRESS
        self._core.peers.meet(peer, address)
        return message.bytes

    @staticmethod
    def _skip(socket: zmq.Socket[bytes]) -> None:
        while socket.getsockopt(RCVMORE):
            socket.recv(NOBLOCK)

    def _drain_backend(self, now: float) -> None:
        recv, core = self._backend.recv, self._core
        try:
            for _ in range(self._settings.batch_size):
                routing_id: bytes = recv(NOBLOCK)
                frame: bytes = recv(NOBLOCK)
                if self._backend.getsockopt(RCVMORE):
                    self._skip(self._backend)
                    continue
                core.backend(now, routing_id, frame)
        except zmq.Again:
            pass

    def _drain_subscriptions(self) -> None:
        """Carry out what ``Subscriptions`` approves, at once: an approval goes to the last frame's peer.

        Up to a batch, so that nobody who floods this socket keeps the loop from everything else.
        """
        judge, socket, subscriptions = self._subscriptions.frame, self._events, self._subscriptions
        for _ in range(self._settings.batch_size):
            try:
                message = socket.recv(NOBLOCK, copy=False)
            except zmq.Again:
                self._no_more_subscriptions()
                break
            frame = message.bytes
            # Every frame is judged, the parts of a longer message too: each may shift the queue.
            if not judge(frame, _source(message)):
                continue
            topic = frame[1:]
            if frame[0] == SUBSCRIBE:
                socket.setsockopt(zmq.SUBSCRIBE, topic)
                if wants_welcome(topic):
                    self._publish([event(topic, Welcome(subscriptions.epoch))])
            else:
                socket.setsockopt(zmq.UNSUBSCRIBE, topic)
        while subscriptions.unwanted:
            _hang_up(subscriptions.unwanted.pop(), self._settings.events_port)
            self._core.counts["hung_up"] += 1
        if subscriptions.refusing:
            self._discard_subscriptions()

    def _discard_subscriptions(self) -> None:
        """Empty the events socket in haste: libzmq puts no bound to what waits in it."""
        try:
            for _ in range(DISCARDED_AT_ONCE):
                self._upstream(NOBLOCK)
        except zmq.Again:
            self._no_more_subscriptions()

    def _no_more_subscriptions(self) -> None:
        if self._subscriptions.empty():
            self._core.epoch = self._subscriptions.epoch
            self._log.warning("subscriptions refused behind a stray message", epoch=self._core.epoch)

    def _drain_monitors(self) -> None:
        while True:
            try:
                descriptor = monitored_value(self._events_monitor.recv_multipart(NOBLOCK))
            except zmq.Again:
                break
            self._subscriptions.connected(descriptor)
        while True:
            try:
                self._backend_monitor.recv_multipart(NOBLOCK)
            except zmq.Again:
                break
            self._probes = PROBES

    def _tick(self, now: float) -> None:
        if self._probes:
            self._probes -= 1
            self._core.probe()
        self._core.wall = time.time() - now
        self._core.tick(now)
        self._memory.look(now)
        if self._bulk and self._bulk.look(now):
            self._log.warning("too much memory was taken: all transfers of files were interrupted")
        self._owed.forget()
        self._subscriptions.rest(TICK)
        counts = self._core.counts
        if self._dropped:
            counts["dropped_to_slow_or_gone"] += self._dropped
            self._dropped = 0
        if counts:
            self._log.info("refused or dropped", **counts)
            counts.clear()

    # --- out ------------------------------------------------------------------------------------

    def _flush(self, now: float) -> None:
        core = self._core
        for routing_id, frame in core.work():
            self._to_worker(now, routing_id, frame)
        if core.signals:
            signals, core.signals = core.signals, []
            for routing_id, kind in signals:
                self._to_worker(now, routing_id, backend.pack_signal(kind))
        if core.events:
            self._publish(core.events)
            core.events.clear()
        if core.replies:
            self._send_replies()
            core.replies.clear()

    def _send_replies(self) -> None:
        send, owed = self._reply, self._owed
        for peer, frame in self._core.replies:
            try:
                if len(frame) >= LARGE:
                    self._dropped += not owed.send(peer, frame)
                    continue
                send(peer, SNDMORE_NOBLOCK)
                send(frame, NOBLOCK)
            except zmq.ZMQError:
                # EHOSTUNREACH: it is gone. EAGAIN: it does not read. Either way it loses the reply.
                self._dropped += 1

    def _publish(self, frames: list[bytes]) -> None:
        """XPUB never says that a queue is full: a subscriber that does not read loses events."""
        send = self._announce
        for frame in frames:
            send(frame, NOBLOCK)

    def _to_worker(self, now: float, routing_id: bytes, frame: bytes) -> None:
        try:
            self._backend.send(routing_id, SNDMORE_NOBLOCK)
            self._backend.send(frame, NOBLOCK)
        except zmq.ZMQError:
            self._core.worker_gone(now, routing_id)


def _source(message: zmq.Frame) -> int:
    """The connection a frame came over: its file descriptor, or NOBODY for what libzmq made up itself."""
    try:
        return int(message.get(zmq.SRCFD))
    except zmq.ZMQError:
        return NOBODY


def _hang_up(fd: int, port: int) -> None:
    """End a connection at our port ``port``: libzmq, whose descriptor it is, has no word for that.

    It finds the connection closed, as if the peer had gone. Should another one have the descriptor by now, it
    loses its connection and comes back.
    """
    try:
        # Without a copy of the descriptor: there may be none left, by the doing of whom we hang up on.
        connection = plain_socket.socket(fileno=fd)
    except (OSError, ValueError):
        return
    try:
        inet = connection.family in (plain_socket.AF_INET, plain_socket.AF_INET6)
        if inet and connection.getsockname()[1] == port:
            connection.shutdown(plain_socket.SHUT_RDWR)
    except OSError:
        pass  # its peer was faster
    finally:
        connection.detach()
