"""The window of chunks: credit, patience, pauses and giving up, by a clock of its own."""

from __future__ import annotations

import itertools
import random
import weakref

import pytest

from client.errors import LoggedOut, Offline, Timeout
from client.files import window as module
from client.files.window import LANES_MOST, QUIET, ROOM_FIRST, Lane, Window
from client.timers import NEVER
from protocol.errors import Busy, Failure, NotFound, RateLimited, Unauthenticated, Unavailable
from protocol.limits import FILE_WINDOW


def opened(timeout: float = 10.0, online: bool = True) -> Window:
    window = Window(random.Random(1), itertools.count(1), timeout)
    if online:
        window.connected(0.0)
    return window


def asked(window: Window, lane: Lane, count: int, now: float = 0.0) -> None:
    for n in range(count):
        window.add(now, lane, n)


def shipped(window: Window, now: float = 0.0) -> dict[int, object]:
    return {request_id: chunk.what for request_id, chunk in window.ship(now)}


def over(lane: Lane) -> bool:
    return lane.over is not None


def test_a_lane_begins_with_few_and_has_room_for_one_more_with_each_answer() -> None:
    window = opened()
    lane = window.lane()
    asked(window, lane, 100)
    flying = list(shipped(window))
    assert len(flying) == ROOM_FIRST
    for now in range(1, 30):
        assert window.answered(now / 100, flying.pop(0)) is not None
        flying += shipped(window, now / 100)
        assert len(flying) == lane.flying == min(ROOM_FIRST + now, FILE_WINDOW)


def test_all_lanes_together_have_a_bound_and_take_turns() -> None:
    window = opened()
    lanes = [window.lane() for _ in range(20)]
    for lane in lanes:
        lane.room = FILE_WINDOW
        asked(window, lane, 50)
    assert len(shipped(window)) == LANES_MOST * FILE_WINDOW
    assert {lane.flying for lane in lanes} == {1, 2}


def test_large_answers_of_all_lanes_together_are_one_window() -> None:
    window = opened()
    fetching = [window.lane(large_answers=True) for _ in range(3)]
    sending = window.lane()
    for lane in (*fetching, sending):
        lane.room = FILE_WINDOW
        asked(window, lane, 50)
    window.ship(0.0)
    assert sum(lane.flying for lane in fetching) == sending.flying == FILE_WINDOW


def test_nothing_flies_while_the_server_is_away() -> None:
    window = opened(online=False)
    lane = window.lane()
    asked(window, lane, 3)
    assert not shipped(window)
    window.connected(1.0)
    assert list(shipped(window, 1.0).values()) == [0]


def test_a_new_connection_brings_everything_again_in_order_and_no_answer_of_the_old() -> None:
    window = opened()
    lane = window.lane()
    lane.room = 5
    asked(window, lane, 8)
    old = shipped(window)
    assert window.answered(0.1, next(iter(old))) is not None
    window.disconnected(0.2)
    window.connected(0.3)
    assert list(shipped(window, 0.3).values()) == [1]
    assert [window.answered(0.4, request_id) for request_id in old] == [None] * 5
    assert len(lane.open) == 7


def test_a_chunk_without_an_answer_flies_again_and_either_answer_counts_once() -> None:
    window = opened()
    lane = window.lane()
    asked(window, lane, 1)
    (first,) = shipped(window)
    window.wake(module.PATIENCE_FIRST - 0.1)
    assert not shipped(window, module.PATIENCE_FIRST - 0.1)
    window.wake(module.PATIENCE_FIRST)
    (second,) = shipped(window, module.PATIENCE_FIRST)
    assert second != first
    assert window.answered(20.0, first) is not None
    assert window.answered(20.0, second) is None
    assert not lane.open and lane.flying == 0


def test_patience_grows_with_what_answers_take_and_with_each_try() -> None:
    window = opened(timeout=1_000.0)
    lane = window.lane()
    asked(window, lane, 2)
    (first,) = shipped(window)
    window.answered(5.0, first)
    again = []
    now = 5.0
    while now < 150:
        again += [now for _ in shipped(window, now)]
        now += 0.5
        window.wake(now)
    # Four times 5 s, and twice as long with each try.
    assert again == [5.0, 5.0 + 20.0, 5.0 + 20.0 + 40.0, 5.0 + 20.0 + 40.0 + 80.0]


def test_an_answer_that_came_after_all_tells_how_long_answers_take() -> None:
    window = opened()
    lane = window.lane()
    asked(window, lane, 2)
    (first,) = shipped(window)
    window.wake(module.PATIENCE_FIRST)
    assert shipped(window, module.PATIENCE_FIRST)
    window.answered(module.PATIENCE_FIRST + 5.0, first)
    assert lane.round_trip == module.PATIENCE_FIRST + 5.0


@pytest.mark.parametrize("refusal", [Busy("b"), Unavailable("u"), RateLimited("r", retry_after=2.0)])
def test_a_refusal_for_now_is_tried_again_a_little_later(refusal: Failure) -> None:
    window = opened()
    lane = window.lane()
    lane.room = 4
    asked(window, lane, 1)
    (request_id,) = shipped(window)
    assert window.answered(1.0, request_id, refusal) is None
    assert lane.room == 2 and lane.flying == 0
    until = 1.0 + refusal.retry_after
    window.wake(until - 0.01)
    assert not shipped(window, until - 0.01)
    window.wake(1.0 + refusal.retry_after * 1.5)
    (second,) = shipped(window, until)
    assert window.answered(until, second) is not None


def test_a_refusal_of_an_earlier_flight_says_nothing() -> None:
    window = opened()
    lane = window.lane()
    asked(window, lane, 1)
    (first,) = shipped(window)
    window.wake(module.PATIENCE_FIRST)
    (second,) = shipped(window, module.PATIENCE_FIRST)
    window.answered(16.0, first, NotFound("no"))
    assert lane.over is None
    window.answered(16.0, second, NotFound("no"))
    assert isinstance(lane.over, NotFound)


def test_an_unknown_token_means_logged_out() -> None:
    window = opened()
    lane = window.lane()
    asked(window, lane, 1)
    (request_id,) = shipped(window)
    window.answered(1.0, request_id, Unauthenticated("no"))
    assert isinstance(lane.over, LoggedOut)


def gives_up(window: Window, lane: Lane, now: float = 0.0) -> float:
    """When the lane is over."""
    while lane.over is None and now < 1_000:
        now = window.wake_at()
        window.wake(now)
        window.ship(now)
    return now


def test_a_server_that_was_never_reached_is_offline_after_the_timeout() -> None:
    window = opened(online=False)
    lane = window.lane()
    asked(window, lane, 1, 5.0)
    assert gives_up(window, lane) == 15.0
    assert isinstance(lane.over, Offline)


def test_a_server_that_left_has_the_timeout_to_come_back() -> None:
    window = opened()
    lane = window.lane()
    asked(window, lane, 1)
    shipped(window)
    window.disconnected(20.0)
    assert gives_up(window, lane) == 30.0
    assert isinstance(lane.over, Timeout)


def test_what_is_asked_while_the_server_is_away_waits_no_longer_for_what_was_answered_before() -> None:
    window = opened()
    lane = window.lane()
    asked(window, lane, 1)
    (request_id,) = shipped(window)
    window.answered(1.0, request_id)
    window.disconnected(2.0)
    asked(window, lane, 1, 3.0)
    assert gives_up(window, lane) == 13.0


def test_a_server_that_is_there_and_silent_has_longer_and_longest_for_a_seal() -> None:
    for allowance in (0.0, 100.0):
        window = opened()
        lane = window.lane()
        window.add(0.0, lane, 0, allowance)
        shipped(window)
        assert gives_up(window, lane) == QUIET + allowance
        assert isinstance(lane.over, Timeout)


def test_each_answer_renews_the_time_and_a_refusal_does_not() -> None:
    window = opened()
    lane = window.lane()
    asked(window, lane, 50)
    flying = list(shipped(window))
    now = 0.0
    for _ in range(5):
        now += QUIET - 1
        window.wake(now)
        flying += shipped(window, now)
        window.answered(now, flying.pop())
    assert not lane.over
    limit = now + QUIET
    while not lane.over:
        flying = list(shipped(window, now))
        for request_id in flying:
            window.answered(now, request_id, Busy("Not now.", retry_after=1.0))
        now = window.wake_at()
        window.wake(now)
    assert now == limit and isinstance(lane.over, Busy)


def test_what_was_answered_is_kept_in_memory_by_nothing() -> None:
    class Bytes:
        pass

    window = opened()
    lane = window.lane()
    held = [Bytes() for _ in range(3)]
    seen = [weakref.ref(each) for each in held]
    while held:
        window.add(0.0, lane, held.pop())
    for now in (0.0, 0.1, 0.2):
        for request_id in [request_id for request_id, _ in window.ship(now)]:
            window.answered(now, request_id)
    assert [each() for each in seen] == [None] * 3


def test_who_has_left_hears_and_keeps_nothing() -> None:
    window = opened()
    lane = window.lane()
    asked(window, lane, 5)
    flying = shipped(window)
    window.end(lane)
    assert [window.answered(1.0, request_id) for request_id in flying] == [None] * len(flying)
    for now in (50.0, 100.0):
        window.wake(now)
    assert window.wake_at() == NEVER


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_line_does_every_chunk_is_answered_once(seed: int) -> None:
    """Frames are lost, doubled, late and overtake each other; the connection breaks now and then."""
    chance = random.Random(seed)
    window = opened(timeout=100.0)
    lanes = [window.lane(large_answers=chance.random() < 0.5) for _ in range(3)]
    left = {id(lane): 40 for lane in lanes}
    answers: list[tuple[float, int]] = []
    done: list[tuple[int, object]] = []
    now = 0.0
    while len(done) < 120 and now < 10_000:
        now += 0.05
        for lane in lanes:
            while left[id(lane)] and len(lane.open) < FILE_WINDOW:
                left[id(lane)] -= 1
                window.add(now, lane, left[id(lane)])
        if chance.random() < 0.01:
            window.disconnected(now)
        elif not window.online and chance.random() < 0.2:
            window.connected(now)
        window.wake(now)
        for request_id, chunk in window.ship(now):
            assert chunk.lane.flying <= FILE_WINDOW
            for _ in range(chance.choice((0, 1, 1, 1, 2))):
                answers.append((now + chance.expovariate(4.0), request_id))
        for due, request_id in sorted(answers):
            if due <= now:
                answers.remove((due, request_id))
                refused = Busy("Not now.") if chance.random() < 0.1 else None
                answered = window.answered(now, request_id, refused)
                if answered is not None:
                    done.append((lanes.index(answered.lane), answered.what))
    assert all(lane.over is None for lane in lanes)
    assert sorted(done) == [(lane, n) for lane in range(3) for n in range(40)]


def test_a_lane_waits_as_long_as_ever_more_of_its_file_reaches_the_server_from_another_realm() -> None:
    window = opened()
    lane = window.lane(large_answers=True)
    asked(window, lane, 1)
    now, held = 0.0, 0
    while now < 10 * QUIET:
        for request_id in shipped(window, now):
            held += 1
            window.answered(now, request_id, Busy("It comes.", retry_after=0.5, held=held))
        now += 0.25
        window.wake(now)
    assert not over(lane)
    assert lane.coming == held > 4 * QUIET
    stood_still = now
    while not over(lane):
        for request_id in shipped(window, now):
            window.answered(now, request_id, Busy("It comes.", retry_after=0.5, held=held))
        now += 0.25
        window.wake(now)
    assert isinstance(lane.over, Busy)
    assert now - stood_still == pytest.approx(QUIET + module.QUIET_ABROAD, abs=2)


def test_once_a_file_of_another_realm_is_at_the_server_it_comes_like_any_other() -> None:
    window = opened()
    lane = window.lane(large_answers=True)
    asked(window, lane, 1)
    (first,) = shipped(window)
    window.answered(0.1, first, Busy("It comes.", retry_after=0.5, held=7))
    assert lane.coming == 7
    window.wake(1.0)
    (second,) = shipped(window, 1.0)
    assert window.answered(1.1, second) is not None
    assert lane.coming is None
