"""Direct messages: pairs of people, each sender with a window of unanswered messages.

Every message is stored with fsync, answered, and delivered to its recipient over the events socket;
CURVE is on. Counted is what recipients received.
"""

from __future__ import annotations

import time
from typing import Any

import msgpack
import zmq

from benchmarks.figures import Meter, latency_figures
from benchmarks.wire import WireUser, enter
from broker import fast_socket
from broker.fast_socket import NOBLOCK
from protocol import VERSION
from protocol.errors import OK
from protocol.limits import MESSAGE_ID_BYTES

TEXT = "x" * 60
"""With its envelope this makes a request of about 190 bytes."""


class Pair:
    """One sender and one recipient."""

    def __init__(self, number: int, sender: WireUser, recipient: WireUser) -> None:
        events = recipient.listen()
        self.sender = sender
        self.recipient = recipient
        self.to = recipient.name
        self._send = fast_socket.sender(sender.commands)
        self._answer = fast_socket.receiver(sender.commands)
        self._event = fast_socket.receiver(events)
        self._pack = msgpack.Packer(autoreset=True).pack
        self._prefix = number.to_bytes(4, "big")
        self._count = 0
        self._last = b""
        self._sent_at: dict[bytes, float] = {}
        self.open = 0
        """Messages without an answer yet."""
        self.latencies: list[float] = []
        self.delivered = 0
        self.failed = 0

    def send(self) -> None:
        """Post the next message, chained to the one before while that is unanswered."""
        self._count = count = self._count + 1
        now = time.time()
        # Ordered by time, as a UUIDv7 is, and cheaper to make.
        identity = int(now * 1000).to_bytes(6, "big") + self._prefix + count.to_bytes(6, "big")
        body: dict[str, Any] = {"to": self.to, "body": TEXT, "id": identity}
        if self.open:
            body["after"] = self._last
        self._last = identity
        self.open += 1
        self._sent_at[identity] = now
        self._send(self._pack((VERSION, count, self.sender.token, "message.send", self._pack(body))), NOBLOCK)

    def answers(self, go_on: bool) -> None:
        """Read every reply that is there; each makes room for another message."""
        recv = self._answer
        try:
            while True:
                _, _, status, _ = msgpack.unpackb(recv(NOBLOCK))
                self.open -= 1
                if status != OK:
                    self.failed += 1
                if go_on:
                    self.send()
        except zmq.Again:
            pass

    def deliveries(self) -> None:
        """Read every event that is there."""
        recv, clock = self._event, time.time
        try:
            while True:
                frame = recv(NOBLOCK)
                # A message event ends with its id: whether it is one is told by the look-up.
                sent_at = self._sent_at.pop(frame[-MESSAGE_ID_BYTES:], None)
                if sent_at is not None:
                    self.delivered += 1
                    self.latencies.append(clock() - sent_at)
        except zmq.Again:
            pass


def make_pairs(context: zmq.Context[zmq.Socket[bytes]], server: str, count: int, prefix: str) -> list[Pair]:
    """Log in ``count`` senders and recipients, who listen."""
    users = [WireUser(context, server) for _ in range(2 * count)]
    enter(users, [f"{prefix}{number}" for number in range(2 * count)])
    pairs = [Pair(number, users[2 * number], users[2 * number + 1]) for number in range(count)]
    for pair in pairs:
        pair.recipient.await_welcome()
    return pairs


def drive(pairs: list[Pair], window: int, seconds: float) -> float:
    """Keep ``window`` messages of each pair in flight for ``seconds``; seconds until all were delivered."""
    poller = zmq.Poller()
    act: dict[zmq.Socket[bytes], Any] = {}
    going = True
    for pair in pairs:
        assert pair.recipient.events is not None
        poller.register(pair.sender.commands, zmq.POLLIN)
        poller.register(pair.recipient.events, zmq.POLLIN)
        act[pair.sender.commands] = lambda pair=pair: pair.answers(going)
        act[pair.recipient.events] = pair.deliveries
    begun = time.monotonic()
    for pair in pairs:
        for _ in range(window):
            pair.send()
    while going or any(pair.open for pair in pairs):
        for socket, _ in poller.poll(100):
            act[socket]()
        going = time.monotonic() < begun + seconds
        if time.monotonic() > begun + seconds + 10:
            break
    took = time.monotonic() - begun
    last = time.monotonic() + 0.5
    while time.monotonic() < last:
        for socket, _ in poller.poll(100):
            act[socket]()
    return took


def dm(
    server: str, meter: Meter, *, pairs: int = 50, window: int = 32, seconds: float = 10.0
) -> dict[str, Any]:
    """The scenario's figures."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 8192)
    made = make_pairs(context, server, pairs, f"dm{int(time.time()) % 10_000_000}-")
    drive(made, window, 1.0)
    for pair in made:
        pair.delivered = pair.failed = 0
        pair.latencies.clear()
    meter.begin()
    took = drive(made, window, seconds)
    delivered = sum(pair.delivered for pair in made)
    latencies = [value for pair in made for value in pair.latencies]
    figures = {
        "scenario": "dm",
        "pairs": pairs,
        "window": window,
        "seconds": round(took, 2),
        "delivered": delivered,
        "refused": sum(pair.failed for pair in made),
        "delivered_per_second": round(delivered / took),
        **latency_figures(latencies),
        "cpu_seconds_per_1000": meter.cpu_per(delivered / 1000),
    }
    for pair in made:
        pair.sender.close()
        pair.recipient.close()
    context.term()
    return figures
