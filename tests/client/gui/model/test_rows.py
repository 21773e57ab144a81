"""Rows of single messages: days, runs of one sender, marks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.gui.model.rows import RUN, Before, DayLine, Mark, NewLine, Said, Scribe, begins_run
from protocol.addresses import Kind
from protocol.commands import Message

SECOND = 1_000_000
NOON = 1_800_014_400 * SECOND
"""Noon in UTC of a day."""


def message(seq: int, sender: str = "ani", at: int = NOON, undelivered: str = "") -> Message:
    return Message(seq, sender, "hello", at, seq.to_bytes(16, "big"), None, undelivered)


def last(scribe: Scribe, one: Message, before: Before | None = None) -> Said:
    row = scribe.rows(one, before)[-1]
    assert isinstance(row, Said)
    return row


@given(
    st.integers(0, 200_000), st.sampled_from(["UTC", "Asia/Jakarta", "Asia/Kathmandu", "America/St_Johns"])
)
def test_a_day_is_that_of_the_readers_clock(hour: int, zone: str) -> None:
    at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=7 * hour)
    micros = int(at.timestamp()) * SECOND
    assert Scribe("ani", ZoneInfo(zone)).day(micros) == at.astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize("at", [0, -1, -(2**63), 2**63 - 1])
@pytest.mark.parametrize("hours", [-23, 23])
def test_a_time_that_nobody_lives_in_is_a_day_all_the_same(at: int, hours: int) -> None:
    assert Scribe("ani", timezone(timedelta(hours=hours))).day(at).year >= 1970


def test_a_line_stands_above_the_first_message_of_a_day() -> None:
    scribe = Scribe("ani", timezone(timedelta(hours=7)))
    five_in_the_evening_there = Before("budi", NOON - 2 * 3600 * SECOND)
    assert scribe.rows(message(2, at=NOON), five_in_the_evening_there)[0] == last(
        scribe, message(2, at=NOON), five_in_the_evening_there
    )
    line = scribe.rows(message(2, at=NOON + 6 * 3600 * SECOND), Before("budi", NOON))[0]
    assert line == DayLine("d2", date(2027, 1, 16))


def test_lines_stand_in_one_order_and_a_name_below_them() -> None:
    rows = Scribe("ani", UTC, new_at=1).rows(message(1, "budi"), None)
    assert [type(row) for row in rows] == [DayLine, NewLine, Said]
    assert last(Scribe("ani", UTC, new_at=2), message(2, "budi"), Before("budi", NOON)).head


def test_a_sender_is_named_again_after_five_minutes_or_when_somebody_else_spoke() -> None:
    assert not begins_run(Before("ani", NOON), "ani", NOON + RUN)
    assert begins_run(Before("ani", NOON), "ani", NOON + RUN + 1)
    assert begins_run(Before("ani", NOON), "ani", NOON - 1)
    assert begins_run(Before("budi", NOON), "ani", NOON)
    assert begins_run(None, "ani", NOON)


@pytest.mark.parametrize(
    ("kind", "abroad", "marks"),
    [
        (Kind.DIRECT, False, [Mark.READ, Mark.DELIVERED, Mark.DELIVERED]),
        (Kind.DIRECT, True, [Mark.READ, Mark.DELIVERED, Mark.SENT]),
        (Kind.GROUP, False, [Mark.READ, Mark.SENT, Mark.SENT]),
        (Kind.BROADCAST, False, [Mark.READ, Mark.SENT, Mark.SENT]),
    ],
)
def test_a_mark_says_how_far_a_message_of_ours_has_come(kind: str, abroad: bool, marks: list[Mark]) -> None:
    scribe = Scribe("ani", UTC, kind, abroad, delivered=2, seen=1)
    assert [last(scribe, message(seq)).mark for seq in (1, 2, 3)] == marks
    assert last(scribe, message(1, "budi")).mark is Mark.NONE


def test_what_another_realm_refused_stays_refused_however_far_it_has_read() -> None:
    scribe = Scribe("ani", UTC, Kind.DIRECT, True)
    row = last(scribe, message(1, undelivered="They are blocked."))
    scribe.seen = 5
    assert scribe.marked(row) is row
    assert (row.mark, row.refusal) == (Mark.REFUSED, "They are blocked.")


def test_a_name_is_ours_however_it_is_written() -> None:
    assert last(Scribe("Ani", UTC), message(1, "ani")).own
