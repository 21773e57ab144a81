"""The benchmark of the gateway: each of its bars can be missed."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.gateway.callers import WAYS
from benchmarks.gateway.honest import QUIET
from benchmarks.gateway.pests import KINDS
from benchmarks.gateway.scenario import judged


def found() -> dict[str, Any]:
    """Figures with which every bar is met, just."""
    return {
        "needed": {dialect: {"rss_kib_each": 39.9, "pss_kib_each": 39.9} for dialect in WAYS},
        "sent": {"answered_per_second": 2000, "not_stored_once_in_order": 0},
        "latencies": {kind: {"p99_ms": 99.99} for kind in (QUIET, *KINDS)},
    }


def missed(figures: dict[str, Any]) -> list[str]:
    return [bar["what"] for bar in judged(**figures) if not bar["met"]]


def test_figures_that_are_good_enough_meet_every_bar() -> None:
    assert missed(found()) == []
    assert len(list(judged(**found()))) == 2 * len(WAYS) + 2 + 1 + len(KINDS)


@pytest.mark.parametrize("dialect", WAYS)
def test_connections_that_are_too_large_are_found(dialect: str) -> None:
    large = found()
    large["needed"][dialect] = {"rss_kib_each": 40.0, "pss_kib_each": 40.0}
    assert missed(large) == [f"idle connection, {dialect}, {kind}, KiB" for kind in ("RSS", "PSS")]


def test_too_few_messages_and_those_that_are_not_in_the_store_are_found() -> None:
    slow, wrong = found(), found()
    slow["sent"]["answered_per_second"] = 1999
    wrong["sent"]["not_stored_once_in_order"] = 1
    assert missed(slow) == ["messages a second, json"]
    assert missed(wrong) == ["pairs not stored once and in order"]


@pytest.mark.parametrize("kind", [QUIET, *KINDS])
def test_a_pair_that_waits_too_long_is_found(kind: str) -> None:
    late = found()
    late["latencies"][kind]["p99_ms"] = 100.0
    assert missed(late) == [f"p99 of a pair, {kind}, ms"]
