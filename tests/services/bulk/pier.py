"""A proxy as the broker's, in this process, and clients that send chunks through it and fetch them again."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import zmq

from benchmarks.own_server import free_port_base
from broker.bulk import Bulk
from config.keys import server_keys
from config.settings import Settings
from protocol.envelope import Reply, pack_body, pack_request, unpack_body, unpack_reply
from protocol.errors import OK, failure
from protocol.limits import FILE_WINDOW

Asked = tuple[str, bytes | None, dict[str, Any]]
"""A command, the bytes behind it, its fields."""

SECONDS = 60.0
AGAIN = 0.7
"""Seconds of silence after which a client sends again what was not answered; doubled each time."""


class Pier:
    """``settings`` are those given, with ports of their own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = msgspec.structs.replace(settings, port_base=free_port_base(), host="127.0.0.1")
        self.keys = server_keys(settings.home)
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.bulk = Bulk(self.settings, self.keys)
        self.bulk.bind()
        self._clients: list[Client] = []

    def client(self, token: bytes) -> Client:
        """Somebody with a connection of their own."""
        socket = self.context.socket(zmq.DEALER)
        socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        socket.curve_serverkey = self.keys.public
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RECONNECT_IVL, 20)
        socket.connect(self.settings.bulk_address)
        client = Client(socket, token)
        self._clients.append(client)
        return client

    def close(self) -> None:
        self.bulk.close()
        for client in self._clients:
            client.socket.close()
        self.context.term()


class Client:
    """One connection of somebody who is logged in."""

    def __init__(self, socket: zmq.Socket[bytes], token: bytes) -> None:
        self.socket = socket
        self.token = token
        self._ids = itertools.count(1)

    def ask(self, command: str, payload: bytes | None = None, **fields: Any) -> int:
        """Send a request; its id."""
        request_id = next(self._ids)
        frames = [pack_request(request_id, self.token, command, pack_body(fields))]
        self.socket.send_multipart(frames if payload is None else [*frames, payload])
        return request_id

    def hear(self, seconds: float = SECONDS) -> tuple[Reply, bytes]:
        """The next answer, and the bytes behind it."""
        if not self.socket.poll(int(seconds * 1000)):
            raise TimeoutError
        envelope, *payload = self.socket.recv_multipart()
        return unpack_reply(envelope), payload[0] if payload else b""

    def do(self, command: str, payload: bytes | None = None, **fields: Any) -> tuple[dict[str, Any], bytes]:
        """Ask until there is an answer; raises a refusal, but for ``busy``, which it waits out."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            asked = self.ask(command, payload, **fields)
            try:
                reply, part = self.hear(AGAIN)
                while reply.request_id != asked:
                    reply, part = self.hear(AGAIN)
            except TimeoutError:
                continue
            if reply.status == "busy":
                time.sleep(0.05)
            elif reply.status == OK:
                return unpack_body(reply.body), part
            else:
                raise failure(reply.status, unpack_body(reply.body))
        raise TimeoutError(command)

    def flights(self, requests: list[Asked]) -> Iterator[tuple[int, bytes]]:
        """Send these, a window at once, and again when nobody answers; (place, bytes) of each answered."""
        flying: dict[int, int] = {}
        done: set[int] = set()
        waiting = list(range(len(requests)))[::-1]
        patience = AGAIN
        while len(done) < len(requests):
            while waiting and len(flying) < FILE_WINDOW:
                place = waiting.pop()
                command, payload, fields = requests[place]
                flying[self.ask(command, payload, **fields)] = place
            try:
                reply, part = self.hear(patience)
            except TimeoutError:
                patience *= 2
                assert patience < SECONDS, "nobody answers"
                waiting += sorted(flying.values(), reverse=True)
                flying.clear()
                continue
            place = flying.pop(reply.request_id, -1)
            if place < 0 or place in done:
                continue
            if reply.status != OK:
                raise failure(reply.status, unpack_body(reply.body))
            done.add(place)
            yield place, part

    def send_all(self, id: bytes, data: bytes, chunk: int) -> None:
        """Every chunk of an upload."""
        for _ in self.flights(puts(id, data, chunk)):
            pass

    def fetch(self, file: int, size: int, chunk: int) -> bytes:
        """A whole file."""
        asked: list[Asked] = [
            ("chunk.get", None, {"file": file, "offset": offset, "length": chunk})
            for offset in range(0, size, chunk)
        ]
        return b"".join(part for _, part in sorted(self.flights(asked)))


def puts(id: bytes, data: bytes, chunk: int) -> list[Asked]:
    """The requests that send all of an upload."""
    return [
        ("chunk.put", data[offset : offset + chunk], {"upload": id, "offset": offset})
        for offset in range(0, len(data), chunk)
    ]
