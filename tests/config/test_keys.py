"""The server's secrets, its key pair and the gateway's: one of each, whole, and their owner's alone."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq
from zmq.utils import z85

from config.keys import Z85_LENGTH, gateway_secret, server_keys
from protocol.limits import GATEWAY_SECRET_BYTES

ROOT = Path(__file__).resolve().parents[2]


def test_the_first_start_makes_a_pair_that_fits_together(tmp_path: Path) -> None:
    keys = server_keys(tmp_path / "home")
    assert zmq.curve_public(keys.secret) == keys.public
    assert len(keys.public) == len(keys.secret) == Z85_LENGTH
    assert len(z85.decode(keys.public)) == 32


def test_the_first_who_needs_it_makes_a_secret_for_gateways(tmp_path: Path) -> None:
    secret = gateway_secret(tmp_path / "home")
    assert len(secret) == GATEWAY_SECRET_BYTES
    assert (tmp_path / "home" / "gateway.key").read_text("ascii") == secret.hex() + "\n"


KEPT = [(server_keys, "server.key"), (gateway_secret, "gateway.key")]
each_kept = pytest.mark.parametrize(("keep", "name"), KEPT, ids=[name for _, name in KEPT])
Keep = Callable[[Path], object]


@each_kept
def test_later_starts_find_the_same(tmp_path: Path, keep: Keep, name: str) -> None:
    assert keep(tmp_path) == keep(tmp_path)


@each_kept
def test_two_installations_have_different_ones(tmp_path: Path, keep: Keep, name: str) -> None:
    assert keep(tmp_path / "one") != keep(tmp_path / "two")


@each_kept
def test_the_file_is_its_owners_alone_and_nothing_else_is_left(tmp_path: Path, keep: Keep, name: str) -> None:
    keep(tmp_path)
    file = tmp_path / name
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert [path.name for path in tmp_path.iterdir()] == [name]


@each_kept
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_can_read_or_write_is_refused_with_the_remedy(
    tmp_path: Path, mode: int, keep: Keep, name: str
) -> None:
    keep(tmp_path)
    file = tmp_path / name
    file.chmod(mode)
    with pytest.raises(PermissionError, match=f"chmod 600 {file}"):
        keep(tmp_path)


@each_kept
@pytest.mark.parametrize(
    "content",
    [b"", b"one", b"x" * 40, b"x" * 40 + b"\n" + b"y" * 39, b"ab" * 31, b"ab" * 33, b"x" * 64, b"\xff" * 32],
)
def test_a_damaged_file_is_refused_and_never_replaced(
    tmp_path: Path, content: bytes, keep: Keep, name: str
) -> None:
    keep(tmp_path)
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(OSError, match="is damaged"):
        keep(tmp_path)
    assert file.read_bytes() == content


def test_processes_that_start_at_once_agree_on_their_secrets(tmp_path: Path) -> None:
    """They wait for the same moment, so that several find no file and make a pair of their own."""
    program = (
        "import sys, pathlib\n"
        "from config.keys import gateway_secret, server_keys\n"
        "print('here', flush=True)\n"
        "sys.stdin.readline()\n"
        "home = pathlib.Path(sys.argv[1])\n"
        "print(gateway_secret(home).hex(), server_keys(home).public.decode(), flush=True)\n"
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
    home = tmp_path / "home"
    assert said == {f"{gateway_secret(home).hex()} {server_keys(home).public.decode()}\n"}
    assert sorted(path.name for path in home.iterdir()) == ["gateway.key", "server.key"]


@each_kept
def test_losing_the_race_keeps_the_winners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: Keep, name: str
) -> None:
    """The one who comes second has already made one when it finds the first one's file."""
    winner = keep(tmp_path)
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: path.name != name and exists(path))
    assert keep(tmp_path) == winner
    assert [path.name for path in tmp_path.iterdir()] == [name]
