"""``pesan file send``: what is looked at first, and what is told. What goes on: ``test_sending_again``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from client.cli.exits import Mistake
from client.cli.files import sources
from client.errors import SourceChanged, Timeout
from protocol.errors import Conflict, NotFound, TooLarge
from tests.client.cli.files.pretended import REPORT, PretendedFiles, uploads
from tests.client.cli.shell import Shell


def test_a_file_is_sent_under_its_own_name_and_the_number_is_told(
    shell: Shell, files: PretendedFiles, report: Path
) -> None:
    ended = shell.run("file", "send", "budi", "report.pdf")
    assert ended == (0, "report.pdf: 10 bytes, sent to budi, file 1, message 8\n", "")
    assert uploads(files) == [{"to": "budi", "name": "report.pdf", "text": ""}]
    assert files.content[1] == REPORT


def test_a_file_to_another_realms_group_has_no_number_yet_and_may_wait(
    shell: Shell, files: PretendedFiles, report: Path
) -> None:
    ended = shell.run("file", "send", "#team@b", "report.pdf")
    assert ended == (0, "report.pdf: 10 bytes, sent to #team@b, file 1\n", "")
    ended = shell.run("file", "send", "budi@away", "report.pdf")
    assert ended.out.endswith("sent to budi@away, file 2, message 8\n")
    assert ended.err.startswith("queued: realm away has been away since 19")


def test_name_and_text_go_with_it_and_json_tells_all(
    shell: Shell, files: PretendedFiles, report: Path
) -> None:
    ended = shell.run(
        "file", "send", "#ops", str(report), "--name", "final.pdf", "--text", "page 3", "--json"
    )
    assert uploads(files) == [{"to": "#ops", "name": "final.pdf", "text": "page 3"}]
    record = json.loads(ended.out)
    assert record["to"] == "#ops"
    assert (record["conversation"], record["seq"], record["duplicate"]) == (3, 8, False)
    assert (record["file"]["file"], record["file"]["size"]) == (1, 10)
    assert record["sent_at_iso"].endswith("Z") and len(record["id"]) == 32


@pytest.mark.parametrize(
    ("to", "path"),
    [
        ("/", "report.pdf"),
        ("/docs", "docs/report.pdf"),
        ("/docs/", "docs/report.pdf"),
        ("/final.pdf", "final.pdf"),
        ("/docs/final.pdf", "docs/final.pdf"),
    ],
)
def test_in_ones_own_space_a_folder_keeps_the_name_and_another_path_is_the_name(
    shell: Shell, files: PretendedFiles, report: Path, to: str, path: str
) -> None:
    files.folders.add("docs")
    ended = shell.run("file", "send", to, "report.pdf")
    assert ended == (
        0,
        f"report.pdf: 10 bytes, stored as /{path}, file 1\n".replace("report", path.split("/")[-1][:-4]),
        "",
    )
    assert uploads(files) == [{"path": path, "replace": False}]


def test_a_path_that_must_be_a_folder_and_is_none_is_told(
    shell: Shell, files: PretendedFiles, report: Path
) -> None:
    for words in (("/nothing/", "report.pdf"), ("/nothing", "report.pdf", "report.pdf")):
        ended = shell.run("file", "send", *words)
        assert (ended.code, ended.out) == (4, "")
        assert "You have no folder 'nothing' (pesan file mkdir" in ended.err


def test_a_name_that_is_taken_in_ones_own_space_needs_force(
    shell: Shell, files: PretendedFiles, report: Path
) -> None:
    files.adds("report.pdf", b"old", "report.pdf")
    ended = shell.run("file", "send", "/", "report.pdf")
    assert (ended.code, ended.out) == (1, "")
    assert "already (--force replaces it)" in ended.err
    assert shell.run("file", "send", "/", "report.pdf", "--force").code == 0
    files.fails[4] = Conflict("This upload is not sealed yet.")
    assert "--force" not in shell.run("file", "send", "/other.pdf", "report.pdf").err
    assert uploads(files)[-2] == {"path": "report.pdf", "replace": True}


# --- looked at first ------------------------------------------------------------------------------


def _special(here: Path, kind: str) -> str:
    name = here / kind
    if kind == "folder":
        name.mkdir()
    elif kind == "pipe":
        os.mkfifo(name)
    elif kind == "secret":
        name.write_bytes(b"x")
        name.chmod(0)
    elif kind == "lost":
        name.symlink_to("nowhere")
    elif kind == "back\\slash":
        name.write_bytes(b"x")
    return kind


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("missing", 4, "missing: No such file or directory"),
        ("lost", 4, "lost: No such file or directory"),
        (
            "folder",
            2,
            "folder is a folder, and files are sent: tar -cz folder | pesan file send TO - --name f",
        ),
        ("pipe", 2, "pipe is no plain file: cat pipe | pesan file send TO -"),
        ("back\\slash", 2, "no slash and no backslash. --name gives it another."),
    ],
)
def test_what_cannot_be_sent_is_told_before_anything_is(
    shell: Shell, files: PretendedFiles, report: Path, here: Path, kind: str, code: int, said: str
) -> None:
    ended = shell.run("file", "send", "budi", "report.pdf", _special(here, kind))
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert files.calls == []


def test_a_file_called_like_the_one_who_gets_it_is_no_mistake(
    shell: Shell, files: PretendedFiles, report: Path, here: Path
) -> None:
    (here / "budi").write_bytes(b"x")
    assert shell.run("file", "send", "budi", "report.pdf").code == 0
    assert shell.run("file", "send", "budi", "-", stdin="x").code == 0
    assert [one["to"] for one in uploads(files)] == ["budi", "budi"]


def test_a_name_that_is_not_utf_8_needs_another_one(here: Path) -> None:
    typed = os.fsdecode(b"r\xe9sum\xe9.txt")
    Path(typed).write_bytes(b"x")
    with pytest.raises(Mistake) as refused:
        sources.look_at(typed)
    assert refused.value.message == f"{typed}: its name is not UTF-8; --name gives it another."
    assert refused.value.code == 2
    assert sources.look_at(typed, "résumé.txt").name == "résumé.txt"


def test_a_name_that_no_disk_can_have_is_told() -> None:
    with pytest.raises(Mistake, match="null byte"):
        sources.look_at("a\0b")


def test_a_file_that_must_not_be_read_is_told(
    shell: Shell, files: PretendedFiles, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(path: str, flags: int, *_: int) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("client.cli.files.sources.os.open", refuses)  # root may read everything
    ended = shell.run("file", "send", "budi", "report.pdf")
    assert (ended.code, ended.err) == (1, "pesan: report.pdf: Permission denied\n")
    assert files.calls == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["report.pdf", "budi"], "TO comes first: pesan file send budi report.pdf\n"),
        (["report.pdf", "report.pdf", "#ops"], "first: pesan file send '#ops' report.pdf report.pdf\n"),
        (["budi", "a", "b", "--name", "x"], "--name is for one file"),
        (["budi", "-", "-"], "stdin (-) can be sent once"),
        (["/docs", "a", "--text", "x"], "--text is for a message"),
        (["budi", "a", "--force"], "--force is for your own space"),
        (["docs/old", "a"], "begins with a slash: /docs/old"),
        (["a b", "a"], "is not a name"),
        (["/a\x1bb", "a"], "no control characters"),
        (["budi", "report.pdf", "--name", "../x"], "no slash"),
    ],
)
def test_words_that_make_no_sense_end_with_2(
    shell: Shell, files: PretendedFiles, report: Path, words: list[str], said: str
) -> None:
    ended = shell.run("file", "send", *words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert files.calls == []


def test_who_names_nobody_or_nothing_is_helped(shell: Shell, files: PretendedFiles, report: Path) -> None:
    alone = shell.run("file", "send", "budi").err
    assert "For example: pesan file send budi report.pdf\n" in alone
    assert "stdin is sent with -" in alone
    assert (
        "Who gets it stands first: pesan file send budi report.pdf\n"
        in shell.run("file", "send", "report.pdf").err
    )
    assert "'#ops'" in shell.run("file", "send").err


def test_who_is_nobody_may_have_been_a_group_or_a_folder(
    shell: Shell, files: PretendedFiles, report: Path
) -> None:
    files.fails[0] = NotFound("There is no user docs.")
    ended = shell.run("file", "send", "docs", "report.pdf")
    assert ended.code == 4
    assert "report.pdf: There is no user docs (in quotes '#docs' is a group, and /docs a path" in ended.err


def test_who_is_not_logged_in_is_told_before_stdin_is_read(
    shell: Shell, files: PretendedFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.cli.files.sources.spool", lambda name: pytest.fail("stdin was read"))
    assert shell.run("file", "send", "budi", "-", "--profile", "other").code == 3


# --- stdin ----------------------------------------------------------------------------------------


def test_stdin_is_sent_whole_under_a_name(shell: Shell, files: PretendedFiles) -> None:
    assert shell.run("file", "send", "budi", "-", stdin="hello").out.startswith(
        "stdin: 5 bytes, sent to budi"
    )
    assert shell.run("file", "send", "budi", "-", "--name", "note.txt", stdin="hi").out.startswith(
        "note.txt:"
    )
    assert [files.content[number] for number in (1, 2)] == [b"hello", b"hi"]


def test_nothing_from_stdin_is_not_sent_but_an_empty_file_is(
    shell: Shell, files: PretendedFiles, here: Path
) -> None:
    ended = shell.run("file", "send", "budi", "-", stdin="")
    said = "nothing came from stdin, and nothing was sent: an empty file is sent by its path."
    assert ended == (1, "", f"pesan: {said}\n")
    assert files.calls == []
    (here / "empty").write_bytes(b"")
    assert shell.run("file", "send", "budi", "empty").out.startswith("empty: 0 bytes, sent to budi")


def test_the_same_stdin_goes_on(shell: Shell, files: PretendedFiles) -> None:
    files.fails[4] = Timeout("No answer in time.")
    words = ("file", "send", "budi", "-", "--name", "note.txt")
    assert shell.run(*words, stdin="eight by").code == 5
    assert shell.run(*words, stdin="eight by").code == 0
    assert (files.moved, len(files.uploads_begun)) == (8, 1)


# --- going on -------------------------------------------------------------------------------------


@pytest.fixture
def three(here: Path) -> list[str]:
    for number in range(3):
        (here / f"{number}.log").write_bytes(b"eight by")
    return ["0.log", "1.log", "2.log"]


def test_several_go_in_their_order(shell: Shell, files: PretendedFiles, three: list[str]) -> None:
    ended = shell.run("file", "send", "#ops", *three)
    assert [line.partition(":")[0] for line in ended.out.splitlines()] == three
    assert [one["name"] for one in uploads(files)] == three


def test_one_that_is_refused_is_named_and_the_others_go(
    shell: Shell, files: PretendedFiles, three: list[str]
) -> None:
    files.fails[4] = TooLarge("Files may have 5 bytes.", limit=5)
    ended = shell.run("file", "send", "#ops", *three)
    assert (ended.code, ended.out.count("\n")) == (1, 2)
    assert ended.err.splitlines() == ["pesan: 0.log: Files may have 5 bytes.", "pesan: 2 of 3 sent."]


def test_one_that_is_being_written_to_is_named_and_the_others_go(
    shell: Shell, files: PretendedFiles, three: list[str]
) -> None:
    files.fails[4] = SourceChanged("0.log was changed while it was being sent.")
    ended = shell.run("file", "send", "#ops", *three)
    assert (ended.code, ended.out.count("\n")) == (1, 2)
    assert ended.err.splitlines()[0] == "pesan: 0.log was changed while it was being sent."


def test_one_that_vanishes_is_named_and_the_others_go(
    shell: Shell, files: PretendedFiles, three: list[str]
) -> None:
    files.fails[4] = FileNotFoundError(2, "No such file or directory", "0.log")
    ended = shell.run("file", "send", "#ops", *three)
    assert (ended.code, ended.out.count("\n")) == (4, 2)
    assert ended.err.splitlines()[0] == "pesan: 0.log: No such file or directory"


def test_without_an_answer_nothing_more_is_sent(
    shell: Shell, files: PretendedFiles, three: list[str]
) -> None:
    files.fails[4] = Timeout("No answer in time.")
    ended = shell.run("file", "send", "#ops", *three)
    assert (ended.code, ended.out) == (5, "")
    assert "where this one stopped. (0 of 3 sent)" in ended.err
    assert shell.run("file", "send", "#ops", *three).code == 0
    assert files.moved == 24
