"""``python -m benchmarks realms``: two servers on this machine, in step and after an outage.

Each has its people, who write to those of the other one: ``in step`` one message at a time, from send to
delivery; ``catch-up`` what was written while nobody was there to take it, from the start of the realm process
until all of it was heard. Every recipient holds what they hear against what was sent, in its order.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import zmq

from benchmarks.dm import Pair, drive
from benchmarks.figures import Meter, OthersShare, latency_figures
from benchmarks.own_server import ROOT, OwnServer
from benchmarks.wire import WireUser, enter
from protocol.limits import MESSAGE_ID_BYTES

BAR = 2000
"""Messages a second after an outage, from the start of the process that was away."""
PESAN = str(Path(sys.executable).with_name("pesan"))
PATIENCE = 120.0
SETTINGS = {"password_memory_kib": 64, "password_passes": 1, "realm_outbox_messages": 1_000_000}
NOBLOCK = int(zmq.NOBLOCK)


class Across(Pair):
    """A sender here and a recipient in the other realm, who knows what must come next."""

    def __init__(self, number: int, sender: WireUser, recipient: WireUser, realm: str) -> None:
        super().__init__(number, sender, recipient)
        self.to = f"{recipient.name}@{realm}"
        self.heard = 0
        self.wrong = 0
        """Messages that were not the next."""

    @property
    def sent(self) -> int:
        """How many were posted."""
        return self._count

    def deliveries(self) -> None:
        """Read every event that is there; of the other kinds there are none."""
        recv, clock = self._event, time.time
        try:
            while True:
                identity = recv(NOBLOCK)[-MESSAGE_ID_BYTES:]
                sent_at = self._sent_at.pop(identity, None)
                if sent_at is None:
                    continue
                self.heard += 1
                self.wrong += int.from_bytes(identity[-6:], "big") != self.heard
                self.delivered += 1
                self.latencies.append(clock() - sent_at)
        except zmq.Again:
            pass


class Two:
    """Two servers that are paired, and pairs of people in both directions."""

    def __init__(self, stack: ExitStack, pairs: int, database: str) -> None:
        self.servers = {name: self._server(stack, name, database) for name in ("a", "b")}
        self._pesan("b", "realm", "join", self._pesan("a", "realm", "invite").strip())
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, 8192)
        stack.callback(self._context.destroy, 0)
        people = {name: self._people(name, 2 * pairs) for name in self.servers}
        self.there = self._pairs(people["a"][:pairs], people["b"][pairs:], "b")
        self.back = self._pairs(people["b"][:pairs], people["a"][pairs:], "a")

    @staticmethod
    def _server(stack: ExitStack, name: str, database: str) -> OwnServer:
        environment = {"PESAN_REALM": name}
        if database and name == "b":
            environment["PESAN_DATABASE"] = database
        return stack.enter_context(OwnServer(realm=True, settings=SETTINGS, environment=environment))

    def _pesan(self, server: str, *words: str) -> str:
        done = subprocess.run(
            [PESAN, *words],
            env=self.servers[server].environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=ROOT,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words[:2])}: {done.stderr}\n{self.servers[server].errors()}")
        return done.stdout

    def _people(self, server: str, count: int) -> list[WireUser]:
        users = [WireUser(self._context, self.servers[server].connection) for _ in range(count)]
        enter(users, [f"u{number}" for number in range(count)])
        return users

    @staticmethod
    def _pairs(senders: Sequence[WireUser], recipients: Sequence[WireUser], realm: str) -> list[Across]:
        pairs = [
            Across(number, *people, realm)
            for number, people in enumerate(zip(senders, recipients, strict=True))
        ]
        for pair in pairs:
            pair.recipient.await_welcome()
        return pairs

    def hang_up(self) -> None:
        """The realm process of b is gone."""
        self.servers["b"].kill("realm.1")

    def meter(self) -> Meter:
        """What all processes of both use from now on."""
        meter = Meter(
            {
                f"{name} {process}": running.pid
                for name, server in self.servers.items()
                for process, running in server.processes.items()
            }
        )
        meter.begin()
        return meter

    def come_back(self) -> None:
        """And back."""
        self.servers["b"].start_worker("realm")


def wait_for(pairs: Sequence[Across]) -> float:
    """Read events until all that was sent was heard; when the first one was."""
    poller = zmq.Poller()
    act = {}
    for pair in pairs:
        assert pair.recipient.events is not None
        poller.register(pair.recipient.events, zmq.POLLIN)
        act[pair.recipient.events] = pair
    deadline = time.monotonic() + PATIENCE
    before, first = sum(pair.heard for pair in pairs), 0.0
    while any(pair.heard < pair.sent for pair in pairs):
        for socket, _ in poller.poll(100):
            act[socket].deliveries()
        if not first and sum(pair.heard for pair in pairs) > before:
            first = time.monotonic()
        if time.monotonic() > deadline:
            missing = sum(pair.sent - pair.heard for pair in pairs)
            raise TimeoutError(f"{missing} messages were not heard within {PATIENCE} s")
    return first


def post(pairs: Sequence[Across], messages: int, window: int) -> float:
    """Have so many messages taken in by the senders' own server; seconds that this took."""
    begun = time.monotonic()
    goal = {id(pair): pair.sent + messages // len(pairs) for pair in pairs}
    poller = zmq.Poller()
    act = {}
    for pair in pairs:
        poller.register(pair.sender.commands, zmq.POLLIN)
        act[pair.sender.commands] = pair
        for _ in range(min(window, messages // len(pairs))):
            pair.send()
    while any(pair.open for pair in pairs):
        for socket, _ in poller.poll(100):
            pair = act[socket]
            before = pair.open
            pair.answers(False)
            for _ in range(min(before - pair.open, goal[id(pair)] - pair.sent)):
                pair.send()
        if time.monotonic() > begun + PATIENCE:
            raise TimeoutError(f"messages were not taken in within {PATIENCE} s")
    if refused := sum(pair.failed for pair in pairs):
        raise RuntimeError(f"{refused} messages were refused")
    return time.monotonic() - begun


def catch_up(two: Two, pairs: Sequence[Across], messages: int) -> dict[str, Any]:
    """An outage during which so many messages are written, and its end."""
    two.hang_up()
    time.sleep(1.0)
    took = post(pairs, messages, 32)
    already = sum(pair.heard for pair in pairs)
    for pair in pairs:
        pair.latencies.clear()
    begun = time.monotonic()
    two.come_back()
    meter = two.meter()
    first = wait_for(pairs)
    end = time.monotonic()
    count = sum(pair.heard for pair in pairs) - already
    return {
        "messages": count,
        "queued_per_second": round(count / took),
        "first_heard_after_seconds": round(first - begun, 2),
        "per_second_since_start": round(count / (end - begun)),
        "per_second": round(count / (end - first)),
        "not_the_next": sum(pair.wrong for pair in pairs),
        "cpu_seconds_per_1000": {
            name: cost for name, cost in meter.cpu_per(count / 1000).items() if cost > 0.0005
        },
    }


def in_step(pair: Across, seconds: float) -> dict[str, Any]:
    """One message at a time, from send to its delivery in the other realm."""
    begun = time.monotonic()
    pair.latencies.clear()
    while time.monotonic() < begun + seconds:
        pair.send()
        wait_for([pair])
        pair.answers(False)
    return {"delivered": len(pair.latencies), **latency_figures(pair.latencies)}


def flowing(two: Two, seconds: float) -> dict[str, Any]:
    """All pairs in both directions, some messages of each in flight: what is delivered a second."""
    pairs = [*two.there, *two.back]
    before = sum(pair.heard for pair in pairs)
    took = drive(list(pairs), 8, seconds)
    wait_for(pairs)
    for pair in pairs:
        pair.answers(False)
    return {"delivered_per_second": round((sum(pair.heard for pair in pairs) - before) / took)}


def main(arguments: Sequence[str]) -> int:
    """Run it; 1 when the bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks realms", description=__doc__)
    parser.add_argument("--messages", type=int, default=40_000, help="written during the outage, each way")
    parser.add_argument("--pairs", type=int, default=20, help="people who write, in each realm")
    parser.add_argument("--seconds", type=float, default=5.0, help="of messages in step")
    parser.add_argument("--database", default="", help="PESAN_DATABASE of the second server; default: SQLite")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args(arguments)
    others = OthersShare()
    with ExitStack() as stack:
        two = Two(stack, options.pairs, options.database)
        everyone = [*two.there, *two.back]
        post(everyone, 2 * options.pairs, 1)  # all have met
        wait_for(everyone)
        figures: dict[str, Any] = {
            "scenario": "realms",
            "in_step": in_step(two.there[0], options.seconds),
            "both_ways_at_once": flowing(two, options.seconds),
            "catch_up": catch_up(two, two.there, options.messages),
            "catch_up_both_ways": catch_up(two, everyone, 2 * options.messages),
        }
    rates = [figures[name]["per_second_since_start"] for name in ("catch_up", "catch_up_both_ways")]
    wrong = sum(figures[name]["not_the_next"] for name in ("catch_up", "catch_up_both_ways"))
    figures |= {"others_cpu": others.share(), "bar": BAR, "bar_met": min(rates) >= BAR and not wrong}
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:24} {value}")
    return int(not figures["bar_met"])
