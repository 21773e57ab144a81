"""A pair who talk in the bracket dialect, one message at a time: how long they wait."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from benchmarks.figures import latency_figures
from benchmarks.gateway.callers import enter, leave
from benchmarks.gateway.pests import KINDS
from benchmarks.own_server import ROOT

QUIET = "quiet"
FAREWELL = 60.0
"""Seconds that a pest may take to finish what it is at."""


def honest(base: int, names: list[str], seconds: float) -> dict[str, Any]:
    """Latencies in quiet and beside each pest; of ``names``, two talk and the others are pests."""
    (sender, recipient), _ = enter(base, "bracket", names[:2])
    pair = Pair(names[0], names[1], sender, recipient)
    pair.talk(min(1.0, seconds))
    figures: dict[str, Any] = {QUIET: pair.talk(seconds)}
    for kind, name in zip(KINDS, names[2:], strict=True):
        arguments = [sys.executable, "-m", "benchmarks.gateway.pests", kind, str(base), str(seconds), name]
        with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as pest:
            assert pest.stdout is not None
            if pest.stdout.readline() != "ready\n":
                raise RuntimeError(f"{kind}: the pest could not begin; stderr says why")
            figures[kind] = pair.talk(seconds)
            last = pest.stdout.readline()
            if pest.wait(FAREWELL) != 0:
                raise RuntimeError(f"{kind}: the pest failed; stderr says why")
            figures[kind]["pest"] = json.loads(last)["done"]
    leave([sender, recipient])
    return figures


class Pair:
    """Two who are logged in."""

    def __init__(self, name: str, to: str, sender: Any, recipient: Any) -> None:
        self._sender, self._recipient = sender, recipient
        self._begins = f"SEND {to} ".encode()
        self._from = f" {name} ".encode()
        self._said = 0

    def talk(self, seconds: float) -> dict[str, Any]:
        """For so long; milliseconds from sending to the later of the answer and the other's line."""
        latencies = []
        until = time.perf_counter() + seconds
        while (begun := time.perf_counter()) < until:
            self._said += 1
            answer = self._sender.ask(b"%b%d\n" % (self._begins, self._said), b"\n")
            heard = self._recipient.answer(b"\n")
            latencies.append(time.perf_counter() - begun)
            if answer != b"[OK] pesan terkirim\n" or not heard.endswith(b"%b%d\n" % (self._from, self._said)):
                raise RuntimeError(f"message {self._said}: {answer!r}, {heard!r}")
        return {"messages": len(latencies), **latency_figures(latencies)}
