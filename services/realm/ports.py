"""The sockets of the realm process: one that other realms ask us on, and one to each that we ask.

Belongs here: CURVE, who may connect (ZAP), options of libzmq. Not here: what is said (``house``, ``line``).

Who is no peer is refused in the handshake, by its key, and never gets a byte to any code of ours; only
while an invitation is open may strangers connect, to show it. The key of who sent a frame is libzmq's to
know (the ``User-Id`` that we gave it in the handshake), and nothing that a frame could claim.
"""

from __future__ import annotations

import random
from typing import Any, Final, NamedTuple

import zmq
from zmq.utils import z85

from config.keys import KeyPair
from config.settings import Settings
from protocol.realms import FRAME_MAX_BYTES
from services.storage.realms import Realm

NOBLOCK: Final = int(zmq.NOBLOCK)
ZAP: Final = "inproc://zeromq.zap.01"
QUEUE: Final = 1000
"""Frames that wait for one peer, or from one."""
HANDSHAKE_MS: Final = 5000
HEARTBEAT_MS: Final = 5000
HEARTBEAT_TIMEOUT_MS: Final = 15_000


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
        self.socket = ports.dealer(realm)

    def send(self, frame: bytes) -> bool:
        """Hand a frame over; False when there is no room for it."""
        try:
            self.socket.send(frame, NOBLOCK)
        except zmq.Again:
            return False
        return True

    def receive(self, most: int) -> list[bytes]:
        """Replies that have arrived."""
        frames: list[bytes] = []
        while len(frames) < most:
            try:
                frames.append(self.socket.recv(NOBLOCK))
            except zmq.Again:
                break
        return frames

    def redial(self) -> None:
        """Connect anew, with nothing queued."""
        self.close()
        self.socket = self._ports.dealer(self.realm)

    def close(self) -> None:
        """Hang up."""
        self._ports.forget(self.socket)


class SocketPorts:
    """``Ports`` on real sockets."""

    def __init__(self, settings: Settings, keys: KeyPair) -> None:
        self._settings = settings
        self._keys = keys
        self._context = zmq.Context()
        self._poller: zmq.Poller | None = None
        self._admitted: set[bytes] = set()
        self._strangers = False
        self._zap = self._context.socket(zmq.REP)
        self._zap.setsockopt(zmq.LINGER, 0)
        self._zap.bind(ZAP)
        self._router = self._context.socket(zmq.ROUTER)
        self._wires: dict[int, Wire] = {}

    def bind(self) -> None:
        """Listen. Raises ``zmq.ZMQError`` when the port is taken."""
        router = self._router
        self._common(router)
        router.setsockopt(zmq.ROUTER_MANDATORY, 1)
        router.setsockopt(zmq.CURVE_SERVER, 1)
        router.setsockopt(zmq.CURVE_SECRETKEY, self._keys.secret)
        router.setsockopt(zmq.ZAP_DOMAIN, b"realm")
        router.bind(self._settings.realm_bind)

    def _common(self, socket: zmq.Socket[bytes]) -> None:
        socket.setsockopt(zmq.LINGER, 200)
        socket.setsockopt(zmq.SNDHWM, QUEUE)
        socket.setsockopt(zmq.RCVHWM, QUEUE)
        socket.setsockopt(zmq.MAXMSGSIZE, FRAME_MAX_BYTES)
        socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
        socket.setsockopt(zmq.IPV6, ":" in self._settings.host)

    def dealer(self, realm: Realm) -> zmq.Socket[bytes]:
        """A socket that asks one peer."""
        socket: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        self._common(socket)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.CURVE_SERVERKEY, z85.encode(realm.key))
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self._keys.public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self._keys.secret)
        socket.setsockopt(zmq.RECONNECT_IVL, random.randint(200, 400))
        socket.connect(f"tcp://{realm.address}")
        if self._poller is not None:
            self._poller.register(socket, zmq.POLLIN)
        return socket

    def forget(self, socket: zmq.Socket[bytes]) -> None:
        """Close one of those."""
        if self._poller is not None:
            self._poller.unregister(socket)
        socket.close()

    def attach(self, poller: zmq.Poller) -> None:
        """Have our sockets waited for, now and when there are others."""
        self._poller = poller
        poller.register(self._zap, zmq.POLLIN)
        poller.register(self._router, zmq.POLLIN)
        for wire in self._wires.values():
            poller.register(wire.socket, zmq.POLLIN)

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
        """Who may connect from now on."""
        self._admitted, self._strangers = keys, strangers

    def answer(self, route: Any, frame: bytes) -> None:
        """Send a reply back to where the request came from; dropped when that is gone."""
        try:
            self._router.send(route, NOBLOCK | zmq.SNDMORE)
            self._router.send(frame, NOBLOCK)
        except zmq.ZMQError:
            pass

    # --- for the loop ---------------------------------------------------------------------------

    def shake_hands(self) -> None:
        """Answer libzmq, which asks of each that connects whether we know its key."""
        while True:
            try:
                parts = self._zap.recv_multipart(NOBLOCK)
            except zmq.Again:
                return
            version, number, key = parts[0], parts[1], parts[6] if len(parts) > 6 else b""
            known = len(key) == 32 and (key in self._admitted or self._strangers)
            status, text = (b"200", b"OK") if known else (b"400", b"unknown key")
            self._zap.send_multipart(
                [version, number, status, text, key.hex().encode() if known else b"", b""]
            )

    def receive(self, most: int) -> list[Arrived]:
        """Requests that have arrived. What has more or fewer frames than one is passed over."""
        arrived: list[Arrived] = []
        for _ in range(most):
            try:
                route, *frames = self._router.recv_multipart(NOBLOCK, copy=False)
            except zmq.Again:
                break
            if len(frames) == 1:
                key = bytes.fromhex(str(frames[0].get("User-Id")))
                arrived.append(Arrived(key, route.bytes, frames[0].bytes))
        return arrived

    def replies(self, most: int) -> list[tuple[str, bytes]]:
        """Replies that have arrived, with the names of the realms they come from."""
        found = []
        for wire in list(self._wires.values()):
            found += [(wire.realm.name, frame) for frame in wire.receive(most)]
        return found

    def close(self) -> None:
        """Let go of everything."""
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()
        self._poller = None
        self._router.close()
        self._zap.close()
        self._context.term()
