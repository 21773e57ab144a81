"""From the command to the first login, on an empty data folder, and the memory of all processes then; and
from Ctrl-C to the end of all that ``pesan up`` started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import zmq

from benchmarks.figures import Meter
from benchmarks.own_server import OwnServer, free_port_base
from benchmarks.wire import PASSWORD, WireUser

STOP_BAR = 2.0
"""Seconds; see docs/OPERATIONS.md."""


def start(runs: int = 5) -> dict[str, Any]:
    """Median over ``runs`` starts, the slowest of as many stops. PSS counts each shared page only once."""
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
    stops = [_stop_seconds() for _ in range(runs)]
    return {
        "scenario": "start",
        "runs": runs,
        "ready_seconds": round(sorted(ready)[runs // 2], 3),
        "first_login_seconds": round(sorted(first_login)[runs // 2], 3),
        "pss_kib": memory,
        "pss_kib_total": sum(memory.values()),
        "stop_seconds_most": round(max(stops), 3),
        "bar": STOP_BAR,
        "bar_met": max(stops) < STOP_BAR,
    }


def _stop_seconds() -> float:
    """How long a whole ``pesan up`` needs after Ctrl-C."""
    with tempfile.TemporaryDirectory(prefix="pesan-") as home:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("pesan")), "up"],
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("PESAN_")},
                "PESAN_HOME": home,
                "PESAN_PORT_BASE": str(free_port_base()),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("pesan ready "):
                    break
            begun = time.monotonic()
            process.send_signal(signal.SIGINT)
            process.communicate()
            if process.returncode != 0:
                raise RuntimeError(f"pesan up ended with exit code {process.returncode}")
            return time.monotonic() - begun
