"""What ``pesan up`` does when a process ends, a signal comes or time passes. Nothing here sleeps."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.up import policy
from broker.up.policy import FIRST_PAUSE, LONGEST_PAUSE, SERVES_WITHIN, STEADY, how, pause
from tests.broker.up.stage import DRAIN, Stage

TERM, KILL = signal.SIGTERM, signal.SIGKILL
NAMES = ("broker.1", "auth.1", "messaging.1", "messaging.2")


def serving() -> Stage:
    """Everything runs and serves."""
    stage = Stage(*NAMES)
    stage.serves(*NAMES)
    return stage


# --- whoever ends is started again ----------------------------------------------------------------


def test_everything_is_started_in_the_order_of_the_procfile() -> None:
    assert [name for _, name in Stage(*NAMES).starts] == list(NAMES)


@pytest.mark.parametrize("code", [-KILL, -signal.SIGABRT, 1, 0, 75])
def test_whoever_ends_is_started_again_at_once_the_first_time(code: int) -> None:
    stage = serving()
    stage.ends(stage.oldest("broker.1"), code)
    stage.passes(0.0)
    assert stage.numbers("broker.1") != []
    assert stage.said == [f"broker.1 {how(code)}: starting it again"]


def test_pauses_grow_while_a_process_ends_again_and_again_and_never_exceed_the_longest() -> None:
    stage = Stage("auth.1")
    waits = []
    for _ in range(12):
        stage.ends(stage.oldest("auth.1"), 1)
        waits.append(stage.skips())
    assert len(stage.starts) == 13
    assert waits[:5] == pytest.approx([0.0, FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE, 8 * FIRST_PAUSE])
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_PAUSE
    assert stage.said[:3] == [
        "auth.1 ended with exit code 1: starting it again",
        "auth.1 ended with exit code 1: starting it again in 0.5 s",
        "auth.1 ended with exit code 1: starting it again in 1.0 s",
    ]


def test_a_process_that_ran_well_for_a_while_is_started_again_at_once() -> None:
    stage = serving()
    for _ in range(5):
        stage.ends(stage.oldest("auth.1"))
        stage.skips()
    stage.passes(STEADY)
    stage.said.clear()
    stage.ends(stage.oldest("auth.1"))
    assert stage.said == ["auth.1 was ended by SIGKILL: starting it again"]


def test_one_that_ends_again_and_again_does_not_slow_its_neighbours() -> None:
    stage = serving()
    for _ in range(4):
        stage.ends(stage.oldest("auth.1"))
        stage.skips()
    stage.said.clear()
    stage.ends(stage.oldest("messaging.1"))
    assert stage.said == ["messaging.1 was ended by SIGKILL: starting it again"]


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_a_pause_has_jitter_and_still_grows_up_to_the_longest(
    failures: int, chance: float, other: float
) -> None:
    shorter, longer = pause(failures, chance), pause(failures + 1, other)
    assert 0.0 <= shorter <= LONGEST_PAUSE
    assert shorter < longer or shorter >= 0.75 * LONGEST_PAUSE
    if failures:
        assert pause(failures, 0.9) < pause(failures, 0.1)


# --- could not start --------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [policy.COULD_NOT_START, *policy.NO_COMMAND])
def test_one_that_cannot_start_ends_everything_and_is_not_tried_again(code: int) -> None:
    stage = Stage(*NAMES)
    stage.serves("auth.1")
    stage.ends(stage.oldest("broker.1"), code)
    assert stage.said == ["broker.1 could not start, and trying again will not help: stopping everything"]
    assert sorted(stage.heard()) == [(name, TERM) for name in sorted(NAMES) if name != "broker.1"]
    for name in ("auth.1", "messaging.1", "messaging.2"):
        assert stage.policy.outcome is None
        stage.drains(name)
    assert stage.policy.outcome == 78
    assert len(stage.starts) == len(NAMES)


def test_one_that_served_before_is_tried_again_even_if_it_cannot_start() -> None:
    stage = serving()
    stage.ends(stage.oldest("auth.1"))
    stage.passes(0.0)
    stage.ends(stage.oldest("auth.1"), 78)
    stage.passes(FIRST_PAUSE)
    assert stage.numbers("auth.1")
    assert stage.said[-1] == "auth.1 could not start: starting it again in 0.5 s"
    assert stage.heard() == []


def test_the_only_process_cannot_start() -> None:
    stage = Stage("broker.1")
    stage.ends(stage.oldest("broker.1"), 78)
    assert stage.policy.outcome == 78


# --- the end ----------------------------------------------------------------------------------------


def test_told_to_stop_everyone_drains_and_then_it_is_over() -> None:
    stage = serving()
    stage.stop(143)
    assert sorted(stage.heard()) == [(name, TERM) for name in sorted(NAMES)]
    for name in NAMES:
        assert stage.policy.outcome is None
        stage.drains(name)
    assert stage.policy.outcome == 143


def test_told_twice_everyone_is_killed_and_the_first_exit_code_counts() -> None:
    stage = serving()
    stage.stop(143)
    stage.drains("auth.1")
    stage.heard()
    stage.stop(0)
    assert stage.heard() == [(name, KILL) for name in NAMES if name != "auth.1"]
    for number in list(stage.running):
        stage.ends(number)
    assert stage.policy.outcome == 143


def test_who_does_not_stop_in_time_is_killed() -> None:
    stage = serving()
    stage.stop()
    stage.drains("broker.1")
    stage.heard()
    stage.passes(DRAIN - 0.1)
    assert stage.heard() == []
    stage.passes(0.1)
    assert stage.heard() == [(name, KILL) for name in NAMES if name != "broker.1"]
    stage.passes(100.0)
    assert stage.heard() == []


def test_who_waits_for_its_next_try_is_not_started_any_more() -> None:
    stage = Stage("auth.1")
    stage.ends(stage.oldest("auth.1"), 1)
    stage.stop()
    stage.passes(100.0)
    assert stage.policy.outcome == 0
    assert len(stage.starts) == 1


# --- workers are replaced ---------------------------------------------------------------------------


def test_workers_are_replaced_one_at_a_time_and_never_the_broker() -> None:
    stage = serving()
    broker = stage.oldest("broker.1")
    stage.reload()
    for name in ("auth.1", "messaging.1", "messaging.2"):
        assert stage.starts[-1][1] == name
        assert len(stage.numbers(name)) == 2
        assert stage.heard() == []
        stage.serves(name)
        assert stage.heard() == [(name, TERM)]
        assert len(stage.running) == len(NAMES) + 1
        stage.drains(name)
    assert stage.numbers("broker.1") == [broker]
    assert len(stage.running) == len(NAMES)
    assert stage.said == ["replacing the workers, one at a time", "every worker was replaced"]
    stage.passes(100.0)
    assert stage.heard() == []


def test_an_old_worker_that_does_not_drain_is_killed_and_the_next_one_is_replaced() -> None:
    stage = serving()
    stage.reload()
    old = stage.oldest("auth.1")
    stage.serves("auth.1")
    stage.passes(DRAIN)
    assert stage.heard() == [("auth.1", TERM), ("auth.1", KILL)]
    stage.ends(old)
    assert stage.starts[-1][1] == "messaging.1"


@pytest.mark.parametrize(("code", "how_it_ended"), [(78, "could not start"), (1, "ended with exit code 1")])
def test_when_the_new_worker_fails_the_old_one_and_all_others_stay(code: int, how_it_ended: str) -> None:
    stage = serving()
    before = dict(stage.running)
    stage.reload()
    stage.ends(stage.newest("auth.1"), code)
    stage.passes(100.0)
    assert stage.running == before
    assert stage.heard() == []
    assert stage.said[-1] == f"the new auth.1 {how_it_ended}: as before stay auth.1, messaging.1, messaging.2"


def test_a_new_worker_that_never_serves_is_killed_and_the_old_one_stays() -> None:
    stage = serving()
    stage.reload()
    new = stage.newest("auth.1")
    stage.passes(SERVES_WITHIN)
    assert stage.heard() == [("auth.1", KILL)]
    stage.ends(new)
    assert stage.said[-1].startswith("the new auth.1 was ended by SIGKILL: as before stay auth.1")
    assert len(stage.running) == len(NAMES)


def test_when_the_old_worker_dies_meanwhile_the_new_one_takes_over_and_the_round_goes_on() -> None:
    stage = serving()
    stage.reload()
    stage.ends(stage.oldest("auth.1"))
    assert len(stage.numbers("auth.1")) == 1
    stage.serves("auth.1")
    assert stage.heard() == []
    for name in ("messaging.1", "messaging.2"):
        stage.serves(name)
        assert stage.heard() == [(name, TERM)]
        stage.drains(name)
    assert stage.said[-1] == "every worker was replaced"
    stage.passes(100.0)
    assert stage.heard() == []


def test_a_worker_that_waits_for_its_next_try_is_started_and_the_round_goes_on() -> None:
    stage = serving()
    stage.ends(stage.oldest("auth.1"))
    stage.passes(0.0)
    stage.ends(stage.oldest("auth.1"))
    assert stage.numbers("auth.1") == []
    stage.reload()
    stage.passes(0.0)
    assert len(stage.numbers("auth.1")) == 1
    assert len(stage.numbers("messaging.1")) == 2


def test_a_second_reload_during_the_first_makes_a_second_round() -> None:
    stage = Stage("auth.1")
    stage.serves("auth.1")
    stage.reload()
    stage.reload()
    stage.reload()
    for _ in range(2):
        stage.serves("auth.1")
        stage.drains("auth.1")
    assert len(stage.starts) == 3
    assert len(stage.running) == 1


def test_a_death_during_a_round_elsewhere_is_mended_as_always() -> None:
    stage = serving()
    stage.reload()
    stage.ends(stage.oldest("messaging.2"))
    stage.passes(0.0)
    assert len(stage.numbers("messaging.2")) == 1
    stage.ends(stage.oldest("broker.1"))
    stage.passes(0.0)
    assert len(stage.numbers("broker.1")) == 1


def test_told_to_stop_during_a_round_everyone_is_told_once() -> None:
    stage = serving()
    stage.reload()
    stage.serves("auth.1")
    assert stage.heard() == [("auth.1", TERM)]
    stage.stop()
    # Not the one that leaves: it would take a second SIGTERM as an order to drop what it has in hand.
    assert stage.heard() == [(name, TERM) for name in ("broker.1", "messaging.1", "messaging.2", "auth.1")]
    for number in list(stage.running):
        stage.ends(number, 0)
    assert stage.policy.outcome == 0


def test_told_to_stop_while_a_new_worker_comes_it_stops_too() -> None:
    stage = Stage("auth.1")
    stage.serves("auth.1")
    stage.reload()
    stage.stop()
    assert stage.heard() == [("auth.1", TERM), ("auth.1", TERM)]
    stage.serves("auth.1")
    assert stage.heard() == []
    for number in list(stage.running):
        stage.ends(number, 0)
    assert stage.policy.outcome == 0


# --- whatever happens -------------------------------------------------------------------------------

EVENTS = st.sampled_from(["serves", "dies", "fails", "cannot", "drains", "reload", "time", "long"])


@settings(max_examples=300)
@given(st.lists(st.tuples(EVENTS, st.integers(0, 30)), max_size=60))
def test_after_any_turmoil_every_place_is_filled_once(turmoil: list[tuple[str, int]]) -> None:
    stage = serving()
    for event, choice in turmoil:
        _happens(stage, event, choice)
        for name in NAMES:
            assert len(stage.numbers(name)) <= 2
        assert sum(len(stage.numbers(name)) > 1 for name in NAMES) <= 2
    for _ in range(40):
        stage.passes(LONGEST_PAUSE)
        for number in list(stage.running):
            stage.policy.serves(stage.now, number)
            stage._look()
        for name, sent in stage.heard():
            if sent in (TERM, KILL) and len(stage.numbers(name)) > 1:
                stage.ends(stage.oldest(name), 0)
    assert sorted(stage.running.values()) == sorted(NAMES)
    assert stage.policy.outcome is None


def _happens(stage: Stage, event: str, choice: int) -> None:
    number = list(stage.running)[choice % len(stage.running)] if stage.running else 0
    if event == "reload":
        stage.reload()
    elif event == "time":
        stage.passes(choice / 10)
    elif event == "long":
        stage.passes(choice * 2.0)
    elif number and event == "serves":
        stage.policy.serves(stage.now, number)
        stage._look()
    elif number:
        stage.ends(number, {"dies": -9, "fails": 1, "cannot": 78, "drains": 0}[event])


def test_every_end_of_a_process_has_words() -> None:
    assert how(-signal.SIGKILL) == "was ended by SIGKILL"
    assert how(-40) == "was ended by signal 40"  # of real time: it has no name
    assert how(3) == "ended with exit code 3"
