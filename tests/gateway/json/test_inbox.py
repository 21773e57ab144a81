"""What an inbox of the json dialect may hold while it is gathered; what it shows is in ``test_words``."""

from __future__ import annotations

import asyncio
import gc
import json
from typing import Any

import pytest

from gateway.digest import STEP, Digest
from gateway.json import Json
from gateway.json_inbox import Shown
from gateway.visitor import Visitor
from protocol.commands import ConversationInfo, HistoryReply, Message
from tests.gateway.conftest import PASSWORD
from tests.gateway.imagined import Imagined, System, Wire, within

SIZE = 5_000
"""Letters of a message."""
LINES = ["inbox", "inbox budi", "inboxgroup 1"]


class Crowd(System):
    """A session of somebody to whom ``count`` people wrote ``each`` messages."""

    count, each = 20, 40

    def __init__(self, origin: str) -> None:
        super().__init__(origin)
        self.asked = self.at_once = self.most_at_once = 0
        self.marked: dict[int, int] = {}

    async def conversations(self) -> list[ConversationInfo]:
        return [
            ConversationInfo(number, "direct", f"budi{number}", b"", self.each, 0, self.each, 100 + number)
            for number in range(1, self.count + 1)
        ]

    async def history(self, target: int | str, *, before: int | None, limit: int) -> HistoryReply:
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        number = target if isinstance(target, int) else 1
        last = (before or self.each + 1) - 1
        seqs = range(max(1, last + 1 - limit), last + 1)
        said = [Message(seq, f"budi{number}", "x" * SIZE, 100 + number, b"") for seq in seqs]
        return HistoryReply(number, said, seqs[0], last, self.each, 0)

    async def read(self, conversation: int, seq: int) -> None:
        self.marked[conversation] = seq


class Crowded(Imagined):
    """A gateway whose visitors have a crowd each, and a room of 3 MiB for each user."""

    def __init__(self) -> None:
        super().__init__(gateway_file_lines_bytes=12 << 20, gateway_file_line_max_bytes=3 << 20)

    def system(self, visitor: Visitor) -> Any:
        return Crowd(visitor.address)


async def entered(gateway: Imagined) -> tuple[Wire, Crowd]:
    """(wire, session) of ani, who has logged in."""
    wire = gateway.visit(Json)
    wire.says(b"halo\r\n")
    await within(lambda: wire.said)
    await wire.visitor.login("ani", PASSWORD)
    wire.heard.clear()
    return wire, gateway.systems[0]


async def asks(wire: Wire, line: str) -> dict[str, Any]:
    """The reply to a line."""
    wire.heard.clear()
    wire.says(f"{line}\r\n".encode())
    await within(lambda: wire.said.endswith(b"\r\n\r\n") and not wire.visitor.busy)
    reply: dict[str, Any] = json.loads(wire.said)
    return reply


async def test_one_page_at_a_time_is_held_and_none_that_can_have_no_room() -> None:
    wire, crowd = await entered(Crowded())
    shown = (await asks(wire, "inbox"))["messages"]
    senders = [message["sender"] for message in shown]
    assert 100 < len(shown) < 200
    assert senders == sorted(senders)
    assert senders[-1] == "budi20"
    assert crowd.most_at_once == 1
    assert crowd.asked < crowd.count
    assert crowd.marked == {int(sender[4:]): crowd.each for sender in senders}
    wire.breaks()


@pytest.mark.parametrize("line", LINES)
async def test_what_is_gathered_is_held_of_the_room_and_given_back(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = Crowded()
    wire, _ = await entered(gateway)
    taken: list[tuple[int, str]] = []
    take = gateway.room.take

    def noted(count: int, user: str) -> bool:
        taken.append((count, user))
        return take(count, user)

    monkeypatch.setattr(gateway.room, "take", noted)
    shown = (await asks(wire, line))["messages"]
    held = sum(count for count, _ in taken if count > 0)
    assert held + STEP >= len(shown) * SIZE
    assert sum(count for count, _ in taken) == 0
    assert {user for _, user in taken} == {"ani"}
    wire.breaks()


@pytest.mark.parametrize("line", LINES)
async def test_without_room_a_long_inbox_is_refused_and_a_short_one_is_shown(line: str) -> None:
    gateway = Crowded()
    wire, crowd = await entered(gateway)
    with gateway.room.held(gateway.room.share, "ani"):
        assert (await asks(wire, line))["message"] == "Server sedang sibuk, coba lagi nanti"
        assert crowd.marked == {}
        crowd.count, crowd.each = 2, 3
        assert (await asks(wire, line))["status"] == "OK"
        assert crowd.marked != {}
    assert gateway.room.take(gateway.room.share, "ani")
    assert not gateway.quiet.faults
    wire.breaks()


async def test_what_was_gathered_is_free_at_once() -> None:
    gateway = Crowded()
    wire, _ = await entered(gateway)
    await asks(wire, "halo")
    gc.collect()
    gc.disable()
    try:
        await asks(wire, "inbox")
        assert not [each for each in gc.get_objects() if isinstance(each, Shown | Digest)]
    finally:
        gc.enable()
    wire.breaks()
