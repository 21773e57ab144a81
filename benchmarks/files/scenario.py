"""The scenario ``file``: rates, messages beside a transfer, memory of many transfers; and the bars."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zmq

from benchmarks.dm import make_pairs
from benchmarks.figures import Meter, OthersShare
from benchmarks.files.beside import QUIET, beside
from benchmarks.files.memory import memory
from benchmarks.files.mover import Mover
from benchmarks.files.rates import WAYS, make_source, rates, warm
from benchmarks.wire import WireUser, enter
from protocol.limits import FILE_CHUNK_BYTES, FILE_WINDOW

RATIO_BAR = 0.5
"""Pesan moves a file at least at this share of the yardstick's rate."""
P99_FACTOR, P99_MS = 2.0, 5.0
"""Beside a transfer, the 99th percentile of a message's latency stays below so many times the quiet one,
and so many milliseconds."""
MEMORY_BAR_MIB = 100.0
"""What the file worker stays below with ``TRANSFERS`` at once."""
TRANSFERS = 20
SPACE = 6
"""How many files' worth of memory the disk's cache may take during a run."""
FILE_WORKER = "file.1"


def file(
    server: str, meter: Meter, *, mib: int = 1024, rounds: int = 3, seconds: float = 30.0
) -> dict[str, Any]:
    """The scenario's figures. ``seconds`` of each kind of chat; of the many files each is a sixteenth."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    stamp = f"file{int(time.time()) % 10_000_000}-"
    (pair,) = make_pairs(context, server, 1, stamp)
    users = [WireUser(context, server) for _ in range(2)]
    enter(users, [f"{stamp}from", f"{stamp}to"])
    owner, to = users[0].token, users[1].name
    others = OthersShare()
    with tempfile.TemporaryDirectory(prefix="pesan-file-") as name:
        folder = Path(name)
        warm(SPACE * mib)
        make_source(folder / "source", mib)
        with Mover(server, [owner]) as mover:
            moved = rates(mover, to, folder, mib, rounds)
            latencies = beside(mover, to, pair, folder, rounds, seconds)
        with Mover(server, [owner] * TRANSFERS) as mover:
            needed = memory(mover, meter, to, folder, TRANSFERS, max(1, mib // 16))
    for user in (*users, pair.sender, pair.recipient):
        user.close()
    context.term()
    bars = list(judged(moved, latencies, needed))
    return {
        "scenario": "file",
        "mib": mib,
        "rounds": rounds,
        "chunk_kib": FILE_CHUNK_BYTES // 1024,
        "window": FILE_WINDOW,
        **moved,
        "latency": latencies,
        "memory": needed,
        "others_cpu": others.share(),
        "bars": bars,
        "bar_met": all(bar["met"] for bar in bars),
    }


def judged(
    moved: dict[str, Any], latencies: dict[str, Any], needed: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Each bar: what it is about, what was found, what it had to be, and whether it was."""
    for way in WAYS:
        share = moved["ratio"][way]["to_bare"]
        yield _bar(f"{way}, share of the bare rate", share, "at least", RATIO_BAR, share >= RATIO_BAR)
    for way in WAYS:
        for how, quiet in latencies[QUIET].items():
            bar = round(P99_FACTOR * quiet["p99_ms"] + P99_MS, 2)
            p99 = latencies[way][how]["p99_ms"]
            yield _bar(f"p99 beside {way}, {how.replace('_', ' ')}, ms", p99, "below", bar, p99 < bar)
    for way in WAYS:
        most = needed[way]["rss_mib"].get(FILE_WORKER)
        if most is not None:
            bar = MEMORY_BAR_MIB
            yield _bar(f"file worker, {needed['transfers']} {way}s, MiB", most, "below", bar, most < bar)


def _bar(what: str, found: float, rule: str, bar: float, met: bool) -> dict[str, Any]:
    return {"what": what, "found": found, "rule": rule, "bar": bar, "met": met}
