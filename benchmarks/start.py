"""From the command to the first login, on an empty data folder, and the memory of all processes then."""

from __future__ import annotations

import time
from typing import Any

import zmq

from benchmarks.figures import Meter
from benchmarks.own_server import OwnServer
from benchmarks.wire import PASSWORD, WireUser


def start(runs: int = 5) -> dict[str, Any]:
    """Median over ``runs`` starts. PSS counts pages that processes share only once."""
    ready, first_login = [], []
    memory: dict[str, int] = {}
    for _ in range(runs):
        begun = time.monotonic()
        with OwnServer() as server:
            ready.append(time.monotonic() - begun)
            context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
            user = WireUser(context, server.connection)
            user.call("auth.register", username="ani", password=PASSWORD)
            user.login("ani")
            first_login.append(time.monotonic() - begun)
            memory = Meter({name: process.pid for name, process in server.processes.items()}).pss_kib()
            user.close()
            context.term()
    return {
        "scenario": "start",
        "runs": runs,
        "ready_seconds": round(sorted(ready)[runs // 2], 3),
        "first_login_seconds": round(sorted(first_login)[runs // 2], 3),
        "pss_kib": memory,
        "pss_kib_total": sum(memory.values()),
    }
