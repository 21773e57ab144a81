"""The sockets of the realm process: one that other realms ask us on, and one to each that we ask.

Belongs here: CURVE, who may connect (ZAP), options of libzmq, what its monitors say. Not here: what is said
(``house``, ``line``).

Who is no peer is refused in the handshake, by its key, and never gets a byte to any code of ours; only
while an invitation is open may strangers connect, to show it. The key of who sent a frame is libzmq's to
know (the ``User-Id`` that we gave it in the handshake), and nothing that a frame could claim.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import zmq
from zmq.utils import z85

from config.keys import KeyPair
from config.settings import Settings
from protocol.realms import FRAME_MAX_BYTES
from services.realm.lookup import Lookup
from services.storage.realms import Realm

# Flags as plain ints: arithmetic on zmq's own flags costs as much as the system call they go with.
NOBLOCK: Final = int(zmq.NOBLOCK)
SNDMORE_NOBLOCK: Final = int(zmq.SNDMORE) | NOBLOCK
RCVMORE: Final = int(zmq.RCVMORE)
ZAP: Final = "inproc://zeromq.zap.01"
DOMAIN: Final = b"realm"
KEY_BYTES: Final = 32
WAITING: Final = 16
"""Requests of one connection that libzmq takes in before we read them; further ones wait at their sender."""
REPLIES: Final = 64
"""Replies of one peer that libzmq takes in before we read them; further ones wait at their sender."""
REPLIES_BYTES: Final = 4 * FRAME_MAX_BYTES
"""Of replies of one peer that one turn takes in, but for the last: nobody asks before they reply."""
EARLY_MOST: Final = 100
"""Frames that wait until it is known where they go."""
QUEUE: Final = 1000
"""Frames that wait to go to one peer."""
PARTS_AT_ONCE: Final = 2000
"""Parts of one message that are passed over in one turn: a message may have millions, and is nobody's."""
BACKLOG: Final = 128
HANDSHAKE_MS: Final = 5000
HEARTBEAT_MS: Final = 5000
HEARTBEAT_TIMEOUT_MS: Final = 15_000
NEVER_MS: Final = -1
"""libzmq does not connect again by itself: the line does, after pauses of its own."""

_REACHED: Final = int(zmq.EVENT_CONNECTED)
_TRUSTED: Final = int(zmq.EVENT_HANDSHAKE_SUCCEEDED)
_TURNED_AWAY: Final = int(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
_OVER: Final = int(zmq.EVENT_DISCONNECTED) | int(zmq.EVENT_CLOSED)
_FAILED: Final = int(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL) | int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
_WATCHED: Final = _REACHED | _TRUSTED | _TURNED_AWAY | _OVER | _FAILED


class Arrived(NamedTuple):
    """A request: the CURVE key of who asks, 32 bytes, where the reply goes, and the frame."""

    key: bytes
    route: bytes
    frame: bytes


class Wire:
    """Our connection to one peer: a ``Dial`` that also receives."""

    def __init__(self, ports: SocketPorts, realm: Realm) -> None:
        self._ports = ports
        self.realm = realm
        self._lookup = Lookup(realm.address)
        self._open()

    def _open(self) -> None:
        self._seen = 0
        self._early: list[bytes] | None = []
        """What is to be sent as soon as we know where; None from then on."""
        self.socket, self.monitor = self._ports.dealer(self.realm)
        self._trouble = self._connect()

    def _connect(self) -> str:
        """Connect, once it is known where that is; why it cannot be, in a sentence."""
        found = self._lookup.found
        if self._early is None or found is None:
            return ""
        early, self._early = self._early, None
        if found.trouble:
            return found.trouble
        try:
            self.socket.setsockopt(zmq.IPV6, found.address.startswith("["))
            self.socket.connect(f"tcp://{found.address}")
        except zmq.ZMQError as error:
            return f"{self.realm.address} cannot be connected to: {error}."
        for frame in early:
            self.send(frame)
        return ""

    def send(self, frame: bytes) -> bool:
        """Hand a frame over; False when there is no room for it."""
        if self._early is not None:
            self._early.append(frame)
            return len(self._early) <= EARLY_MOST
        try:
            self.socket.send(frame, NOBLOCK)
        except zmq.Again:
            return False
        return True

    def receive(self, most: int) -> list[bytes]:
        """Replies that have arrived; nothing of ours has two parts."""
        frames: list[bytes] = []
        size = 0
        for _ in range(most):
            try:
                parts = self.socket.recv_multipart(NOBLOCK)
            except zmq.Again:
                break
            frames += parts if len(parts) == 1 else []
            size += sum(map(len, parts))
            if size >= REPLIES_BYTES:
                break
        return frames

    def trouble(self) -> str:
        """Why this connection is over, once; '' while it is not."""
        trouble, self._trouble = self._trouble or self._connect(), ""
        if trouble:
            return trouble
        while True:
            try:
                notice, *_ = self.monitor.recv_multipart(NOBLOCK)
            except zmq.Again:
                break
            self._seen |= int(struct.unpack_from("=H", notice)[0])
        if not self._seen & (_OVER | _TURNED_AWAY | _FAILED):
            return ""
        seen, self._seen = self._seen, 0
        if seen & _TURNED_AWAY:
            return "It does not let us in: it has removed or blocked us, or knows us by another key."
        if seen & _TRUSTED:
            return "The connection broke."
        if seen & _REACHED:
            return f"What listens at {self.realm.address} does not have its key, or hangs up."
        return f"Nobody listens at {self.realm.address}."

    def redial(self) -> None:
        """Connect anew, with nothing queued."""
        self.close()
        if self._lookup.found is not None:  # else the last question is still open
            self._lookup = Lookup(self.realm.address)
        self._open()

    def close(self) -> None:
        """Hang up."""
        self._ports.forget(self.socket, self.monitor)


class SocketPorts:
    """``Ports`` on real sockets. ``key`` is our own public key, 32 bytes."""

    def __init__(self, settings: Settings, keys: KeyPair) -> None:
        _seed_routing_ids()
        self.key = z85.decode(keys.public)
        self._settings = settings
        self._keys = keys
        self._context = zmq.Context()
        self._poller: zmq.Poller | None = None
        self._admitted: set[bytes] = set()
        self._strangers = False
        self._zap = self._context.socket(zmq.REP)
        self._zap.setsockopt(zmq.LINGER, 0)
        self._zap.bind(ZAP)
        self._router: zmq.Socket[bytes] | None = None
        self._skipping = False
        """Whether the next frame is a further part of a message to pass over."""
        self._wires: dict[int, Wire] = {}

    def bind(self) -> None:
        """Listen. Raises ``OSError`` with a sentence when that cannot be."""
        router: zmq.Socket[bytes] = self._context.socket(zmq.ROUTER)
        bound = self._settings.realm_bind
        self._common(router)
        router.setsockopt(zmq.IPV6, "[" in bound)
        router.setsockopt(zmq.RCVHWM, WAITING)
        router.setsockopt(zmq.BACKLOG, BACKLOG)
        router.setsockopt(zmq.ROUTER_MANDATORY, 1)
        router.setsockopt(zmq.CURVE_SERVER, 1)
        router.setsockopt(zmq.CURVE_SECRETKEY, self._keys.secret)
        router.setsockopt(zmq.ZAP_DOMAIN, DOMAIN)
        router.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)  # nobody gets in while nobody answers who may
        try:
            router.bind(bound)
        except zmq.ZMQError as error:
            router.close(0)
            raise OSError(
                f"cannot listen for other realms on {bound}: {error}. Is another server running? "
                "PESAN_PORT_BASE=N chooses other ports, realm_host another address."
            ) from None
        self._router = router
        self._watch(router)

    @property
    def bound(self) -> str:
        """Where we listen, as ZeroMQ writes it."""
        return self._settings.realm_bind

    def unbind(self) -> None:
        """Listen no more, and hang up on all who ask."""
        if self._router is not None:
            if self._poller is not None:
                self._poller.unregister(self._router)
            self._router.close()
            self._router = None

    def _common(self, socket: zmq.Socket[bytes]) -> None:
        socket.setsockopt(zmq.LINGER, 200)
        socket.setsockopt(zmq.SNDHWM, QUEUE)
        socket.setsockopt(zmq.MAXMSGSIZE, FRAME_MAX_BYTES)
        socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)

    def dealer(self, realm: Realm) -> tuple[zmq.Socket[bytes], zmq.Socket[bytes]]:
        """A socket to ask one peer, which is still to be connected, and its monitor."""
        socket: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        self._common(socket)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVHWM, REPLIES)
        socket.setsockopt(zmq.CURVE_SERVERKEY, z85.encode(realm.key))
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self._keys.public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self._keys.secret)
        socket.setsockopt(zmq.RECONNECT_IVL, NEVER_MS)
        monitor: zmq.Socket[bytes] = socket.get_monitor_socket(_WATCHED)
        monitor.setsockopt(zmq.LINGER, 0)
        self._watch(socket)
        self._watch(monitor)
        return socket, monitor

    def forget(self, socket: zmq.Socket[bytes], monitor: zmq.Socket[bytes]) -> None:
        """Close such a socket, and its monitor."""
        if self._poller is not None:
            self._poller.unregister(socket)
            self._poller.unregister(monitor)
        socket.disable_monitor()
        monitor.close(0)
        socket.close()

    def attach(self, poller: zmq.Poller) -> None:
        """Have our sockets waited for, now and when there are others."""
        self._poller = poller
        self._watch(self._zap)
        if self._router is not None:
            self._watch(self._router)
        for wire in self._wires.values():
            self._watch(wire.socket)
            self._watch(wire.monitor)

    def _watch(self, socket: zmq.Socket[bytes]) -> None:
        if self._poller is not None:
            self._poller.register(socket, zmq.POLLIN)

    # --- for the house --------------------------------------------------------------------------

    def dial(self, realm: Realm) -> Wire:
        """A connection to a realm, at its address, by its key."""
        wire = self._wires[realm.id] = Wire(self, realm)
        return wire

    def hang_up(self, realm: Realm) -> None:
        """Close that connection."""
        wire = self._wires.pop(realm.id, None)
        if wire is not None:
            wire.close()

    def admit(self, keys: set[bytes], strangers: bool) -> None:
        """Who may connect from now on. Who is connected stays: their frames are looked at one by one."""
        self._admitted, self._strangers = keys, strangers

    def answer(self, route: Any, frame: bytes) -> None:
        """Send a reply back to where the request came from; dropped when that is gone, or does not read."""
        if self._router is None:
            return
        try:
            self._router.send(route, SNDMORE_NOBLOCK)
            self._router.send(frame, NOBLOCK)
        except zmq.ZMQError:
            pass  # whoever asked asks again

    # --- for the loop ---------------------------------------------------------------------------

    def shake_hands(self, look: Callable[[], None]) -> None:
        """Answer libzmq, which asks of each that connects whether we know its key.

        ``look`` sees whether whoever is not known has been paired or invited a moment ago, and admits them.
        """
        while True:
            try:
                parts = self._zap.recv_multipart(NOBLOCK)
            except zmq.Again:
                return
            version, number, key = parts[0], parts[1], parts[6] if len(parts) > 6 else b""
            if not self._admits(key):
                look()
            known = self._admits(key)
            status, text = (b"200", b"OK") if known else (b"400", b"unknown key")
            self._zap.send_multipart(
                [version, number, status, text, key.hex().encode() if known else b"", b""]
            )

    def _admits(self, key: bytes) -> bool:
        return len(key) == KEY_BYTES and (key in self._admitted or self._strangers)

    def receive(self) -> Arrived | None:
        """The next request that has arrived. What has more or fewer frames than one is passed over."""
        router = self._router
        while router is not None and self._passed_over(router):
            try:
                route = router.recv(NOBLOCK)
                if not router.getsockopt(RCVMORE):
                    continue
                frame = router.recv(NOBLOCK, copy=False)
            except zmq.Again:
                break
            if frame.more:
                self._skipping = True
                continue
            key = _key(frame)
            if key:
                return Arrived(key, route, frame.bytes)
        return None

    def _passed_over(self, router: zmq.Socket[bytes]) -> bool:
        """Drop parts that nobody wants; False when there are more of them than one turn takes."""
        for _ in range(PARTS_AT_ONCE):
            if not self._skipping:
                return True
            router.recv(NOBLOCK)  # all of a message is there when its first part is
            self._skipping = bool(router.getsockopt(RCVMORE))
        return False

    def replies(self, most: int) -> list[tuple[str, bytes]]:
        """Replies that have arrived, with the names of the realms they come from."""
        found = []
        for wire in list(self._wires.values()):
            found += [(wire.realm.name, frame) for frame in wire.receive(most)]
        return found

    def broken(self) -> list[tuple[str, str]]:
        """Connections that have ended: the name of the realm, and why, in a sentence."""
        ends = [(wire.realm.name, wire.trouble()) for wire in list(self._wires.values())]
        return [(name, trouble) for name, trouble in ends if trouble]

    def close(self) -> None:
        """Let go of everything."""
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()
        self.unbind()
        self._poller = None
        self._zap.close()
        self._context.term()


def _key(frame: zmq.Frame) -> bytes:
    """Whose frame it is, as libzmq was told in the handshake."""
    try:
        return bytes.fromhex(str(frame.get("User-Id")))
    except (zmq.ZMQError, ValueError):
        return b""


def _seed_routing_ids() -> None:
    """libzmq 4.3.5 hands out routing ids from an unseeded ``rand()``; who guesses one can abort a ROUTER.

    Must run before the first socket is made.
    """
    ctypes.CDLL(None).srand(int.from_bytes(os.urandom(4), "big"))
