"""The tools that break things do break them: a fault that does not happen proves nothing."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.crash.full_disk import FullDisk
from benchmarks.crash.proxy import DOWN, HOST, UP, Proxy
from benchmarks.own_server import free_port_base

TIMEOUT = 10.0


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says back what it hears; its port."""
    port = free_port_base()
    listener = socket.create_server(("127.0.0.1", port))
    open_now: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            open_now.append(connection)
            threading.Thread(target=say_back, args=(connection,), daemon=True).start()

    def say_back(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(4096):
                    connection.sendall(data)
            except OSError:
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield port
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(TIMEOUT)


def dial(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=TIMEOUT)


def test_an_undisturbed_line_carries_everything(echo: int) -> None:
    with Proxy(echo, seed=1), dial(echo) as line:
        line.sendall(b"halo")
        assert line.recv(16) == b"halo"
        line.shutdown(socket.SHUT_WR)
        assert line.recv(16) == b""


def test_a_line_counts_what_each_side_sent(echo: int) -> None:
    with Proxy(echo, seed=1) as proxy:
        for _ in range(2):
            with dial(echo) as line:
                line.sendall(b"halo")
                assert line.recv(16) == b"halo"
        with dial(echo) as line:
            line.sendall(b"ada")
            assert line.recv(16) == b"ada"
        assert proxy.carried == {(echo, UP): 11, (echo, DOWN): 11}


def test_a_storm_ends_lines_and_leaves_the_door_open(echo: int) -> None:
    with Proxy(echo, seed=1) as proxy:
        lines = [dial(echo) for _ in range(5)]
        for line in lines:
            line.sendall(b"halo")
            assert line.recv(16) == b"halo"
        proxy.storm(0.5, every=0.01)
        assert {"reset", "close", "stall", "delay", "half-close"} == proxy.counts.keys()
        for line in lines:
            with line:
                assert ended(line)
        with dial(echo) as line:
            line.sendall(b"lagi")
            assert line.recv(16) == b"lagi"


def ended(line: socket.socket) -> bool:
    try:
        return line.recv(16) == b""
    except ConnectionResetError:
        return True


def test_a_black_hole_looks_alive_and_swallows_everything(echo: int) -> None:
    with Proxy(echo, seed=1) as proxy, dial(echo) as line:
        line.sendall(b"halo")
        assert line.recv(16) == b"halo"
        hole = threading.Thread(target=proxy.black_hole, args=(0.5,))
        hole.start()
        time.sleep(0.1)
        line.sendall(b"anybody?")
        assert ended(line)
        hole.join(TIMEOUT)


WRITER = """
import sys
with open(sys.argv[1], "ab", buffering=0) as file:
    for _ in sys.stdin:
        try:
            file.write(b"x" * 4096)
            print(0, flush=True)
        except OSError as error:
            print(error.errno, flush=True)
"""


class Writer:
    """A process that appends to the database's log when told."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(home / "pesan.db-wal")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid

    def write(self) -> int:
        """0, or the number of the error."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(TIMEOUT)
        self._process.stdout.close()


@pytest.mark.parametrize("may_mount", [True, False])
def test_a_full_disk_refuses_and_has_room_again(tmp_path: Path, may_mount: bool) -> None:
    with FullDisk(tmp_path, may_mount=may_mount) as disk:
        assert may_mount or disk.kind == "RLIMIT_FSIZE"
        writer = Writer(tmp_path)
        try:
            assert writer.write() == writer.write() == 0
            disk.fill([writer.pid])
            assert writer.write() == (errno.ENOSPC if disk.kind.startswith("tmpfs") else errno.EFBIG)
            disk.empty([writer.pid])
            assert writer.write() == 0
        finally:
            writer.close()
    assert not os.path.ismount(tmp_path)


def test_a_line_that_is_shut_lets_nobody_through_until_it_is_opened(echo: int) -> None:
    with Proxy(echo, seed=1, ports=1) as proxy:
        with dial(echo) as line:
            line.sendall(b"halo")
            assert line.recv(16) == b"halo"
            proxy.shut()
            assert ended(line)
        with dial(echo) as line:
            assert ended(line)
        proxy.reopen()
        with dial(echo) as line:
            line.sendall(b"lagi")
            assert line.recv(16) == b"lagi"


def test_a_line_that_drops_what_comes_looks_alive_until_it_is_opened(echo: int) -> None:
    with Proxy(echo, seed=1, ports=1) as proxy, dial(echo) as line:
        line.sendall(b"halo")
        assert line.recv(16) == b"halo"
        proxy.drop()
        line.sendall(b"anybody?")
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(16)
        line.settimeout(TIMEOUT)
        with dial(echo) as late:
            late.sendall(b"here?")
            late.settimeout(0.2)
            with pytest.raises(TimeoutError):
                late.recv(16)
        proxy.reopen()
        assert ended(line)
