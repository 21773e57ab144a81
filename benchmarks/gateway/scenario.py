"""The scenario ``gateway``: idle connections, messages a second, the honest among pests; and the bars."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.figures import Meter, OthersShare
from benchmarks.gateway.callers import register
from benchmarks.gateway.honest import QUIET, honest
from benchmarks.gateway.memory import WARM, memory
from benchmarks.gateway.messages import messages
from benchmarks.gateway.pests import KINDS
from benchmarks.own_server import OwnServer

MEMORY_BAR_KIB = 40.0
"""What a connection that is logged in and idle stays below, by resident and by proportional memory."""
MESSAGES_BAR = 2000
"""Messages a second, stored and answered."""
P99_BAR_MS = 100.0
"""What the 99th percentile of an honest pair stays below, in quiet and beside each pest."""
SETTINGS = {"password_memory_kib": 8, "password_passes": 1}
"""Logging in is not what is measured, and it is done ten thousand times."""


def gateway(
    *, clients: int = 2000, pairs: int = 50, seconds: float = 10.0, workers: int = 1, database: str = ""
) -> dict[str, Any]:
    """The scenario's figures, on a server of its own. ``seconds`` of messages, and beside each pest."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    names = [f"g{number}" for number in range(max(WARM + clients, 2 * pairs))]
    talkers = [f"h{number}" for number in range(2 + len(KINDS))]
    others = OthersShare()
    with OwnServer(
        gateway=True,
        counts={"messaging": workers},
        settings={**SETTINGS, "gateway_connections_per_address": clients + 2000},
        environment={"PESAN_DATABASE": database} if database else {},
    ) as server:
        register(server.port, [*names, *talkers])
        needed = memory(server, names[: WARM + clients])
        time.sleep(1)
        meter = Meter({name: process.pid for name, process in server.processes.items()})
        sent = messages(server.port, server.connection, meter, names[: 2 * pairs], seconds)
        latencies = honest(server.port, talkers, seconds)
    bars = list(judged(needed, sent, latencies))
    return {
        "scenario": "gateway",
        "memory": needed,
        "messages": sent,
        "latency": latencies,
        "others_cpu": others.share(),
        "bars": bars,
        "bar_met": all(bar["met"] for bar in bars),
    }


def judged(
    needed: dict[str, Any], sent: dict[str, Any], latencies: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Each bar: what it is about, what was found, what it had to be, and whether it was."""
    for dialect, figures in needed.items():
        for kind in ("rss", "pss"):
            kib = figures[f"{kind}_kib_each"]
            what = f"idle connection, {dialect}, {kind.upper()}, KiB"
            yield _bar(what, kib, "below", MEMORY_BAR_KIB, kib < MEMORY_BAR_KIB)
    rate = sent["answered_per_second"]
    yield _bar("messages a second, json", rate, "at least", MESSAGES_BAR, rate >= MESSAGES_BAR)
    wrong = sent["not_stored_once_in_order"]
    yield _bar("pairs not stored once and in order", wrong, "at most", 0, wrong == 0)
    for kind in (QUIET, *KINDS):
        p99 = latencies[kind]["p99_ms"]
        yield _bar(f"p99 of a pair, {kind}, ms", p99, "below", P99_BAR_MS, p99 < P99_BAR_MS)


def _bar(what: str, found: float, rule: str, bar: float, met: bool) -> dict[str, Any]:
    return {"what": what, "found": found, "rule": rule, "bar": bar, "met": met}
