"""Where a server listens, left in its data folder."""

from __future__ import annotations

import stat
from pathlib import Path

from config import whereabouts


def test_what_is_left_is_found_and_the_last_one_counts(tmp_path: Path) -> None:
    assert whereabouts.left(tmp_path) == ""
    whereabouts.leave(tmp_path, "pesan://127.0.0.1:7100")
    whereabouts.leave(tmp_path, "pesan://127.0.0.1:7200")
    assert whereabouts.left(tmp_path) == "pesan://127.0.0.1:7200"
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["connection"]


def test_it_is_its_owners_alone(tmp_path: Path) -> None:
    whereabouts.leave(tmp_path, "pesan://127.0.0.1:7100")
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700
    assert stat.S_IMODE(whereabouts.file_of(tmp_path).stat().st_mode) == 0o600


def test_what_makes_no_sense_is_nothing(tmp_path: Path) -> None:
    whereabouts.file_of(tmp_path).parent.mkdir()
    whereabouts.file_of(tmp_path).write_bytes(b"\xff\xfe")
    assert whereabouts.left(tmp_path) == ""
    assert whereabouts.left(tmp_path / "connection") == ""


def test_what_stands_there_already_is_not_written_again(tmp_path: Path) -> None:
    whereabouts.leave(tmp_path, "pesan://127.0.0.1:7100")
    before = whereabouts.file_of(tmp_path).stat()
    whereabouts.leave(tmp_path, "pesan://127.0.0.1:7100")
    after = whereabouts.file_of(tmp_path).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_how_other_realms_know_the_server_has_a_file_of_its_own(tmp_path: Path) -> None:
    whereabouts.leave(tmp_path, "pesan://127.0.0.1:7100")
    whereabouts.leave(tmp_path, "atas 7104", whereabouts.REALM)
    assert whereabouts.left(tmp_path, whereabouts.REALM) == "atas 7104"
    assert whereabouts.left(tmp_path) == "pesan://127.0.0.1:7100"
