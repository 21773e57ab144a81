"""``pesan send --wait``: what counts as arrived, whatever is heard of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from client.cli import arrivals
from client.inbox import Event
from protocol.commands import HistoryReply, Message, RealmInfo, SendReply
from protocol.events import DeliveredEvent, MessageEvent, TypingEvent, UndeliveredEvent
from tests.client.cli.shell import Ended, Pretended, Shell

NOON = 1_700_000_000_000_000
ID = bytes(range(16))
QUIET = TypingEvent(5, "budi@b")


class Way(Pretended):
    """Ani's. What she sends is message 3; ``heard`` comes one after the other, and does ``after`` it."""

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self.looks = 0
        self.arrives_at = 0
        """Which look finds it there; 0: none."""
        self.undelivered = ""
        self.duplicate = False
        self.listening = False

    async def listen(self) -> None:
        self.listening = True

    async def send(self, to: str, body: str, *, id: bytes) -> SendReply:
        assert self.listening or "@b" not in to  # what is refused at once is heard
        seq = 0 if to.startswith("#") and not self.duplicate else 3
        return SendReply(5, seq, NOON, self.duplicate, "@b" in to, True)

    async def realms(self) -> list[RealmInfo]:
        return [RealmInfo("b", "paired", 1, 1)]

    async def events(self) -> AsyncIterator[Event]:
        for event in self.heard:
            await asyncio.sleep(0)
            if isinstance(event, DeliveredEvent):
                self.arrives_at = self.looks + 1
            yield event
        await asyncio.sleep(60)

    async def history(self, target: int, **_: Any) -> HistoryReply:
        self.looks += 1
        there = 0 < self.arrives_at <= self.looks
        message = Message(3, "ani", "hi", NOON, ID, undelivered=self.undelivered)
        return HistoryReply(5, [message], 3, 3, 3, 0, 3 if there else 2)


@pytest.fixture
def way(shell: Shell) -> Way:
    found = Way()
    shell.log_in()
    shell.pretend(found)
    return found


def sends(shell: Shell, to: str, *more: str) -> Ended:
    return shell.run("send", to, "hi", "--wait", "--id", ID.hex(), "--timeout", "5", *more)


def test_a_message_is_there_when_the_history_says_so_after_word_of_it(shell: Shell, way: Way) -> None:
    way.heard = [QUIET, DeliveredEvent(5, 2), DeliveredEvent(5, 3)]
    assert sends(shell, "budi@b") == Ended(0, "", "")
    assert way.looks > 1


def test_without_word_of_it_it_is_looked_up(shell: Shell, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "LOOK_EVERY", 0.01)
    way.arrives_at = 3
    ended = sends(shell, "budi@b", "--json")
    assert (ended.code, json.loads(ended.out)["seq"], way.looks) == (0, 3, 3)
    assert "queued" not in json.loads(ended.out)


def test_what_was_there_at_once_is_not_waited_for(shell: Shell, way: Way) -> None:
    way.arrives_at = 1
    assert sends(shell, "budi@b").code == 0
    assert sends(shell, "budi").code == 0
    assert way.looks == 1


@pytest.mark.parametrize("heard", [True, False], ids=["heard", "looked up"])
def test_a_refusal_ends_with_its_sentence(shell: Shell, way: Way, heard: bool) -> None:
    if heard:
        way.heard = [UndeliveredEvent(5, 3, ID, "not_found", "There is no user budi.")]
    else:
        way.undelivered = "There is no user budi."
        way.arrives_at = 1  # what is refused counts as settled
    said = "pesan: refused by realm b: There is no user budi.\n"
    assert sends(shell, "budi@b") == Ended(1, "", said)


def test_a_post_is_there_when_it_has_its_number(shell: Shell, way: Way) -> None:
    way.heard = [QUIET, MessageEvent(5, 7, "ani", "#team@b", "hi", NOON, ID)]
    way.history = _nothing  # type: ignore[method-assign]
    ended = sends(shell, "#team@b", "--json")
    assert (ended.code, json.loads(ended.out)["seq"]) == (0, 7)


def test_a_post_that_came_back_unheard_is_found_or_needs_no_look(shell: Shell, way: Way) -> None:
    assert json.loads(sends(shell, "#team@b", "--json").out)["seq"] == 3
    way.duplicate = True
    assert sends(shell, "#team@b").code == 0
    assert way.looks == 1


def test_what_takes_too_long_is_said_to_go_on_by_itself(shell: Shell, way: Way) -> None:
    ended = shell.run("send", "budi@b", "hi", "--wait", "--timeout", "0.05")
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.startswith("pesan: queued: realm b has been away since 1970-01-01")
    assert ended.err.endswith("; it goes there by itself.\n")


def test_lines_are_not_waited_for(shell: Shell, way: Way) -> None:
    ended = shell.run("send", "budi@b", "-", "--wait")
    assert ended.code == 2 and "--wait is for one message" in ended.err


async def _nothing(target: int, **_: Any) -> HistoryReply:
    return HistoryReply(5, [], 1, 0, 0, 0)
