"""Seeds without a violation, plans that hypothesis thinks of, and builds that are broken on purpose."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulation import memory
from tests.simulation.broken import BUILDS, SOUND, Broken
from tests.simulation.plan import Dice, T, plan, seeded
from tests.simulation.world import Violation, World, play

ROOT = Path(__file__).parents[2]
SEEDS = 50
CHUNKS = 5


class Drawn:
    """Choices that hypothesis makes."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def whole(self, least: int, most: int) -> int:
        return self._draw(st.integers(least, most))

    def number(self, least: float, most: float) -> float:
        return self._draw(st.floats(least, most))

    def one(self, things: Sequence[T]) -> T:
        return self._draw(st.sampled_from(things))


@st.composite
def plans(draw: st.DrawFn):  # type: ignore[no-untyped-def]
    """Any plan that there is."""
    return plan(Drawn(draw), draw(st.integers(0, 2**32)))


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_seeds_break_no_rule(chunk: int) -> None:
    counts: Counter[str] = Counter()
    for seed in range(chunk, SEEDS, CHUNKS):
        counts += play(seeded(seed)).counts
    # A run in which nothing happens proves nothing.
    assert counts["acknowledged"] > 250 and counts["handed out"] > 500
    assert counts["kill worker"] and counts["kill broker"] + counts["kill everything"]
    assert counts["frames lost"] and counts["frames doubled"] and counts["frames reordered"]
    assert counts["broker: rate limited"] + counts["broker: busy"]
    assert (
        counts["hung up on"] + counts["stopped inside a transaction"] + counts["stopped after a transaction"]
    )


@settings(
    max_examples=12,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(plans())
def test_plans_that_hypothesis_thinks_of_break_no_rule(drawn) -> None:  # type: ignore[no-untyped-def]
    play(drawn)


def first_caught(broken: Broken, seeds: int) -> int | None:
    """One of the first seeds that catches a broken build."""
    order = [(broken.likely + place) % seeds for place in range(seeds)]
    return next((seed for seed in order if caught(seed, broken)), None)


def caught(seed: int, broken: Broken) -> bool:
    """Whether this seed catches a broken build."""
    try:
        play(seeded(seed), broken)
    except Violation:
        return True
    return False


def test_what_grows_and_has_no_bound_is_a_breach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(memory.MOST, "Core._flights")
    with pytest.raises(Violation, match="nobody says how large"):
        play(seeded(0))


@pytest.mark.parametrize("name", BUILDS)
def test_a_broken_build_is_caught_within_50_seeds(name: str) -> None:
    assert first_caught(BUILDS[name], 50) is not None


def test_what_catches_a_broken_build_is_the_break_and_not_the_seed() -> None:
    seed = first_caught(BUILDS["forget the dedupe"], 50)
    assert seed is not None
    play(seeded(seed), SOUND)


def test_what_heals_by_itself_is_caught_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    build = BUILDS["one change in two transactions"]
    with monkeypatch.context() as blind:
        # For whoever does not look before the end, most of these runs end well.
        blind.setattr(World, "look", lambda world: None)
        healed = [seed for seed in range(10) if not caught(seed, build)]
    assert any(caught(seed, build) for seed in healed)


def test_a_failing_seed_fails_the_same_way_every_time() -> None:
    build = BUILDS["maximum instead of contiguous cursor"]
    seed = first_caught(build, 50)
    assert seed is not None
    told = []
    for _ in range(2):
        with pytest.raises(Violation) as violation:
            play(seeded(seed), build)
        told.append(str(violation.value))
    assert told[0] == told[1] and f"seed {seed}" in told[0]


def test_a_seed_plays_the_same_in_a_process_that_hashes_otherwise() -> None:
    script = "from tests.simulation.world import play; from tests.simulation.plan import seeded;"
    script += "outcome = play(seeded(5)); print(outcome.digest, outcome.steps, outcome.seconds)"
    told = [
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": number},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for number in ("1", "2")
    ]
    assert told[0] == told[1] and told[0].strip()


def test_other_seeds_are_other_plans() -> None:
    assert plan(Dice(1), 1) != plan(Dice(2), 2)
    assert seeded(1) == seeded(1)
