"""``pesan file ls``, ``mv``, ``rm``, ``mkdir``, ``usage``, ``uploads``, ``cancel``."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pytest

from protocol.errors import Conflict, Forbidden, NotFound
from protocol.files import UploadInfo
from tests.client.cli.files.pretended import NOON, PretendedFiles
from tests.client.cli.shell import Shell


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture
def space(files: PretendedFiles) -> PretendedFiles:
    """A folder, a file in it, a file above; a file in a conversation."""
    files.folders |= {"docs"}
    files.adds("report.pdf", bytes(3_400_000), "docs/report.pdf")
    files.adds("a b.txt", b"hi", "a b.txt")
    files.adds("plan.md", b"plan", conversation=3)
    return files


def did(files: PretendedFiles, name: str) -> list[tuple[Any, ...]]:
    return [call[1:] for call in files.calls if call[0] == name]


def test_ls_shows_number_size_time_and_name(shell: Shell, space: PretendedFiles) -> None:
    assert shell.run("file", "ls").out.splitlines() == [
        "2  2  2023-11-14 22:13:20  a b.txt",
        "-  -  -                    docs/",
    ]
    assert shell.run("file", "ls", "/docs/").out == "1  3400000  2023-11-14 22:13:20  report.pdf\n"


def test_sizes_are_rounded_on_a_terminal(
    shell: Shell, space: PretendedFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)
    assert "  3.4 MB  " in shell.run("file", "ls", "/docs").out


def test_ls_of_one_file_shows_it(shell: Shell, space: PretendedFiles) -> None:
    assert shell.run("file", "ls", "/docs/report.pdf").out.endswith("report.pdf\n")
    assert shell.run("file", "ls", "/nothing").code == 4


def test_ls_of_a_conversation_shows_the_sender_too(shell: Shell, space: PretendedFiles) -> None:
    assert shell.run("file", "ls", "#ops").out == "3  4  2023-11-14 22:13:20  budi  plan.md\n"


def test_ls_tells_all_as_json(shell: Shell, space: PretendedFiles) -> None:
    file, folder = map(json.loads, shell.run("file", "ls", "--json").out.splitlines())
    assert (file["file"], file["name"], file["path"], file["size"]) == (2, "a b.txt", "/a b.txt", 2)
    assert file["created_at"] == NOON and file["created_at_iso"].startswith("2023-11-14T")
    assert folder == {"folder": "docs", "path": "/docs"}
    (sent,) = map(json.loads, shell.run("file", "ls", "#ops", "--json").out.splitlines())
    assert (sent["with"], sent["from"], sent["seq"]) == ("#ops", "budi", 21)


def test_ls_of_an_empty_folder_is_silent(shell: Shell, files: PretendedFiles) -> None:
    assert shell.run("file", "ls") == (0, "", "")


def test_ls_of_a_path_without_its_mark_says_how_paths_look(shell: Shell, space: PretendedFiles) -> None:
    ended = shell.run("file", "ls", "docs")
    assert ended.code == 4
    assert "There is no user docs (in quotes '#docs' is a group, and /docs a path" in ended.err
    assert "/docs/old" in shell.run("file", "ls", "docs/old").err


def test_names_drive_no_terminal(shell: Shell, files: PretendedFiles) -> None:
    files.adds("a\x1b[2J\nb", b"", conversation=3)
    assert shell.run("file", "ls", "budi").out.endswith("  a[2J b\n")


# --- order ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "moves"),
    [
        (["/a b.txt", "/b.txt"], [("a b.txt", "b.txt", False)]),
        (["/a b.txt", "/docs"], [("a b.txt", "docs/a b.txt", False)]),
        (["/docs/report.pdf", "/"], [("docs/report.pdf", "report.pdf", False)]),
        (["/x", "/y/", "/docs/", "--force"], [("x", "docs/x", True), ("y", "docs/y", True)]),
    ],
)
def test_mv_renames_or_moves_into_a_folder(
    shell: Shell, space: PretendedFiles, words: list[str], moves: list[tuple[Any, ...]]
) -> None:
    assert shell.run("file", "mv", *words) == (0, "", "")
    assert did(space, "move") == moves


def test_mv_tells_as_json_where_things_are(shell: Shell, space: PretendedFiles) -> None:
    ended = shell.run("file", "mv", "/a b.txt", "/docs", "--json")
    assert json.loads(ended.out) == {"path": "/a b.txt", "to": "/docs/a b.txt", "moved": True}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["/x", "/nowhere/"], 4, "no folder 'nowhere'"),
        (["/x", "/y", "/nowhere"], 4, "no folder 'nowhere'"),
        (["/", "/docs"], 2, "topmost"),
        (["/x"], 2, "For example: pesan file mv"),
        (["/x\x07", "/y"], 2, "control characters"),
    ],
)
def test_mv_that_makes_no_sense_moves_nothing(
    shell: Shell, space: PretendedFiles, words: list[str], code: int, said: str
) -> None:
    ended = shell.run("file", "mv", *words)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert did(space, "move") == []


def test_mv_onto_a_file_says_that_force_replaces_it_unless_it_was_given_or_does_not(
    shell: Shell, space: PretendedFiles
) -> None:
    there = Conflict("There is already a file 'b.txt'.")
    space.refuses = {"a b.txt": there, "docs": there, "docs/report.pdf": Conflict("'b.txt' is a folder.")}
    ended = shell.run("file", "mv", "/a b.txt", "/b.txt")
    said = "pesan: There is already a file 'b.txt' (--force replaces it).\n"
    assert (ended.code, ended.err) == (1, said)
    for words in (["/a b.txt", "/b.txt", "--force"], ["/docs", "/b.txt"], ["/docs/report.pdf", "/b.txt"]):
        ended = shell.run("file", "mv", *words)
        assert (ended.code, "b.txt" in ended.err, "--force" in ended.err) == (1, True, False)


def test_mkdir_without_what_is_above_says_that_p_makes_it(shell: Shell, space: PretendedFiles) -> None:
    space.refuses = {"a/b": NotFound("You have no folder 'a'.")}
    ended = shell.run("file", "mkdir", "/a/b")
    assert (ended.code, ended.out) == (4, "")
    assert ended.err == "pesan: You have no folder 'a' (-p makes the folders above it, too).\n"


def test_rm_takes_numbers_and_paths(shell: Shell, space: PretendedFiles) -> None:
    assert shell.run("file", "rm", "3", "/a b.txt") == (0, "", "")
    assert did(space, "delete") == [(3, False), ("a b.txt", False)]
    assert json.loads(shell.run("file", "rm", "3", "--json").out) == {"file": 3, "deleted": True}


def test_rm_names_what_it_cannot_delete_and_deletes_the_others(shell: Shell, space: PretendedFiles) -> None:
    space.refuses = {9: NotFound("There is no file 9."), 2: Forbidden("Only budi may delete it.")}
    ended = shell.run("file", "rm", "9", "/docs", "2", "3")
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.splitlines() == [
        "pesan: There is no file 9.",
        "pesan: /docs: The folder /docs is not empty (-r deletes a folder with all in it).",
        "pesan: file 2: Only budi may delete it.",
        "pesan: 1 of 4 deleted.",
    ]
    assert did(space, "delete")[-1] == (3, False)
    ended = shell.run("file", "rm", "2", "9")
    assert (ended.code, ended.err.splitlines()[-1]) == (3, "pesan: 0 of 2 deleted.")
    assert shell.run("file", "rm", "2").err == "pesan: Only budi may delete it.\n"


def test_rm_of_a_folder_needs_r(shell: Shell, space: PretendedFiles) -> None:
    ended = shell.run("file", "rm", "/docs")
    assert (ended.code, ended.out) == (1, "")
    assert "not empty (-r deletes a folder with all in it)" in ended.err
    assert shell.run("file", "rm", "-r", "/docs").code == 0
    assert did(space, "delete")[-1] == ("docs", True)
    assert shell.run("file", "rm", "-r", "/").code == 2


@pytest.mark.parametrize(
    "words", [["rm", "a b.txt"], ["rm", "3", "a b.txt"], ["mv", "a b.txt", "/b"], ["mv", "/a b.txt", "b"],
              ["mkdir", "/x", "y"], ["mkdir", "-p", "x/y"]],
)  # fmt: skip
def test_a_path_without_its_slash_does_nothing(shell: Shell, space: PretendedFiles, words: list[str]) -> None:
    """It looks like a file of this machine, and another one would be deleted or moved."""
    ended = shell.run("file", *words)
    assert (ended.code, ended.out) == (2, "")
    assert "A path in your own space begins with a slash: /" in ended.err
    assert all(call[0] not in ("delete", "move", "mkdir") for call in space.calls)


def test_mkdir_makes_folders(shell: Shell, space: PretendedFiles) -> None:
    assert shell.run("file", "mkdir", "/a", "/b/c", "-p") == (0, "", "")
    assert did(space, "mkdir") == [("a", True), ("b/c", True)]
    made = json.loads(shell.run("file", "mkdir", "/a/b", "--json").out)
    assert made == {"folder": "b", "path": "/a/b", "made": True}
    assert shell.run("file", "mkdir", "/").code == 2


def test_usage_says_how_much_of_what(shell: Shell, space: PretendedFiles) -> None:
    assert shell.run("file", "usage").out == "3 files and folders, 3.4 MB of 10 GB\n"
    told = json.loads(shell.run("file", "usage", "--json").out)
    assert told == {"files": 3, "bytes": 3_400_000, "quota": 10_000_000_000}


# --- uploads --------------------------------------------------------------------------------------


@pytest.fixture
def under_way(files: PretendedFiles) -> PretendedFiles:
    """Two uploads whose ids begin alike."""
    files.open = [
        UploadInfo(b"\xab" + bytes(15), "big.iso", 9_000_000, 4_500_000, "#ops", "", NOON, NOON + 1),
        UploadInfo(b"\xab" * 16, "old.pdf", 10, 0, "", "docs/old.pdf", NOON, NOON + 1),
    ]
    return files


def test_uploads_says_how_far_they_are(shell: Shell, under_way: PretendedFiles) -> None:
    first, second = shell.run("file", "uploads").out.splitlines()
    assert first.split("  ")[:2] == [f"ab{'0' * 30}", "4.5 MB of 9.0 MB"]
    assert "to #ops" in first and "to /docs/old.pdf" in second
    assert "kept until 2023-11-14 22:13:20" in first
    told = " ".join(shell.run("file", "uploads", "--help").out.split())
    assert "They count as yours at their whole size." in told
    record = json.loads(shell.run("file", "uploads", "--json").out.splitlines()[0])
    assert (record["upload"], record["held"]) == (f"ab{'0' * 30}", 4_500_000)
    assert record["ends_at_iso"].startswith("2023-11-14T")


@pytest.mark.parametrize(
    ("words", "cancelled"),
    [(["AB00"], [0]), (["ab" * 16], [1]), (["--all"], [0, 1]), (["ab0", "abab"], [0, 1])],
)
def test_cancel_takes_the_beginning_of_an_id(
    shell: Shell, under_way: PretendedFiles, words: list[str], cancelled: list[int]
) -> None:
    assert shell.run("file", "cancel", *words) == (0, "", "")
    assert did(under_way, "cancel") == [(under_way.open[number].upload,) for number in cancelled]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "name uploads, or give --all"),
        (["ab", "--all"], 2, "name uploads, or give --all"),
        (["ab"], 2, "2 uploads begin with ab"),
        (["cd"], 4, "no upload cd"),
        (["xyz"], 2, "'xyz' is no upload"),
    ],
)
def test_cancel_of_what_is_not_clear_cancels_nothing(
    shell: Shell, under_way: PretendedFiles, words: list[str], code: int, said: str
) -> None:
    ended = shell.run("file", "cancel", *words)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert did(under_way, "cancel") == []
