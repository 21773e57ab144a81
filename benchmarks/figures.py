"""What a scenario measures beside its own counts: latencies, CPU time and memory of each process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import psutil


def latency_figures(seconds: list[float]) -> dict[str, float]:
    """p50, p95, p99 and the largest, in milliseconds."""
    if not seconds:
        return {}
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)

    return {"p50_ms": at(0.50), "p95_ms": at(0.95), "p99_ms": at(0.99), "max_ms": at(1.0)}


class OthersShare:
    """How much of the machine's CPU goes to others than us: what is measured in seconds depends on it."""

    def __init__(self) -> None:
        self._begun = self._times()

    def share(self) -> float:
        """Of all cores, from 0 to 1, since this was made. Children count as us once they were waited for."""
        whole, busy, ours = (now - then for now, then in zip(self._times(), self._begun, strict=True))
        return round(max(0.0, busy - ours) / max(whole, 1e-9), 2)

    @staticmethod
    def _times() -> tuple[float, float, float]:
        machine = psutil.cpu_times()
        idle = machine.idle + getattr(machine, "iowait", 0.0)
        guests = getattr(machine, "guest", 0.0) + getattr(machine, "guest_nice", 0.0)  # in user already
        whole = sum(machine) - guests
        ours = os.times()
        return (
            whole,
            whole - idle,
            ours.user + ours.system + ours.children_user + ours.children_system,
        )


class Meter:
    """CPU and memory of the server's processes (by name) and of the load generator."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._processes["load generator"] = psutil.Process()
        self._before: dict[str, float] = {}

    def begin(self) -> None:
        """Count CPU from here."""
        self._before = {name: _cpu(process) for name, process in self._processes.items()}

    def cpu_per(self, units: float) -> dict[str, float]:
        """CPU seconds since ``begin`` of each process, divided by ``units``."""
        return {
            name: round((_cpu(process) - self._before[name]) / max(units, 1e-9), 5)
            for name, process in self._processes.items()
        }

    def rss_kib(self) -> dict[str, int]:
        """Resident memory of each process, KiB."""
        return {name: process.memory_info().rss // 1024 for name, process in self._processes.items()}

    def pss_kib(self) -> dict[str, int]:
        """Proportional memory of the server's processes, KiB: shared pages are counted once in the sum."""
        return {
            name: _pss(process.pid) for name, process in self._processes.items() if name != "load generator"
        }


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
