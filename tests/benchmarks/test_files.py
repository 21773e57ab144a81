"""The benchmark of files: its yardstick moves what it says it moves, and its bars can be missed."""

from __future__ import annotations

import copy
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks.files import bare
from benchmarks.files.rates import WAYS
from benchmarks.files.scenario import judged
from protocol.limits import FILE_CHUNK_BYTES


@pytest.mark.parametrize("curve", [False, True])
@pytest.mark.parametrize("way", [bare.upload, bare.download])
def test_the_yardstick_moves_every_byte_and_hashes_it(tmp_path: Path, way: object, curve: bool) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(10 * FILE_CHUNK_BYTES + 7))
    assert callable(way)
    moved = way(source, target, curve)
    assert target.read_bytes() == source.read_bytes()
    assert moved.sha256 == hashlib.sha256(source.read_bytes()).digest()
    assert 0 < moved.hashed <= moved.synced


def found() -> dict[str, Any]:
    """Figures with which every bar is met, just."""
    quiet = {"one_in_flight": {"p99_ms": 2.0}, "paced": {"p99_ms": 1.0}}
    beside = {"one_in_flight": {"p99_ms": 8.99}, "paced": {"p99_ms": 6.99}}
    needed = {"rss_mib": {"file.1": 99.9, "broker": 200.0}}
    return {
        "moved": {"ratio": {way: {"to_bare": 0.5} for way in WAYS}},
        "latencies": {"quiet": quiet, **{way: copy.deepcopy(beside) for way in WAYS}},
        "needed": {"transfers": 20, **{way: copy.deepcopy(needed) for way in WAYS}},
    }


def missed(figures: dict[str, Any]) -> list[str]:
    return [bar["what"] for bar in judged(**figures) if not bar["met"]]


def test_figures_that_are_good_enough_meet_every_bar() -> None:
    assert missed(found()) == []
    assert len(list(judged(**found()))) == 8


@pytest.mark.parametrize("way", WAYS)
def test_each_bar_is_missed_by_a_figure_that_is_too_bad(way: str) -> None:
    slow, late, behind, large = found(), found(), found(), found()
    slow["moved"]["ratio"][way]["to_bare"] = 0.499
    late["latencies"][way]["one_in_flight"]["p99_ms"] = 9.0
    behind["latencies"][way]["paced"]["p99_ms"] = 7.0
    large["needed"][way]["rss_mib"]["file.1"] = 100.0
    assert missed(slow) == [f"{way}, share of the bare rate"]
    assert missed(late) == [f"p99 beside {way}, one in flight, ms"]
    assert missed(behind) == [f"p99 beside {way}, paced, ms"]
    assert missed(large) == [f"file worker, 20 {way}s, MiB"]
