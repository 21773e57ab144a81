"""The socket for chunks: who gets in, what is bounded, and that no loss of it is anybody else's."""

from __future__ import annotations

import os
import resource
import socket as plain_socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from benchmarks.own_server import ROOT, free_port_base
from broker.bulk import LOOK, MEMORY, QUEUE_OUT, SOCKET, Bulk
from broker.memory import resident
from config.folders import socket_folder
from config.keys import server_keys
from config.loading import load
from config.settings import Settings
from protocol.limits import FILE_CHUNK_BYTES, FILE_WINDOW

WAIT = 3000
SILENCE = 300
CHUNK = b"c" * FILE_CHUNK_BYTES
MIB = 1 << 20


class Yard:
    """A proxy, file workers of our own making behind it, and clients."""

    def __init__(self, home: Path, size: Any = resident, **environment: str) -> None:
        self.port = free_port_base()
        self.settings: Settings = load(
            {"PESAN_HOME": str(home), "PESAN_PORT_BASE": str(self.port), "PESAN_REALM": "here", **environment}
        )
        self.keys = server_keys(home)
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._sockets: list[zmq.Socket[bytes]] = []
        self.bulk = Bulk(self.settings, self.keys, size)
        self.bulk.bind()

    def worker(self) -> zmq.Socket[bytes]:
        """A file worker's socket."""
        socket = self._socket()
        socket.setsockopt(zmq.RCVHWM, 16)
        socket.connect(f"ipc://{socket_folder(self.settings.home) / SOCKET}")
        return socket

    def client(self, key: bytes | None = None, queue: int = 1000) -> zmq.Socket[bytes]:
        """A client's socket that keeps so many messages in either direction."""
        socket = self._socket()
        socket.setsockopt(zmq.RCVHWM, queue)
        socket.setsockopt(zmq.SNDHWM, queue)
        socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        socket.curve_serverkey = key or self.keys.public
        socket.connect(self.settings.bulk_address)
        return socket

    def plain(self) -> zmq.Socket[bytes]:
        """One without encryption."""
        socket = self._socket()
        socket.connect(self.settings.bulk_address)
        return socket

    def _socket(self) -> zmq.Socket[bytes]:
        socket = self.context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self._sockets.append(socket)
        return socket

    def close(self) -> None:
        self.bulk.close()
        for socket in self._sockets:
            socket.close()
        self.context.term()


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path)
    yield made
    made.close()


def received(socket: zmq.Socket[bytes]) -> list[bytes]:
    assert socket.poll(WAIT), "nothing came"
    return socket.recv_multipart()


def asked(client: zmq.Socket[bytes], worker: zmq.Socket[bytes]) -> None:
    """There and back."""
    client.send_multipart([b"request", CHUNK])
    peer, *frames = received(worker)
    assert frames == [b"request", CHUNK]
    worker.send_multipart([peer, b"reply", CHUNK])
    assert received(client) == [b"reply", CHUNK]


def test_frames_go_to_a_worker_and_its_answer_to_who_asked(yard: Yard) -> None:
    worker, first, second = yard.worker(), yard.client(), yard.client()
    for client in (first, second, first):
        asked(client, worker)


def test_several_workers_share_the_work(yard: Yard) -> None:
    workers, client = [yard.worker() for _ in range(2)], yard.client()
    time.sleep(0.2)
    for number in range(10):
        client.send(b"%d" % number)
    for worker in workers:
        assert len([received(worker) for _ in range(5)]) == 5


@pytest.mark.parametrize("how", ["the wrong key", "no encryption"])
def test_who_does_not_know_the_key_is_not_let_in(yard: Yard, how: str) -> None:
    worker = yard.worker()
    stranger = yard.plain() if how == "no encryption" else yard.client(zmq.curve_keypair()[0])
    stranger.send(b"let me in")
    assert not worker.poll(SILENCE)
    asked(yard.client(), worker)


def test_a_frame_over_the_limit_costs_its_sender_the_connection_and_nobody_else(yard: Yard) -> None:
    worker, quiet, loud = yard.worker(), yard.client(), yard.client()
    asked(quiet, worker)
    loud.send(b"x" * (FILE_CHUNK_BYTES + 8192))
    assert not worker.poll(SILENCE)
    asked(quiet, worker)
    asked(loud, worker)


def test_no_answer_within_a_window_is_dropped(yard: Yard) -> None:
    worker, client = yard.worker(), yard.client()
    asked(client, worker)
    for _ in range(FILE_WINDOW):
        client.send(b"get")
    for number in range(200):
        peer, _ = received(worker)
        worker.send_multipart([peer, b"%d" % number, CHUNK])
        if number >= FILE_WINDOW - 1:  # always a window of answers on their way
            assert received(client)[0] == b"%d" % (number - FILE_WINDOW + 1)
            client.send(b"get")


def test_what_waits_for_a_client_that_does_not_read_is_bounded(yard: Yard) -> None:
    worker, slow, quick = yard.worker(), yard.client(queue=1), yard.client()
    asked(slow, worker)
    slow.send(b"get")
    peer, _ = received(worker)
    before = resident()
    for _ in range(500):
        worker.send_multipart([peer, b"reply", CHUNK])
    asked(quick, worker)
    # Some more than the queue: the last of them are on their way through either end, and libc keeps some of
    # what is free. All that was sent is twice as much.
    assert resident() - before < (QUEUE_OUT + 180) * len(CHUNK)


def test_what_waits_for_workers_that_are_away_stays_at_the_clients(yard: Yard) -> None:
    client = yard.client(queue=1)
    sent = 0
    while sent < 300 and client.poll(500, zmq.POLLOUT):
        client.send_multipart([b"put", CHUNK])
        sent += 1
    assert 0 < sent < 100, "the rest waits where it comes from"
    worker = yard.worker()
    for _ in range(sent):
        assert received(worker)[2] == CHUNK


def test_a_process_that_grows_too_much_hangs_up_on_everybody_and_they_come_back(tmp_path: Path) -> None:
    size = [100 * MIB]
    yard = Yard(tmp_path, size=lambda: size[0])
    try:
        worker, client = yard.worker(), yard.client()
        asked(client, worker)
        assert not yard.bulk.look(1.0)
        size[0] += MEMORY + 1
        assert not yard.bulk.look(1.0 + LOOK / 2), "it looks once a second"
        assert yard.bulk.look(1.0 + LOOK)
        assert not yard.bulk.look(1.0 + 2 * LOOK), "what that did not help against is not its doing"
        deadline = time.monotonic() + 10
        while not worker.poll(100):
            assert time.monotonic() < deadline
            client.send(b"again")
        assert received(worker)[1] == b"again"
    finally:
        yard.close()


@pytest.mark.parametrize(("allowed", "room"), [(0, 512), (4096, 512), (256, 128), (16_384, 2048)])
def test_how_much_may_wait_goes_by_how_much_memory_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: int, room: int
) -> None:
    limit = allowed * MIB or resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limit, resource.RLIM_INFINITY))
    settings = Settings(home=tmp_path, port_base=free_port_base())
    size = [0]
    bulk = Bulk(settings, server_keys(tmp_path), lambda: size[0])
    bulk.bind()
    try:
        size[0] = room * MIB
        assert not bulk.look(1.0)
        size[0] += 1
        assert bulk.look(1.0 + LOOK)
    finally:
        bulk.close()


def test_an_address_that_was_taken_for_a_moment_is_opened_later(tmp_path: Path) -> None:
    size = [0]
    yard = Yard(tmp_path, size=lambda: size[0])
    try:
        assert not yard.bulk.look(1.0)
        yard.bulk.close()
        with plain_socket.create_server(("127.0.0.1", yard.settings.bulk_port)):
            assert not yard.bulk.look(3.0)
        yard.bulk.look(5.0)
        asked(yard.client(), yard.worker())
    finally:
        yard.close()


def test_an_address_that_is_taken_is_said_so(yard: Yard, tmp_path: Path) -> None:
    with pytest.raises(zmq.ZMQError):
        Bulk(yard.settings, yard.keys).bind()


def test_a_broker_whose_third_port_is_taken_says_so_in_a_sentence(tmp_path: Path) -> None:
    port = free_port_base()
    with plain_socket.create_server(("127.0.0.1", port + 2)):
        done = subprocess.run(
            [sys.executable, "-m", "broker"],
            cwd=ROOT,
            env={**os.environ, "PESAN_HOME": str(tmp_path), "PESAN_PORT_BASE": str(port)},
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.returncode == 78
    assert f"ports {port}, {port + 1} and {port + 2}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_it_ends_while_chunks_wait_for_a_worker_that_never_comes(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    client = yard.client()
    for _ in range(50):
        client.send_multipart([b"put", CHUNK])
    time.sleep(0.3)
    ended = threading.Thread(target=yard.close)
    ended.start()
    ended.join(5)
    assert not ended.is_alive()


def test_its_threads_give_way_to_the_brokers(yard: Yard) -> None:
    def priorities() -> list[int]:
        return sorted(
            os.getpriority(os.PRIO_PROCESS, int(task.name)) for task in Path("/proc/self/task").iterdir()
        )

    mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    lower = min(19, mine + yard.settings.transfer_nice)
    # Its own thread, and libzmq's two of its context.
    assert priorities().count(lower) >= 3
    assert mine in priorities()
