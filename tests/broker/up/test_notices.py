"""Readiness, said and heard: one datagram in systemd's notify protocol."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from broker.up.notices import Notice, Notices, understood
from config.readiness import SIGNS, Pulse, notify, say_ready


def test_what_is_said_is_heard(tmp_path: Path) -> None:
    notices = Notices(tmp_path / "up.sock")
    assert notices.heard() == []
    say_ready({"NOTIFY_SOCKET": notices.address})
    notify("STATUS=nothing to us", {"NOTIFY_SOCKET": notices.address})
    assert notices.heard() == [Notice(os.getpid(), serves=True)]
    assert notices.heard() == []
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
    ("notice", "meaning"),
    [
        (b"READY=1\nMAINPID=12", Notice(12, serves=True)),
        (b"MAINPID=12\nSTATUS=good\nREADY=1\n", Notice(12, serves=True)),
        (b"WATCHDOG=1\nMAINPID=12", Notice(12, serves=False, lives=True)),
        (b"WATCHDOG=1\nREADY=1\nMAINPID=12", Notice(12, serves=True, lives=True)),
        (b"MAINPID=12", None),
        (b"READY=0\nMAINPID=12", None),
        (b"READY=1\nMAINPID=-12", None),
        (b"READY=1\nMAINPID=0", None),
        (b"READY=1\nMAINPID=twelve", None),
        (b"READY=1", None),
        (b"WATCHDOG=1", None),
        (b"", None),
        (b"\xff=\xff\n==\n\n", None),
    ],
)
def test_only_a_whole_notice_counts(notice: bytes, meaning: Notice | None) -> None:
    assert understood(notice) == meaning


# --- signs of life --------------------------------------------------------------------------------


def test_signs_of_life_come_several_times_in_what_is_allowed(tmp_path: Path) -> None:
    notices = Notices(tmp_path / "up.sock")
    pulse = Pulse({"NOTIFY_SOCKET": notices.address, "WATCHDOG_USEC": "2000000"})
    for tenth in range(41):
        pulse.beat(1000.0 + tenth / 10)
    assert notices.heard() == [Notice(os.getpid(), serves=False, lives=True)] * (2 * SIGNS + 1)
    notices.close()


@pytest.mark.parametrize(
    "watchdog",
    [
        {},
        {"WATCHDOG_USEC": ""},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"},
    ],
)
def test_who_is_not_watched_gives_none(watchdog: dict[str, str], tmp_path: Path) -> None:
    notices = Notices(tmp_path / "up.sock")
    pulse = Pulse({"NOTIFY_SOCKET": notices.address, **watchdog})
    for second in range(10):
        pulse.beat(float(second))
    assert notices.heard() == []
    notices.close()


def test_a_listener_that_hears_nothing_any_more_does_not_hold_up_who_lives(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "up.sock"))
        pulse = Pulse({"NOTIFY_SOCKET": str(tmp_path / "up.sock"), "WATCHDOG_USEC": "4"})
        begun = time.monotonic()
        for second in range(5_000):  # more than any system keeps for a listener
            pulse.beat(float(second))
        assert time.monotonic() - begun < 20
