"""One pair, one message in flight: how long from send to delivery when nothing else happens."""

from __future__ import annotations

import time
from typing import Any

import zmq

from benchmarks.dm import drive, make_pairs
from benchmarks.figures import Meter, latency_figures


def latency(server: str, meter: Meter, *, seconds: float = 10.0) -> dict[str, Any]:
    """The scenario's figures."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    (pair,) = make_pairs(context, server, 1, f"latency{int(time.time()) % 10_000_000}-")
    drive([pair], 1, 0.5)
    pair.latencies.clear()
    pair.delivered = 0
    meter.begin()
    took = drive([pair], 1, seconds)
    figures = {
        "scenario": "latency",
        "seconds": round(took, 2),
        "delivered": pair.delivered,
        **latency_figures(pair.latencies),
    }
    pair.sender.close()
    pair.recipient.close()
    context.term()
    return figures
