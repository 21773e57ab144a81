"""The model server behind real sockets, in a thread: CURVE on loopback, as a broker would."""

from __future__ import annotations

import base64
import threading
import time
from types import TracebackType

import zmq
from zmq.utils import z85

from tests.client.model import ModelServer

WIRE = "everyone"
"""To the model all subscribers are one; the XPUB socket tells them apart."""


class FakeBroker:
    """``address`` is its connection string. May be stopped and started again, with the same key."""

    def __init__(self) -> None:
        self.model = ModelServer()
        self.lock = threading.Lock()
        """Held while the model works; take it to look at the model."""
        self.subscribed: list[bytes] = []
        """Every frame on the events socket, subscriptions and their ends, as they came."""
        self._public, self._secret = zmq.curve_keypair()
        self._context = zmq.Context()
        self._ports = [0, 0]
        self.curve = True
        """Off: what listens there from the next start on is no Pesan server, but speaks ZeroMQ."""
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self.start()

    def __enter__(self) -> FakeBroker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._context.destroy(linger=0)

    @property
    def address(self) -> str:
        return self.address_with(z85.decode(self._public))

    def address_with(self, key: bytes) -> str:
        """The connection string of this server, but with another key."""
        text = base64.urlsafe_b64encode(key).rstrip(b"=").decode()
        return f"pesan://127.0.0.1:{self._ports[0]}" + (f"?key={text}" if key else "")

    def start(self) -> None:
        self._stopping.clear()
        self._commands = self._bind(zmq.ROUTER, 0)
        self._events = self._bind(zmq.XPUB, 1)
        self.model.events_port = self._ports[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it; to the clients it looks like a broker that died."""
        if self._thread is None:
            return
        self._stopping.set()
        self._thread.join(10)
        self._thread = None
        self._commands.close(0)
        self._events.close(0)
        self.model.restart()

    def _bind(self, kind: int, index: int) -> zmq.Socket[bytes]:
        socket, self._ports[index] = self.bind(kind, self._ports[index])
        return socket

    def bind(self, kind: int, port: int, room: int = 1000) -> tuple[zmq.Socket[bytes], int]:
        """A socket with this server's key, on a port of its own when that is 0; and the port.

        ``room``: messages that wait to be read; with few of them the kernel has no room either.
        """
        socket = self._context.socket(kind)
        if self.curve:
            socket.setsockopt(zmq.CURVE_SERVER, 1)
            socket.setsockopt(zmq.CURVE_SECRETKEY, self._secret)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVHWM, room)
        if room < 1000:
            socket.setsockopt(zmq.RCVBUF, 4096)
        if kind == zmq.XPUB:
            socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        for patience in reversed(range(100)):  # a closed socket gives its port back a little later
            try:
                socket.bind(f"tcp://127.0.0.1:{port or '*'}")
                break
            except zmq.ZMQError:
                if not patience:
                    socket.close(0)
                    raise
                time.sleep(0.05)
        endpoint = socket.getsockopt(zmq.LAST_ENDPOINT)
        assert isinstance(endpoint, bytes)
        return socket, int(endpoint.rstrip(b"\0").rsplit(b":", 1)[1])

    def _run(self) -> None:
        poller = zmq.Poller()
        poller.register(self._commands, zmq.POLLIN)
        poller.register(self._events, zmq.POLLIN)
        while not self._stopping.is_set():
            for socket, _ in poller.poll(20):
                with self.lock:
                    if socket is self._commands:
                        peer, frame = self._commands.recv_multipart()
                        self._commands.send_multipart([peer, self.model.request(frame)])
                    else:
                        frame = self._events.recv()
                        self.subscribed.append(frame)
                        if frame[:1] == b"\1":
                            self.model.subscribe(WIRE, True, frame[1:])
                    published, self.model.published = self.model.published, []
                for _, frame in published:
                    self._events.send(frame)
