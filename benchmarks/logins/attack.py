"""The attacker: wrong logins at a steady rate, over several connections, from several addresses.

    python -m benchmarks.logins.attack CONNECTION '{"rate": 200, "seconds": 5, …}'

Sends on time whether or not answers come, as an attacker does. It only ever talks to a server on a
loopback address, and stops by itself. Every address of 127.0.0.0/8 is this machine's, so it can have as
many as it likes. Prints one JSON object: what was sent, and how many answers of which kind came.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from ipaddress import ip_address
from typing import Any, NamedTuple

import zmq

from benchmarks.logins.source import FromAddress
from protocol import connection_string
from protocol.envelope import unpack_reply

MOST_SECONDS = 120.0
GRACE = 1.0
"""Seconds after the last attempt during which answers are still counted."""


class Plan(NamedTuple):
    """``rate`` attempts a second for ``seconds``, from ``addresses`` addresses, on ``names`` in turn."""

    rate: float
    seconds: float
    addresses: int
    names: list[str]


def attack(server: str, plan: Plan) -> dict[str, Any]:
    """Carry it out; the figures."""
    if not ip_address(connection_string.parse(server).host).is_loopback:
        raise ValueError("this attacks a server on a loopback address only")
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 8192)
    sources = [FromAddress(context, server, number) for number in range(plan.addresses)]
    poller = zmq.Poller()
    for source in sources:
        source.post("server.hello", {})
        poller.register(source.commands, zmq.POLLIN)
    for source in sources:  # connections first, for a handshake costs as much as many attempts
        source.answer()
    print("begin", file=sys.stderr, flush=True)
    answers: Counter[str] = Counter()
    begun = time.monotonic()
    end = begun + min(plan.seconds, MOST_SECONDS)
    sent = 0
    while (now := time.monotonic()) < end + GRACE:
        while now < end and sent < (now - begun) * plan.rate:
            name = plan.names[sent % len(plan.names)]
            sources[sent % len(sources)].post("auth.login", {"username": name, "password": f"wrong {sent}"})
            sent += 1
        for socket, _ in poller.poll(5):
            _count(socket, answers)
    for source in sources:
        source.close()
    context.term()
    return {"sent": sent, "answers": dict(answers)}


def _count(socket: zmq.Socket[bytes], answers: Counter[str]) -> None:
    try:
        while True:
            answers[unpack_reply(socket.recv(zmq.NOBLOCK)).status] += 1
    except zmq.Again:
        pass


if __name__ == "__main__":
    print(json.dumps(attack(sys.argv[1], Plan(**json.loads(sys.argv[2])))))
