"""``/file``, ``/get`` and ``/cancel``: what is told, what goes on, what is saved where."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from client.cli.chat import errands, transfers
from client.cli.chat.desk import Desk
from client.cli.chat.room import Room
from client.cli.exits import AUTH, NOT_FOUND, OTHER, TIMEOUT, USAGE, Mistake
from client.cli.files.memory import Memory
from client.errors import Timeout
from client.files.progress import Progress
from protocol.errors import Busy, Conflict, Forbidden, NotFound, TooLarge
from protocol.events import MessageEvent
from protocol.files import FileInfo
from tests.client.cli.chat.pretended import NOON, Notebook, PretendedChat, seated, until
from tests.client.cli.files.pretended import PretendedFiles

REPORT = b"ten bytes!"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where the chat was started; a report is in it. Nothing waits for long."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here/my report.pdf").write_bytes(REPORT)
    monkeypatch.setattr(transfers, "PAUSE", 0.01)
    return tmp_path / "here"


async def through(desk: Desk) -> None:
    await until(lambda: not desk.transfers)


async def remembering(folder: Path) -> tuple[PretendedChat, Notebook, Desk]:
    """Ani at a desk where uploads that did not end are remembered."""
    chat, front = PretendedChat(), Notebook()
    desk = Desk(chat.chat, Room("ani"), front, Memory(folder / "uploads", "ani"))
    await desk.begin("budi")
    front.shown.clear()
    return chat, front, desk


async def test_a_file_is_sent_to_the_open_conversation_and_said_once() -> None:
    chat, front, desk = await seated()
    await desk.obey("/file my report.pdf")
    await through(desk)
    assert front.shown == [
        "-- sending my report.pdf, 10 bytes, to budi --",
        "-- sent my report.pdf to budi: file 1 --",
    ]
    (id,) = chat.files.uploads_begun
    info = FileInfo(1, "my report.pdf", 10, "application/pdf", bytes(32))
    event = MessageEvent(1, 2, "ani", "budi", "my report.pdf", NOON, id, info)
    assert desk.room.hear(event, 0.0) == []
    await desk.close()


async def test_one_goes_on_talking_while_a_file_is_sent() -> None:
    chat, _, desk = await seated()
    gate = asyncio.Event()
    upload = chat.files.upload

    async def slow(*arguments: Any, **more: Any) -> AsyncGenerator[Progress, None]:
        await gate.wait()
        async for progress in upload(*arguments, **more):
            yield progress

    chat.files.upload = slow  # type: ignore[method-assign]
    await desk.obey("/file my report.pdf")
    await desk.obey("hello")
    await desk.outgoing.drained()
    assert chat.asked("send") == [("budi", "hello")]
    assert desk.transfers.state == ["my report.pdf"]
    gate.set()
    await through(desk)
    await desk.close()


async def test_where_nobody_watches_the_next_line_waits_for_the_file() -> None:
    chat, front, desk = await seated()
    front.seen = False
    await desk.obey("/file my report.pdf")
    assert not desk.transfers and chat.files.content[1] == REPORT
    chat.files.fails[0] = Timeout("No answer in time.")
    await desk.obey("/file my report.pdf")
    assert front.complaints == [("Not sent: my report.pdf: No answer in time.", TIMEOUT)]
    assert desk.room.here == "budi"
    await desk.close()


async def test_files_go_one_after_the_other(here: Path) -> None:
    _, front, desk = await seated()
    for number in range(3):
        (here / f"{number}.log").write_bytes(b"eight by")
        await desk.obey(f"/file {number}.log")
    assert len(desk.transfers) == 3
    await through(desk)
    begun = [f"-- sending {number}.log, 8 bytes, to budi --" for number in range(3)]
    ended = [f"-- sent {number}.log to budi: file {number + 1} --" for number in range(3)]
    assert front.shown == begun + ended
    await desk.close()


async def test_a_file_without_an_answer_goes_on_when_the_server_is_back() -> None:
    chat, front, desk = await seated()
    chat.files.fails[4] = Timeout("No answer in time.")
    chat.files.fails[8] = Busy("Not now.", retry_after=0.01)
    await desk.obey("/file my report.pdf")
    await through(desk)
    assert front.shown[1:] == [
        "-- my report.pdf waits for the server --",
        "-- sent my report.pdf to budi: file 1 --",
    ]
    assert (chat.files.moved, len(chat.files.uploads_begun)) == (10, 1)
    await desk.close()


@pytest.mark.parametrize(
    ("error", "said", "code"),
    [
        (TooLarge("Your quota is full."), "Not sent: my report.pdf: Your quota is full.", OTHER),
        (Forbidden("You are not a member of #ops."), "(/join GROUP)", AUTH),
        (FileNotFoundError(2, "No such file"), "Not sent: my report.pdf: No such file", NOT_FOUND),
    ],
)
async def test_what_is_refused_is_told(error: Exception, said: str, code: int) -> None:
    chat, front, desk = await seated()
    chat.files.fails[4] = error
    await desk.obey("/file my report.pdf")
    await through(desk)
    [(sentence, meaning)] = front.complaints
    assert said in sentence and meaning == code
    assert desk.room.sent == set()
    await desk.close()


@pytest.mark.parametrize(
    ("line", "said", "code"),
    [
        ("/file nothing.pdf", "nothing.pdf: No such file or directory", NOT_FOUND),
        ("/file .", ". is a folder", USAGE),
        ("/file /dev/null", "/dev/null is no plain file", USAGE),
        ("/file a\0b", "null byte", USAGE),
        ("/get 9", "There is no file 9.", NOT_FOUND),
    ],
)
async def test_what_cannot_be_done_gets_one_sentence(line: str, said: str, code: int) -> None:
    chat, front, desk = await seated()
    await desk.obey(line)
    [(sentence, meaning)] = front.complaints
    assert said in sentence and meaning == code
    assert len(desk.transfers) == 0 and chat.files.uploads_begun == {}
    await desk.close()


async def test_a_path_alone_says_how_files_are_sent(here: Path) -> None:
    _, front, desk = await seated()
    for line in (
        f"{here}/my report.pdf",
        f"'{here}/my report.pdf'",
        f"{here}/nothing",
        "/" + "x" * 5000,
        "/a\0b",
    ):
        await desk.obey(line)
    asked = ["/file PATH sends a file." in sentence for sentence, _ in front.complaints]
    assert asked == [True, False, False, False]
    await desk.close()


async def test_cancel_stops_and_the_same_line_goes_on(tmp_path: Path) -> None:
    chat, front, desk = await remembering(tmp_path)
    await desk.obey("/cancel")
    assert front.shown.pop() == "-- no file is under way --"
    chat.files.fails[4] = Timeout("No answer in time.")
    await desk.obey("/file my report.pdf")
    await until(lambda: front.shown[-1].endswith("waits for the server --"))
    await desk.obey("/cancel")
    await through(desk)
    assert front.shown[-1] == "-- stopped: my report.pdf; the same command goes on --"
    await desk.obey("/file 'my report.pdf'")
    await through(desk)
    assert (chat.files.moved, len(chat.files.uploads_begun)) == (10, 1)
    await desk.close()


async def test_what_was_sent_or_refused_for_good_begins_anew(tmp_path: Path) -> None:
    chat, _, desk = await remembering(tmp_path)
    chat.files.fails[10] = Conflict("Something else arrived.")
    for _ in range(3):
        await desk.obey("/file my report.pdf")
        await through(desk)
    assert len(chat.files.uploads_begun) == 3
    given_up = [call[1] for call in chat.files.calls if call[0] == "cancel"]
    assert given_up == list(chat.files.uploads_begun)[:1]
    await desk.close()


async def test_leaving_stops_what_is_under_way(tmp_path: Path) -> None:
    chat, _, desk = await remembering(tmp_path)
    chat.files.fails[4] = Timeout("No answer in time.")
    await desk.obey("/file my report.pdf")
    await until(lambda: chat.files.moved)
    await desk.close()
    assert not desk.transfers
    assert len(list((tmp_path / "uploads").iterdir())) == 1


# --- back -----------------------------------------------------------------------------------------


async def test_that_a_file_has_to_reach_our_server_first_is_said_once(here: Path) -> None:
    chat, front, desk = await seated()
    chat.files.adds("plan.md", b"x", conversation=3)
    chat.files.coming = [0, 10, 20]
    await desk.obey("/get 1")
    await through(desk)
    assert front.shown[1:] == [
        "-- plan.md comes from another server to ours first --",
        "-- fetched plan.md --",
    ]
    await desk.close()


async def test_a_file_is_saved_here_under_a_harmless_name(here: Path) -> None:
    chat, front, desk = await seated()
    chat.files.adds("../.rc", b"x", conversation=3)
    await desk.obey("/get 1")
    await through(desk)
    assert front.shown[0] == "-- fetching ../.rc, 1 byte --"
    saved = next(file for file in here.iterdir() if file.name.endswith(".rc"))
    assert front.shown[1] == f"-- fetched {saved.name} --"
    await desk.obey("/get 1")
    assert front.complaints == [(f"{saved.name} exists; /get 1 PATH saves under another name.", OTHER)]
    await desk.close()


async def test_a_file_is_saved_where_one_says(here: Path) -> None:
    chat, _, desk = await seated()
    chat.files.adds("plan.md", b"plan", conversation=3)
    (here / "my files").mkdir()
    for line in ("/get 1 my files", "/get 1 other plan.md", f"/get 1 {here}/third.md"):
        await desk.obey(line)
    await through(desk)
    for path in ("my files/plan.md", "other plan.md", "third.md"):
        assert (here / path).read_bytes() == b"plan"
    await desk.close()


async def test_a_folder_that_is_not_there_is_told(here: Path) -> None:
    chat, front, desk = await seated()
    chat.files.adds("plan.md", b"plan", conversation=3)
    for line in ("/get 1 nowhere/plan.md", "/get 1 nowhere/"):
        await desk.obey(line)
    assert [code for _, code in front.complaints] == [NOT_FOUND, NOT_FOUND]
    assert "There is no folder" in front.complaints[0][0]
    await desk.close()


async def test_a_file_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    chat, front, desk = await seated()
    chat.files.adds("plan.md", b"plan", conversation=3)
    chat.files.fails[0] = NotFound("There is no file 1.")
    await desk.obey("/get 1")
    await through(desk)
    assert front.complaints == [("Not fetched: plan.md: There is no file 1.", NOT_FOUND)]
    await desk.close()


async def test_files_that_were_seen_can_be_completed() -> None:
    _, _, desk = await seated()
    info = FileInfo(17, "plan.md", 4, "text/plain", bytes(32))
    desk.room.hear(MessageEvent(1, 2, "budi", "ani", "plan.md", NOON, bytes(16), info), 0.0)
    assert desk.room.files == {17: "plan.md"}
    for number in range(100, 200):
        more = FileInfo(number, "x", 4, "text/plain", bytes(32))
        desk.room.hear(MessageEvent(1, number, "budi", "ani", "x", NOON, bytes(16), more), 0.0)
    assert list(desk.room.files) == [*range(150, 200)]
    await desk.close()


# --- paths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("my report.pdf", "my report.pdf"),
        ("'my report.pdf'", "my report.pdf"),
        ("my\\ report.pdf", "my report.pdf"),
        ("no such file", "no such file"),
        ("it's", "it's"),
        ("~nobody.at.all/x", "~nobody.at.all/x"),
    ],
)
def test_a_path_is_what_a_person_types_or_a_terminal_drops(typed: str, meant: str) -> None:
    assert errands.local_path(typed) == meant


def test_a_path_may_begin_at_home(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here))
    assert errands.local_path("~/my report.pdf") == str(here / "my report.pdf")
    assert errands.local_path("'~/my report.pdf'") == str(here / "my report.pdf")


def test_a_link_to_nowhere_is_no_free_place(here: Path) -> None:
    (here / "link").symlink_to("nowhere")
    file = PretendedFiles().adds("plan.md", b"x", conversation=3)
    with pytest.raises(Mistake, match="link exists"):
        errands.free_place(file, "link")
    assert os.path.lexists("link")
