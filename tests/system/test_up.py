"""``pesan up``: one command starts a server; Ctrl-C drains it, a second one forces."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import zmq

from benchmarks.own_server import OwnServer, free_port_base
from benchmarks.wire import PASSWORD, WireUser

START = 30.0
PATIENT = "drain_timeout = 60.0\n"
"""Who waits for as long as it may is still there after ``SOON``. How long it takes: benchmarks/start.py."""
SOON = 20.0
"""Seconds."""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Start]:
    """Starts ``pesan up`` with a data folder and ports of its own; ends what is left of it."""
    started: list[subprocess.Popen[str]] = []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PESAN_")}
    environment |= {"PESAN_HOME": str(tmp_path / "home"), "PESAN_PORT_BASE": str(free_port_base())}

    def start(*arguments: str, **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("pesan")), "up", *arguments],
            env={**environment, **more},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        for child in family(process) if process.poll() is None else []:
            child.kill()
        process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def ready(process: subprocess.Popen[str]) -> str:
    """The connection string, once printed."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith("pesan ready "):
            return line.split()[2]
    raise AssertionError("".join(seen))


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Every process below this one."""
    return psutil.Process(process.pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run."""
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def commands(processes: list[psutil.Process]) -> list[str]:
    """What each of our own processes is: 'broker', 'services auth', …."""
    lines = [" ".join(one.cmdline()) for one in processes]
    return sorted(
        found.group(1) for line in lines if (found := re.search(r"-m (broker|services \w+)$", line))
    )


def test_one_command_and_a_login_is_answered(up: Start, tmp_path: Path) -> None:
    process = up()
    connection = ready(process)
    assert re.fullmatch(r"pesan://127\.0\.0\.1:\d+\?key=[A-Za-z0-9_-]{43}", connection)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    user = WireUser(context, connection)
    user.call("auth.register", username="ani", password=PASSWORD)
    user.login("ani")
    user.close()
    context.term()
    key = tmp_path / "home" / "server.key"
    assert key.stat().st_mode & 0o777 == 0o600


def test_sigterm_stops_everything_as_well_and_says_so_in_the_exit_code(up: Start) -> None:
    process = up()
    ready(process)
    below = family(process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 143
    assert not alive(below)


def test_ctrl_c_stops_everything_and_waits_for_nobody_who_has_nothing_in_hand(
    up: Start, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "pesan.toml").write_text(PATIENT)
    process = up()
    ready(process)
    below = family(process)
    process.send_signal(signal.SIGINT)
    assert process.wait(SOON) == 0
    assert not alive(below)


def test_a_second_ctrl_c_forces(up: Start, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "pesan.toml").write_text(PATIENT)
    process = up()
    ready(process)
    below = family(process)
    stuck = next(one for one in below if one.cmdline()[-2:] == ["services", "messaging"])
    stuck.suspend()
    process.send_signal(signal.SIGINT)
    time.sleep(1.0)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.wait(SOON)
    assert not alive(below)


def test_several_workers_of_a_service(up: Start) -> None:
    process = up("-c", "messaging=2,auth=2")
    ready(process)
    running = set(commands(family(process)))
    services = ("auth", "messaging", "group", "file", "realm")
    assert running == {"broker", *(f"services {name}" for name in services)}
    twice = [line for line in commands(family(process)) if line in ("services auth", "services messaging")]
    assert len(twice) >= 4


@pytest.mark.parametrize("counts", ["messaging", "messaging=x", "nobody=2", "messaging=0", "broker=2"])
def test_a_count_that_means_nothing_is_named(up: Start, counts: str) -> None:
    process = up("-c", counts)
    output, _ = process.communicate(timeout=START)
    assert process.returncode == 2
    assert counts.partition("=")[0] in output.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "said"),
    [("batch_size = 'x'", "batch_size"), ("nonsense = 1", "nonsense"), ("= broken", "pesan.toml")],
)
def test_a_bad_setting_is_named_and_nothing_starts(up: Start, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "pesan.toml").write_text(text)
    process = up()
    output, _ = process.communicate(timeout=START)
    assert process.returncode == 78
    assert said in output
    assert "Traceback" not in output


def test_a_public_address_without_encryption_is_refused(up: Start) -> None:
    process = up(PESAN_HOST="0.0.0.0", PESAN_CURVE="off")
    output, _ = process.communicate(timeout=START)
    assert process.returncode == 78
    assert "curve" in output


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"PESAN_HOST": "192.0.2.7"}, r"cannot listen on 192\.0\.2\.7, .*This machine has no such address"),
        ({"PESAN_DATABASE": "mysql://h/d"}, r"PESAN_DATABASE: the database must be postgresql://"),
        ({"PESAN_HOME": __file__}, r"cannot be a folder, for a file is in its place"),
        ({"PESAN_HOME": "/proc/pesan"}, r"/proc/pesan/run cannot be made"),
    ],
)
def test_surroundings_in_which_nobody_can_serve_are_said(up: Start, more: dict[str, str], said: str) -> None:
    process = up(**more)
    output, _ = process.communicate(timeout=START)
    assert process.returncode == 78
    assert re.search(said, output), output
    assert "Traceback" not in output


def test_a_port_that_is_taken_is_said(up: Start) -> None:
    with OwnServer() as other:
        process = up(PESAN_PORT_BASE=str(other.port))
        output, _ = process.communicate(timeout=START)
    assert process.returncode == 78
    assert "PESAN_PORT_BASE" in output
    assert "broker.1 could not start, and trying again will not help: stopping everything" in output
    assert output.count("broker.1 started") == 1
    assert "Traceback" not in output


def test_a_log_folder_that_is_a_file_is_said(up: Start, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "log").touch()
    process = up()
    output, _ = process.communicate(timeout=START)
    assert process.returncode == 78
    assert "log" in output
    assert "Traceback" not in output


def test_a_database_of_another_program_is_said(up: Start, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "home" / "pesan.db")) as other:
        other.execute("create table users (something text)")
        other.commit()
    process = up()
    output, _ = process.communicate(timeout=START)
    assert process.returncode == 78
    assert "another program's" in output
    assert "Traceback" not in output
