"""Many people logged in who do nothing: what each costs in every process, and how fast they came in."""

from __future__ import annotations

import resource
import time
from typing import Any

import zmq

from benchmarks.figures import Meter
from benchmarks.wire import WireUser, enter


def idle(server: str, meter: Meter, *, clients: int = 2000) -> dict[str, Any]:
    """KiB per client of each server process, and logins a second. Each client has both sockets open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 4 * clients + 100)
    warm = WireUser(context, server)
    prefix = f"idle{int(time.time()) % 10_000_000}-"
    enter([warm], [prefix + "warm"])
    before = meter.rss_kib()
    begun = time.monotonic()
    users = [WireUser(context, server) for _ in range(clients)]
    names = [f"{prefix}{number}" for number in range(clients)]
    login_seconds = enter(users, names)
    for user in users:
        user.listen()
    for user in users:
        user.await_welcome(120)
    took = time.monotonic() - begun
    time.sleep(3)
    after = meter.rss_kib()
    meter.begin()
    time.sleep(5)
    figures = {
        "scenario": "idle",
        "clients": clients,
        "logins_per_second": round(clients / login_seconds),
        "registered_and_listening_after_seconds": round(took, 1),
        "kib_per_client": {
            name: round((after[name] - before[name]) / clients, 1)
            for name in after
            if name != "load generator"
        },
        "cpu_share_while_idle": meter.cpu_per(5),
    }
    for user in [warm, *users]:
        user.close()
    context.term()
    return figures
