"""Readiness, said and heard: one datagram in systemd's notify protocol."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from broker.up.notices import Notices, ready_pid
from config.readiness import notify, say_ready


def test_what_is_said_is_heard(tmp_path: Path) -> None:
    notices = Notices(tmp_path / "up.sock")
    assert notices.ready() == []
    say_ready({"NOTIFY_SOCKET": notices.address})
    notify("STATUS=nothing to us", {"NOTIFY_SOCKET": notices.address})
    assert notices.ready() == [os.getpid()]
    assert notices.ready() == []
    notices.close()
    assert list(tmp_path.iterdir()) == []


def test_a_socket_that_was_left_behind_is_no_obstacle(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.bind(str(tmp_path / "up.sock"))
    left.close()
    Notices(tmp_path / "up.sock").close()


@pytest.mark.parametrize("address", ["", "/nowhere/at/all.sock", "@pesan-nobody-listens", "x" * 300])
def test_saying_it_to_nobody_does_no_harm(address: str) -> None:
    say_ready({"NOTIFY_SOCKET": address})


def test_systemd_s_abstract_sockets_are_understood() -> None:
    name = f"pesan-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name}")
        listener.setblocking(False)
        say_ready({"NOTIFY_SOCKET": f"@{name}"})
        assert listener.recv(100) == f"READY=1\nMAINPID={os.getpid()}".encode()


@pytest.mark.parametrize(
    ("notice", "pid"),
    [
        (b"READY=1\nMAINPID=12", 12),
        (b"MAINPID=12\nSTATUS=good\nREADY=1\n", 12),
        (b"MAINPID=12", 0),
        (b"READY=0\nMAINPID=12", 0),
        (b"READY=1\nMAINPID=-12", 0),
        (b"READY=1\nMAINPID=twelve", 0),
        (b"READY=1", 0),
        (b"", 0),
        (b"\xff=\xff\n==\n\n", 0),
    ],
)
def test_only_a_whole_notice_counts(notice: bytes, pid: int) -> None:
    assert ready_pid(notice) == pid
