from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.cli.chat import plain as module
from client.cli.chat.plain import Input, Plain
from client.cli.chat.room import Room
from client.cli.exits import NOT_FOUND, TIMEOUT
from client.errors import LoggedOut
from protocol.errors import InvalidCredentials, NotFound
from protocol.events import MessageEvent
from tests.client.cli.chat.pretended import NOON, PATIENCE, PretendedChat, until


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


async def test_lines_come_as_they_are_written(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    stream = Input(reading)
    os.write(writing, b"one\ntw")
    assert await stream.line() == "one"
    second = asyncio.ensure_future(stream.line())
    os.write(writing, b"o \xc3")
    await asyncio.sleep(0)
    assert not second.done()
    os.write(writing, b"\xa9\nthree \xff")
    os.close(writing)
    assert [await second, await stream.line(), await stream.line()] == [
        "two é",
        "three \udcff",
        None,
    ]  # which cannot be sent


async def test_a_plain_file_and_nothing_at_all_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("one\n\ntwo\n")
    with (tmp_path / "lines").open() as file, Path("/dev/null").open() as nothing:
        stream = Input(file.fileno())
        assert [await stream.line() for _ in range(4)] == ["one", "", "two", None]
        assert await Input(nothing.fileno()).line() is None


async def run(chat: PretendedChat, pipe: tuple[int, int], text: str, json: bool = False) -> int:
    reading, writing = pipe
    os.write(writing, text.encode())
    os.close(writing)
    return await asyncio.wait_for(Plain(Room(), json, reading).run(chat.chat, "budi"), PATIENCE)


async def test_everything_is_sent_before_it_ends(
    pipe: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    chat = PretendedChat()
    chat.gate.clear()
    running = asyncio.ensure_future(run(chat, pipe, "one\ntwo"))
    await until(lambda: chat.ids)
    assert not running.done()
    chat.gate.set()
    assert await running == 0
    assert chat.asked("send") == [("budi", "one"), ("budi", "two")]
    out, errors = capsys.readouterr()
    assert "\x1b" not in out and errors == ""
    assert out.splitlines()[0] == "-- budi --"


async def test_the_first_thing_that_failed_is_the_exit_code(
    pipe: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    chat = PretendedChat()
    chat.fails["send"] = [NotFound("There is no user budi.")]
    assert await run(chat, pipe, "one\n/who\n/nope\n/quit\nnever\n") == NOT_FOUND
    assert capsys.readouterr().err.splitlines()[0] == "Not sent to budi: There is no user budi."
    assert chat.asked("send") == [("budi", "one")]


async def test_a_password_is_the_next_line(pipe: tuple[int, int]) -> None:
    chat = PretendedChat()
    chat.fails["join_group"] = [InvalidCredentials("#ops needs a password.")]
    assert await run(chat, pipe, "/join ops\nopen sesame\nhi\n") == 0
    assert chat.asked("join_group")[-1] == ("ops", "open sesame")
    assert chat.asked("send") == [("#ops", "hi")]


async def test_the_end_of_the_session_ends_it_while_it_waits_for_input(pipe: tuple[int, int]) -> None:
    chat = PretendedChat()
    chat.news.put_nowait(LoggedOut("That session has ended."))
    with pytest.raises(LoggedOut):
        await asyncio.wait_for(Plain(Room(), False, pipe[0]).run(chat.chat, "budi"), PATIENCE)


async def test_what_gets_no_answer_for_long_is_given_up(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    chat = PretendedChat()
    chat.gate.clear()
    assert await run(chat, pipe, "one\ntwo\n") == TIMEOUT
    assert capsys.readouterr().err == "2 messages were not sent.\n"


async def test_with_json_every_line_is_an_object(
    pipe: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    chat = PretendedChat()
    reading, writing = pipe
    running = asyncio.ensure_future(Plain(Room(), True, reading).run(chat.chat, "budi"))
    chat.news.put_nowait(MessageEvent(3, 1, "citra", "ani", "psst", NOON, bytes(16)))
    await until(chat.news.empty)
    os.close(writing)
    assert await running == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert records[0] == {"note": "-- budi --"}
    assert {"with": "citra", "from": "citra", "body": "psst", "seq": 1}.items() <= records[-1].items()


def test_without_a_terminal_prompt_toolkit_is_not_even_loaded() -> None:
    look = "import sys, client.cli.chat, client.cli.chat.plain; print('prompt_toolkit' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", look], text=True) == "False\n"
