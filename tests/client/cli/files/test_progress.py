"""What is seen of a transfer under way."""

from __future__ import annotations

import sys

import pytest

from client.cli.files import progress
from client.cli.files.progress import Seen
from client.files.progress import Progress

MB = 1_000_000


@pytest.mark.parametrize(
    ("done", "size", "rate", "said"),
    [
        (45 * MB, 1100 * MB, 12.0 * MB, "45 MB of 1.1 GB, 12 MB/s, 1:28 left"),
        (0, 100, 1.0, "0 bytes of 100 bytes, 1 byte/s, 1:40 left"),
        (0, 36_610_000, 10_000.0, "0 bytes of 37 MB, 10 kB/s, 1:01:01 left"),
        (5, 10, 0.0, "5 bytes of 10 bytes, 0 bytes/s"),
    ],
)
def test_a_line_says_how_far_how_fast_and_how_long(done: int, size: int, rate: float, said: str) -> None:
    assert progress.state(done, size, rate) == said


class Clock:
    now = 100.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr("client.cli.files.progress.time.monotonic", lambda: Clock.now)
    Clock.now = 100.0
    return Clock()


def test_where_there_is_no_terminal_a_line_comes_now_and_then(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Seen("big\x1b[2J\nname") as seen:
        for second in range(0, 25):
            Clock.now = 100.0 + second
            seen.shows(Progress(40 * MB + second * MB, 65 * MB, 40 * MB))
        Clock.now += 60
        seen.shows(Progress(65 * MB, 65 * MB, 40 * MB))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "big[2J name: goes on behind 40 MB of 65 MB",
        "big[2J name: 50 MB of 65 MB, 1.0 MB/s, 0:15 left",
        "big[2J name: 60 MB of 65 MB, 1.0 MB/s, 0:05 left",
    ]


def test_a_file_of_another_server_is_told_to_come_to_ours_first(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Seen("film.mkv") as seen:
        for second in range(25):
            Clock.now = 100.0 + second
            seen.shows(Progress(0, 65 * MB, coming=second * MB))
        seen.shows(Progress(65 * MB, 65 * MB))
    assert capsys.readouterr().err.splitlines() == [
        "film.mkv: comes from another server; 0 bytes of 65 MB are at ours",
        "film.mkv: comes from another server; 10 MB of 65 MB are at ours",
        "film.mkv: comes from another server; 20 MB of 65 MB are at ours",
    ]


def test_a_bar_says_how_much_has_reached_our_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "drawable", lambda: True)
    with Seen("film.mkv") as seen:
        seen.shows(Progress(0, 65 * MB, coming=0))
        seen.shows(Progress(0, 65 * MB, coming=20 * MB))
    assert "20 MB at our server" in capsys.readouterr().err


def test_what_the_server_has_already_did_not_go_on(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Seen("report.pdf") as seen:
        seen.shows(Progress(10, 10, 10))
        seen.shows(Progress(10, 10, 10))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("term", "drawn"), [("xterm", True), ("dumb", False), ("", False)])
def test_a_bar_is_drawn_where_it_can_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], term: str, drawn: bool
) -> None:
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda _: True, raising=False)
    monkeypatch.setenv("TERM", term)
    with Seen("a long name of a report that was written last night.pdf") as seen:
        seen.shows(Progress(5 * MB, 10 * MB, 5 * MB))
        seen.shows(Progress(10 * MB, 10 * MB, 5 * MB))
    said = capsys.readouterr().err
    assert ("a long name of a report tha…:  50%" in said) is drawn
    assert "goes on behind 5.0 MB of 10 MB\n" in said
    assert not drawn or said.endswith("\r")


def test_an_empty_file_has_a_bar_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "drawable", lambda: True)
    with Seen("empty") as seen:
        seen.shows(Progress(0, 0, 0))
    assert "empty" in capsys.readouterr().err


def test_tqdm_is_loaded_only_for_a_bar() -> None:
    import subprocess

    script = "import sys; import client.cli.files; print('tqdm' in sys.modules, 'client.chat' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
