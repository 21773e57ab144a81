"""Two realms: seeds without a violation, and builds that are broken between them."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.simulation.abroad import seeded_pair
from tests.simulation.broken import Broken
from tests.simulation.broken_between import BETWEEN
from tests.simulation.neighbours import play_two
from tests.simulation.world import Violation

SEEDS = 12
CHUNKS = 4


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_seeds_of_two_realms_break_no_rule(chunk: int) -> None:
    counts: Counter[str] = Counter()
    for seed in range(chunk, SEEDS, CHUNKS):
        counts += play_two(seeded_pair(seed)).counts
    # A run in which nothing happens proves nothing.
    assert counts["acknowledged"] > 100 and counts["handed out"] > 200 and counts["posts taken"] > 10
    assert counts["between: cut"] + counts["between: silence"]
    assert counts["kill worker"] + counts["kill everything"]


def first_caught(broken: Broken, seeds: int) -> int | None:
    """One of the first seeds that catches a broken build."""
    order = [(broken.likely + place) % seeds for place in range(seeds)]
    return next((seed for seed in order if caught(seed, broken)), None)


def caught(seed: int, broken: Broken) -> bool:
    """Whether this seed catches a broken build."""
    try:
        play_two(seeded_pair(seed), broken)
    except Violation:
        return True
    return False


@pytest.mark.parametrize("name", BETWEEN)
def test_a_build_that_is_broken_between_realms_is_caught_within_20_seeds(name: str) -> None:
    assert first_caught(BETWEEN[name], 20) is not None


def test_a_run_of_two_realms_plays_the_same_every_time() -> None:
    first, second = (play_two(seeded_pair(3)) for _ in range(2))
    assert (first.digest, first.steps, first.seconds) == (second.digest, second.steps, second.seconds)
