"""Pairs who talk through the json dialect, one command in flight each; and whether all of it is in the store.

The load generator is one loop over ``epoll`` with requests that are nearly made beforehand: it shares the
cores with what it measures.
"""

from __future__ import annotations

import json
import select
import time
from collections import Counter
from typing import Any

import zmq

from benchmarks.figures import Meter, latency_figures
from benchmarks.gateway.callers import PASSWORD, WAYS, Caller, enter, leave
from benchmarks.wire import WireUser
from protocol.limits import HISTORY_MAX_MESSAGES

TEXT = "x" * 60
DRAIN = 20.0
"""Seconds that the last answers may take."""


class Sender:
    """One of a pair: what they say next, and what they have heard."""

    def __init__(self, caller: Caller, token: str, recipient: str) -> None:
        self._socket = caller.socket
        self._socket.setblocking(False)
        self._begins = f"sendprivate {token} {recipient}  ".encode()
        self._ends = f" {TEXT} \r\n".encode()
        self._end = WAYS["json"].end
        self._heard = b""
        self._sent_at = 0.0
        self.number = self._socket.fileno()
        self.recipient = recipient
        self.said = 0
        self.open = False
        self.answered: list[int] = []
        """Which of what they said was answered with OK."""
        self.refused: Counter[bytes] = Counter()
        self.latencies: list[float] = []

    def say(self) -> None:
        """The next message."""
        self.said += 1
        self.open = True
        self._sent_at = time.perf_counter()
        self._socket.send(b"%b%d%b" % (self._begins, self.said, self._ends))

    def hear(self, go_on: bool) -> None:
        """Something came; when it is a whole answer, the next message leaves."""
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionError(f"the gateway hung up on {self.recipient}'s friend")
        self._heard += data
        if not self._heard.endswith(self._end):
            return
        self.latencies.append(time.perf_counter() - self._sent_at)
        if b'"OK"' in self._heard:
            self.answered.append(self.said)
        else:
            self.refused[self._heard] += 1
        self._heard = b""
        self.open = False
        if go_on:
            self.say()


def drive(senders: list[Sender], seconds: float) -> float:
    """Everybody talks for so long; seconds until all were answered. Raises ``TimeoutError``."""
    poller = select.epoll()
    by_number = {sender.number: sender for sender in senders}
    for sender in senders:
        poller.register(sender.number, select.EPOLLIN)
    begun = time.monotonic()
    for sender in senders:
        sender.say()
    going = True
    while going or any(sender.open for sender in senders):
        for number, _ in poller.poll(0.1):
            by_number[number].hear(going)
        now = time.monotonic()
        going = now < begun + seconds
        if now > begun + seconds + DRAIN:
            raise TimeoutError("not every message was answered")
    poller.close()
    return time.monotonic() - begun


def messages(base: int, server: str, meter: Meter, names: list[str], seconds: float) -> dict[str, Any]:
    """The figures; ``names`` are paired, sender and recipient. ``base``: the port base."""
    callers, answers = enter(base, "json", names)
    tokens = [json.loads(answer)["token_id"] for answer in answers]
    senders = [Sender(callers[place], tokens[place], names[place + 1]) for place in range(0, len(names), 2)]
    drive(senders, min(1.0, seconds))
    before = sum(len(sender.answered) for sender in senders)
    for sender in senders:
        sender.latencies.clear()
    meter.begin()
    took = drive(senders, seconds)
    answered = sum(len(sender.answered) for sender in senders) - before
    cpu, load = meter.cpu_per(answered / 1000), meter.cpu_per(took)["load generator"]
    leave(callers)
    refused = sum((sender.refused for sender in senders), Counter[bytes]())
    return {
        "pairs": len(senders),
        "seconds": round(took, 2),
        "answered": answered,
        "refused": dict(sorted((repr(answer), count) for answer, count in refused.items())),
        "answered_per_second": round(answered / took),
        **latency_figures([value for sender in senders for value in sender.latencies]),
        "cpu_seconds_per_1000": cpu,
        "load_generators_share_of_a_core": load,
        "not_stored_once_in_order": unfaithful(server, senders),
    }


def unfaithful(server: str, senders: list[Sender]) -> int:
    """How many senders' messages are not in the store as they were said: each once, in order, and no others.

    Asked of the recipients' history through the native protocol.
    """
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    wrong = 0
    for sender in senders:
        stored = _stored(WireUser(context, server), sender.recipient)
        wrong += stored != [f"{number} {TEXT}" for number in sender.answered]
    context.term()
    return wrong


def _stored(recipient: WireUser, name: str) -> list[str]:
    """All that was said to this person by the one who talked to them, oldest first."""
    recipient.entered(name, recipient.call("auth.login", username=name, password=PASSWORD))
    (row,) = (row for row in recipient.call("conversation.list")["conversations"] if row["kind"] == "direct")
    found: list[str] = []
    after = 0
    while True:
        page = recipient.call(
            "message.history", conversation=row["conversation"], after=after, limit=HISTORY_MAX_MESSAGES
        )["messages"]
        if not page:
            recipient.close()
            return found
        found += [message["body"] for message in page]
        after = page[-1]["seq"]
