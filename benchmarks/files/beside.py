"""What a transfer does to messages: one pair's latencies in quiet and beside a transfer, in turns.

Twice: with one message in flight, the next as soon as it arrived, and at a steady pace.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import zmq

from benchmarks.dm import Pair, drive
from benchmarks.figures import latency_figures
from benchmarks.files.mover import Mover

PACE = 100.0
"""Messages a second of the paced pair."""
LEAD = 1.0
"""Seconds after which a transfer that was begun is in full swing."""
LAST = 10.0
"""Seconds that the last of them are waited for."""
QUIET = "quiet"


def beside(mover: Mover, to: str, pair: Pair, folder: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """Latencies in quiet, beside an upload and beside a download; ``seconds`` of each in all."""
    source, target = str(folder / "source"), str(folder / "target")
    files = mover.tell("upload", sources=[source], to=to)["files"]
    found: dict[str, dict[str, list[float]]] = {}

    def measure(when: str) -> None:
        if when == QUIET:
            os.sync()  # a transfer is over when its bytes are on the disk, and quiet begins then
        kept = found.setdefault(when, {"one_in_flight": [], "paced": []})
        kept["one_in_flight"] += one_in_flight(pair, seconds / rounds)
        kept["paced"] += paced(pair, seconds / rounds)

    one_in_flight(pair, 1.0)
    for _ in range(rounds):
        measure(QUIET)
        with mover.again_and_again("upload", sources=[source], to=to):
            time.sleep(LEAD)
            measure("upload")
        measure(QUIET)
        with mover.again_and_again("download", files=files, targets=[target]):
            time.sleep(LEAD)
            measure("download")
    mover.tell("delete", files=files)
    return {
        when: {how: latency_figures(latencies) for how, latencies in kept.items()}
        for when, kept in found.items()
    }


def one_in_flight(pair: Pair, seconds: float) -> list[float]:
    """The next message as soon as the one before was answered."""
    pair.latencies.clear()
    drive([pair], 1, seconds)
    return list(pair.latencies)


def paced(pair: Pair, seconds: float) -> list[float]:
    """``PACE`` messages a second, whatever became of those before."""
    poller = zmq.Poller()
    assert pair.recipient.events is not None
    poller.register(pair.sender.commands, zmq.POLLIN)
    poller.register(pair.recipient.events, zmq.POLLIN)

    def hear_until(moment: float) -> None:
        while (left := moment - time.monotonic()) > 0:
            for socket, _ in poller.poll(max(1, int(1000 * left))):
                pair.deliveries() if socket is pair.recipient.events else pair.answers(False)

    pair.latencies.clear()
    begun = time.monotonic()
    sent = int(seconds * PACE)
    for number in range(sent):
        hear_until(begun + number / PACE)
        pair.send()
    end = time.monotonic() + LAST
    while (pair.open or len(pair.latencies) < sent) and time.monotonic() < end:
        hear_until(time.monotonic() + 0.01)
    return list(pair.latencies)
