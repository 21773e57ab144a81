"""``pesan file send`` once more: what goes on, what begins anew, what is remembered for that."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.cli.files import memory
from client.errors import Corrupt, SourceChanged, Timeout
from protocol.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge
from tests.client.cli.files.pretended import REPORT, PretendedFiles
from tests.client.cli.shell import Shell


def test_ctrl_c_says_how_to_go_on_and_the_same_command_does(
    shell: Shell, files: PretendedFiles, report: Path
) -> None:
    files.fails[8] = KeyboardInterrupt()
    ended = shell.run("file", "send", "budi", "report.pdf")
    assert (ended.code, ended.out) == (130, "")
    assert ended.err == "pesan: stopped; the same command goes on where this one stopped.\n"
    ended = shell.run("file", "send", "budi", str(report))  # the same file by another way
    assert ended == (
        0,
        "report.pdf: 10 bytes, sent to budi, file 1, message 8\n",
        "report.pdf: goes on behind 8 bytes of 10 bytes\n",
    )
    assert files.moved == len(REPORT)


def test_no_answer_says_how_to_go_on(shell: Shell, files: PretendedFiles, report: Path) -> None:
    files.fails[4] = Timeout("No answer in time.")
    ended = shell.run("file", "send", "budi", "report.pdf")
    said = "report.pdf: No answer in time; the same command goes on where this one stopped."
    assert (ended.code, ended.err) == (5, f"pesan: {said}\n")


def test_a_file_that_was_changed_begins_anew(shell: Shell, files: PretendedFiles, report: Path) -> None:
    files.fails[4] = Timeout("No answer in time.")
    shell.run("file", "send", "budi", "report.pdf")
    report.write_bytes(b"another ten")
    assert shell.run("file", "send", "budi", "report.pdf").code == 0
    assert len(files.uploads_begun) == 2
    assert files.content[1] == b"another ten"


@pytest.mark.parametrize(
    "other", [["citra", "report.pdf"], ["budi", "report.pdf", "--text", "x"], ["/", "report.pdf"]]
)
def test_another_command_is_another_upload(
    shell: Shell, files: PretendedFiles, report: Path, other: list[str]
) -> None:
    files.fails[4] = Timeout("No answer in time.")
    shell.run("file", "send", "budi", "report.pdf")
    assert shell.run("file", "send", *other).code == 0
    assert len(files.uploads_begun) == 2


def test_what_arrived_is_sent_anew_by_the_next_command(
    shell: Shell, files: PretendedFiles, report: Path
) -> None:
    for number in (1, 2):
        assert f"file {number}," in shell.run("file", "send", "budi", "report.pdf").out
    assert list((shell.folder / "state/pesan/uploads").iterdir()) == []


def test_what_arrived_unheard_is_not_sent_twice(shell: Shell, files: PretendedFiles, report: Path) -> None:
    files.fails[10] = Timeout("No answer in time.")
    shell.run("file", "send", "budi", "report.pdf")
    (upload,) = files.uploads_begun.values()
    assert upload.held == REPORT
    shell.run("file", "send", "budi", "report.pdf")
    (shell.folder / "state/pesan/uploads").rmdir()  # nothing is left in it


def test_a_finished_upload_says_already(
    shell: Shell, files: PretendedFiles, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory.Memory, "end", lambda *_: None)  # killed before it could forget
    shell.run("file", "send", "budi", "report.pdf")
    ended = shell.run("file", "send", "budi", "report.pdf")
    assert ended.out == "report.pdf: 10 bytes, sent already to budi, file 1, message 8\n"
    assert len(files.stored) == 1


@pytest.mark.parametrize(
    ("error", "code", "same"),
    [
        (TooLarge("The server's disk is full."), 1, False),
        (Invalid("No."), 2, False),
        (Conflict("Something else arrived."), 1, False),
        (Corrupt("Something else arrived."), 1, False),
        (SourceChanged("report.pdf was changed meanwhile."), 1, False),
        (NotFound("There is no folder docs."), 4, True),
        (Forbidden("You are not a member of #ops."), 3, True),
        (Timeout("No answer in time."), 5, True),
    ],
)
def test_what_can_be_put_right_goes_on_and_the_rest_begins_anew(
    shell: Shell, files: PretendedFiles, report: Path, error: Exception, code: int, same: bool
) -> None:
    files.fails[8] = error
    ended = shell.run("file", "send", "budi", "report.pdf")
    assert ended.code == code
    assert ended.err.startswith("pesan: report.pdf") and ended.err.count("\n") == 1
    assert shell.run("file", "send", "budi", "report.pdf").code == 0
    assert len(files.uploads_begun) == (1 if same else 2)
    given_up = [call[1] for call in files.calls if call[0] == "cancel"]
    assert given_up == ([] if same else list(files.uploads_begun)[:1])


def test_what_finds_its_path_taken_in_the_end_is_given_up_at_the_server(
    shell: Shell, files: PretendedFiles, report: Path
) -> None:
    files.fails[10] = Conflict("There is a file /report.pdf already.")
    ended = shell.run("file", "send", "/", "report.pdf")
    assert (ended.code, ended.out) == (1, "") and "already (--force replaces it)" in ended.err
    (id,) = files.uploads_begun
    assert files.calls[-1] == ("cancel", id)


@pytest.mark.parametrize("failure", [Timeout("No answer in time."), NotFound("There is no such upload.")])
def test_what_cannot_be_given_up_is_told_and_begins_anew_all_the_same(
    shell: Shell,
    files: PretendedFiles,
    report: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
) -> None:
    async def cancel(*_: object) -> None:
        raise failure

    monkeypatch.setattr(files, "cancel", cancel)
    files.fails[10] = Conflict("Something else arrived.")
    ended = shell.run("file", "send", "budi", "report.pdf")
    assert (ended.code, ended.err) == (1, "pesan: report.pdf: Something else arrived.\n")
    assert shell.run("file", "send", "budi", "report.pdf").code == 0
    assert len(files.uploads_begun) == 2


def test_nothing_in_the_state_folder_tells_what_was_sent(
    shell: Shell, files: PretendedFiles, report: Path
) -> None:
    files.fails[4] = Timeout("No answer in time.")
    shell.run("file", "send", "budi", "report.pdf")
    (kept,) = (shell.folder / "state/pesan/uploads").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert bytes.fromhex(kept.read_text()) in files.uploads_begun
    assert "report" not in kept.name


# --- several --------------------------------------------------------------------------------------
