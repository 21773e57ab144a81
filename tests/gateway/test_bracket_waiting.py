"""Lines of the bracket dialect that wait: for the end of a turn, for the end of a reply, and how many may."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from client import SetBack
from config.settings import Settings
from gateway.bracket import Bracket
from gateway.bracket_lines import CACHED_LINES, Lines
from gateway.dialect import Command
from gateway.text import one_line
from gateway.visitor import Visitor
from protocol.events import MessageEvent, TypingEvent

PUSHES = 5
ROOM = 65_536


class Window:
    """What a visitor is to the dialect: somebody who is written to."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(home=folder, gateway_pushes=PUSHES, gateway_output_bytes=4 * ROOM)
        self.chat = SimpleNamespace(user="ani")
        self.logged_in = True
        self.writes: list[bytes] = []
        self.counts: Counter[str] = Counter()
        self.write = self.writes.append

    async def server_there(self) -> None:
        """It is."""

    def count(self, what: str) -> None:
        self.counts[what] += 1

    @property
    def texts(self) -> list[str]:
        """What was written, without times."""
        return [line.decode().split(" ", 2)[2] for line in b"".join(self.writes).splitlines()]


@pytest.fixture
def window(tmp_path: Path) -> Window:
    return Window(tmp_path)


@pytest.fixture
def bracket(window: Window) -> Bracket:
    return Bracket(cast(Visitor, window))


def event(
    seq: int, text: str = "", *, sender: str = "budi", to: str = "ani", id: bytes = b""
) -> MessageEvent:
    return MessageEvent(7, seq, sender, to, text or f"nomor {seq}", 1_800_000_000_000_000, id)


class Slow(Bracket):
    """Whose only word takes until it is told to end."""

    ended: asyncio.Future[None]

    async def slow(self, arguments: list[str]) -> str:
        await self.ended
        return "[OK]"


@pytest.fixture
async def slow(window: Window) -> tuple[Slow, Callable[[], Any]]:
    """A dialect that is carrying out a request, and how that ends."""

    class Now(Slow):
        COMMANDS = {"SLOW": Command(Slow.slow)}  # noqa: RUF012

    bracket = Now(cast(Visitor, window))
    bracket.ended = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(bracket.request(b"slow"))
    await asyncio.sleep(0)

    async def end() -> None:
        bracket.ended.set_result(None)
        await task

    return bracket, end


async def test_what_comes_in_one_turn_is_one_write_and_all_of_it_however_much(
    bracket: Bracket, window: Window
) -> None:
    bracket.heard(event(1))
    bracket.heard(event(2))
    assert not window.writes
    await asyncio.sleep(0)
    assert len(window.writes) == 1
    for seq in range(3, 30):
        bracket.heard(event(seq))
    await asyncio.sleep(0)
    assert window.texts == [f"budi nomor {seq}" for seq in range(1, 30)]
    assert not window.counts


async def test_behind_a_reply_stands_what_came_meanwhile_as_much_as_may_wait(
    slow: tuple[Slow, Callable[[], Any]], window: Window
) -> None:
    bracket, end = slow
    for seq in range(1, PUSHES + 3):
        bracket.heard(event(seq))
    await asyncio.sleep(0)
    assert not window.writes
    await end()
    assert window.writes[0] == b"[OK]\n"
    del window.writes[0]
    assert window.texts == [f"budi nomor {seq}" for seq in range(1, PUSHES + 1)]
    assert window.counts == {"pushes dropped": 2}
    bracket.heard(event(100))
    await asyncio.sleep(0)
    assert window.texts[-1] == "budi nomor 100"


async def test_what_waits_has_a_bound_in_bytes(slow: tuple[Slow, Callable[[], Any]], window: Window) -> None:
    bracket, end = slow
    for seq in (1, 2, 3):
        bracket.heard(event(seq, "x" * (ROOM - 100)))
    await end()
    assert len(window.writes[1].splitlines()) == 2
    assert window.counts == {"pushes dropped": 1}


async def test_who_has_left_is_not_told_what_waited_for_them(
    slow: tuple[Slow, Callable[[], Any]], window: Window
) -> None:
    bracket, end = slow
    bracket.heard(event(1))
    bracket.farewell()
    window.chat.user = "citra"
    bracket.heard(event(1, "halo", sender="ani", to="citra"))
    await end()
    assert window.writes == [b"[OK]\n", window.writes[-1]]
    assert window.writes[-1].endswith(b" ani halo\n")


async def test_own_messages_and_hints_are_no_lines(bracket: Bracket, window: Window) -> None:
    bracket.heard(event(1, sender="ani", to="budi"))
    bracket.heard(TypingEvent(7, "budi"))
    bracket.heard(SetBack(7, "budi", 5, 1))
    await asyncio.sleep(0)
    assert not window.writes


def test_a_line_is_laid_out_once_for_all_who_hear_it_and_never_taken_for_another() -> None:
    lines = Lines()
    first, second = event(1, "satu", to="#ops", id=b"x"), event(1, "dua", to="#ops", id=b"x")
    assert lines.of(first).endswith(b" ops:budi satu\n") and lines.of(second).endswith(b" ops:budi dua\n")
    assert lines.of(first) is lines.of(first)
    for seq in range(2 * CACHED_LINES):
        assert lines.of(event(seq, to="*")).endswith(b" broadcast:budi nomor %d\n" % seq)
    assert len(lines._lines) <= CACHED_LINES
    long = [event(seq, "x" * 60_000, to="*") for seq in range(1, 20)]
    for each in long:
        lines.of(each)
    assert len(lines._lines) < 10


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("satu  dua", "satu  dua"),
        ("satu\r\ndua\rtiga\n\nempat", "satu dua tiga  empat"),
        ("a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g", "a b c d e f g"),
        ("\x1b[31mmerah\x07\x9b2J\x7f", "[31mmerah2J"),
        ("ab\u202ecd\u2066e", "abcde"),
        ("tab\tdan 👩\u200d👩", "tab\tdan 👩\u200d👩"),
    ],
)
def test_a_text_is_one_line_that_a_terminal_only_shows(text: str, line: str) -> None:
    assert one_line(text) == line
    assert len(f"{line}\n".splitlines()) == 1
