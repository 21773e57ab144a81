"""The yardstick: a bare pyzmq ROUTER - ROUTER - DEALER echo, nothing looked at on the way.

As fast as plain Python can relay on this machine: CURVE on the client side, up to 512 frames a turn,
the hop to the echoing worker batched into one message a turn. What Pesan does is measured against
this in the same run, because a machine's speed drifts.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from typing import Any

import msgpack
import zmq

FRAME = b"x" * 190
BATCH = 512
NOBLOCK = int(zmq.NOBLOCK)
SNDMORE_NOBLOCK = int(zmq.SNDMORE) | NOBLOCK


def relay(pairs: int = 50, window: int = 32, seconds: float = 5.0) -> dict[str, Any]:
    """Echoes a second through the bare relay, with ``pairs`` clients of ``window`` frames in flight."""
    keys = zmq.curve_keypair()
    folder = tempfile.mkdtemp(prefix="relay-")
    backend = f"ipc://{folder}/relay.sock"
    port = multiprocessing.Value("i", 0)
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=_broker, args=(backend, keys, port), daemon=True),
        context.Process(target=_worker, args=(backend,), daemon=True),
    ]
    for process in processes:
        process.start()
    try:
        while not port.value:
            time.sleep(0.01)
        echoes, took = _clients(port.value, keys[0], pairs, window, seconds)
    finally:
        for process in processes:
            process.kill()
            process.join()
        os.unlink(f"{folder}/relay.sock")  # noqa: PTH108
        os.rmdir(folder)  # noqa: PTH106
    return {
        "scenario": "relay",
        "pairs": pairs,
        "window": window,
        "seconds": round(took, 2),
        "echoes_per_second": round(echoes / took),
    }


def _broker(backend: str, keys: tuple[bytes, bytes], port: Any) -> None:
    context = zmq.Context()
    front = context.socket(zmq.ROUTER)
    front.setsockopt(zmq.CURVE_SERVER, 1)
    front.setsockopt(zmq.CURVE_SECRETKEY, keys[1])
    back = context.socket(zmq.ROUTER)
    for socket in (front, back):
        socket.setsockopt(zmq.SNDHWM, 0)
        socket.setsockopt(zmq.RCVHWM, 0)
    back.bind(backend)
    worker = back.recv()
    back.recv()
    port.value = front.bind_to_random_port("tcp://127.0.0.1")
    poller = zmq.Poller()
    poller.register(front, zmq.POLLIN)
    poller.register(back, zmq.POLLIN)
    pack, unpack = msgpack.Packer().pack, msgpack.unpackb
    recv, send = front.recv, front.send
    while True:
        poller.poll()
        batch = []
        try:
            for _ in range(BATCH):
                batch.append(recv(NOBLOCK))
                batch.append(recv(NOBLOCK))
        except zmq.Again:
            pass
        if batch:
            back.send(worker, SNDMORE_NOBLOCK)
            back.send(pack(batch), NOBLOCK)
        try:
            while True:
                back.recv(NOBLOCK)
                echoed = iter(unpack(back.recv(NOBLOCK)))
                for peer in echoed:
                    send(peer, SNDMORE_NOBLOCK)
                    send(next(echoed), NOBLOCK)
        except zmq.Again:
            pass


def _worker(backend: str) -> None:
    socket = zmq.Context().socket(zmq.DEALER)
    socket.setsockopt(zmq.SNDHWM, 0)
    socket.setsockopt(zmq.RCVHWM, 0)
    socket.connect(backend)
    socket.send(b"here")
    pack, unpack = msgpack.Packer().pack, msgpack.unpackb
    while True:
        socket.send(pack(unpack(socket.recv())))


def _clients(port: int, server_key: bytes, pairs: int, window: int, seconds: float) -> tuple[int, float]:
    context = zmq.Context()
    poller = zmq.Poller()
    sockets = []
    for _ in range(pairs):
        socket = context.socket(zmq.DEALER)
        socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        socket.curve_serverkey = server_key
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(f"tcp://127.0.0.1:{port}")
        poller.register(socket, zmq.POLLIN)
        sockets.append(socket)
    for socket in sockets:
        socket.send(FRAME)
    for socket in sockets:
        socket.recv()
    for socket in sockets:
        for _ in range(window):
            socket.send(FRAME)
    echoes = 0
    begun = time.monotonic()
    until = begun + seconds
    while time.monotonic() < until:
        for socket, _ in poller.poll(100):
            try:
                while True:
                    frame = socket.recv(NOBLOCK)
                    echoes += 1
                    socket.send(frame, NOBLOCK)
            except zmq.Again:
                pass
    took = time.monotonic() - begun
    for socket in sockets:
        socket.close()
    context.term()
    return echoes, took
