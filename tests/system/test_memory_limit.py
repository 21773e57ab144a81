"""A message without end, sent to the live port, costs the broker its life but not the machine its memory.

libzmq keeps the frames of a message until its last one has come, and nothing bounds how many. A ZeroMQ
client keeps them on its own side until then, so whoever does this speaks the wire by hand, as here.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from pathlib import Path

import psutil
import pytest

from protocol import connection_string
from tests.system.supervised import PATIENCE, Talk, Up

LIMIT_MIB = 160
MOST = 2 << 30
"""Bytes after which the sender gives up: far beyond the limit, and bounded."""
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
MORE = 0x01
LONG = 0x02


class Endless:
    """A ZMTP 3 peer, without encryption, that sends frame after frame of one message."""

    def __init__(self, server: str, frame_bytes: int) -> None:
        address = connection_string.parse(server)
        self._socket = socket.create_connection((address.host, address.port), PATIENCE)
        self._frame = self._packed(frame_bytes)
        self._socket.sendall(GREETING)
        self._read(len(GREETING))
        ready = b"\x05READY" + b"\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
        self._socket.sendall(struct.pack("BB", 0x04, len(ready)) + ready)
        _, size = self._read(2)
        self._read(size)

    @staticmethod
    def _packed(size: int) -> bytes:
        if size < 256:
            return struct.pack("BB", MORE, size) + bytes(size)
        return struct.pack(">BQ", MORE | LONG, size) + bytes(size)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            assert piece, "the broker hung up during the handshake"
            data += piece
        return data

    def flood(self, broker: psutil.Process) -> int:
        """Send until the broker hangs up; the most memory, in bytes, that it was seen to use."""
        piece = self._frame * max(1, (256 << 10) // len(self._frame))
        peak, deadline = 0, time.monotonic() + PATIENCE
        try:
            for _ in range(MOST // len(piece)):
                self._socket.sendall(piece)
                peak = max(peak, broker.memory_info().rss)
                assert time.monotonic() < deadline
        except (OSError, psutil.NoSuchProcess):
            return peak
        finally:
            self._socket.close()
        raise AssertionError("the broker takes it all")


async def test_an_endless_message_of_small_frames_ends_the_broker_which_comes_back(tmp_path: Path) -> None:
    with Up(tmp_path, settings=f"curve = false\nbroker_memory_mib = {LIMIT_MIB}\n") as up:
        server = up.ready()
        async with Talk(server) as talk:
            broker = psutil.Process(up.pid("broker.1"))
            peak = await asyncio.to_thread(Endless(server, 8).flood, broker)
            assert peak < LIMIT_MIB << 20
            await asyncio.to_thread(up.says, "broker.1 (was ended by SIGABRT|ended .*): starting it again$")
            await asyncio.to_thread(up.ready, 2)
            await talk.goes_on()
            await talk.ends()
        assert [up.starts(name) for name in ("broker.1", "auth.1", "messaging.1")] == [2, 1, 1]


async def test_an_endless_message_of_large_frames_costs_no_more_than_the_limit(tmp_path: Path) -> None:
    """libzmq gives up the connection when there is no memory for a large frame, or ends, or is ended when it
    falls silent: soon, so that all three take less time than a message has."""
    settings = f"curve = false\nbroker_memory_mib = {LIMIT_MIB}\nwatchdog_timeout = 8\n"
    with Up(tmp_path, settings=settings) as up:
        server = up.ready()
        async with Talk(server) as talk:
            for _ in range(3):
                await asyncio.to_thread(up.ready, up.starts("broker.1"))
                broker = psutil.Process(up.pid("broker.1", up.starts("broker.1")))
                peak = await asyncio.to_thread(Endless(server, 60_000).flood, broker)
                assert peak < LIMIT_MIB << 20
                await talk.goes_on()
            await talk.ends()


@pytest.mark.parametrize(("broker_mib", "worker_mib"), [(4096, 1024), (300, 200)])
def test_each_process_has_the_limit_of_the_settings(tmp_path: Path, broker_mib: int, worker_mib: int) -> None:
    text = f"broker_memory_mib = {broker_mib}\nworker_memory_mib = {worker_mib}\n"
    with Up(tmp_path, settings="" if broker_mib == 4096 else text) as up:
        up.ready()
        most = psutil.virtual_memory().total * 3 // 4
        names = ("broker.1", "auth.1", "realm.1")
        limits = [psutil.Process(up.pid(name)).rlimit(psutil.RLIMIT_DATA) for name in names]
        wanted = [min(mib << 20, most) for mib in (broker_mib, worker_mib, worker_mib)]
        assert limits == [(limit, limit) for limit in wanted]
