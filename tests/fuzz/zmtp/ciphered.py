"""What a peer can do that has shaken hands with CURVE as it should: libzmq's own sockets, misused."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final

import msgpack
import zmq
from zmq.utils import z85

from protocol import limits
from protocol.connection_string import ConnectionString
from tests.fuzz.zmtp.line import Tally

PAUSE: Final = 0.05


class Intruder:
    """Makes sockets that the server lets in, one for each thing tried."""

    def __init__(self, server: ConnectionString, rng: random.Random, tally: Tally) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._server = server
        self.rng = rng
        self.tally = tally

    def send(self, kind: int, messages: list[list[bytes]]) -> None:
        """A fresh connection that sends these and is gone."""
        socket = self._context.socket(kind)
        socket.setsockopt(zmq.LINGER, 200)
        socket.setsockopt(zmq.SNDHWM, 0)
        if self._server.key:
            socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
            socket.curve_serverkey = z85.encode(self._server.key)
        port = self._server.port + (kind == zmq.XSUB)
        socket.connect(f"tcp://{self._server.host}:{port}")
        for message in messages:
            socket.send_multipart(message, zmq.DONTWAIT)
            self.tally.bytes += sum(map(len, message))
        self.tally.connections += 1
        socket.poll(int(PAUSE * 1000) + len(messages) // 100)
        socket.close()

    def close(self) -> None:
        """Let go of everything."""
        self._context.destroy(linger=0)


def stray_upstream(intruder: Intruder) -> None:
    """Messages on the events socket that are no subscriptions, of one frame or several."""
    rng = intruder.rng
    first = bytes([rng.randrange(2, 256)])
    intruder.send(zmq.XSUB, [[b"\1u" + rng.randbytes(15)], [first + rng.randbytes(30)], [b"", first], [b""]])


def many_subscriptions(intruder: Intruder) -> None:
    """Subscriptions of every length, ended and begun again."""
    rng = intruder.rng
    topics = [b"u" + rng.randbytes(rng.choice([0, 14, 15, 15, 15, 16, 900])) for _ in range(100)]
    intruder.send(zmq.XSUB, [[bytes([rng.randrange(2)]) + rng.choice(topics)] for _ in range(400)])


def torrent_of_subscriptions(intruder: Intruder) -> None:
    """The same one, over and over."""
    frame = intruder.rng.choice([b"\1u", b"\1", b"\0"]) + bytes(intruder.rng.choice([0, 15]))
    intruder.send(zmq.XSUB, [[frame]] * 100_000)


def too_large(intruder: Intruder) -> None:
    """Frames just beyond what may be."""
    kind = intruder.rng.choice([zmq.DEALER, zmq.XSUB])
    most = limits.REQUEST_MAX_BYTES if kind == zmq.DEALER else limits.SUBSCRIPTION_MAX_BYTES
    intruder.send(kind, [[b"\1" * (most + intruder.rng.choice([-40, 0, 1, 5000]))]])


def many_parts(intruder: Intruder) -> None:
    """Whole messages of very many frames."""
    intruder.send(intruder.rng.choice([zmq.DEALER, zmq.XSUB]), [[b"x"] * 2000, [b""] * 2000])


def odd_requests(intruder: Intruder) -> None:
    """Frames that are nearly requests."""
    rng = intruder.rng
    messages = []
    for number in range(100):
        data = bytearray(
            msgpack.packb([1, number, b"", rng.choice(["auth.resume", "server.hello", "x"]), b"\x80"])
        )
        data[rng.randrange(len(data))] = rng.randrange(256)
        messages.append([bytes(data)])
    intruder.send(zmq.DEALER, [*messages, [b"\xdd\xff\xff\xff\xff\x01\x05"]])


KINDS: Final[dict[str, Callable[[Intruder], None]]] = {
    each.__name__: each
    for each in (
        stray_upstream,
        many_subscriptions,
        torrent_of_subscriptions,
        too_large,
        many_parts,
        odd_requests,
    )
}


def intrude(server: ConnectionString, seconds: float, seed: int, tally: Tally, kinds: list[str]) -> None:
    """Do one thing after the other until the time is up."""
    intruder = Intruder(server, random.Random(seed), tally)
    end = time.monotonic() + seconds
    try:
        while kinds and time.monotonic() < end:
            name = intruder.rng.choice(kinds)
            KINDS[name](intruder)
            tally.inputs[name] += 1
    finally:
        intruder.close()
