"""Who hangs: processes that fall silent, and newcomers that never serve. Nothing here sleeps."""

from __future__ import annotations

import signal

import pytest

from broker.up.policy import FOREVER, LOOKS, SERVES_WITHIN, Policy
from broker.up.procfile import Job
from tests.broker.up.stage import DRAIN, WATCHDOG, Stage

TERM, KILL = signal.SIGTERM, signal.SIGKILL
NAMES = ("broker.1", "auth.1", "messaging.1")


def living() -> Stage:
    """Everything serves, and has just given a sign of life."""
    stage = Stage(*NAMES)
    stage.serves(*NAMES)
    stage.lives(*stage.running)
    stage.passes(0.0)
    return stage


def lives_on(stage: Stage, seconds: float, *names: str) -> None:
    """Time passes, in which these give a sign of life every five seconds."""
    for _ in range(round(seconds / 5)):
        stage.passes(5.0)
        stage.lives(*(number for name in names for number in stage.numbers(name)))


def test_who_gives_no_sign_of_life_is_killed_and_started_again_and_nobody_else() -> None:
    stage = living()
    lives_on(stage, WATCHDOG - 5, "broker.1", "auth.1")
    assert stage.heard() == []
    lives_on(stage, 15, "broker.1", "auth.1")
    assert stage.heard() == [("messaging.1", KILL)]
    assert stage.said == ["messaging.1 gave no sign of life for 30 s: killed"]
    stage.ends(stage.oldest("messaging.1"))
    stage.passes(0.0)
    assert stage.numbers("messaging.1") != []
    lives_on(stage, 10 * WATCHDOG, *NAMES)
    assert stage.heard() == []


def test_who_cannot_be_killed_at_once_is_not_killed_again_and_again() -> None:
    stage = living()
    lives_on(stage, 10 * WATCHDOG, "broker.1", "auth.1")
    assert stage.heard() == [("messaging.1", KILL)]


def test_who_never_gave_a_sign_of_life_is_left_alone() -> None:
    stage = Stage(*NAMES)
    stage.serves(*NAMES)
    assert stage.policy.due() == FOREVER
    stage.passes(100 * WATCHDOG)
    assert stage.heard() == []


@pytest.mark.parametrize("asleep", [WATCHDOG / LOOKS * 2.1, WATCHDOG, 100_000.0])
def test_a_machine_that_slept_kills_nobody_when_it_wakes(asleep: float) -> None:
    stage = living()
    lives_on(stage, 25, "broker.1")
    stage.now += asleep
    stage.passes(0.0)
    stage.lives(*stage.numbers("broker.1"), *stage.numbers("auth.1"))
    assert stage.heard() == []
    lives_on(stage, WATCHDOG + 10, "broker.1", "auth.1")
    assert stage.heard() == [("messaging.1", KILL)]


def test_a_watchdog_of_zero_watches_nobody() -> None:
    policy = Policy([Job("auth.1", "run")], DRAIN, 0.0)
    policy.begin(0.0)
    policy.lives(0.0, 1)
    policy.effects.clear()
    for second in range(100):
        policy.tick(second * 1000.0)
    assert policy.due() == FOREVER and policy.effects == []


# --- newcomers ------------------------------------------------------------------------------------


def test_an_heir_that_took_over_and_never_serves_is_killed_in_time_and_started_again() -> None:
    stage = living()
    stage.reload()
    stage.ends(stage.oldest("auth.1"))
    assert "auth.1 was ended by SIGKILL: the one that was to replace it takes over" in stage.said
    heir = stage.oldest("auth.1")
    lives_on(stage, SERVES_WITHIN + 5, *NAMES)
    assert ("auth.1", KILL) in stage.heard()
    stage.ends(heir)
    stage.passes(0.0)
    assert stage.numbers("auth.1") != []


def test_an_heir_that_took_over_and_serves_is_not_killed() -> None:
    stage = living()
    stage.reload()
    stage.ends(stage.oldest("auth.1"))
    stage.serves("auth.1")
    stage.heard()
    stage.serves("messaging.1")
    stage.drains("messaging.1")
    lives_on(stage, 10 * SERVES_WITHIN, *NAMES)
    assert KILL not in [number for _, number in stage.heard()]


def test_an_heir_that_took_over_is_told_to_stop_like_everybody() -> None:
    stage = living()
    stage.reload()
    stage.ends(stage.oldest("auth.1"))
    stage.stop()
    assert {name for name, number in stage.heard() if number == TERM} == set(NAMES)


def test_a_second_sighup_is_not_forgotten_when_the_first_replacement_fails() -> None:
    stage = living()
    stage.reload()
    stage.reload()
    stage.ends(stage.newest("auth.1"), 78)
    assert stage.said[-2:] == [
        "the new auth.1 could not start: as before stay auth.1, messaging.1",
        "replacing the workers, one at a time",
    ]
    for name in NAMES[1:]:
        stage.serves(name)
        stage.drains(name)
    assert stage.said[-1] == "every worker was replaced"
