"""What many transfers at once need: the most memory that the file worker and the broker have meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.figures import Meter
from benchmarks.files.mover import Mover
from benchmarks.files.rates import make_source

EVERY = 0.05
"""Seconds between two looks."""


def memory(mover: Mover, meter: Meter, to: str, folder: Path, transfers: int, mib: int) -> dict[str, Any]:
    """MiB of each process before, and the most while ``transfers`` files go up, then down, at once."""
    sources = [folder / f"source{number}" for number in range(transfers)]
    for source in sources:
        make_source(source, mib)
    os.sync()
    figures: dict[str, Any] = {"transfers": transfers, "mib_each": mib, "before": _both(meter)}
    with _most(meter) as most:
        uploaded = mover.tell("upload", sources=list(map(str, sources)), to=to)
    figures["upload"] = most
    targets = [str(folder / f"target{number}") for number in range(transfers)]
    with _most(meter) as most:
        downloaded = mover.tell("download", files=uploaded["files"], targets=targets)
    figures["download"] = most
    figures["seconds"] = {
        "upload": round(uploaded["seconds"], 1),
        "download": round(downloaded["seconds"], 1),
    }
    mover.tell("delete", files=uploaded["files"])
    for path in (*sources, *map(Path, targets)):
        path.unlink()
    return figures


def _both(meter: Meter) -> dict[str, dict[str, float]]:
    """Resident and proportional memory of the server's processes, MiB."""
    kinds = {"rss_mib": meter.rss_kib(), "pss_mib": meter.pss_kib()}
    return {
        kind: {name: round(kib / 1024, 1) for name, kib in found.items() if name != "load generator"}
        for kind, found in kinds.items()
    }


@contextmanager
def _most(meter: Meter) -> Iterator[dict[str, dict[str, float]]]:
    """Inside, memory is looked at all the time; the map holds the most of each process."""
    most = _both(meter)
    end = threading.Event()

    def look() -> None:
        while not end.wait(EVERY):
            for kind, found in _both(meter).items():
                most[kind] = {name: max(mib, most[kind][name]) for name, mib in found.items()}

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        end.set()
        thread.join()
