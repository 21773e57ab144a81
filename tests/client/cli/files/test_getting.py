"""``pesan file get``: where things are saved, and where they never are."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from client.errors import Corrupt, Timeout
from protocol.errors import Internal, NotFound
from tests.client.cli.files.pretended import PretendedFiles
from tests.client.cli.shell import Shell

REPORT = b"ten bytes!"


@pytest.fixture
def report(files: PretendedFiles) -> None:
    """File 1 is a report of budi's."""
    files.adds("report.pdf", REPORT, conversation=3)


def saved(files: PretendedFiles) -> list[tuple[object, ...]]:
    return [call for call in files.calls if call[0] == "save"]


def test_a_file_is_saved_here_under_its_name(
    shell: Shell, files: PretendedFiles, report: None, here: Path
) -> None:
    ended = shell.run("file", "get", "1")
    assert ended == (0, "report.pdf: 10 bytes\n", "")
    assert (here / "report.pdf").read_bytes() == REPORT


def test_json_says_where_it_was_saved(shell: Shell, files: PretendedFiles, report: None, here: Path) -> None:
    (here / "in").mkdir()
    record = json.loads(shell.run("file", "get", "1", "-o", "in", "--json").out)
    assert (record["saved"], record["file"], record["name"]) == ("in/report.pdf", 1, "report.pdf")
    assert record["from"] == "budi" and len(record["sha256"]) == 64
    assert (here / "in/report.pdf").read_bytes() == REPORT


def test_in_ones_own_space_a_file_is_fetched_by_its_path(
    shell: Shell, files: PretendedFiles, here: Path
) -> None:
    files.folders.add("docs")
    files.adds("7", b"seven", "docs/7")
    files.adds("7", b"top", "7")
    assert shell.run("file", "get", "/docs/7", "-o", "a").code == 0
    assert shell.run("file", "get", "/7", "-o", "b").code == 0
    assert ((here / "a").read_bytes(), (here / "b").read_bytes()) == (b"seven", b"top")
    ended = shell.run("file", "get", "/docs")
    assert (ended.code, ended.err) == (2, "pesan: /docs is a folder: pesan file ls /docs\n")
    assert shell.run("file", "get", "/nothing").code == 4


@pytest.mark.parametrize("words", [["[file 1]"], ["file 1"], ["file", "1"], ["[file", "1]"]])
def test_a_number_may_be_written_as_messages_show_it(
    shell: Shell, files: PretendedFiles, report: None, words: list[str]
) -> None:
    files.adds("notes.txt", b"notes", conversation=3)
    assert shell.run("file", "get", *words, "2").out == "report.pdf: 10 bytes\nnotes.txt: 5 bytes\n"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "_.._.._etc_passwd"[1:]),
        (".bashrc", "_.bashrc"),
        ("-rf", "_-rf"),
        ("con.txt", "_con.txt"),
        ("a\x1b[2Jb", "a_[2Jb"),
        ("..", "_"),
    ],
)
def test_a_senders_name_leads_nowhere(
    shell: Shell, files: PretendedFiles, here: Path, name: str, kept: str
) -> None:
    files.adds(name, b"x", conversation=3)
    assert shell.run("file", "get", "1").code == 0
    (found,) = here.iterdir()
    assert found.parent == here
    assert found.name.lstrip("_") == kept.lstrip("_")


def test_what_is_there_is_not_replaced_without_force(
    shell: Shell, files: PretendedFiles, report: None, here: Path
) -> None:
    (here / "report.pdf").write_bytes(b"mine")
    for words in (("1",), ("1", "-o", "report.pdf"), ("1", "-o", ".")):
        ended = shell.run("file", "get", *words)
        assert (ended.code, ended.out) == (1, "")
        assert "report.pdf exists: --force replaces it, -o saves" in ended.err
    assert saved(files) == []
    assert shell.run("file", "get", "1", "--force").code == 0
    assert (here / "report.pdf").read_bytes() == REPORT


def test_what_came_there_meanwhile_is_not_replaced_either(
    shell: Shell, files: PretendedFiles, report: None, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.cli.files.getting.in_the_way", lambda *_: False)
    (here / "report.pdf").write_bytes(b"mine")
    ended = shell.run("file", "get", "1")
    assert (ended.code, "report.pdf exists" in ended.err) == (1, True)
    assert (here / "report.pdf").read_bytes() == b"mine"


def test_a_link_to_nowhere_is_there_too(
    shell: Shell, files: PretendedFiles, report: None, here: Path
) -> None:
    (here / "report.pdf").symlink_to(here / "elsewhere")
    assert shell.run("file", "get", "1").code == 1
    assert not (here / "elsewhere").exists()


@pytest.mark.parametrize("kind", ["pipe", "link to a file", "link to nowhere"])
def test_what_is_no_plain_file_is_never_replaced(
    shell: Shell, files: PretendedFiles, report: None, here: Path, kind: str
) -> None:
    (here / "mine").write_text("mine")
    if kind == "pipe":
        os.mkfifo(here / "out put")
    else:
        (here / "out put").symlink_to("mine" if kind == "link to a file" else "nowhere")
    before = (here / "out put").lstat().st_ino
    for words in ((), ("--force",)):
        ended = shell.run("file", "get", "1", "-o", "out put", *words)
        said = "out put is no plain file; pesan file get 1 -o - > 'out put' writes there."
        assert ended == (1, "", f"pesan: {said}\n")
    assert (here / "out put").lstat().st_ino == before and saved(files) == []
    assert (here / "mine").read_text() == "mine"


def test_several_go_into_a_folder_and_nothing_is_fetched_where_one_has_no_place(
    shell: Shell, files: PretendedFiles, report: None, here: Path
) -> None:
    files.adds("notes.txt", b"notes", conversation=3)
    files.adds("report.pdf", b"another", conversation=3)
    for words, code, said in (
        (("1", "2", "-o", "nowhere"), 4, "there is no folder nowhere here"),
        (("1", "-o", "nowhere/"), 4, "there is no folder nowhere here"),
        (("1", "3"), 2, "two of them are called report.pdf"),
    ):
        ended = shell.run("file", "get", *words)
        assert (ended.code, ended.out) == (code, "")
        assert said in ended.err
    assert saved(files) == []
    assert shell.run("file", "get", "1", "2").out == "report.pdf: 10 bytes\nnotes.txt: 5 bytes\n"


def test_a_folder_of_that_name_is_not_replaced(
    shell: Shell, files: PretendedFiles, report: None, here: Path
) -> None:
    (here / "report.pdf").mkdir()
    ended = shell.run("file", "get", "1", "--force")
    assert (ended.code, ended.err) == (1, "pesan: report.pdf is a folder: -o names a file.\n")


def test_a_file_can_go_to_stdout(
    shell: Shell, files: PretendedFiles, report: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shell.run("file", "get", "1", "-o", "-").out == REPORT.decode()
    files.fails[len(REPORT)] = Corrupt("What came is not the file.")
    assert shell.run("file", "get", "1", "-o", "-") == (
        1,
        REPORT.decode(),
        "pesan: What came is not the file.\n",
    )
    for words in (("1", "1", "-o", "-"), ("1", "-o", "-", "--json")):
        assert shell.run("file", "get", *words).code == 2
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)
    ended = shell.run("file", "get", "1", "-o", "-")
    assert ended.code == 2 and "pipe it" in ended.err


def test_ctrl_c_says_how_to_go_on(shell: Shell, files: PretendedFiles, report: None) -> None:
    files.fails[4] = KeyboardInterrupt()
    ended = shell.run("file", "get", "1")
    said = "pesan: stopped; the same command goes on where this one stopped.\n"
    assert ended == (130, "", said)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Corrupt("What came is not the file."), 1, "What came is not the file."),
        (NotFound("There is no file 2."), 4, "There is no file 2."),
        (Internal("The server has lost these bytes."), 1, "The server has lost these bytes."),
        (BlockingIOError(11, "Resource…"), 1, "another command is fetching it"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
    ],
)
def test_what_goes_wrong_with_one_is_named_and_the_others_are_fetched(
    shell: Shell, files: PretendedFiles, here: Path, error: Exception, code: int, said: str
) -> None:
    files.adds("a", b"x", conversation=3)
    files.adds("notes.txt", b"notes", conversation=3)
    files.adds("b", b"y", conversation=3)
    files.fails[4] = error
    ended = shell.run("file", "get", "1", "2", "3")
    assert (ended.code, ended.out) == (code, "a: 1 byte\nb: 1 byte\n")
    assert ended.err == f"pesan: notes.txt: {said}\npesan: 2 of 3 fetched.\n"


def test_what_is_not_there_or_has_no_place_is_named_and_the_first_failure_is_the_exit_code(
    shell: Shell, files: PretendedFiles, report: None, here: Path
) -> None:
    (here / "taken").write_text("mine")
    files.adds("taken", b"x", conversation=3)
    ended = shell.run("file", "get", "9", "2", "1")
    assert (ended.code, ended.out) == (4, "report.pdf: 10 bytes\n")
    missing, taken, sum_ = ended.err.splitlines()
    assert missing == "pesan: There is no file 9." and taken.startswith("pesan: taken exists: ")
    assert sum_ == "pesan: 1 of 3 fetched."
    assert (here / "taken").read_text() == "mine"
    ended = shell.run("file", "get", "2", "9")
    assert (ended.code, ended.err.splitlines()[-1]) == (1, "pesan: 0 of 2 fetched.")


def test_without_an_answer_nothing_more_is_fetched(
    shell: Shell, files: PretendedFiles, report: None, here: Path
) -> None:
    files.adds("notes.txt", b"notes", conversation=3)
    files.fails[4] = Timeout("No answer in time.")
    ended = shell.run("file", "get", "1", "2")
    said = "report.pdf: No answer in time; the same command goes on where this one stopped (0 of 2 fetched)."
    assert (ended.code, ended.err) == (5, f"pesan: {said}\n")
    assert len(saved(files)) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["0"], "no file's number"),
        (["9" * 30], "no file's number"),
        (["/"], "topmost"),
        (["/a\x07"], "control"),
        (["a\x1b"], "A path in your own space begins with a slash: /a\n"),
        (["report.pdf"], "A path in your own space begins with a slash: /report.pdf"),
        (["file", "report.pdf"], "A path in your own space begins with a slash: /file"),
        (["[file 0]"], "no file's number"),
        (["[file 1"], "begins with a slash"),
    ],
)
def test_words_that_make_no_sense_end_with_2(
    shell: Shell, files: PretendedFiles, words: list[str], said: str
) -> None:
    ended = shell.run("file", "get", *words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
