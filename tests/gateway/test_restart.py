"""The gateway, the broker and ``pesan up`` are ended and started again: what is acknowledged is stored."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.own_server import ROOT, OwnServer, free_port_base
from client import Chat
from tests.gateway.conftest import SETTINGS
from tests.gateway.peer import Peer

BRACKET = 11
PASSWORD = "rahasiasekali"
ENTRIES = 100
"""Logins and registrations that one address may try at once here."""
RATES = {"rates": {"entry_burst": ENTRIES, "entry_rate": 0.5}}
TRUNKS = {"gateway_sessions_per_trunk": 5}
TIMES = {"gateway_request_timeout": 0.5, "gateway_away_timeout": 0.5, "drain_timeout": 3.0}
MESSAGES = 150


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    """One whose gateway does not wait long, and who counts."""
    with OwnServer(
        settings={**SETTINGS, **TIMES, **RATES, **TRUNKS}, gateway=True, rate_limits=True
    ) as server:
        yield server


def logged_in(server: OwnServer, name: str) -> Peer:
    """A bracket client, with its session."""
    peer = Peer(server.port + BRACKET)
    peer.says(f"REGISTER {name} {PASSWORD}\nLOGIN {name} {PASSWORD}\n".encode())
    peer.line()
    peer.hears(b"[OK] login berhasil\n")
    return peer


async def stored(server: OwnServer, name: str, other: str) -> set[str]:
    """The texts of a conversation, as the native client has them."""
    async with Chat.connect(server.connection, username=name, password=PASSWORD) as chat:
        return {message.body async for message in chat.messages(other)}


def written(port: int, name: str, numbers: range, stop: threading.Event) -> set[str]:
    """Messages to budi, one after the other; those that were acknowledged before the line broke."""
    acknowledged: set[str] = set()
    with contextlib.suppress(OSError), Peer(port) as peer:
        peer.says(f"LOGIN {name} {PASSWORD}\n".encode())
        if peer.line() != b"[OK] login berhasil":
            return acknowledged
        for number in numbers:
            peer.says(f"SEND budi note {number}\n".encode())
            if peer.takes(len(b"[OK] pesan terkirim\n")) != b"[OK] pesan terkirim\n":
                break
            acknowledged.add(f"note {number}")
            if len(acknowledged) == MESSAGES // 3:
                stop.set()
    return acknowledged


async def test_no_acknowledged_message_is_lost_when_the_gateway_is_killed(server: OwnServer) -> None:
    for name in ("ani", "budi"):
        logged_in(server, name).close()
    acknowledged: set[str] = set()
    reached = threading.Event()

    def kill() -> None:
        reached.wait(20)
        server.kill("gateway")

    killer = threading.Thread(target=kill)
    killer.start()
    acknowledged |= written(server.port + BRACKET, "ani", range(100_000), reached)
    killer.join()
    assert len(acknowledged) >= MESSAGES // 3
    server.start_gateway()
    unsaid = range(len(acknowledged), len(acknowledged) + MESSAGES)
    more = written(server.port + BRACKET, "ani", unsaid, threading.Event())
    assert len(more) == MESSAGES
    assert acknowledged | more <= await stored(server, "ani", "budi")


def test_while_the_broker_is_away_it_is_told_so_and_afterwards_the_session_goes_on(server: OwnServer) -> None:
    with logged_in(server, "citra") as peer:
        server.kill("broker")
        peer.says(b"WHOAMI\nSEND citra hello\n")
        first, second = peer.line(), peer.line()
        assert first.startswith(b"[ERR] ")
        assert second.startswith(b"[ERR] ")
        server.start_broker()
        deadline = time.monotonic() + 20
        peer.says(b"WHOAMI\n")
        while (said := peer.line()) != b"citra":
            assert said.startswith(b"[ERR] ")
            assert time.monotonic() < deadline
            peer.says(b"WHOAMI\n")


def test_visitors_share_as_many_sockets_as_the_setting_says(server: OwnServer) -> None:
    with contextlib.ExitStack() as visits:
        for _ in range(12):
            peer = visits.enter_context(Peer(server.port + BRACKET))
            peer.says(b"REGISTER nobody\n")  # who has said anything has a session
            peer.line()
        gateway = psutil.Process(server.processes["gateway"].pid)
        deadline, trunks = time.monotonic() + 20, 0
        while trunks < 12 / 5 and time.monotonic() < deadline:
            ends = [one.raddr for one in gateway.net_connections("tcp") if one.raddr]
            trunks = sum(end.port == server.port for end in ends)
        # Those of a crowd that is gone may be open still.
        assert 12 / 5 <= trunks < 12


def test_logins_are_limited_by_the_address_that_a_visitor_has(server: OwnServer) -> None:
    with logged_in(server, "joko"), Peer(server.port + BRACKET, "127.0.0.9") as stranger:
        stranger.says(f"REGISTER joko {PASSWORD}\n".encode() * (ENTRIES + 1))
        answers = [stranger.line() for _ in range(ENTRIES + 1)]
    assert set(answers[:-1]) == {b"[ERR] Username sudah terpakai"}
    assert answers[-1].startswith(b"[ERR] Terlalu sering")
    logged_in(server, "kiki").close()


async def test_who_hangs_up_while_the_broker_is_away_is_logged_out_when_it_is_back(server: OwnServer) -> None:
    peer = logged_in(server, "mira")
    server.kill("broker")
    peer.close()
    server.start_broker()
    async with Chat.connect(server.connection, username="mira", password=PASSWORD) as chat:
        deadline = time.monotonic() + 20
        while [session.device for session in await chat.sessions() if session.device]:
            assert time.monotonic() < deadline


async def test_who_hangs_up_is_offline_at_once_for_everybody(server: OwnServer) -> None:
    async with Chat.connect(server.connection) as chat:
        await chat.register("dewi", PASSWORD)
        await chat.login("dewi", PASSWORD)
        peer = logged_in(server, "eka")
        deadline = time.monotonic() + 20
        while "eka" not in await chat.online():
            assert time.monotonic() < deadline
        peer.close()
        deadline = time.monotonic() + 5
        while "eka" in await chat.online():
            assert time.monotonic() < deadline
        assert (await chat.get_user("eka")).online is False


async def test_told_to_stop_it_ends_every_session(server: OwnServer) -> None:
    peers = [logged_in(server, f"fajar{number}") for number in range(5)]
    assert server.stop("gateway") == 0
    server.start_gateway()
    for peer in peers:
        peer.is_hung_up_on()
        peer.close()
    async with Chat.connect(server.connection) as chat:
        await chat.register("lina", PASSWORD)
        await chat.login("lina", PASSWORD)
        deadline = time.monotonic() + 10  # the broker reports who went; silent sessions it would keep longer
        while any(name.startswith("fajar") for name in await chat.online()):
            assert time.monotonic() < deadline


def test_two_gateways_share_the_ports_and_one_may_go(server: OwnServer) -> None:
    server.start_gateway("second")
    second, deadline = psutil.Process(server.processes["second"].pid), time.monotonic() + 20
    while len([one for one in second.net_connections("tcp") if one.status == psutil.CONN_LISTEN]) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    names = [f"gita{number}" for number in range(12)]
    peers = [logged_in(server, name) for name in names]
    assert server.stop("second") == 0
    left = 0
    for peer, name in zip(peers, names, strict=True):
        with contextlib.suppress(OSError, AssertionError), peer:
            peer.says(b"WHOAMI\n")
            left += peer.line() == name.encode()
    assert 0 < left < 12
    with logged_in(server, "hani") as peer:
        peer.says(b"WHOAMI\n")
        peer.hears(b"hani\n")


def test_a_port_that_is_somebody_elses_is_named_in_one_sentence(tmp_path: Path) -> None:
    base = free_port_base()
    environment = {**os.environ, "PESAN_HOME": str(tmp_path), "PESAN_PORT_BASE": str(base)}
    with socket.create_server(("127.0.0.1", base + 12)):
        ended = subprocess.run(
            [sys.executable, "-m", "gateway"],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert ended.returncode == 78
    assert ended.stderr == (
        f"pesan gateway: cannot listen on 127.0.0.1, port {base + 12} (ftp): Address already in use. "
        "Does another server run, or another program? PESAN_PORT_BASE=N chooses other ports, and "
        "`pesan up -c gateway=0` does without.\n"
    )
