"""When access ends the next chunk is refused: downloads and uploads that are under way, on open connections.

Not here: what it means for messages and events (``test_endings``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from protocol.limits import FILE_WINDOW
from tests.authorisation.circle import Circle
from tests.authorisation.doors import BulkLine, WireSeat
from tests.authorisation.endings import ENDINGS, Ending
from tests.authorisation.shelf import SIZE, message_id
from tests.authorisation.stage import SESAME, Stage

AFTERWARDS = 50
"""Chunks asked for after an ending."""
MOST = 100_000
"""Chunks asked for in all, however slow the ending is."""


@pytest.fixture
def circle(stage: Stage) -> Iterator[Circle]:
    """People nobody else uses."""
    with closing(Circle(stage)) as circle:
        yield circle


@pytest.fixture
def line(stage: Stage) -> Iterator[BulkLine]:
    """A connection of ani's phone to the bulk socket, open from before to after."""
    with closing(BulkLine(stage.context, stage.server)) as line:
        yield line


def place(circle: Circle) -> dict[str, str]:
    """In the group."""
    return {"to": f"#{circle.group}", "name": "laporan.txt"}


def get(line: BulkLine, seat: WireSeat, file: int) -> str:
    """Ask for a file; the code."""
    return line.do(seat.token, "chunk.get", file=file, offset=0, length=SIZE).code


def code_after(ending: Ending) -> str:
    """What a chunk of the group's is answered by then."""
    return "unauthenticated" if ending.session else "not_found"


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=lambda ending: ending.title)
def test_the_next_chunk_of_a_download_is_refused(circle: Circle, line: BulkLine, ending: Ending) -> None:
    shelf = circle.stage.shelf
    theirs = shelf.make(circle.citra, **place(circle))
    own = shelf.make(circle.phone, **place(circle))
    notes = shelf.make(circle.phone, path="catatan.txt")
    assert {get(line, circle.phone, file) for file in (theirs, own, notes)} == {"ok"}
    ending.end(circle)
    assert {get(line, circle.phone, file) for file in (theirs, own)} == {code_after(ending)}
    assert get(line, circle.phone, notes) == ("unauthenticated" if ending.session else "ok")
    # Those who still may, still do; the other device has lost the group alone, if that.
    assert get(line, circle.citra, theirs) == get(line, circle.citra, own) == "ok"
    assert get(line, circle.laptop, notes) == "ok"
    assert get(line, circle.laptop, theirs) == ("ok" if ending.session else "not_found")


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=lambda ending: ending.title)
def test_an_upload_that_is_under_way_comes_to_nothing(circle: Circle, line: BulkLine, ending: Ending) -> None:
    shelf = circle.stage.shelf
    begun, sealed = shelf.begin(circle.phone, **place(circle)), shelf.seal(circle.phone, **place(circle))
    newest = circle.budi.ask("message.history", **{"with": f"#{circle.group}"})["last_seq"]
    ending.end(circle)
    put = line.do(circle.phone.token, "chunk.put", begun, upload=begun, offset=0).code
    finish = circle.phone.do("file.finish", upload=sealed).code
    if ending.session:
        assert {put, finish} == {"unauthenticated"}
        assert line.do(circle.phone.token, "chunk.seal", upload=sealed).code == "unauthenticated"
        # It is the user's, not the session's: another device of theirs may go on with it.
        assert circle.laptop.do("file.finish", upload=sealed).code == "ok"
    else:
        assert (put, finish) == ("ok", "forbidden"), "whose upload it is has not changed"
        assert circle.phone.do("file.cancel", upload=sealed).code == "ok"
        assert circle.budi.ask("message.history", **{"with": f"#{circle.group}"})["last_seq"] == newest


class Download(threading.Thread):
    """Asks for a file over and over, a window at a time. ``answers``: (asked after the ending, code)."""

    def __init__(self, line: BulkLine, seat: WireSeat, file: int) -> None:
        super().__init__(name="download")
        self._line, self._token, self._file = line, seat.token, file
        self.ended, self.enough = threading.Event(), threading.Event()
        self.answers: list[tuple[bool, str]] = []

    def run(self) -> None:
        """See above."""
        asked: dict[int, bool] = {}
        while len(self.answers) < MOST and not self.enough.is_set():
            while len(asked) < FILE_WINDOW:
                ended = self.ended.is_set()
                number = self._line.post(self._token, "chunk.get", file=self._file, offset=0, length=SIZE)
                asked[number] = ended
            number, outcome = self._line.answer()
            self.answers.append((asked.pop(number), outcome.code))
            if sum(after for after, _ in self.answers) >= AFTERWARDS:
                return

    def given(self) -> int:
        """How many chunks were given so far."""
        return sum(code == "ok" for _, code in self.answers)


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=lambda ending: ending.title)
def test_of_the_chunks_of_a_running_download_none_is_given_that_was_asked_for_later(
    circle: Circle, line: BulkLine, ending: Ending
) -> None:
    download = Download(line, circle.phone, circle.stage.shelf.make(circle.citra, **place(circle)))
    download.start()
    try:
        deadline = time.monotonic() + 20
        while download.given() < FILE_WINDOW and time.monotonic() < deadline:
            time.sleep(0.01)
        ending.end(circle)
        download.ended.set()
        download.join(timeout=30)
    finally:
        download.enough.set()
        download.join()
    assert download.given() >= FILE_WINDOW
    later = [code for after, code in download.answers if after]
    assert len(later) >= AFTERWARDS
    assert set(later) == {code_after(ending)}
    assert {code for _, code in download.answers} == {"ok", code_after(ending)}


def test_who_comes_back_may_read_again(circle: Circle, line: BulkLine) -> None:
    file = circle.stage.shelf.make(circle.citra, **place(circle))
    ENDINGS["removed"].end(circle)
    assert get(line, circle.phone, file) == "not_found"
    circle.phone.ask("group.join", group=circle.group, password=SESAME)
    assert get(line, circle.phone, file) == "ok"


def test_a_deleted_file_is_given_to_nobody_any_more(circle: Circle, line: BulkLine) -> None:
    file = circle.stage.shelf.make(circle.citra, **place(circle))
    again = circle.stage.shelf.make(circle.phone, **place(circle))
    circle.citra.ask("file.delete", file=file)
    assert {get(line, seat, file) for seat in (circle.phone, circle.citra, circle.budi)} == {"not_found"}
    assert get(line, circle.citra, again) == "ok"


def test_a_file_that_only_others_have_is_uploaded_whole_whoever_knows_its_hash(circle: Circle) -> None:
    """Its hash opens nothing: only of what one can read already is no byte asked."""
    shelf = circle.stage.shelf
    file = shelf.make(circle.citra, path="rahasia.txt")
    sha256 = circle.citra.ask("file.stat", file=file)["sha256"]
    wanted = {"size": SIZE, "path": "x.txt", "sha256": sha256}
    assert circle.phone.ask("file.begin", id=message_id(), **wanted)["missing"] == [[0, SIZE]]
    assert circle.citra.ask("file.begin", id=message_id(), **wanted)["missing"] == []
    shared = shelf.make(circle.citra, **place(circle))
    sha256 = circle.phone.ask("file.stat", file=shared)["sha256"]
    wanted["sha256"] = sha256
    assert circle.phone.ask("file.begin", id=message_id(), **wanted)["missing"] == []
    ENDINGS["removed"].end(circle)
    assert circle.phone.ask("file.begin", id=message_id(), **wanted)["missing"] == [[0, SIZE]]
