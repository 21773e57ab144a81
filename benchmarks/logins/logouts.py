"""The scenario ``logouts``: what one costs with many who listen in the same conversations.

Whatever ends a session replaces the topics that it knew, the one that everybody listens to among them, so
everybody asks for the new ones. Measured are the server's CPU time for one logout, and what logging out as
fast as one address may (``entry_rate``) does to two people who chat, in turns with quiet.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import zmq

from benchmarks.dm import make_pairs
from benchmarks.figures import Meter, latency_figures
from benchmarks.logins.beside import again_and_again, latencies
from benchmarks.own_server import ROOT
from benchmarks.wire import WireUser
from config.settings import RateLimits

ALONE = 10
"""Logouts one by one, each a second after the one before, so that everybody has asked in between."""
ROUNDS = 3
DEVICES = 60
"""Sessions of the one who logs out, opened before: fewer than ``sessions_per_user``."""


def logouts(server: str, meter: Meter, *, listeners: int = 1000, seconds: float = 10.0) -> dict[str, Any]:
    """The scenario's figures."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    stamp = f"{int(time.time()) % 10_000_000}"
    (pair,) = make_pairs(context, server, 1, f"chat{stamp}-")
    leaver = WireUser(context, server)
    leaver.call("auth.register", username=f"leaver{stamp}", password="benchmark-password")  # noqa: S106
    tokens = _devices(leaver, f"leaver{stamp}", 1)
    leaver.token = tokens.pop()
    leaver.call("group.create", group=f"crowd{stamp}")
    plan = {"listeners": listeners, "group": f"crowd{stamp}", "prefix": f"listener{stamp}"}
    quiet: list[float] = []
    under: list[float] = []
    stretch = min(seconds / ROUNDS, DEVICES / (ROUNDS * RateLimits().entry_rate))
    with _crowd(server, plan) as crowd:
        tokens = _devices(leaver, f"leaver{stamp}", ALONE + DEVICES)
        meter.begin()
        time.sleep(ALONE)
        idle = meter.cpu_per(ALONE)
        meter.begin()
        took = [_logged_out(leaver, tokens.pop(), 1.0) for _ in range(ALONE)]
        each = meter.cpu_per(ALONE)
        for _ in range(ROUNDS):
            quiet += latencies(pair, stretch)
            with _leaving(leaver, tokens):
                under += latencies(pair, stretch)
            time.sleep(1.0)
    calm, stormy = latency_figures(quiet), latency_figures(under)
    for socket in (pair.sender, pair.recipient, leaver):
        socket.close()
    context.term()
    return {
        "scenario": "logouts",
        "listeners": listeners,
        "answer_ms": latency_figures(took),
        "cpu_seconds_per_logout": {name: round(cpu - idle[name], 4) for name, cpu in each.items()},
        "cpu_seconds_per_idle_second": idle,
        "logouts_a_second": RateLimits().entry_rate,
        "quiet": calm,
        "while_they_log_out": stormy,
        "p99_added_ms": round(stormy["p99_ms"] - calm["p99_ms"], 3),
        "crowd": dict(crowd),
    }


def _devices(user: WireUser, name: str, count: int) -> list[bytes]:
    user.token = b""
    return [
        user.call("auth.login", username=name, password="benchmark-password")["token"]  # noqa: S106
        for _ in range(count)
    ]


def _logged_out(user: WireUser, token: bytes, pause: float) -> float:
    """Seconds until the answer; the pause follows."""
    user.token = token
    begun = time.monotonic()
    user.call("auth.logout")
    took = time.monotonic() - begun
    time.sleep(pause)
    return took


@contextmanager
def _leaving(user: WireUser, tokens: list[bytes]) -> Iterator[None]:
    """Inside, one device after the other logs out, as fast as one address may."""

    def leave() -> None:
        if tokens:
            _logged_out(user, tokens.pop(), 0.0)

    with again_and_again(leave, 1 / RateLimits().entry_rate):
        yield


@contextmanager
def _crowd(server: str, plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Inside, they listen; behind it, the map says how often they asked."""
    found: dict[str, Any] = {}
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.logins.crowd", server, json.dumps(plan)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdin is not None and process.stdout is not None and process.stderr is not None
            if (word := process.stderr.readline()) != "begin\n":
                raise RuntimeError(word + process.stderr.read())
            yield found
            process.stdin.close()
            found.update(json.loads(process.stdout.read()))
        finally:
            process.kill()
