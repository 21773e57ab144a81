"""The walls of a real broker: encryption wherever others can reach it, and descriptors that run out."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgpack
import pytest
import zmq
from zmq.utils import z85

from benchmarks.own_server import ROOT, free_port_base
from protocol import connection_string
from protocol.envelope import unpack_reply

COULD_NOT_START = 78
WAIT = 5000
FEW_FILES = 64


def environment(home: Path, **more: str) -> dict[str, str]:
    """Of a broker with a data folder of its own, on free ports."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PESAN_")}
    port = {"PESAN_PORT_BASE": str(free_port_base())}
    return {**plain, "PYTHONPATH": str(ROOT), "PESAN_HOME": str(home), "PESAN_REALM": "here", **port, **more}


@contextmanager
def broker(home: Path, program: str = "", **more: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A broker process that has bound its ports, and its port. ``program`` runs in it first."""
    env = environment(home, **more)
    start = f"import sys\nfrom broker.__main__ import main\n{program}\nsys.exit(main())"
    with subprocess.Popen(
        [sys.executable, "-c", start],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process, int(env["PESAN_PORT_BASE"])
        finally:
            process.terminate()
            process.communicate(timeout=10)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "*", "192.0.2.1", "chat.example"])
def test_an_address_that_others_can_reach_is_not_opened_without_encryption(tmp_path: Path, host: str) -> None:
    env = environment(tmp_path, PESAN_CURVE="off", PESAN_HOST=host)
    run = subprocess.run(
        [sys.executable, "-m", "broker"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=30
    )
    assert run.returncode == COULD_NOT_START
    told = "PESAN_CURVE: curve may be off only on a loopback address, and host is"
    assert run.stderr == f"pesan broker: {told} {host.strip('[]')}.\n"
    assert run.stdout == ""


def connects(port: int, host: str, family: socket.AddressFamily) -> bool:
    """Whether somebody listens there, within some seconds."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with socket.socket(family) as probe:
            probe.settimeout(1)
            if probe.connect_ex((host, port)) == 0:
                return True
        time.sleep(0.05)
    return False


def test_localhost_is_this_machine_whatever_the_name_leads_to(tmp_path: Path) -> None:
    """No name is looked up (``Settings.commands_address``), and this is where it listens then."""
    with broker(tmp_path, PESAN_CURVE="off", PESAN_HOST="localhost") as (_, port):
        assert connects(port, "127.0.0.1", socket.AF_INET)
        listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        places = {line.split()[1] for line in listening.splitlines() if f":{port:04X} " in line.upper()}
    assert "0100007F" in {place.split(":")[0] for place in places}
    assert f"00000000:{port:04X}" not in places and f"{'0' * 32}:{port:04X}" not in places


def six() -> bool:
    """Whether this machine has an IPv6 loopback address."""
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


def test_an_ipv6_loopback_address_in_brackets_is_opened(tmp_path: Path) -> None:
    if not six():  # then it has to say so, and that is all that can be asked of it
        env = environment(tmp_path, PESAN_HOST="[::1]")
        run = subprocess.run([sys.executable, "-m", "broker"], cwd=ROOT, env=env, timeout=30)
        assert run.returncode == COULD_NOT_START
        return
    with broker(tmp_path, PESAN_HOST="[::1]", PESAN_CURVE="off") as (_, port):
        assert connects(port, "::1", socket.AF_INET6)


# --- files that run out ----------------------------------------------------------------------------


def ask(context: zmq.Context[zmq.Socket[bytes]], port: int, key: bytes) -> zmq.Socket[bytes]:
    """A client that has asked for hello."""
    client = context.socket(zmq.DEALER)
    client.setsockopt(zmq.LINGER, 0)
    client.curve_publickey, client.curve_secretkey = zmq.curve_keypair()
    client.curve_serverkey = z85.encode(key)
    client.connect(f"tcp://127.0.0.1:{port}")
    hello(client)
    return client


def hello(client: zmq.Socket[bytes]) -> None:
    client.send(msgpack.packb([1, 1, b"", "server.hello", b""]))


def answered(client: zmq.Socket[bytes], wait: int = WAIT) -> bool:
    """Whether hello was answered."""
    return bool(client.poll(wait)) and unpack_reply(client.recv()).status == "ok"


def server_key(home: Path) -> bytes:
    """The broker's public key, once it has made one."""
    from config.keys import server_keys

    return bytes(z85.decode(server_keys(home).public))


def test_with_no_descriptor_left_those_who_are_in_stay_and_others_come_in_when_one_leaves(
    tmp_path: Path,
) -> None:
    limit = f"import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, ({FEW_FILES}, {FEW_FILES}))\n"
    with ExitStack() as stack:
        process, port = stack.enter_context(broker(tmp_path, limit))
        assert connects(port, "127.0.0.1", socket.AF_INET)
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        stack.callback(context.destroy, linger=0)
        insider = ask(context, port, server_key(tmp_path))
        assert answered(insider)
        # Whoever connects and says nothing is thrown out after five seconds; until then nobody gets in.
        crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(2 * FEW_FILES)]
        late = ask(context, port, server_key(tmp_path))
        assert not answered(late, 500), "the limit was not reached: this test shows nothing"
        hello(insider)
        assert answered(insider)
        for connection in crowd:
            connection.close()
        assert answered(late)
        hello(insider)
        assert answered(insider)
        assert process.poll() is None


def test_a_keyless_connection_string_leads_to_this_machine_only() -> None:
    for host in ("127.0.0.1", "localhost", "[::1]"):
        assert connection_string.parse(f"pesan://{host}:7700").key == b""
    for host in ("192.0.2.1", "chat.example", "[2001:db8::1]", "0.0.0.0", "127.0.0.1.example"):
        with pytest.raises(ValueError, match="has no key"):
            connection_string.parse(f"pesan://{host}:7700")


def test_a_broker_that_cannot_write_where_it_listens_serves_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "run" / "connection").mkdir(parents=True)  # nothing can be written in its place
    file = tmp_path / "log" / "server.jsonl"
    deadline = time.monotonic() + 20
    with broker(tmp_path) as (process, _):
        while '"started"' not in (log := file.read_text() if file.exists() else ""):
            assert process.poll() is None and time.monotonic() < deadline, log
            time.sleep(0.02)
    (warning,) = [line for line in map(json.loads, log.splitlines()) if line["level"] == "warning"]
    assert warning["file"] == str(tmp_path / "run" / "connection")
    assert [file.name for file in (tmp_path / "run").glob(".connection*")] == []


def test_a_broker_that_has_no_log_says_so_and_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("")
    run = subprocess.run(
        [sys.executable, "-m", "broker"],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert run.returncode == COULD_NOT_START
    assert run.stderr.startswith("pesan broker: ") and str(tmp_path / "log") in run.stderr
    assert len(run.stderr.splitlines()) == 1, "no traceback"
