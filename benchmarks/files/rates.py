"""How fast one file moves: the yardstick and Pesan in turns, so that both meet the same machine."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from benchmarks.files import bare
from benchmarks.files.mover import Mover

MIB = 1 << 20
WAYS = ("upload", "download")
BARE: dict[str, Callable[[Path, Path, bool], bare.Bare]] = {"upload": bare.upload, "download": bare.download}


def make_source(path: Path, mib: int) -> None:
    """A file of random bytes, in the page cache afterwards: how fast a disk reads is not the question."""
    with path.open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(MIB))


def warm(mib: int) -> None:
    """Have so much memory, and give it back.

    A virtual machine gets its memory when it is touched first, which costs more than what is measured here:
    without this, whoever writes to pages that nobody had before would seem slow.
    """
    wanted = min(mib, psutil.virtual_memory().available // MIB // 2)
    touch = f"for part in [b'x' * {MIB} for _ in range({wanted})]: pass"
    subprocess.run([sys.executable, "-c", touch], check=True)


def rates(mover: Mover, to: str, folder: Path, mib: int, rounds: int) -> dict[str, Any]:
    """MB a second of each way, Pesan's as a share of the yardstick's, medians of ``rounds``."""
    source, target = folder / "source", folder / "target"
    took: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        took.setdefault(name, []).append(seconds)
        os.sync()  # nobody pays for what another left to be written

    _one_small_file(mover, to, folder)
    for _ in range(rounds):
        for way in WAYS:
            moved = BARE[way](source, target, False)
            note(f"bare_{way}", moved.synced)
            note(f"bare_{way}_not_synced", moved.hashed)
            target.unlink()
            note(f"bare_{way}_curve", BARE[way](source, target, True).synced)
            target.unlink()
            if way == "upload":
                answer = mover.tell("upload", sources=[str(source)], to=to)
                files = answer["files"]
            else:
                answer = mover.tell("download", files=files, targets=[str(target)])
                target.unlink()
            note(way, answer["seconds"])
        mover.tell("delete", files=files)
    return _figures(took, mib)


def _one_small_file(mover: Mover, to: str, folder: Path) -> None:
    """Both ways: connections are made and modules loaded before the clock starts, as for the yardstick."""
    source, target = folder / "small", folder / "small-target"
    make_source(source, 1)
    files = mover.tell("upload", sources=[str(source)], to=to)["files"]
    mover.tell("download", files=files, targets=[str(target)])
    mover.tell("delete", files=files)


def _figures(took: dict[str, list[float]], mib: int) -> dict[str, Any]:
    """Ratios of medians. Speeds are told in millions of bytes a second."""
    middle = {name: statistics.median(seconds) for name, seconds in took.items()}
    return {
        "mb_per_second": {name: round(mib * MIB / 1e6 / seconds) for name, seconds in middle.items()},
        "ratio": {
            way: {
                "to_bare": round(middle[f"bare_{way}"] / middle[way], 3),
                "to_bare_not_synced": round(middle[f"bare_{way}_not_synced"] / middle[way], 3),
                "to_bare_with_curve": round(middle[f"bare_{way}_curve"] / middle[way], 3),
            }
            for way in WAYS
        },
        "seconds": {name: [round(one, 2) for one in seconds] for name, seconds in took.items()},
    }
