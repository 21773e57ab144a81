"""One side of the talk between two realms: the test plays its connection, and turns its clock."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from protocol import realms
from protocol.body import Body
from protocol.realms import Hello, HelloReply, PeerTyping
from services.realm.line import ANNOUNCED, FIRST_PAUSE, LOST, OPEN_MOST, Answer, Line, Times

TIMES = Times(answer=10.0, quiet=5.0, pause_most=30.0)
TYPING = PeerTyping("ani", "budi")


class Dialled:
    """The connection: what was sent since it was last dialled."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, str, bytes]] = []
        self.dials = 0
        self.room = True

    def send(self, frame: bytes) -> bool:
        if self.room:
            self.sent.append(realms.unpack(frame))
        return self.room

    def redial(self) -> None:
        self.dials += 1
        self.sent.clear()


class Bench:
    """A line from a to b, and what it told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.dial = Dialled()
        self.changes: list[tuple[bool, str]] = []
        self.line = Line(self.dial, TIMES, self._hello, self._heard, self._changed, random.Random(1))

    def _hello(self) -> Body:
        return Hello("a", 1, 1)

    def _heard(self, answer: Answer) -> str:
        found = msgspec.msgpack.decode(answer.body, type=HelloReply)
        return "" if found.realm == "b" else "It is somebody else."

    def _changed(self, up: bool) -> None:
        self.changes.append((up, self.line.trouble))

    def go(self, seconds: float = 0.0) -> Bench:
        """Let so much time pass, as a loop would: no moment that is due is slept through."""
        end = self.now + seconds
        while self.line.due() < end:
            self.now = max(self.now, self.line.due())
            self.line.tick(self.now)
        self.now = end
        self.line.tick(end)
        return self

    def answer(self, status: str = "ok", body: Any = None) -> Bench:
        """Answer what was asked last; hello, unless there is a body."""
        number, *_ = self.dial.sent[-1]
        found = HelloReply("b", 1, 1, "1") if body is None else body
        self.line.received(self.now, realms.pack(number, status, msgspec.msgpack.encode(found)))
        return self

    def up(self) -> Bench:
        return self.go().answer()

    def ask(self) -> list[Answer]:
        """Ask something; what will have come of it."""
        heard: list[Answer] = []
        assert self.line.ask(self.now, "typing", TYPING, heard.append)
        return heard


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_it_says_hello_and_is_up_with_the_answer(bench: Bench) -> None:
    bench.go()
    assert [kind for _, kind, _ in bench.dial.sent] == ["hello"]
    assert not bench.line.ask(bench.now, "typing", TYPING, print)
    bench.answer()
    assert bench.line.up and bench.changes == [(True, "")]


def test_an_answer_reaches_whoever_asked(bench: Bench) -> None:
    bench.up()
    first, second = bench.ask(), bench.ask()
    bench.answer("ok", {})
    assert (first, second) == ([], [Answer("ok", b"\x80")])


def test_an_answer_to_what_nobody_asks_any_more_is_passed_over(bench: Bench) -> None:
    bench.up()
    heard = bench.ask()
    bench.line.received(bench.now, realms.pack(77, "ok", b""))
    assert heard == [] and bench.line.up


def test_a_quiet_line_says_hello_once_in_a_while(bench: Bench) -> None:
    bench.up().go(TIMES.quiet + 0.1)
    assert [kind for _, kind, _ in bench.dial.sent] == ["hello", "hello"]
    assert bench.dial.dials == 1
    bench.answer()
    assert bench.changes == [(True, "")]


def test_who_does_not_answer_in_time_is_away_and_all_who_wait_hear_it(bench: Bench) -> None:
    bench.up()
    heard = bench.ask()
    bench.go(TIMES.answer)
    assert heard == [LOST]
    assert bench.changes == [(True, ""), (False, "It does not answer.")]


def test_a_broken_connection_is_known_at_once(bench: Bench) -> None:
    bench.up()
    heard = bench.ask()
    bench.line.broken(bench.now, "The connection broke.")
    assert heard == [LOST] and bench.changes[-1] == (False, "The connection broke.")
    bench.go(FIRST_PAUSE)
    assert bench.dial.dials == 2
    bench.answer()
    assert bench.line.up


def test_pauses_between_tries_grow_to_a_bound_and_are_never_quite_the_same(bench: Bench) -> None:
    tries = []
    for _ in range(40):
        dials = bench.dial.dials
        while bench.dial.dials == dials:
            bench.go(max(0.0, bench.line.due() - bench.now))
        tries.append(bench.now)
        bench.line.broken(bench.now, "Nobody listens at b:7704.")
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert FIRST_PAUSE / 2 <= pauses[0] <= FIRST_PAUSE
    assert all(TIMES.pause_most / 2 <= pause <= TIMES.pause_most for pause in pauses[8:])
    assert len({round(pause, 6) for pause in pauses}) == len(pauses)
    assert bench.changes == [(False, "Nobody listens at b:7704.")]  # told once


def test_another_trouble_is_told(bench: Bench) -> None:
    bench.go()
    bench.line.broken(bench.now, "Nobody listens at b:7704.")
    bench.go(FIRST_PAUSE)
    bench.line.broken(bench.now, "It does not let us in.")
    assert [trouble for _, trouble in bench.changes] == [
        "Nobody listens at b:7704.",
        "It does not let us in.",
    ]


def test_a_refused_hello_says_why(bench: Bench) -> None:
    bench.go().answer("forbidden", {"message": "b has blocked a."})
    assert bench.changes == [(False, "b has blocked a.")]
    assert not bench.line.up


def test_what_the_other_side_says_instead_of_hello_does_nothing_to_a_terminal_or_a_database(
    bench: Bench,
) -> None:
    bench.go().answer("forbidden", {"message": "\x1b]0;mine\x07 is\0 all\u202e yours"})
    assert bench.changes == [(False, "]0;mine  is  all  yours")]
    bench.go(1.0).answer("no\n\x1b[2J", {"message": "\0"})
    assert bench.changes[1:] == [(False, "It answers no  [2J.")]


def test_a_refused_hello_takes_down_a_line_that_was_up(bench: Bench) -> None:
    bench.up()
    heard = bench.ask()
    bench.go(TIMES.quiet).answer("forbidden", {"message": "b has blocked a."})
    assert heard == [LOST] and bench.changes[-1] == (False, "b has blocked a.")


@pytest.mark.parametrize("code", ["rate_limited", "busy", "unavailable"])
def test_who_is_too_busy_for_hello_is_there_all_the_same(bench: Bench, code: str) -> None:
    bench.up()
    heard = bench.ask()
    bench.go(TIMES.quiet).answer(code, {"message": "Later.", "retry_after": 0.1})
    assert bench.changes == [(True, "")] and heard == []


def test_a_line_does_not_begin_with_who_is_too_busy(bench: Bench) -> None:
    bench.go().answer("busy", {"message": "Later."})
    assert bench.changes == [(False, "Later.")]


def test_who_answers_under_another_name_is_not_who_we_want(bench: Bench) -> None:
    bench.go().answer("ok", HelloReply("c", 1, 1, "1"))
    assert bench.changes == [(False, "It is somebody else.")]


def test_who_comes_back_announces_itself_and_ends_the_pause(bench: Bench) -> None:
    for _ in range(10):
        bench.go(TIMES.pause_most)
        bench.line.broken(bench.now, "Nobody listens at b:7704.")
    bench.go(1.0)
    dials = bench.dial.dials
    bench.line.announced(bench.now, came_back=True)
    bench.go()
    assert bench.dial.dials == dials + 1
    bench.answer()
    assert bench.line.up


def test_a_hello_that_its_predecessor_was_asked_is_not_waited_for(bench: Bench) -> None:
    bench.go()
    bench.line.announced(bench.now, came_back=True)
    bench.go(ANNOUNCED + FIRST_PAUSE)
    assert bench.dial.dials == 2
    bench.answer()
    assert bench.line.up


def test_who_has_begun_anew_is_asked_anew(bench: Bench) -> None:
    bench.up()
    heard = bench.ask()
    bench.line.announced(bench.now, came_back=True)
    assert heard == [LOST]
    bench.go(FIRST_PAUSE).answer()
    assert [up for up, _ in bench.changes] == [True, False, True]


def test_a_line_without_room_is_down(bench: Bench) -> None:
    bench.up()
    bench.dial.room = False
    bench.go(TIMES.quiet)
    assert bench.changes[-1] == (False, "There is no room in its connection.")


def test_a_line_takes_so_many_requests_at_a_time(bench: Bench) -> None:
    bench.up()
    for _ in range(OPEN_MOST):
        bench.ask()
    assert not bench.line.ask(bench.now, "typing", TYPING, print)
    bench.answer("ok", {})
    bench.ask()


def test_closing_tells_everybody_who_waits(bench: Bench) -> None:
    bench.up()
    heard = bench.ask()
    bench.line.close(bench.now)
    assert heard == [LOST] and bench.line.open == 0
