"""CHECK and CHECKPAST: what is unread and what was said earlier, and the markers that every client shares."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client import Chat
from gateway import digest
from protocol.commands import ConversationInfo, HistoryReply, Message
from tests.gateway.bracket_town import answers, logged_in, native, registered, said, shown
from tests.gateway.conftest import Town

NONE = "[OK] Tidak ada pesan baru"


async def unread_of(chat: Chat) -> dict[str, int]:
    """What the native client has to read, by conversation."""
    return {row.name: row.unread for row in await chat.conversations() if row.unread}


async def test_check_shows_all_conversations_by_time_and_marks_them_as_read_everywhere(town: Town) -> None:
    ani, budi, grup = registered(town, "ani"), registered(town, "budi"), town.name("grup")
    async with native(town, ani) as chat, native(town, budi) as other:
        await chat.create_group(grup)
        await other.join_group(grup)
        for to, text in ((ani, "1"), (f"#{grup}", "2"), (ani, "3"), (f"#{grup}", "4")):
            await other.send(to, text)
        await chat.send(f"#{grup}", "own")
        assert await unread_of(chat) == {budi: 2, f"#{grup}": 2}
        with logged_in(town, ani) as peer:
            group = f"{grup}:{budi}"
            assert shown(peer) == (
                [f"{budi} 1", f"{group} 2", f"{budi} 3", f"{group} 4"],
                "[OK] 4 pesan baru",
            )
            assert await unread_of(chat) == {}
            rows = {row.name: row for row in await chat.conversations()}
            assert rows[f"#{grup}"].read_seq == rows[f"#{grup}"].last_seq == 3
            assert shown(peer) == ([], NONE)
            lines, status = shown(peer, "CHECKPAST")
            mine = [line for line in lines if not line.startswith("broadcast:")]
            assert mine == [f"{budi} 1", f"{group} 2", f"{budi} 3", f"{group} 4", f"{grup}:{ani} own"]
            assert status == f"[OK] {len(lines)} pesan lama"


async def test_what_was_read_by_the_native_client_is_no_news_to_check(town: Town) -> None:
    ani, budi = registered(town, "ani"), registered(town, "budi")
    async with native(town, ani) as chat, native(town, budi) as other:
        for number in range(5):
            await other.send(ani, f"nomor {number}")
        await chat.read(budi, 3)
        with logged_in(town, ani) as peer:
            assert shown(peer, "CHECKPAST")[0][-3:] == [f"{budi} nomor {number}" for number in range(3)]
            assert shown(peer) == ([f"{budi} nomor 3", f"{budi} nomor 4"], "[OK] 2 pesan baru")


async def test_what_was_pushed_is_unread_until_it_was_asked_for(town: Town) -> None:
    ani, budi = registered(town, "ani"), registered(town, "budi")
    async with native(town, ani) as chat:
        with logged_in(town, ani) as peer, logged_in(town, budi) as other:
            answers(other, f"SEND {ani} halo", "[OK] pesan terkirim")
            assert said(peer.line()) == f"{budi} halo"
            assert await unread_of(chat) == {budi: 1}
            assert shown(peer) == ([f"{budi} halo"], "[OK] 1 pesan baru")
            assert await unread_of(chat) == {}
            answers(other, f"SEND {ani} lagi", "[OK] pesan terkirim")
            assert said(peer.line()) == f"{budi} lagi"


async def test_own_lines_among_unread_ones_are_earlier_and_the_unread_ones_are_not(town: Town) -> None:
    ani, budi = registered(town, "ani"), registered(town, "budi")
    async with native(town, ani) as chat, native(town, budi) as other:
        await other.send(ani, "1")
        await chat.read(budi)
        await chat.send(budi, "own 2")
        await other.send(ani, "3")
        await chat.send(budi, "own 4")
        with logged_in(town, ani) as peer:
            assert shown(peer, "CHECKPAST")[0][-3:] == [f"{budi} 1", f"{ani} own 2", f"{ani} own 4"]
            assert shown(peer) == ([f"{budi} 3"], "[OK] 1 pesan baru")


async def test_a_group_that_was_joined_shows_what_was_said_before_as_earlier(town: Town) -> None:
    ani, budi, grup = registered(town, "ani"), registered(town, "budi"), town.name("grup")
    async with native(town, budi) as other:
        await other.create_group(grup)
        await other.send(f"#{grup}", "dulu")
        with logged_in(town, ani) as peer:
            answers(peer, f"JOIN {grup} x", "[OK] Join grup berhasil")
            assert shown(peer) == ([], NONE)
            assert f"{grup}:{budi} dulu" in shown(peer, "CHECKPAST")[0]
            answers(peer, f"LEAVE {grup}", "[OK] Berhasil keluar dari grup")
            assert f"{grup}:{budi} dulu" not in shown(peer, "CHECKPAST")[0]


async def test_more_than_one_reply_may_hold_is_told_by_the_next_one(town: Town) -> None:
    """2 MiB and a half in long messages: several replies, nothing left out, the markers never ahead."""
    ani, budi = registered(town, "ani"), registered(town, "budi")
    count, size = 44, 60_000
    async with native(town, budi) as other, native(town, ani) as chat:
        texts = [f"{number:03} " + "x" * size for number in range(count)]
        await asyncio.gather(*(other.send(ani, text) for text in texts))
        with logged_in(town, ani) as peer:
            first, status = await asyncio.to_thread(shown, peer)
            assert status == f"[OK] {len(first)} pesan baru, masih ada lagi"
            assert 0 < len(first) < count
            assert await unread_of(chat) == {budi: count - len(first)}
            second, status = await asyncio.to_thread(shown, peer)
            assert status == f"[OK] {len(second)} pesan baru"
            assert first + second == [f"{budi} {text}" for text in texts]
            assert await unread_of(chat) == {}
            past, status = await asyncio.to_thread(shown, peer, "CHECKPAST")
            assert status == f"[OK] {len(past)} pesan lama, yang lebih lama tidak ditampilkan"
            assert past == [f"{budi} {text}" for text in texts[-len(past) :]]


# --- what there is room for ---------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def one_loop() -> Iterator[None]:
    """For all examples: one each would take longer than what is tried."""
    yield
    LOOP.close()


class Shelf:
    """A chat of conversations given as lists of (time, sender); counts what was asked."""

    user = "ani"

    def __init__(self, read: dict[int, int], **conversations: list[tuple[int, str]]) -> None:
        self._said = dict(enumerate(conversations.values(), 1))
        self.read_seq = {number: read.get(number, 0) for number in self._said}

    async def conversations(self) -> list[ConversationInfo]:
        rows = []
        for number, written in self._said.items():
            seq = self.read_seq[number]
            others = sum(sender != self.user for _, sender in written[seq:])
            last_at = written[-1][0] if written else 0
            rows.append(
                ConversationInfo(number, "group", f"#{number}", b"", len(written), seq, others, last_at)
            )
        return rows

    async def history(
        self, conversation: int, *, after: int | None = None, before: int | None = None, limit: int = 100
    ) -> HistoryReply:
        written = self._said[conversation]
        everything = [Message(seq, sender, "", at, b"") for seq, (at, sender) in enumerate(written, 1)]
        if after is not None:
            found = everything[after:][: min(limit, 3)]
            first = after + 1
        else:
            found = everything[: (before or len(written) + 1) - 1][-min(limit, 3) :]
            first = found[0].seq if found else 1
        last = found[-1].seq if found else first - 1
        return HistoryReply(conversation, found, first, last, len(written), self.read_seq[conversation])

    async def read(self, conversation: int, seq: int) -> None:
        self.read_seq[conversation] = max(seq, self.read_seq[conversation])


def layout(row: ConversationInfo, message: Message) -> bytes:
    """A line of ten bytes."""
    return f"{row.conversation:4}:{message.seq:4}\n".encode()


def places(told: digest.Told) -> list[tuple[int, int]]:
    """(conversation, seq) of each line."""
    return [(int(line[:4]), int(line[5:])) for line in told.lines.splitlines()]


LOOP = asyncio.new_event_loop()
RUN = LOOP.run_until_complete
SAID = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["ani", "budi"])), max_size=12)
SHELVES = st.lists(SAID, min_size=1, max_size=4)


def shelf(conversations: list[list[tuple[int, str]]], read: list[int]) -> Shelf:
    """``read``: how many messages of each were read."""
    named = {f"c{number}": written for number, written in enumerate(conversations, 1)}
    return Shelf(dict(enumerate(read, 1)), **named)


@settings(max_examples=60)
@given(SHELVES, st.lists(st.integers(0, 12), min_size=4, max_size=4), st.integers(1, 60), st.integers(1, 5))
def test_checking_again_and_again_tells_everything_unread_once_and_in_order(
    conversations: list[list[tuple[int, str]]], read: list[int], room: int, most: int
) -> None:
    conversations = [sorted(written) for written in conversations]
    read = [min(count, len(written)) for count, written in zip(read, conversations, strict=False)]
    books = shelf(conversations, read)
    told: list[tuple[int, int]] = []
    more = True
    while more:
        before = len(told)
        answer, marks = RUN(digest.unread(cast(Chat, books), digest.Bounds(room, most), layout))
        told += places(answer)
        assert answer.messages == len(told) - before
        assert len(answer.lines) <= max(room, 10)
        assert all(books.read_seq[conversation] >= seq for conversation, seq in marks.items())
        more = answer.more
        assert not more or answer.messages
    unread = [
        (at, number, seq)
        for number, (written, count) in enumerate(zip(conversations, read, strict=False), 1)
        for seq, (at, sender) in enumerate(written, 1)
        if seq > count and sender != "ani"
    ]
    assert told == [(number, seq) for _, number, seq in sorted(unread)]
    assert not any(row.unread for row in RUN(books.conversations()))


@settings(max_examples=60)
@given(SHELVES, st.lists(st.integers(0, 12), min_size=4, max_size=4), st.integers(1, 60), st.integers(1, 5))
def test_what_is_marked_was_told_whatever_the_clock_did(
    conversations: list[list[tuple[int, str]]], read: list[int], room: int, most: int
) -> None:
    read = [min(count, len(written)) for count, written in zip(read, conversations, strict=False)]
    books = shelf(conversations, read)
    answer, _ = RUN(digest.unread(cast(Chat, books), digest.Bounds(room, most), layout))
    marked = [
        (number, seq)
        for number, (written, count) in enumerate(zip(conversations, read, strict=False), 1)
        for seq, (_, sender) in enumerate(written, 1)
        if count < seq <= books.read_seq[number] and sender != "ani"
    ]
    told = places(answer)
    assert sorted(told) == marked
    assert [place for number in books.read_seq for place in told if place[0] == number] == marked


@settings(max_examples=60)
@given(SHELVES, st.lists(st.integers(0, 12), min_size=4, max_size=4), st.integers(1, 200), st.integers(1, 5))
def test_earlier_are_the_newest_that_were_read_or_are_our_own(
    conversations: list[list[tuple[int, str]]], read: list[int], room: int, most: int
) -> None:
    conversations = [sorted(written) for written in conversations]
    read = [min(count, len(written)) for count, written in zip(read, conversations, strict=False)]
    answer = RUN(digest.earlier(cast(Chat, shelf(conversations, read)), digest.Bounds(room, most), layout))
    found: list[tuple[int, int, int]] = []
    whole = 0
    for number, (written, count) in enumerate(zip(conversations, read, strict=False), 1):
        past = [
            (at, number, seq)
            for seq, (at, sender) in enumerate(written, 1)
            if seq <= count or sender == "ani"
        ]
        whole += len(past)
        found += past[-most:]
    found = sorted(found)[-max(room // 10, 1) :]
    assert places(answer) == [(number, seq) for _, number, seq in found]
    assert answer.more == (len(found) < whole)


@pytest.mark.parametrize("room", [0, 40, 80, 400])
def test_where_there_is_no_room_to_hold_more_less_is_told_and_nothing_is_left_out(
    monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(digest, "STEP", 40)
    held = 0

    def grant(count: int) -> bool:
        nonlocal held
        if held + count > room:
            return False
        held += count
        return True

    books = shelf([[(at, "budi") for at in range(12)], [(at, "citra") for at in range(5, 17)]], [0, 0])
    told: list[tuple[int, int]] = []
    more = True
    while more:
        answer, _ = RUN(digest.unread(cast(Chat, books), digest.Bounds(1000, 100, grant), layout))
        more = answer.more
        told += places(answer)
        assert 20 <= len(answer.lines) <= 40 + room and held == 0
    everything = sorted((at, 1 + (number > 11), at) for number, at in enumerate([*range(12), *range(5, 17)]))
    assert told == [(which, at + 1 - 5 * (which - 1)) for _, which, at in everything]
