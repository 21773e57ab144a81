"""The record of what was handed out: marks, names, stops, and the file they are in."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from client.record import MARK_BYTES, UNREAD_MARK, Extent, Record, RecordUnavailable, mark
from protocol.commands import Message
from protocol.events import MessageEvent

MESSAGE = Message(7, "ani", "rahasia", 1_700_000_000_000_000, bytes(range(16)))


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "state" / "ani.seen", "server", "Ani")


@pytest.mark.parametrize(
    "change",
    [{"seq": 8}, {"sender": "budi"}, {"body": "rahasia!"}, {"sent_at": 1}, {"id": bytes(16)}],
    ids=lambda change: next(iter(change)),
)
def test_a_mark_tells_every_change_of_a_message(change: dict[str, object]) -> None:
    assert len(mark(MESSAGE)) == MARK_BYTES
    assert mark(msgspec.structs.replace(MESSAGE, **change)) != mark(MESSAGE)


def test_a_message_has_the_same_mark_as_event_and_as_page() -> None:
    _, sender, body, sent_at, id = 7, "ani", "rahasia", 1_700_000_000_000_000, bytes(range(16))
    assert mark(MessageEvent(3, 7, sender, "budi", body, sent_at, id)) == mark(MESSAGE)


def test_the_first_mark_of_a_number_stays(record: Record) -> None:
    record.keep([(1, 5, b"first")])
    record.keep([(1, 5, b"second"), (1, 6, b"other")])
    assert record.marks(1, 1, 9) == {5: b"first", 6: b"other"}


def test_a_number_without_a_message_waits_for_its_mark(record: Record) -> None:
    record.keep([(1, 5, UNREAD_MARK)])
    record.keep([(1, 5, b"seen")])
    record.keep([(1, 5, UNREAD_MARK)])
    assert record.marks(1, 5, 5) == {5: b"seen"}


def test_what_was_seen_is_told_in_ranges(record: Record) -> None:
    record.keep([(1, seq, b"x") for seq in (9, 2, 3, 4, 8, 1)], [(1, "budi")])
    record.keep([(2, 1, b"x")])
    assert record.seen(1, 1, 100) == [(1, 4), (8, 9)]
    assert record.seen(1, 3, 8) == [(3, 4), (8, 8)]
    assert record.extents() == {1: Extent(9, 6), 2: Extent(1, 1)}
    assert record.names() == {1: "budi", 2: ""}
    record.forget(1, 3, 8)
    assert record.seen(1, 1, 100) == [(1, 2), (9, 9)]


def test_readers_stop_where_they_like(record: Record) -> None:
    assert record.stops("everything") == {}
    record.stop("everything", {1: 5, 2: 7})
    record.stop("everything", {1: 3})
    record.stop("#ops", {1: 9})
    assert record.stops("everything") == {1: 3, 2: 7}
    assert record.stops("#ops") == {1: 9}


def test_people_and_servers_do_not_mix(tmp_path: Path) -> None:
    file = tmp_path / "seen"
    Record(file, "here", "ani").keep([(1, 1, b"x")])
    Record(file, "there", "ani").keep([(1, 2, b"x")])
    Record(file, "here", "budi").stop("everything", {1: 3})
    assert Record(file, "here", "ANI").seen(1, 1, 9) == [(1, 1)]
    assert Record(file, "here", "ani").stops("everything") == {}
    assert Record(file, "here", "budi").extents() == {}


def test_only_its_owner_may_read_it_and_it_holds_no_text(record: Record) -> None:
    record.keep([(1, 7, mark(MESSAGE))], [(1, "budi")])
    record.close()
    assert record.file.stat().st_mode & 0o777 == 0o600
    assert record.file.parent.stat().st_mode & 0o777 == 0o700
    assert b"rahasia" not in record.file.read_bytes()
    assert record.marks(1, 7, 7) == {7: mark(MESSAGE)}


def test_what_cannot_be_read_is_said_and_not_touched(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"this is no record of anything" * 100)
    newer = tmp_path / "newer"
    with sqlite3.connect(newer) as connection:
        connection.execute("pragma user_version = 99")
    connection.close()
    for file, why in ((garbage, "not a database"), (newer, "a newer pesan"), (tmp_path, "directory")):
        with pytest.raises(RecordUnavailable, match=why):
            Record(file, "server", "ani").keep([(1, 1, b"x")])
    assert garbage.read_bytes().startswith(b"this is no record")


WRITER = """
import sys
from pathlib import Path
from client.record import Record
record = Record(Path(sys.argv[1]), "server", "ani")
first = int(sys.argv[2])
for seq in range(first, first + 50):
    record.keep([(1, seq, b"x")], [(1, "budi")])
    record.stop("reader", {first: seq})
    print(seq, flush=True)
"""


def test_processes_at_once_spoil_nothing_and_one_that_is_killed_leaves_what_it_wrote(record: Record) -> None:
    def writer(first: int) -> subprocess.Popen[str]:
        words = [sys.executable, "-c", WRITER, str(record.file), str(first)]
        return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)

    writers = [writer(first) for first in (1, 101, 201)]
    killed = writer(301)
    assert killed.stdout is not None
    told = [int(killed.stdout.readline()) for _ in range(5)]
    killed.kill()
    killed.communicate(timeout=30)
    for process in writers:
        process.communicate(timeout=60)
        assert process.returncode == 0
    seen = record.seen(1, 1, 300)
    assert seen == [(1, 50), (101, 150), (201, 250)]
    [(first, last)] = record.seen(1, 301, 400)
    assert first == 301
    assert told[-1] <= last
    with sqlite3.connect(record.file) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    connection.close()
