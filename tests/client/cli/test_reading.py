"""Which pages are asked for, and that nothing is marked as read before it was shown."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from client.cli import pages
from protocol import limits
from protocol.commands import ConversationInfo, HistoryReply, Message
from tests.client.cli.shell import Pretended, Shell


class Store(Pretended):
    """One conversation of ``newest`` messages, ani's and budi's in turn; answers at most 7 at a time."""

    def __init__(self, newest: int, read_seq: int = 0) -> None:
        self.newest = newest
        self.read_seq = read_seq
        self.limits: list[int] = []
        self.marked: list[tuple[int, int]] = []

    async def history(
        self, target: str | int, *, after: int | None = None, before: int | None = None, limit: int
    ) -> HistoryReply:
        assert 1 <= limit <= limits.HISTORY_MAX_MESSAGES
        self.limits.append(limit)
        limit = min(limit, 7)
        if after is not None:
            first, last = after + 1, min(after + limit, self.newest)
        else:
            last = min(self.newest, (before or self.newest + 1) - 1)
            first = max(1, last - limit + 1)
        senders = {0: "budi", 1: "ani"}
        found = [Message(seq, senders[seq % 2], f"m{seq}", seq, bytes(16)) for seq in range(first, last + 1)]
        return HistoryReply(9, found, first, last, self.newest, self.read_seq)

    async def conversations(self) -> list[ConversationInfo]:
        unread = self.newest // 2 - self.read_seq // 2
        return [
            ConversationInfo(9, "direct", "budi", b"", self.newest, self.read_seq, unread, 1),
            ConversationInfo(10, "group", "#ops", b"c" * 16, 0, 0, 0, 0),
        ]

    async def read(self, target: int, seq: int) -> None:
        self.marked.append((target, seq))


@pytest.mark.parametrize(("newest", "count"), [(0, 5), (3, 5), (30, 1), (30, 7), (30, 20), (30, 99)])
def test_the_latest_messages_come_whole_and_in_order(newest: int, count: int) -> None:
    async def work() -> list[int]:
        found: Any = await pages.latest(Store(newest), "budi", count)  # type: ignore[arg-type]
        return [message.seq for page in found for message in page.messages]

    assert asyncio.run(work()) == [*range(1, newest + 1)][-count:]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], range(11, 31)),
        (["-n", "3"], range(28, 31)),
        (["--all"], range(1, 31)),
        (["--after", "25"], range(26, 31)),
        (["--after", "3", "-n", "10"], range(4, 14)),
        (["--all", "--after", "20"], range(21, 31)),
        (["--after", "30"], range(0)),
    ],
)
def test_history_shows_what_was_asked_for(shell: Shell, words: list[str], expected: range) -> None:
    shell.log_in()
    shell.pretend(Store(30))
    ended = shell.run("history", "budi", "--json", *words)
    shown = [json.loads(line) for line in ended.out.splitlines()]
    assert [one["seq"] for one in shown] == [*expected]
    assert all((one["with"], one["conversation"]) == ("budi", 9) for one in shown)


def test_the_inbox_shows_others_messages_and_marks_nothing(shell: Shell) -> None:
    store = Store(20, read_seq=10)
    shell.log_in()
    shell.pretend(store)
    shown = [json.loads(line) for line in shell.run("inbox", "--json").out.splitlines()]
    assert [one["seq"] for one in shown] == [12, 14, 16, 18, 20]
    assert shell.run("inbox").out.startswith("budi (5 unread)\n")
    assert store.marked == []


def test_read_marks_up_to_the_last_message_it_showed(shell: Shell) -> None:
    store = Store(21, read_seq=10)
    shell.log_in()
    shell.pretend(store)
    assert shell.run("read", "BUDI", "--json").out.count("\n") == 5
    assert store.marked == [(9, 21)]
    assert shell.run("read", "#ops").out == ""
    assert store.marked == [(9, 21)]


def test_what_could_not_be_printed_is_not_read(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(21, read_seq=10)
    shell.log_in()
    shell.pretend(store)

    def fails(line: str, flush: bool = False) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("client.cli.output.out", fails)
    with pytest.raises(OSError, match="No space"):
        shell.run("read")
    assert store.marked == []


def test_unread_counts(shell: Shell) -> None:
    shell.log_in()
    shell.pretend(Store(20, read_seq=10))
    assert shell.run("unread").out == "budi 5\n"
    assert shell.run("unread", "--count").out == "5\n"
    assert shell.run("unread", "#ops", "--count").out == "0\n"
    assert json.loads(shell.run("unread", "--json").out) == {"with": "budi", "conversation": 9, "unread": 5}
    assert json.loads(shell.run("unread", "--count", "--json").out) == {"unread": 5}
