"""A group with many members online: every message goes to all of them."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import zmq

from benchmarks.figures import Meter, latency_figures
from benchmarks.wire import WireUser, each, enter
from broker.fast_socket import NOBLOCK, receiver
from protocol.limits import MESSAGE_ID_BYTES
from protocol.message_id import message_id

TEXT = "x" * 60


def fanout(
    server: str, meter: Meter, *, members: int = 500, window: int = 4, seconds: float = 10.0
) -> dict[str, Any]:
    """Deliveries a second and send-to-delivery times, with ``window`` messages of one sender in flight."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 8192)
    prefix = f"fan{int(time.time()) % 10_000_000}"
    users = [WireUser(context, server) for _ in range(members)]
    enter(users, [f"{prefix}-{number}" for number in range(members)])
    sender = users[0]
    topic = sender.call("group.create", group=prefix)["topic"]
    each(users[1:], "group.join", lambda user: {"group": prefix})
    for user in users:
        user.listen(topic)
    for user in users:
        user.await_welcome()
    time.sleep(1.0)
    figures = _drive(users, prefix, meter, window, seconds)
    for user in users:
        user.close()
    context.term()
    return {"scenario": "fanout", "members": members, "window": window, **figures}


def _drive(users: list[WireUser], group: str, meter: Meter, window: int, seconds: float) -> dict[str, Any]:
    sender = users[0]
    poller = zmq.Poller()
    poller.register(sender.commands, zmq.POLLIN)
    for user in users:
        assert user.events is not None
        poller.register(user.events, zmq.POLLIN)
    receivers = {socket: receiver(socket) for socket, _ in poller.sockets}
    sent_at: dict[bytes, float] = {}
    latencies: deque[float] = deque()
    sent = answered = deliveries = 0
    meter.begin()
    begun = time.monotonic()
    while True:
        going = time.monotonic() < begun + seconds
        if not going and (deliveries >= sent * len(users) or time.monotonic() > begun + seconds + 10):
            break
        while going and sent - answered < window:
            identity = message_id(int(time.time() * 1000))
            sent_at[identity] = time.time()
            sender.post("message.send", {"to": f"#{group}", "body": TEXT, "id": identity})
            sent += 1
        for socket, _ in poller.poll(100):
            receive = receivers[socket]
            try:
                while True:
                    frame = receive(NOBLOCK)
                    # A message event ends with its id: whether it is one is told by the look-up.
                    posted = sent_at.get(frame[-MESSAGE_ID_BYTES:])
                    if posted is not None:
                        deliveries += 1
                        latencies.append(time.time() - posted)
                    elif socket is sender.commands:
                        answered += 1
            except zmq.Again:
                pass
    took = time.monotonic() - begun
    return {
        "seconds": round(took, 2),
        "sent": sent,
        "deliveries": deliveries,
        "missing": sent * len(users) - deliveries,
        "deliveries_per_second": round(deliveries / took),
        **latency_figures(list(latencies)),
        "cpu_seconds_per_1000": meter.cpu_per(deliveries / 1000),
    }
