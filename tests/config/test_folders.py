"""Folders: where they are, that they are private, and that a socket's path is never too long."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from config.folders import (
    SOCKET_PATH_MAX,
    config_folder,
    private_folder,
    server_home,
    socket_folder,
    state_folder,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a path as short as a real one: pytest's own are nearly too long for a socket."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def temporary(short: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files, for this test alone."""
    monkeypatch.setattr("tempfile.tempdir", str(short))
    return short


def long_home(tmp_path: Path) -> Path:
    return tmp_path / ("x" * 60) / ("y" * 60)


def test_the_data_folder_is_where_the_variable_says() -> None:
    assert server_home({"PESAN_HOME": "/srv/pesan"}) == Path("/srv/pesan")


def test_a_relative_data_folder_begins_where_the_process_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert server_home({"PESAN_HOME": "var"}) == tmp_path / "var"


@pytest.mark.parametrize(
    ("find", "variable", "default"),
    [
        (server_home, "XDG_DATA_HOME", ".local/share"),
        (config_folder, "XDG_CONFIG_HOME", ".config"),
        (state_folder, "XDG_STATE_HOME", ".local/state"),
    ],
)
def test_folders_are_those_of_xdg(
    find: Callable[[Mapping[str, str]], Path], variable: str, default: str
) -> None:
    assert find({"HOME": "/home/ani"}) == Path("/home/ani", default, "pesan")
    assert find({"HOME": "/home/ani", variable: "/x"}) == Path("/x/pesan")
    # The specification says that a relative path is to be ignored.
    assert find({"HOME": "/home/ani", variable: "x"}) == Path("/home/ani", default, "pesan")
    assert find({"HOME": "/home/ani", variable: ""}) == Path("/home/ani", default, "pesan")


def test_a_private_folder_is_its_owners_alone_even_if_it_was_not(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert private_folder(folder) == folder
    assert mode(folder) == 0o700
    folder.chmod(0o777)
    private_folder(folder)
    assert mode(folder) == 0o700


def test_a_generous_umask_changes_nothing(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert mode(private_folder(tmp_path / "open")) == 0o700
    finally:
        os.umask(before)


def bind(folder: Path) -> None:
    """Make a socket there, as a broker would."""
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(folder / "backend.sock"))


def test_sockets_live_in_the_data_folder(short: Path) -> None:
    folder = socket_folder(short / "home")
    assert folder == short / "home" / "run"
    assert mode(folder) == 0o700
    bind(folder)


def test_a_long_path_is_replaced_by_a_short_private_one(tmp_path: Path, temporary: Path) -> None:
    with pytest.raises(OSError, match="too long"):
        bind(private_folder(long_home(tmp_path) / "run"))
    folder = socket_folder(long_home(tmp_path))
    assert folder.parent == temporary
    assert mode(folder) == 0o700
    bind(folder)


def test_the_real_temporary_folder_leaves_room_for_the_name() -> None:
    longest = Path("/tmp") / f"pesan-{2**32 - 1}-{'f' * 16}" / "backend.sock"
    assert len(os.fsencode(longest)) <= SOCKET_PATH_MAX


def test_every_process_of_one_installation_finds_the_same_short_folder(
    tmp_path: Path, temporary: Path
) -> None:
    home = long_home(tmp_path)
    assert socket_folder(home) == socket_folder(home)
    assert socket_folder(home) != socket_folder(home / "other")


def test_the_limit_counts_bytes_not_characters(short: Path, temporary: Path) -> None:
    room = SOCKET_PATH_MAX - len(os.fsencode(short / "run" / "backend.sock")) - 1
    fits, too_long = short / ("x" * room), short / ("x" * (room - 1) + "é")
    assert socket_folder(fits) == fits / "run"
    assert socket_folder(too_long).parent == temporary


def test_a_folder_that_someone_planted_is_refused(tmp_path: Path, temporary: Path) -> None:
    home = long_home(tmp_path)
    folder = socket_folder(home)
    folder.rmdir()
    (tmp_path / "theirs").mkdir()
    folder.symlink_to(tmp_path / "theirs")
    with pytest.raises(PermissionError, match="PESAN_HOME"):
        socket_folder(home)


def test_a_short_folder_that_stood_open_is_closed(tmp_path: Path, temporary: Path) -> None:
    folder = socket_folder(long_home(tmp_path))
    folder.chmod(0o777)
    socket_folder(long_home(tmp_path))
    assert mode(folder) == 0o700


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_the_place_of_a_folder_is_said_in_a_sentence(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match=r"^\S+ cannot be a folder, for a file is in its place"):
        private_folder(tmp_path / "file" / below)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (PermissionError(1, "Operation not permitted"), r"^\S+ cannot be written by this user; PESAN_HOME"),
        (OSError(30, "Read-only file system"), r"^\S+ cannot be made: Read-only file system$"),
    ],
)
def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: OSError, said: str
) -> None:
    def refuse(*anything: object, **more: object) -> None:
        raise raised

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(type(raised), match=said):
        private_folder(tmp_path / "home")
