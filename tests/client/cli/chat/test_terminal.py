from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.input.base import PipeInput
from prompt_toolkit.output import DummyOutput

from client.cli.chat import keeping
from client.cli.chat.room import Room
from client.cli.chat.terminal import Terminal, bar
from client.cli.exits import TIMEOUT
from client.errors import LoggedOut
from client.inbox import Status
from protocol.commands import ConversationInfo
from protocol.errors import InvalidCredentials
from protocol.events import DeliveredEvent, MessageEvent, ReadEvent, TypingEvent, UndeliveredEvent
from tests.client.cli.chat.pretended import NOON, PATIENCE, PretendedChat, until

BEGIN = "-- budi --"


class Paper(DummyOutput):
    """Keeps what is written above the prompt."""

    def __init__(self) -> None:
        self.written = ""

    def write(self, data: str) -> None:
        self.written += data


class Sitting:
    """Ani at a terminal that is none."""

    def __init__(self, keys: PipeInput) -> None:
        self.keys = keys
        self.paper = Paper()
        self.chat = PretendedChat()
        self.terminal = Terminal(Room(), "default", input=keys, output=self.paper, history=InMemoryHistory())
        self.running: asyncio.Future[int] | None = None

    async def begins(self) -> None:
        self.running = asyncio.ensure_future(self.terminal.run(self.chat.chat, "budi"))
        await until(lambda: BEGIN in self.paper.written)

    async def ends(self) -> int:
        assert self.running is not None
        return await asyncio.wait_for(self.running, PATIENCE)


@pytest.fixture
def sitting() -> Iterator[Sitting]:
    with create_pipe_input() as keys, create_app_session(input=keys, output=Paper()):
        yield Sitting(keys)


async def test_lines_are_said_until_ctrl_d(sitting: Sitting) -> None:
    await sitting.begins()
    sitting.keys.send_text("hello\rnever mind\x03two\x1b\rlines\r\x04")
    assert await sitting.ends() == 0
    assert sitting.chat.asked("send") == [("budi", "hello"), ("budi", "two\nlines")]


async def test_quit_leaves_and_slash_commands_are_done(sitting: Sitting) -> None:
    await sitting.begins()
    sitting.keys.send_text("/nope\r/to #ops\rhi\r/quit\r")
    assert await sitting.ends() == 0
    assert sitting.chat.asked("send") == [("#ops", "hi")]
    assert "-- There is no command /nope;" in sitting.paper.written


async def test_a_password_is_asked_for_while_messages_wait(sitting: Sitting) -> None:
    sitting.chat.fails["join_group"] = [InvalidCredentials("#ops needs a password.")]
    await sitting.begins()
    sitting.keys.send_text("/join ops\r")
    await until(lambda: sitting.terminal._question.app.is_running)
    sitting.chat.news.put_nowait(MessageEvent(3, 1, "citra", "ani", "psst", NOON, bytes(16)))
    await until(sitting.chat.news.empty)
    sitting.terminal.show(["also later"])
    assert "psst" not in sitting.paper.written
    assert "also later" not in sitting.paper.written
    sitting.keys.send_text("open sesame\r")
    await until(lambda: "-- #ops --" in sitting.paper.written)
    assert "[citra] psst" in sitting.paper.written and "also later" in sitting.paper.written
    assert sitting.chat.asked("join_group")[-1] == ("ops", "open sesame")
    sitting.keys.send_text("\x04")
    assert await sitting.ends() == 0
    assert "sesame" not in "".join(sitting.terminal._prompt.history.get_strings())


@pytest.mark.parametrize("key", ["\x03", "\x04"])
async def test_a_question_that_is_refused_leads_back_to_the_prompt(sitting: Sitting, key: str) -> None:
    sitting.chat.fails["join_group"] = [InvalidCredentials("#ops needs a password.")]
    await sitting.begins()
    sitting.keys.send_text("/join ops\r")
    await until(lambda: sitting.terminal._question.app.is_running)
    sitting.keys.send_text(key)
    await until(lambda: "-- nothing was done --" in sitting.paper.written)
    sitting.keys.send_text("\x04")
    assert await sitting.ends() == 0


async def test_what_is_heard_is_written_above_while_a_line_is_being_typed(sitting: Sitting) -> None:
    await sitting.begins()
    buffer = sitting.terminal._prompt.default_buffer
    sitting.keys.send_text("half a li")
    await until(lambda: buffer.text == "half a li")
    sitting.chat.news.put_nowait(MessageEvent(1, 2, "budi", "ani", "hi\x1b[2J", NOON, bytes(16)))
    await until(lambda: " budi: hi[2J\r\n" in sitting.paper.written)
    assert buffer.text == "half a li"
    sitting.keys.send_text("ne\r\x04")
    assert await sitting.ends() == 0
    assert sitting.chat.asked("send") == [("budi", "half a line")]


async def test_the_end_of_the_session_ends_the_chat(sitting: Sitting) -> None:
    await sitting.begins()
    sitting.chat.news.put_nowait(LoggedOut("That session has ended."))
    with pytest.raises(LoggedOut):
        await sitting.ends()


async def test_sigterm_leaves(sitting: Sitting) -> None:
    await sitting.begins()
    os.kill(os.getpid(), signal.SIGTERM)
    assert await sitting.ends() == 0


async def test_ctrl_c_ends_what_takes_too_long(sitting: Sitting) -> None:
    await sitting.begins()
    sitting.chat.gate.clear()
    sitting.keys.send_text("hello\r/who\r")  # /who waits for the message before it
    await until(lambda: sitting.terminal._work is not None and sitting.chat.ids)
    os.kill(os.getpid(), signal.SIGINT)
    await until(lambda: "-- interrupted --" in sitting.paper.written)
    sitting.chat.gate.set()
    sitting.keys.send_text("\x04")
    assert await sitting.ends() == 0
    assert sitting.chat.asked("online") == [()], "only the look for names at the start"


async def test_leaving_with_a_message_unsent_says_so(sitting: Sitting) -> None:
    await sitting.begins()
    sitting.chat.gate.clear()
    sitting.chat.news.put_nowait(Status(False, "Gone."))
    await until(lambda: "connection lost" in sitting.paper.written)
    sitting.keys.send_text("hello\r\x04")
    assert await sitting.ends() == TIMEOUT
    assert "-- 1 message was not sent --" in sitting.paper.written


# --- the bar --------------------------------------------------------------------------------------


def test_the_bar_says_where_we_are_who_types_what_is_unread_and_whether_we_are_connected() -> None:
    room = Room("ani")
    assert bar(room, 0, 0) == " no conversation: /to NAME opens one | connected "
    room.listed([ConversationInfo(1, "direct", "budi", b"", 0, 0, 0, 0)])
    room.listed([ConversationInfo(2, "group", "#ops", b"", 3, 1, 2, 0)])
    room.here = "budi"
    room.hear(TypingEvent(1, "budi"), 0)
    room.connected = False
    assert bar(room, 1, 2) == " budi | budi is typing | unread: #ops 2 | 2 not sent yet | not connected "


def test_the_bar_says_that_the_other_has_read_it() -> None:
    room = Room("ani")
    room.here = "budi"
    room.hear(MessageEvent(1, 1, "ani", "budi", "hi", NOON, bytes(16)), 0)
    assert "read" not in bar(room, 0, 0)
    room.hear(ReadEvent(1, "budi", 1), 0)
    assert bar(room, 0, 0) == " budi | read | connected "


def test_the_bar_says_how_far_a_message_to_another_realm_has_come() -> None:
    room = Room("ani")
    room.here = "budi@b"
    room.hear(MessageEvent(1, 1, "ani", "budi@b", "hi", NOON, bytes(16)), 0)
    assert bar(room, 0, 0) == " budi@b | sent, waiting for realm b | connected "
    room.hear(DeliveredEvent(1, 1), 0)
    assert bar(room, 0, 0) == " budi@b | delivered | connected "
    room.hear(ReadEvent(1, "budi@b", 1), 0)
    assert bar(room, 0, 0) == " budi@b | read | connected "
    room.hear(MessageEvent(1, 2, "ani", "budi@b", "hi", NOON, bytes(16)), 0)
    assert "waiting for realm b" in bar(room, 0, 0)
    room.hear(UndeliveredEvent(1, 2, bytes(16), "not_found", "No."), 0)
    room.hear(DeliveredEvent(1, 2), 0)  # what was refused counts as settled
    assert bar(room, 0, 0) == " budi@b | refused there | connected "


def test_the_bar_counts_posts_that_have_not_come_back_from_their_home() -> None:
    room = Room("ani")
    room.listed([ConversationInfo(1, "group", "#team@b", b"", 0, 0, 0, 0)])
    room.here = "#team@b"
    for id in (b"1", b"2"):
        room.sent.add(id)
        room.passed_on(id, "#team@b", "hi")
    assert bar(room, 0, 0) == " #team@b | 2 waiting for realm b | connected "
    for seq, id in enumerate((b"1", b"2"), 1):
        assert room.hear(MessageEvent(1, seq, "ani", "#team@b", "hi", NOON, id), 0) == []
    assert bar(room, 0, 0) == " #team@b | connected "


# --- what was typed -------------------------------------------------------------------------------


def test_typed_lines_are_kept_for_their_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    keeping.typed_lines("work").append_string("hello")
    file = tmp_path / "pesan" / "work.typed"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(keeping.typed_lines("work").load_history_strings()) == ["hello"]


def test_old_typed_lines_are_forgotten_when_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(keeping, "KEPT_MOST", 4096)
    history = keeping.typed_lines("work")
    for number in range(200):
        history.append_string(f"line {number}")
    kept = list(keeping.typed_lines("work").load_history_strings())
    assert kept[0] == "line 199"
    assert 10 < len(kept) < 100
    assert kept == [f"line {number}" for number in range(199, 199 - len(kept), -1)]
    assert (tmp_path / "pesan" / "work.typed").stat().st_mode & 0o777 == 0o600


def test_where_nothing_can_be_kept_the_chat_works_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pesan").write_text("a file, where a folder should be")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    keeping.typed_lines("work").append_string("hello")
