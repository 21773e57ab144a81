"""The place where a tail goes on: drawn at the start, moved behind what was printed, one tail at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from client.cli.bookmarks import PAUSE, Bookmark
from client.cli.context import Context
from client.cli.exits import Mistake
from client.record import Record, RecordUnavailable
from tests.client.cli.shell import Shell


@pytest.fixture
def context(shell: Shell) -> Context:
    """Ani, logged in."""
    shell.log_in()
    return Context()


async def test_the_first_run_has_no_place_and_draws_the_line(context: Context) -> None:
    first = Bookmark(context, ())
    assert first.cursors is None
    assert first.begin({1: 5, 2: 0}) == []
    first.close()
    second = Bookmark(context, ())
    assert second.cursors == {1: 5, 2: 0}
    second.close()


async def test_what_was_printed_is_passed_and_what_was_not_is_not(context: Context) -> None:
    first = Bookmark(context, ())
    first.begin({1: 5})
    first.passed(1, 6)
    first.passed(1, 7)
    first.passed(3, 1)
    first.close()
    second = Bookmark(context, ())
    assert second.cursors == {1: 7, 3: 1}
    second.close()


async def test_a_place_is_noted_soon_and_not_for_each_message(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[dict[int, int]] = []
    monkeypatch.setattr(Record, "stop", lambda record, reader, stops: notes.append(dict(stops)))
    mark = Bookmark(context, ())
    for seq in range(1, 1001):
        mark.passed(1, seq)
    assert notes == [{1: 1}]
    await asyncio.sleep(PAUSE * 3)
    assert notes == [{1: 1}, {1: 1000}]
    mark.close()
    assert len(notes) == 2


async def test_a_server_with_less_than_was_printed_moves_the_place_back(context: Context) -> None:
    first = Bookmark(context, ())
    first.begin({1: 120, 2: 7})
    first.close()
    second = Bookmark(context, ())
    assert second.begin({1: 89, 2: 7}) == [1]
    second.close()
    third = Bookmark(context, ())
    assert third.cursors == {1: 89, 2: 7}
    assert third.begin({1: 95, 2: 7}) == []
    third.close()


def test_two_tails_of_the_same_choice_cannot_run_at_once(context: Context) -> None:
    first = Bookmark(context, ("#ops", "Budi"))
    with pytest.raises(Mistake, match="running already"):
        Bookmark(context, ("budi", "#OPS"))
    other = Bookmark(context, ("budi",))
    asyncio.run(closed(first, other))
    asyncio.run(closed(Bookmark(context, ("budi", "#ops"))))


async def closed(*marks: Bookmark) -> None:
    for mark in marks:
        mark.close()


async def test_a_place_that_cannot_be_noted_ends_the_tail(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(record: Record, reader: str, stops: dict[int, int]) -> None:
        raise RecordUnavailable("the disk is full")

    mark = Bookmark(context, ())
    monkeypatch.setattr(Record, "stop", full)
    with pytest.raises(Mistake, match="the disk is full"):
        mark.passed(1, 1)
    mark.close()


def test_a_record_that_is_none_stops_a_tail_before_it_begins(context: Context, shell: Shell) -> None:
    file = Path(context.record.file)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"no record " * 100)
    with pytest.raises(Mistake, match="file is not a database"):
        Bookmark(context, ())
