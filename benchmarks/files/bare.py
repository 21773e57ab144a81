"""The yardstick of transfers: bare pyzmq, DEALER to ROUTER and back, with a disk at either end.

The same chunks and the same window as Pesan's; whoever receives hashes and writes them, and syncs the whole
in the end. No session, no quota, no resuming, nothing looked at on the way. What Pesan does is measured
against this in the same run, because a machine's speed drifts. CURVE is off unless it is asked for.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import zmq

from protocol.limits import FILE_CHUNK_BYTES, FILE_WINDOW

PATIENCE = 300.0
"""Seconds after which a transfer that says nothing has failed."""
SETTLE = 0.3
"""Seconds in which a connection is made before the clock starts."""

Keys = tuple[bytes, bytes] | None
"""CURVE keys of the server, or None: in the clear."""


class Bare(NamedTuple):
    """One transfer: seconds until the last byte was received and hashed, and until it was on the disk."""

    hashed: float
    synced: float
    sha256: bytes


def upload(source: Path, target: Path, curve: bool = False) -> Bare:
    """From a client, which reads ``source``, to a server, which writes ``target``."""
    return _transfer(_taking_server, (target, source.stat().st_size), _sending_client, (source,), curve)


def download(source: Path, target: Path, curve: bool = False) -> Bare:
    """From a server, which reads ``source``, to a client, which asks for it and writes ``target``."""
    return _transfer(_giving_server, (source,), _asking_client, (target, source.stat().st_size), curve)


def _transfer(server: Any, of_server: Any, client: Any, of_client: Any, curve: bool) -> Bare:
    """Both sides in processes of their own; the receiver's word for it, the times from the client's start."""
    context = multiprocessing.get_context("spawn")
    keys: Keys = zmq.curve_keypair() if curve else None
    (port, tell_port), (result, tell) = context.Pipe(False), context.Pipe(False)
    serving = context.Process(target=server, args=(tell_port, tell, keys, *of_server), daemon=True)
    serving.start()
    processes = [serving]
    try:
        number = _heard(port)
        processes.append(context.Process(target=client, args=(number, tell, keys, *of_client), daemon=True))
        processes[1].start()
        said: dict[str, Any] = {}
        while not {"begun", "hashed", "synced", "sha256"} <= said.keys():
            said.update(_heard(result))
    finally:
        for process in processes:
            process.kill()
            process.join()
    return Bare(said["hashed"] - said["begun"], said["synced"] - said["begun"], said["sha256"])


def _heard(pipe: Any) -> Any:
    if not pipe.poll(PATIENCE):
        raise TimeoutError("the bare transfer said nothing")
    return pipe.recv()


class _Sink:
    """Hashes what comes in its order, and writes it."""

    def __init__(self, target: Path, size: int) -> None:
        self._file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._hash = hashlib.sha256()
        self._size = size
        self.at = 0

    @property
    def full(self) -> bool:
        """Everything is there."""
        return self.at >= self._size

    def take(self, bytes_: Any) -> None:
        """The next bytes."""
        os.pwrite(self._file, bytes_, self.at)
        self._hash.update(bytes_)
        self.at += len(bytes_)

    def close(self) -> dict[str, Any]:
        """Sync it; when it was hashed and synced, and the hash."""
        digest, hashed = self._hash.digest(), time.monotonic()
        os.fsync(self._file)
        os.close(self._file)
        return {"hashed": hashed, "synced": time.monotonic(), "sha256": digest}


def _router(tell_port: Connection, keys: Keys) -> zmq.Socket[bytes]:
    socket: zmq.Socket[bytes] = zmq.Context().socket(zmq.ROUTER)
    socket.setsockopt(zmq.LINGER, 0)
    if keys:
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys[1])
    tell_port.send(socket.bind_to_random_port("tcp://127.0.0.1"))
    return socket


def _dealer(port: int, keys: Keys) -> zmq.Socket[bytes]:
    socket: zmq.Socket[bytes] = zmq.Context().socket(zmq.DEALER)
    socket.setsockopt(zmq.LINGER, 0)
    if keys:
        public, secret = zmq.curve_keypair()
        socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
        socket.setsockopt(zmq.CURVE_SERVERKEY, keys[0])
    socket.connect(f"tcp://127.0.0.1:{port}")
    time.sleep(SETTLE)
    return socket


def _taking_server(tell_port: Connection, tell: Connection, keys: Keys, target: Path, size: int) -> None:
    socket = _router(tell_port, keys)
    sink = _Sink(target, size)
    while not sink.full:
        peer = socket.recv()
        sink.take(socket.recv(copy=False).buffer)
        socket.send_multipart([peer, b""])
    tell.send(sink.close())
    time.sleep(PATIENCE)  # the last answers are still on their way; whoever started us ends us


def _sending_client(port: int, tell: Connection, keys: Keys, source: Path) -> None:
    socket = _dealer(port, keys)
    with source.open("rb", buffering=0) as file:
        tell.send({"begun": time.monotonic()})
        open_ = 0
        while (chunk := file.read(FILE_CHUNK_BYTES)) or open_:
            if chunk:
                socket.send(chunk, copy=False)
                open_ += 1
            if open_ >= FILE_WINDOW or not chunk:
                socket.recv()
                open_ -= 1


def _giving_server(tell_port: Connection, tell: Connection, keys: Keys, source: Path) -> None:
    socket = _router(tell_port, keys)
    file = os.open(source, os.O_RDONLY)
    while True:
        peer, offset = socket.recv_multipart()
        chunk = os.pread(file, FILE_CHUNK_BYTES, int(offset))
        socket.send(peer, zmq.SNDMORE)
        socket.send(chunk, copy=False)


def _asking_client(port: int, tell: Connection, keys: Keys, target: Path, size: int) -> None:
    socket = _dealer(port, keys)
    sink = _Sink(target, size)
    tell.send({"begun": time.monotonic()})
    asked = 0
    while not sink.full:
        while asked < size and asked - sink.at < FILE_WINDOW * FILE_CHUNK_BYTES:
            socket.send(b"%d" % asked)
            asked += FILE_CHUNK_BYTES
        sink.take(socket.recv(copy=False).buffer)
    tell.send(sink.close())
