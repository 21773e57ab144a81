"""Which upload a repeated command goes on with."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from client.cli.files import memory
from client.cli.files.memory import Memory, Transfer

REPORT = Transfer("/home/ani/report.pdf", 10, 1, to="budi", name="report.pdf")


def test_the_same_transfer_has_the_same_id_until_it_ended(tmp_path: Path) -> None:
    kept = Memory(tmp_path / "uploads", "ani at home")
    id, known = kept.begin(REPORT)
    assert not known
    assert Memory(tmp_path / "uploads", "ani at home").begin(REPORT) == (id, True)
    kept.end(REPORT)
    again, known = kept.begin(REPORT)
    assert not known and again != id
    kept.end(REPORT)
    kept.end(REPORT)


OTHERS = [
    REPORT._replace(source="/home/ani/other.pdf"),
    REPORT._replace(size=11),
    REPORT._replace(changed=2),
    REPORT._replace(to="citra"),
    REPORT._replace(path="docs"),
    REPORT._replace(name="final.pdf"),
    REPORT._replace(text="see page 3"),
    REPORT._replace(replace=True),
]


@pytest.mark.parametrize("other", OTHERS)
def test_whatever_differs_makes_another_upload(tmp_path: Path, other: Transfer) -> None:
    kept = Memory(tmp_path, "ani")
    id, _ = kept.begin(REPORT)
    assert kept.begin(other)[0] != id


def test_another_user_or_server_has_uploads_of_its_own(tmp_path: Path) -> None:
    id, _ = Memory(tmp_path, "ani").begin(REPORT)
    assert Memory(tmp_path, "budi").begin(REPORT)[0] != id


def test_a_name_that_is_no_utf_8_can_be_kept(tmp_path: Path) -> None:
    kept = Memory(tmp_path, "ani")
    strange = REPORT._replace(source=os.fsdecode(b"/home/ani/\xff"))
    id, _ = kept.begin(strange)
    assert kept.begin(strange) == (id, True)


@pytest.mark.parametrize("damage", ["", "no hex", "aabb"])
def test_a_damaged_note_is_written_anew(tmp_path: Path, damage: str) -> None:
    kept = Memory(tmp_path, "ani")
    kept.begin(REPORT)
    (file,) = tmp_path.iterdir()
    file.write_text(damage)
    id, known = kept.begin(REPORT)
    assert not known
    assert kept.begin(REPORT) == (id, True)


def test_two_of_the_same_command_at_once_share_an_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Memory(tmp_path, "ani")
    first, _ = kept.begin(REPORT)
    read = memory._read
    seen: list[Path] = []

    def late(file: Path) -> bytes | None:
        seen.append(file)
        return read(file) if len(seen) > 1 else None  # the other one had not written yet

    monkeypatch.setattr(memory, "_read", late)
    assert kept.begin(REPORT) == (first, True)


def test_where_nothing_can_be_kept_it_goes_on_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "uploads").write_text("a file in the way")
    kept = Memory(tmp_path / "uploads", "ani")
    assert kept.begin(REPORT)[0] != kept.begin(REPORT)[0]
    kept.end(REPORT)


def test_a_disk_without_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("client.cli.files.memory.os.link", refuses)
    kept = Memory(tmp_path, "ani")
    id, _ = kept.begin(REPORT)
    assert kept.begin(REPORT) == (id, True)
    assert len(list(tmp_path.iterdir())) == 1


def test_what_never_ended_is_forgotten_in_the_end(tmp_path: Path) -> None:
    kept = Memory(tmp_path, "ani")
    kept.begin(REPORT)
    (old,) = tmp_path.iterdir()
    then = time.time() - memory.KEPT - 1
    os.utime(old, (then, then))
    kept.begin(REPORT._replace(size=11))
    assert not old.exists()
    assert len(list(tmp_path.iterdir())) == 1
