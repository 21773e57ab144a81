"""``python -m benchmarks soak --minutes 20``: half of what the server can do, for long, and flat memory.

Pairs on bare sockets make the load: first as fast as they can for some seconds, then paced at half of
that. Beside them some people chat with the real client library, and their ledgers are judged as after a
crash. Every 5 s the memory of every process (the server's, the client programs, this one) and the
size of the data folder are noted.

Flat means: the slope of a process's own memory (USS) over the last two thirds of the time is below
``FLAT_MIB_PER_HOUR``. It is taken of the median sample of each minute, for what waits in queues in a busy
moment comes on top, and what libc gives back for a moment is missing; and it is Theil and Sen's (the
median of the slopes between all pairs), which one odd minute does not move.
"""

from __future__ import annotations

import argparse
import json
import math
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any, Final

import psutil
import zmq

from benchmarks.crash.cast import Cast
from benchmarks.crash.crowd import Crowd
from benchmarks.crash.judge import KINDS
from benchmarks.crash.reckoning import reckon
from benchmarks.crash.scene import folder
from benchmarks.dm import Pair, dm
from benchmarks.figures import Meter
from benchmarks.own_server import OwnServer
from benchmarks.wire import WireUser, enter
from broker.fast_socket import NOBLOCK
from services.storage import SQLITE_FILE

FLAT_MIB_PER_HOUR: Final = 4.0
"""At ten thousand messages a second, 36 million an hour, this is a ninth of a byte a message: no leak
for each message, request or event is as small. It is also about as little as twenty minutes can tell
from a heap that is still settling: one MiB in the thirteen minutes that count. What is kept for each
user, session or conversation does not grow here, for there are no new ones."""
SAMPLE_EVERY: Final = 5.0
MINUTE: Final = 60.0
MEASURE_SECONDS: Final = 10.0
WINDOW: Final = 48
"""Messages of one pair without an answer; a pair that has so many waits."""
CHATTERS: Final = Cast(pairs=4, members=6, posters=1, programs=2, rate=2.0)
"""Who chats with the real library, beside the load."""
MIB: Final = 1 << 20


class Paced(Pair):
    """A pair that sends at a pace and keeps nothing for each message: this program is watched, too."""

    def __init__(self, number: int, sender: WireUser, recipient: WireUser) -> None:
        super().__init__(number, sender, recipient)
        self.acknowledged = 0
        self.missed = 0
        """Events that did not come: the next one had come instead."""
        self.repeated = 0
        self.held_back = 0
        self.buckets: Counter[int] = Counter()
        """Latencies, in eighths of powers of two of a microsecond."""
        self._credit = 0.0
        self._last_heard = 0

    def earn(self, messages: float) -> None:
        """Send as many as have been earned; what the window leaves no room for is held back."""
        self._credit += messages
        while self._credit >= 1 and self.open < WINDOW:
            self._credit -= 1
            self.send()
        if self._credit > WINDOW:
            self.held_back += int(self._credit) - WINDOW
            self._credit = float(WINDOW)

    def answers(self, go_on: bool = False) -> None:
        """Read every reply that is there."""
        before, failed = self.open, self.failed
        super().answers(False)
        self.acknowledged += before - self.open - (self.failed - failed)

    def deliveries(self) -> None:
        """Read every event that is there: each must be the next one."""
        recv, clock = self._event, time.time
        try:
            while True:
                frame = recv(NOBLOCK)
                number = int.from_bytes(frame[-6:], "big")
                sent_at = self._sent_at.pop(frame[-16:], None)
                if sent_at is None:
                    # A welcome, or a message for the second time.
                    self.repeated += frame[-10:-6] == self._prefix and number <= self._last_heard
                    continue
                self.missed += number - self._last_heard - 1
                self._last_heard = number
                self.delivered += 1
                self.buckets[int(8 * math.log2(max(1.0, (clock() - sent_at) * 1e6)))] += 1
        except zmq.Again:
            pass

    @property
    def sent(self) -> int:
        """Messages so far."""
        return self._count


class Watch:
    """Memory of every process and the size of the data folder, over time."""

    def __init__(self, pids: Mapping[str, int], home: Path) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._processes["load generator"] = psutil.Process()
        self._home = home
        self.times: list[float] = []
        self.memory: dict[str, list[tuple[int, int, int]]] = {name: [] for name in self._processes}
        """(PSS, USS, RSS) in bytes."""
        self.folder: list[dict[str, int]] = []

    def sample(self, now: float) -> None:
        """Note everything."""
        self.times.append(now)
        for name, process in self._processes.items():
            info = process.memory_full_info()
            self.memory[name].append((int(info.pss), int(info.uss), int(info.rss)))
        sizes = {"database": 0, "write-ahead log": 0, "server log": 0}
        for file in self._home.rglob("*"):
            if file.name == SQLITE_FILE:
                sizes["database"] += file.stat().st_size
            elif file.name == f"{SQLITE_FILE}-wal":
                sizes["write-ahead log"] += file.stat().st_size
            elif file.name.startswith("server.jsonl"):
                sizes["server log"] += file.stat().st_size
        self.folder.append(sizes)

    def figures(self) -> dict[str, Any]:
        """Of each process: MiB at the first and the last sample, the most, and the slope."""
        return {
            name: {
                **{
                    kind: [
                        _mib(values[0][place]),
                        _mib(values[-1][place]),
                        _mib(max(v[place] for v in values)),
                    ]
                    for place, kind in enumerate(("pss_mib", "uss_mib", "rss_mib"))
                },
                "uss_mib_by_minute": [_mib(v[1]) for v in values[:: round(60 / SAMPLE_EVERY)]],
                "slope_mib_per_hour": round(
                    slope(*medians(self.times, [v[1] for v in values])) * 3600 / MIB, 2
                ),
            }
            for name, values in self.memory.items()
        }


def medians(times: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """The median value of each minute, and when the minute began."""
    of: dict[float, list[float]] = {}
    for at, value in zip(times, values, strict=True):
        of.setdefault(at // MINUTE * MINUTE, []).append(value)
    return list(of), [median(those) for those in of.values()]


def slope(times: Sequence[float], values: Sequence[float]) -> float:
    """Theil and Sen's slope over the last two thirds of the time, a second."""
    begin = times[0] + (times[-1] - times[0]) / 3
    points = [(at, value) for at, value in zip(times, values, strict=True) if at >= begin]
    slopes = [(w - v) / (t - s) for (s, v), (t, w) in combinations(points, 2) if t > s]
    return median(slopes) if slopes else 0.0


def soak(minutes: float, pairs: int, measure: float = MEASURE_SECONDS) -> dict[str, Any]:
    """The figures of one run on a server of its own."""
    with ExitStack() as stack:
        server = stack.enter_context(OwnServer(settings={"password_memory_kib": 64, "password_passes": 1}))
        crowd = Crowd(CHATTERS, stack.enter_context(folder("pesan-ledgers-")), server.connection)
        stack.callback(crowd.close)
        crowd.register(server.connection)
        crowd.start()
        crowd.go()
        most = dm(server.connection, Meter({}), pairs=pairs, seconds=measure)["delivered_per_second"]
        pids = {name: process.pid for name, process in server.processes.items()} | crowd.pids
        watch = Watch(pids, server.home)
        made, took = _load(server.connection, pairs, most / 2, minutes * 60, watch)
        verdict, account, _ = reckon(crowd, server, "")
        stored = _stored(server.home)
        errors = server.errors()
    sent, acknowledged = sum(p.sent for p in made), sum(p.acknowledged for p in made)
    delivered = sum(p.delivered for p in made)
    memory = watch.figures()
    figures = {
        "scenario": "soak",
        "minutes": round(took / 60, 1),
        "most_per_second": most,
        "sent_per_second": round(sent / took),
        "sent": sent,
        "acknowledged": acknowledged,
        "stored": stored,
        "delivered": delivered,
        "refused": sum(p.failed for p in made),
        "held_back": sum(p.held_back for p in made),
        "lost": max(0, acknowledged - stored) + max(0, stored - delivered),
        "doubled": max(0, stored - sent) + sum(p.repeated for p in made),
        "out_of_order": sum(p.missed for p in made),
        **_latencies(made),
        "with_the_library": {
            "acknowledged": len(account.acked), **{kind: verdict.counts[kind] for kind in KINDS}
        },
        "memory": memory,
        "folder_mib": {name: [_mib(f[name]) for f in (watch.folder[0], watch.folder[-1])]
                       for name in watch.folder[0]},
        "flat_bar_mib_per_hour": FLAT_MIB_PER_HOUR,
    }  # fmt: skip
    steep = [name for name, one in memory.items() if one["slope_mib_per_hour"] > FLAT_MIB_PER_HOUR]
    faults = figures["lost"] or figures["doubled"] or figures["out_of_order"] or not verdict.clean
    return {
        **figures,
        "flat": not steep,
        "steep": steep,
        "bar_met": not steep and not faults,
        **({"found": verdict.notes} if verdict.notes else {}),
        **({"errors": errors} if "Traceback" in errors else {}),
    }


def _load(server: str, count: int, rate: float, seconds: float, watch: Watch) -> tuple[list[Paced], float]:
    """Drive the pairs at ``rate`` messages a second in all; them, and how long it took."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 8192)
    users = [WireUser(context, server) for _ in range(2 * count)]
    enter(users, [f"soak{number}" for number in range(2 * count)])
    pairs = [Paced(number, users[2 * number], users[2 * number + 1]) for number in range(count)]
    poller = zmq.Poller()
    act: dict[zmq.Socket[bytes], Any] = {}
    for pair in pairs:
        pair.recipient.await_welcome()
        assert pair.recipient.events is not None
        for socket, action in (
            (pair.sender.commands, pair.answers),
            (pair.recipient.events, pair.deliveries),
        ):
            poller.register(socket, zmq.POLLIN)
            act[socket] = action
    took = _drive(pairs, poller, act, rate / count, seconds, watch)
    for user in users:
        user.close()
    context.term()
    return pairs, took


def _drive(
    pairs: list[Paced],
    poller: zmq.Poller,
    act: dict[zmq.Socket[bytes], Any],
    rate: float,
    seconds: float,
    watch: Watch,
) -> float:
    begun = last = time.monotonic()
    next_sample, next_ping = begun, begun + 10
    while last < begun + seconds:
        for socket, _ in poller.poll(5):
            act[socket]()
        now = time.monotonic()
        for pair in pairs:
            pair.earn(rate * min(now - last, 1.0))
        last = now
        if now >= next_sample:
            next_sample += SAMPLE_EVERY
            watch.sample(now - begun)
        if now >= next_ping:
            next_ping += 10
            for pair in pairs:
                pair.recipient.post("session.ping", {})
                _drop(pair.recipient.commands)
    took = time.monotonic() - begun
    end = time.monotonic() + 20
    while any(pair.open or pair.delivered < pair.acknowledged for pair in pairs) and time.monotonic() < end:
        for socket, _ in poller.poll(100):
            act[socket]()
    return took


def _drop(socket: zmq.Socket[bytes]) -> None:
    """Answers to earlier pings."""
    try:
        while True:
            socket.recv(NOBLOCK)
    except zmq.Again:
        pass


def _stored(home: Path) -> int:
    """Messages of the load in the database."""
    with closing(sqlite3.connect(f"file:{home / SQLITE_FILE}?mode=ro", uri=True)) as file:
        query = """select coalesce(sum(c.last_seq), 0), coalesce(sum(
            (select count(*) from messages where conversation_id = c.id)), 0)
            from conversations c join users u on u.id = c.user_low where u.name like 'soak%'"""
        counters, rows = file.execute(query).fetchone()
    if counters != rows:
        raise RuntimeError(f"the counters of the conversations say {counters}, there are {rows} messages")
    return int(rows)


def _latencies(pairs: list[Paced]) -> dict[str, float]:
    """p50 and p99 in milliseconds, to about a tenth."""
    buckets: Counter[int] = sum((pair.buckets for pair in pairs), Counter())
    total, seen, found = sum(buckets.values()), 0, {}
    for bucket, count in sorted(buckets.items()):
        for name, share in (("p50_ms", 0.5), ("p99_ms", 0.99)):
            if seen < share * total <= seen + count:
                found[name] = round(2 ** ((bucket + 0.5) / 8) / 1000, 2)
        seen += count
    return found


def _mib(size: float) -> float:
    return round(size / MIB, 1)


def main(arguments: Sequence[str]) -> int:
    """Run what the command line names; exit code 1 when a bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args(arguments)
    figures = soak(options.minutes, options.pairs)
    if options.json:
        print(json.dumps(figures), flush=True)
    else:
        for name, value in figures.items():
            if name != "memory":
                print(f"  {name.replace('_', ' '):24} {value}")
        for name, one in figures["memory"].items():
            print(
                f"  {name:24} USS {one['uss_mib']} MiB (first, last, most), {one['slope_mib_per_hour']} MiB/h"
            )
    return int(not figures["bar_met"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
