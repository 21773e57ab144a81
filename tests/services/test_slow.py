"""Who is next when passwords wait to be hashed, who must go, and the thread that hashes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Settings
from protocol.backend import Call
from protocol.envelope import pack_body
from protocol.errors import OK
from services.slow import KNOWN_IN_A_ROW, Aside, Line, Origin, at_once
from services.storage.engine import Store
from tests.services.desk import Desk
from tests.services.house import PASSWORD
from tests.services.world import World

SECONDS = 10.0


# --- the line -----------------------------------------------------------------------------------


def filled(most: int, *who: str) -> Line[str]:
    """A line in which each of ``who`` stands once for each mention, in this order."""
    line: Line[str] = Line(most)
    for place, source in enumerate(who):
        assert line.add(Origin(source), f"{source}{place}") is None
    return line


def emptied(line: Line[str]) -> list[str]:
    return [line.next() for _ in range(len(line))]


def test_each_source_has_its_turn_and_keeps_its_own_order() -> None:
    line = filled(10, *("mallory",) * 4, "ani", "budi")
    assert emptied(line) == ["mallory0", "ani4", "budi5", "mallory1", "mallory2", "mallory3"]


def test_when_the_line_is_full_the_last_of_the_longest_part_must_go() -> None:
    line = filled(5, *("mallory",) * 4, "ani")
    assert line.add(Origin("budi"), "budi") == "mallory3"
    assert line.add(Origin("mallory"), "mallory again") == "mallory again"
    assert emptied(line) == ["mallory0", "ani4", "budi", "mallory1", "mallory2"]


def test_among_equals_the_newcomer_must_go() -> None:
    line = filled(3, "ani", "budi", "citra")
    assert line.add(Origin("dewi"), "dewi") == "dewi"
    assert len(line) == 3


def test_who_is_known_stands_before_strangers_but_not_for_ever() -> None:
    line = filled(50, "s1", "s2", "s3")
    for number in range(2 * KNOWN_IN_A_ROW):
        assert line.add(Origin("home"), f"k{number}", known=True) is None
    served = emptied(line)
    assert served[: KNOWN_IN_A_ROW + 1] == [f"k{n}" for n in range(KNOWN_IN_A_ROW)] + ["s10"]
    assert served[2 * KNOWN_IN_A_ROW + 1 :] == ["s21", "s32"]


def test_who_is_known_finds_room_where_strangers_filled_the_line() -> None:
    line = filled(3, "s1", "s2", "s3")
    assert line.add(Origin("home"), "ani", known=True) == "s10"
    assert line.next() == "ani"


def test_a_line_full_of_known_ones_takes_no_stranger() -> None:
    line: Line[str] = Line(2)
    assert line.add(Origin("home"), "k1", known=True) is None
    assert line.add(Origin("home"), "k2", known=True) is None
    assert line.add(Origin("stranger"), "s") == "s"
    assert line.add(Origin("other"), "k3", known=True) == "k2"
    assert line.add(Origin("home"), "k4", known=True) == "k4"


def test_users_who_share_an_address_share_its_turn_each_in_theirs() -> None:
    line: Line[str] = Line(10)
    for item in ("m1", "m1", "m2", "m2"):
        line.add(Origin("crowd", int(item[1])), item)
    line.add(Origin("home", 3), "ani")
    line.add(Origin("home", 4), "budi")
    assert emptied(line) == ["m1", "ani", "m2", "budi", "m1", "m2"]


def test_many_users_at_one_address_give_way_to_one_who_is_elsewhere() -> None:
    line: Line[str] = Line(5)
    for number in range(5):
        assert line.add(Origin("crowd", number), f"m{number}") is None
    assert line.add(Origin("home", 99), "ani") == "m0"
    assert "ani" in [line.next(), line.next()]


def test_in_a_crowded_place_the_one_with_most_gives_way() -> None:
    line: Line[str] = Line(4)
    for item in ("m0", "m1", "m2"):
        line.add(Origin("classroom", 66), item)
    line.add(Origin("classroom", 1), "ani")
    assert line.add(Origin("classroom", 2), "budi") == "m2"
    assert line.add(Origin("classroom", 66), "m3") == "m3"
    assert emptied(line) == ["m0", "ani", "budi", "m1"]


SOURCES = st.builds(Origin, st.sampled_from("abc"), st.integers(1, 3))


@given(st.lists(st.one_of(st.none(), st.tuples(SOURCES, st.booleans())), max_size=80))
def test_nobody_is_lost_or_served_twice_and_the_line_is_never_longer_than_it_may_be(steps: list[Any]) -> None:
    line: Line[int] = Line(3)
    inside: set[int] = set()
    for number, step in enumerate(steps):
        if step is None:
            if inside:
                inside.remove(line.next())
        else:
            gone = line.add(step[0], number, step[1])
            inside.add(number)
            if gone is not None:
                inside.remove(gone)
        assert len(line) == len(inside) <= 3
    assert {line.next() for _ in range(len(line))} == inside


# --- hands --------------------------------------------------------------------------------------


@pytest.fixture
def woken() -> threading.Event:
    return threading.Event()


@pytest.fixture
def aside(woken: threading.Event) -> Iterator[Aside]:
    hands = Aside(7, woken.set)
    yield hands
    hands.close()


def test_the_thread_steps_back_and_the_process_does_not(aside: Aside) -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    mine = niceness()
    theirs = aside(niceness).result(SECONDS)
    if sys.platform == "linux":
        assert theirs == min(19, mine + 7)
    assert niceness() == mine


def test_who_waits_is_woken_when_the_work_is_done(aside: Aside, woken: threading.Event) -> None:
    future = aside(lambda: "done")
    assert woken.wait(SECONDS)
    assert future.result(0) == "done"


def test_a_fault_of_the_work_is_raised_where_its_result_is_asked_for(aside: Aside) -> None:
    def fault() -> None:
        raise RuntimeError("the work")

    for hands in (aside, at_once):
        with pytest.raises(RuntimeError, match="the work"):
            hands(fault).result(SECONDS)


# --- the engine ---------------------------------------------------------------------------------


@pytest.fixture
def desk(settings: Settings, store: Store, world: World) -> Desk:
    """Eka has come from 192.0.2.1 before; four may wait."""
    desk = Desk(msgspec.structs.replace(settings, slow_queue=4), store, world)
    desk.house.address = "192.0.2.1"
    desk.house.person("eka")
    return desk


MALLORY = ("eka", "wrong", "203.0.113.9")


def test_an_honest_login_does_not_wait_behind_an_attackers(desk: Desk) -> None:
    desk.come(MALLORY, MALLORY, MALLORY, ("eka", PASSWORD, "192.0.2.77"))
    assert [handle for handle, _ in desk.work()] == [0, 3, 1, 2]
    assert dict(desk.answers)[3] == OK


def test_who_logs_in_from_where_they_did_before_is_next_whoever_waits(desk: Desk) -> None:
    crowd = [("eka", "wrong", f"203.0.113.{number}") for number in range(4)]
    desk.come(*crowd)
    desk.come(("eka", PASSWORD, "192.0.2.1"))
    assert desk.answers == [(0, "busy")], "the place of a stranger"
    desk.work()
    assert desk.answers[1] == (4, OK)


def test_a_full_line_answers_busy_at_once_with_when_to_come_back(desk: Desk) -> None:
    desk.come(*[MALLORY] * 6)
    assert desk.answers == [(4, "busy"), (5, "busy")]
    assert desk.bodies[0] == {
        "message": "Too many are waiting to have a password checked.",
        "retry_after": 1.0,
    }
    assert sorted(handle for handle, _ in desk.work()) == [0, 1, 2, 3, 4, 5]


def test_one_hash_at_a_time_and_quick_commands_meanwhile(desk: Desk) -> None:
    desk.come(MALLORY, MALLORY)
    desk.step()
    assert not desk.engine.ready, "the loop may sleep until the hands are done"
    assert desk.engine.waiting == 2
    body = pack_body({"token": b"t" * 16})
    desk.note(desk.engine.take([Call(99, "auth.resume", 0, "", 0, False, body)], desk.house.now))
    assert desk.answers == [(99, "invalid_credentials")]
    desk.work()
    assert desk.hands.at_once == 1


def test_those_who_are_refused_for_a_pause_are_not_hashed(desk: Desk) -> None:
    tries = desk.house.settings.password_tries
    for _ in range(tries):
        desk.come(MALLORY)
        desk.work()
    desk.come(MALLORY)
    desk.step()
    assert desk.answers[-1][1] == "rate_limited"
    assert not desk.engine.waiting


@pytest.mark.parametrize("name", ["a\0b", "\x7f", "'", "é", "#eka", "eka' or 1=1"])
def test_a_name_that_is_none_is_refused_and_costs_its_neighbours_nothing(desk: Desk, name: str) -> None:
    desk.come((name, PASSWORD, "192.0.2.1"), ("eka", PASSWORD, "192.0.2.1"))
    assert dict(desk.work()) == {0: "invalid", 1: OK}


def test_a_fault_in_who_is_known_makes_everybody_a_stranger(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: Any) -> bool:
        raise RuntimeError("broken")

    monkeypatch.setattr("services.backoff.known_addresses.knows", fault)
    desk.come(("eka", PASSWORD, "192.0.2.1"))
    monkeypatch.undo()
    assert desk.work() == [(0, OK)]


def test_two_workers_count_together(desk: Desk, settings: Settings, store: Store, world: World) -> None:
    other = Desk(settings, store, world)
    other.house = desk.house
    for number in range(settings.password_tries):
        at = (desk, other)[number % 2]
        at.come(MALLORY)
        at.work()
    for each in (desk, other):
        each.come(MALLORY)
        assert each.work()[-1][1] == "rate_limited"
