"""A chat with a record: what it hands out leaves a mark, soon, and a record that fails takes nothing down."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client import Chat, MessageEvent
from client.record import UNREAD_MARK, Record, RecordUnavailable, mark
from client.recording import BUFFERED_MOST, Recording
from protocol.commands import Message, SendReply
from tests.client.fake_broker import FakeBroker

PASSWORD = "correct horse"


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    with FakeBroker() as found:
        yield found


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "seen", "server", "ani")


def chat(broker: FakeBroker, record: Record | None, name: str = "ani") -> Chat:
    return Chat.connect(broker.address, username=name, password=PASSWORD, record=record)


async def test_what_is_sent_heard_and_fetched_leaves_a_mark(broker: FakeBroker, record: Record) -> None:
    async with chat(broker, record) as ani, chat(broker, None, "budi") as budi:
        await ani.listen()
        await ani.send("budi", "one")
        await budi.send("ani", "two")
        heard = 0
        async for event in ani.events():
            heard += isinstance(event, MessageEvent)
            if heard == 2:
                break
        await budi.send("citra", "three")
        await budi.history("ani")  # budi keeps none
    stored = broker.model.rooms[1].messages
    assert record.marks(1, 1, 9) == {message.seq: mark(message) for message in stored}
    assert record.names() == {1: "budi"}
    late = Record(record.file, "server", "citra")
    async with chat(broker, late, "citra") as citra:
        await citra.history(2)
    assert late.marks(2, 1, 9) == {1: mark(broker.model.rooms[2].messages[0])}


async def test_a_mark_is_written_while_the_chat_goes_on(broker: FakeBroker, record: Record) -> None:
    async with chat(broker, record) as ani:
        await ani.send("budi", "one")
        for _ in range(100):
            await asyncio.sleep(0.05)
            if Record(record.file, "server", "ani").extents():
                return
    raise AssertionError("never written")


async def test_a_second_answer_to_one_send_says_only_that_the_number_is_taken(record: Record) -> None:
    recording = Recording(record)
    recording.sent("budi", "perhaps another text", bytes(16), SendReply(1, 5, 7, True))
    recording.close()
    assert record.marks(1, 1, 9) == {5: UNREAD_MARK}


async def test_many_marks_are_written_before_they_fill_the_memory(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    monkeypatch.setattr(Record, "keep", lambda record, marks, names: written.append(len(marks)))
    recording = Recording(record)
    for seq in range(1, 2 * BUFFERED_MOST + 1):
        recording.heard(MessageEvent(1, seq, "budi", "ani", "x", 0, bytes(16)))
    assert written == [BUFFERED_MOST, BUFFERED_MOST]
    recording.close()


async def test_a_record_that_cannot_be_written_is_given_up_and_named(
    broker: FakeBroker, record: Record
) -> None:
    record.file.mkdir()
    async with chat(broker, record) as ani:
        await ani.send("budi", "one")
        page = await ani.history("budi")
        assert [message.body for message in page.messages] == ["one"]
    assert "directory" in ani.record_fault


async def test_a_full_disk_ends_the_record_and_not_the_chat(
    broker: FakeBroker, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise RecordUnavailable("the disk is full")

    monkeypatch.setattr(Record, "keep", full)
    async with chat(broker, record) as ani:
        await ani.send("budi", "one")
        await asyncio.sleep(0.4)
        assert ani.record_fault == "the disk is full"
        assert (await ani.send("budi", "two")).seq == 2


async def test_leaving_a_group_forgets_what_was_seen_there(broker: FakeBroker, record: Record) -> None:
    async with chat(broker, record) as ani, chat(broker, None, "budi") as budi:
        await ani.create_group("ops")
        await budi.join_group("ops")
        await ani.send("#ops", "one")
        await ani.send("budi", "two")
        await ani.leave_group("ops")
    assert record.names() == {2: "budi"}


def test_a_message_in_conversation_with_oneself_or_a_group_is_named_by_its_address(record: Record) -> None:
    async def names() -> dict[int, str]:
        recording = Recording(record)
        for number, sender, to in (
            (1, "ani", "ani"),
            (2, "budi", "#ops"),
            (3, "budi", "ani"),
            (4, "Ani", "dewi"),
        ):
            recording.heard(MessageEvent(number, 1, sender, to, "x", 0, bytes(16)))
        recording.close()
        return record.names()

    assert asyncio.run(names()) == {1: "ani", 2: "#ops", 3: "budi", 4: "dewi"}
    assert mark(Message(1, "budi", "x", 0, bytes(16))) == record.marks(3, 1, 1)[1]
