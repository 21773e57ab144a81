"""The server's key pair: one, whole, and its owner's alone."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
import zmq
from zmq.utils import z85

from config.keys import Z85_LENGTH, server_keys

ROOT = Path(__file__).resolve().parents[2]


def test_the_first_start_makes_a_pair_that_fits_together(tmp_path: Path) -> None:
    keys = server_keys(tmp_path / "home")
    assert zmq.curve_public(keys.secret) == keys.public
    assert len(keys.public) == len(keys.secret) == Z85_LENGTH
    assert len(z85.decode(keys.public)) == 32


def test_later_starts_find_the_same_pair(tmp_path: Path) -> None:
    assert server_keys(tmp_path) == server_keys(tmp_path)


def test_two_installations_have_different_keys(tmp_path: Path) -> None:
    assert server_keys(tmp_path / "one") != server_keys(tmp_path / "two")


def test_the_file_is_its_owners_alone_and_nothing_else_is_left(tmp_path: Path) -> None:
    server_keys(tmp_path)
    file = tmp_path / "server.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert [path.name for path in tmp_path.iterdir()] == ["server.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_can_read_or_write_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    server_keys(tmp_path)
    file = tmp_path / "server.key"
    file.chmod(mode)
    with pytest.raises(PermissionError, match=f"chmod 600 {file}"):
        server_keys(tmp_path)


@pytest.mark.parametrize("content", [b"", b"one", b"x" * 40, b"x" * 40 + b"\n" + b"y" * 39])
def test_a_damaged_file_is_refused_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    server_keys(tmp_path)
    file = tmp_path / "server.key"
    file.write_bytes(content)
    with pytest.raises(OSError, match="is damaged"):
        server_keys(tmp_path)
    assert file.read_bytes() == content


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    """They wait for the same moment, so that several find no file and make a pair of their own."""
    program = (
        "import sys, pathlib\n"
        "from config.keys import server_keys\n"
        "print('here', flush=True)\n"
        "sys.stdin.readline()\n"
        "print(server_keys(pathlib.Path(sys.argv[1])).public.decode(), flush=True)\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "home")],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "here\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = {process.communicate(timeout=30)[0] for process in started}
        assert [process.returncode for process in started] == [0] * len(started)
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert len(said) == 1
    assert said == {server_keys(tmp_path / "home").public.decode() + "\n"}
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["server.key"]


def test_losing_the_race_keeps_the_winners_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one who comes second has already made a pair when it finds the first one's file."""
    winner = server_keys(tmp_path)
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: path.name != "server.key" and exists(path))
    assert server_keys(tmp_path) == winner
    assert [path.name for path in tmp_path.iterdir()] == ["server.key"]
