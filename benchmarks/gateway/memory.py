"""What people who are logged in and do nothing cost the gateway's process, by dialect."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.figures import Meter
from benchmarks.gateway.callers import WAYS, enter, leave
from benchmarks.own_server import OwnServer

GATEWAY = "gateway"
WARM = 20
"""Connections that are there before the first look, so that what is made once is not counted."""
SETTLED, IDLE = 3.0, 5.0
"""Seconds before the second look; and of looking at what they cost the CPU."""


def memory(server: OwnServer, names: list[str]) -> dict[str, Any]:
    """KiB a connection, each dialect in a fresh gateway; of ``names``, the first ``WARM`` warm it up."""
    return {dialect: _in_one_dialect(server, dialect, names) for dialect in WAYS}


def _in_one_dialect(server: OwnServer, dialect: str, names: list[str]) -> dict[str, Any]:
    if server.stop(GATEWAY) != 0:
        raise RuntimeError(f"the gateway did not end well\n{server.errors()}")
    server.start_gateway()
    meter = Meter({name: server.processes[name].pid for name in (GATEWAY, "broker")})
    warm, _ = enter(server.port, dialect, names[:WARM])
    time.sleep(1)
    rss, pss = meter.rss_kib(), meter.pss_kib()
    begun = time.monotonic()
    callers, _ = enter(server.port, dialect, names[WARM:])
    took = time.monotonic() - begun
    time.sleep(SETTLED)
    rss_then, pss_then = meter.rss_kib(), meter.pss_kib()
    meter.begin()
    time.sleep(IDLE)
    cpu = meter.cpu_per(IDLE)
    leave([*warm, *callers])
    count = len(callers)
    return {
        "connections": count,
        "logins_per_second": round(count / took),
        "rss_kib_each": round((rss_then[GATEWAY] - rss[GATEWAY]) / count, 1),
        "pss_kib_each": round((pss_then[GATEWAY] - pss[GATEWAY]) / count, 1),
        "rss_kib_before": rss[GATEWAY],
        "broker_rss_kib_each": round((rss_then["broker"] - rss["broker"]) / count, 1),
        "cpu_share_while_idle": {name: cpu[name] for name in (GATEWAY, "broker")},
    }
