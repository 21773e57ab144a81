"""``pesan up`` keeps a server running: on the real command, with real processes that are killed."""

from __future__ import annotations

import asyncio
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import zmq

from benchmarks.wire import PASSWORD, WireUser
from client import Chat
from protocol.errors import TooLarge
from protocol.message_id import message_id
from services.storage.migrate import migrate
from services.storage.sqlite import SqliteStore
from tests.services.test_storage import spoilt
from tests.system.supervised import PATIENCE, SERVICES, Talk, Up, surroundings

WORKERS = [f"{name}.1" for name in (*SERVICES, "gateway", "web")]


async def test_every_process_is_killed_while_two_chat_and_comes_back_by_itself(tmp_path: Path) -> None:
    with Up(tmp_path) as up:
        async with Talk(up.ready()) as talk:
            for name in ["broker.1", *WORKERS]:
                await asyncio.to_thread(up.kill, name)
                await asyncio.to_thread(up.says, f"{name} was ended by SIGKILL: starting it again$")
                await talk.goes_on()
            await talk.ends()
        assert up.ready(times=2) == up.ready()
        assert sum(line.startswith("pesan ready ") for line in up.lines) == 2


def test_who_ends_again_and_again_is_started_ever_more_seldom_and_the_others_stay(tmp_path: Path) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("flaky: (exit 3)\ncalm: sleep 60\n")
    begun = time.monotonic()
    with Up(tmp_path, "--procfile", str(procfile)) as up:
        up.says("flaky.1 ended with exit code 3: starting it again$")
        up.pid("flaky.1", start=4)
        assert time.monotonic() - begun > 0.375 + 0.75
        pauses = re.findall(r"starting it again in ([\d.]+) s", "\n".join(up.lines))
        assert 0.0 < float(pauses[0]) < float(pauses[1])
        assert up.starts("calm.1") == 1
        up.process.send_signal(signal.SIGTERM)
        assert up.ends() == 143


def test_a_worker_that_could_not_start_ends_everything_and_is_not_tried_again(tmp_path: Path) -> None:
    with Up(tmp_path, PESAN_DATABASE="postgresql://nobody@127.0.0.1:1/nothing") as up:
        assert up.ends() == 78
        assert up.says(r"^\S+ (\w+\.1) +\| The \w+ service could not start: \S")
        assert up.says(
            r"up +\| (\w+\.1) could not start, and trying again will not help: stopping everything$"
        )
        assert [up.starts(name) for name in WORKERS] == [1] * 7


@pytest.mark.parametrize("name", ["messaging.1", "broker.1", "gateway.1"])
async def test_a_process_that_hangs_is_replaced_and_the_chat_goes_on(name: str, tmp_path: Path) -> None:
    with Up(tmp_path, settings="watchdog_timeout = 2") as up:
        async with Talk(up.ready()) as talk:
            os.kill(up.pid(name), signal.SIGSTOP)
            await asyncio.to_thread(up.says, f"{name} gave no sign of life for 2 s: killed$")
            await asyncio.to_thread(up.pid, name, 2)
            await talk.goes_on()
            await talk.ends()
        assert [up.starts(other) for other in ["broker.1", *WORKERS] if other != name] == [1] * 7


def test_who_only_says_that_it_serves_is_not_taken_for_hung(tmp_path: Path) -> None:
    imports = "import os, time; from config.readiness import notify"
    speaks = imports + "; notify(f'{}=1\\nMAINPID={{os.getpid()}}')"
    procfile = tmp_path / "Procfile"
    procfile.write_text(
        "".join(
            f'{name}: python -c "{speaks.format(word)}; time.sleep(1000)"\n'
            for name, word in (("foreign", "READY"), ("ours", "WATCHDOG"))
        )
    )
    settings = "worker_heartbeat = 0.25\nwatchdog_timeout = 1"
    with Up(tmp_path, "--procfile", str(procfile), settings=settings) as up:
        up.says("ours.1 gave no sign of life for 1 s: killed$", 2)
        assert up.starts("foreign.1") == 1
        assert not any(line.startswith("foreign.1 gave") for line in up.lines)


def test_a_damaged_table_of_users_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    file = tmp_path / "home" / "pesan.db"
    with closing(SqliteStore(file)) as store:
        migrate(store, 1)
    spoilt(file, "users")
    with Up(tmp_path) as up:
        assert up.ends() == 78
        assert up.says(r"The \w+ service could not start: \S+pesan\.db: .*damaged.*pesan admin fsck")
        assert not any(line.startswith("pesan ready") for line in up.lines)


# --- SIGHUP -----------------------------------------------------------------------------------------


async def test_workers_are_replaced_on_sighup_and_a_stream_of_messages_sees_nothing(tmp_path: Path) -> None:
    with Up(tmp_path, "-c", "messaging=2,gateway=2") as up:
        connection = up.ready()
        await asyncio.to_thread(await_last, up)
        async with Talk(connection) as talk:
            stream = asyncio.create_task(asyncio.to_thread(raw_stream, connection, up))
            up.settings.write_text("message_max_bytes = 20\nslow_queue = 100")
            up.process.send_signal(signal.SIGHUP)
            await asyncio.to_thread(up.says, "for workers started from now on: slow_queue$")
            await asyncio.to_thread(up.says, "need a restart of the server: message_max_bytes$")
            await asyncio.to_thread(up.says, "every worker was replaced")
            await talk.goes_on()
            assert await stream < 1.0
            assert talk.longest < 1.0
            await talk.ends()
        assert [up.starts(name) for name in [*WORKERS, "messaging.2", "gateway.2"]] == [2] * 9
        assert up.starts("broker.1") == 1
        assert len(up.family()) == 10
        # The new workers read the file again.
        async with Chat.connect(connection, username="ani", password="a password to try") as chat:
            with pytest.raises(TooLarge):
                await chat.send("budi", "x" * 21)


def raw_stream(connection: str, up: Up) -> float:
    """One message after the other by hand, until the workers are replaced; any refusal is raised.

    Nor does a port of the gateway ever refuse. Returns the longest that one of them took, in seconds.
    """
    longest = 0.0
    with zmq.Context() as context:
        user = WireUser(context, connection)
        user.call("auth.register", username="citra", password=PASSWORD)
        user.login("citra")
        while not any("every worker was replaced" in line for line in up.lines):
            begun = time.monotonic()
            user.post(
                "message.send", {"to": "citra", "body": "a note", "id": message_id(time.time_ns() // 10**6)}
            )
            user.answer(PATIENCE)
            assert not refuses(up)
            longest = max(longest, time.monotonic() - begun)
        user.close()
    return longest


def refuses(up: Up) -> bool:
    """Whether nobody listens for one of the older protocols."""
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", int(up.environment["PESAN_PORT_BASE"]) + 11)) != 0


def await_last(up: Up) -> None:
    """Until the last two serve, gateway and window: by then everybody has read the settings."""
    up.says("pesan web serves ")
    deadline = time.monotonic() + PATIENCE
    while refuses(up):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_with_settings_that_cannot_be_read_nothing_is_replaced(tmp_path: Path) -> None:
    with Up(tmp_path) as up:
        up.ready()
        await_last(up)
        up.settings.write_text("batch_size = 'many'")
        up.process.send_signal(signal.SIGHUP)
        assert "pesan.toml" in up.says("nothing is replaced: .*batch_size").string
        up.settings.write_text('database = "postgresql://nobody@127.0.0.1:1/nothing"')
        up.process.send_signal(signal.SIGHUP)
        up.says(f"the new auth.1 could not start: as before stay {', '.join(WORKERS)}")
        assert [up.starts(name) for name in WORKERS] == [2] + [1] * 6
        assert len(up.family()) == 8


# --- nobody outlives it, nobody doubles it ------------------------------------------------------------


def test_when_it_is_killed_nobody_is_left_and_it_can_be_started_again_at_once(tmp_path: Path) -> None:
    with Up(tmp_path) as up:
        connection = up.ready()
        below = up.family()
        assert len(below) == 8
        up.process.kill()
        again = up.start()
        assert again.stdout is not None
        try:
            printed = next(line for line in again.stdout if line.startswith("pesan ready "))
            assert printed.split()[2] == connection
            gone, left = psutil.wait_procs(below, PATIENCE)
            assert (len(gone), left) == (8, [])
        finally:
            again.terminate()
            again.communicate(timeout=PATIENCE)


def test_a_second_one_on_the_same_data_folder_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with Up(tmp_path) as up:
        up.ready()
        second = up.start()
        broker = subprocess.Popen(
            [sys.executable, "-m", "broker"],
            env=up.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said, _ = second.communicate(timeout=PATIENCE)
        assert said == f"pesan up: pesan up already runs on the data folder {up.home}.\n"
        said, _ = broker.communicate(timeout=PATIENCE)
        assert said == f"pesan broker: another broker runs on the data folder {up.home}.\n"
        assert (second.returncode, broker.returncode) == (78, 78)
        up.process.send_signal(signal.SIGHUP)  # new workers still find the first one's broker
        up.says("every worker was replaced")


# --- systemd, terminals -------------------------------------------------------------------------------


def test_systemd_hears_when_it_serves_and_when_it_stops(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(PATIENCE)
        with Up(tmp_path, NOTIFY_SOCKET=str(tmp_path / "notify")) as up:
            assert systemd.recv(200) == f"READY=1\nMAINPID={up.process.pid}".encode()
            up.ready()
            up.process.send_signal(signal.SIGTERM)
            assert systemd.recv(200) == b"STOPPING=1"
            assert up.ends() == 143


def test_systemd_hears_that_it_lives(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(PATIENCE)
        procfile = tmp_path / "Procfile"
        procfile.write_text("sleeper: sleep 1000\n")
        watched = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        with Up(tmp_path, "--procfile", str(procfile), **watched) as up:
            for _ in range(5):
                assert systemd.recv(200) == f"WATCHDOG=1\nMAINPID={up.process.pid}".encode()


def shown(terminal: int, text: bytes) -> None:
    """Wait until a terminal has shown ``text``."""
    seen, deadline = b"", time.monotonic() + PATIENCE
    waits = select.poll()
    waits.register(terminal, select.POLLIN)
    while text not in seen:
        assert waits.poll(1000 * max(0.0, deadline - time.monotonic())), seen
        seen += os.read(terminal, 4096)


def test_in_a_terminal_sighup_replaces_workers_unless_the_terminal_is_closed_which_stops_it(
    tmp_path: Path,
) -> None:
    pid, terminal = os.forkpty()
    if not pid:
        os.execve(Path(sys.executable).with_name("pesan"), ["pesan", "up"], surroundings(tmp_path / "home"))
    try:
        shown(terminal, b"pesan ready")
        os.kill(pid, signal.SIGHUP)
        shown(terminal, b"every worker was replaced")
        below = psutil.Process(pid).children()
        assert len(below) == 8
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert psutil.wait_procs(below, PATIENCE)[1] == []
