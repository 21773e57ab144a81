"""The scenario ``logins``: a pair chats, first in quiet, then under each kind of attack.

Rate limits are on, as by default. Two of the attacks come from so many addresses that no limit by address
stops them; with as many names, too, nothing but the bound on hashing itself does.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import zmq

from benchmarks.dm import Pair, drive, make_pairs
from benchmarks.figures import Meter, latency_figures
from benchmarks.logins.beside import latencies
from benchmarks.logins.honest import Honest
from benchmarks.logins.source import FromAddress
from benchmarks.own_server import ROOT
from protocol.errors import Failure

RATE = 200.0
"""Wrong logins a second."""
BAR_MS = 20.0
"""An attack moves the 99th percentile of a message by no more than this."""
ROUNDS = 3
"""Stretches of quiet and of attack, in turns: a shared machine is not equally fast at all times."""
NAMES = 1000
ADDRESSES = 200
TRIES = 15
"""Logins in quiet for each kind of refusal whose times are compared."""

ATTACKS: dict[str, tuple[int, int]] = {
    "one_name_one_address": (1, 1),
    "many_names_one_address": (NAMES, 1),
    "one_name_many_addresses": (1, ADDRESSES),
    "many_names_many_addresses": (NAMES, ADDRESSES),
}
"""Names and addresses of each attack."""


def logins(server: str, meter: Meter, *, seconds: float = 10.0) -> dict[str, Any]:
    """The scenario's figures."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    stamp = f"{int(time.time()) % 10_000_000}"
    (pair,) = make_pairs(context, server, 1, f"logins{stamp}-")
    honest = Honest(context, server, f"victim{stamp}")
    drive([pair], 1, 1.0)
    figures: dict[str, Any] = {"scenario": "logins", "seconds": seconds, "attempts_per_second": RATE}
    figures["refusal_ms"] = refusals(context, server, honest.name)
    added = []
    for name, (names, addresses) in ATTACKS.items():
        victims = [honest.name] if names == 1 else [f"{name[:12]}{stamp}-{n}" for n in range(names)]
        plan = {"rate": RATE, "seconds": seconds / ROUNDS + 1.0, "addresses": addresses, "names": victims}
        meter.begin()
        figures[name] = compared(pair, honest, server, plan, seconds / ROUNDS)
        figures[name]["cpu_seconds"] = meter.cpu_per(1.0)
        added.append(figures[name]["p99_added_ms"])
    honest.close()
    pair.sender.close()
    pair.recipient.close()
    context.term()
    return {**figures, "p99_added_ms": max(added), "bar_ms": BAR_MS, "bar_met": max(added) <= BAR_MS}


def compared(pair: Pair, honest: Honest, server: str, plan: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Latencies in quiet and under attack, in turns; what the attacker heard; how long honest logins took."""
    quiet: list[float] = []
    under: list[float] = []
    heard: Counter[str] = Counter()
    honest.took.clear()
    honest.refused.clear()
    for _ in range(ROUNDS):
        quiet += latencies(pair, seconds)
        with _attacked(server, plan) as attacked, honest.at_work():
            under += latencies(pair, seconds)
        heard.update(attacked["answers"], sent=attacked["sent"])
    calm, stormy = latency_figures(quiet), latency_figures(under)
    return {
        "quiet": calm,
        "attacked": stormy,
        "attacker": dict(heard),
        "honest_login": honest.figures(),
        "p99_added_ms": round(stormy["p99_ms"] - calm["p99_ms"], 3),
    }


@contextmanager
def _attacked(server: str, plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Inside, the attack is under way; behind it, what the attacker heard is in the map."""
    found: dict[str, Any] = {}
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.logins.attack", server, json.dumps(plan)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            if process.stderr.readline() != "begin\n":
                raise RuntimeError(process.stderr.read())
            yield found
            found.update(json.loads(process.stdout.read()))
        finally:
            process.kill()


def refusals(context: zmq.Context[zmq.Socket[bytes]], server: str, known: str) -> dict[str, dict[str, float]]:
    """Milliseconds until a refusal, for a wrong password and for a name that nobody has, taken in turns.

    Each try comes from an address of its own, so that none is slowed by those before.
    """
    took: dict[str, list[float]] = {"wrong_password": [], "no_such_user": []}
    for number in range(TRIES):
        for kind, name in (("wrong_password", known), ("no_such_user", f"{known}-not")):
            user = FromAddress(context, server, 10_000 + 2 * number + (kind == "no_such_user"))
            user.call("server.hello")
            begun = time.perf_counter()
            user.post("auth.login", {"username": name, "password": "wrong password"})
            try:
                user.answer()
            except Failure as refusal:
                assert refusal.code == "invalid_credentials", refusal.code
            took[kind].append(1000 * (time.perf_counter() - begun))
            user.close()
    return {
        kind: {"median": round(statistics.median(times), 2), "least": round(min(times), 2)}
        for kind, times in took.items()
    }
