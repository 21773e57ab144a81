"""The model's file workers behind a real ROUTER, in a thread: answers may be lost, late, doubled, wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import zmq

from protocol.body import body_of
from protocol.bulk import BULK, read
from protocol.envelope import pack_body, pack_reply, unpack_request
from protocol.errors import OK, Failure
from tests.client.fake_broker import FakeBroker

Fate = Callable[[Any], list[float]]
"""What becomes of the answer to a request: seconds after which it is sent, each time."""


class FakeBulk:
    """The bulk socket of a fake broker. May go away and come back on the same port."""

    def __init__(self, broker: FakeBroker) -> None:
        self.files = broker.model.files
        self.fate: Fate = lambda request: [0.0]
        self.refuse: Callable[[Any], Failure | None] = lambda request: None
        self.mangle: Callable[[bytes], bytes | None] = lambda payload: payload
        self.requests: list[Any] = []
        self.paused = False
        """Nothing is read."""
        self.room = 1000
        self.most_open = 0
        """Most requests that waited for an answer at once."""
        self.broker = broker
        self._port = 0
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._due: list[tuple[float, list[bytes]]] = []
        self.start()

    def __enter__(self) -> FakeBulk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        self._stopping.clear()
        self._socket, self._port = self.broker.bind(zmq.ROUTER, self._port, self.room)
        self.broker.model.bulk_port = self._port
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._thread is None:
            return
        self._stopping.set()
        self._thread.join(10)
        self._thread = None
        self._socket.close(0)
        self._due.clear()

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self.paused:
                time.sleep(0.005)
            elif self._socket.poll(5):
                while self._socket.poll(0):
                    peer, *frames = self._socket.recv_multipart()
                    with self.broker.lock:
                        self._take(peer, frames)
            self.most_open = max(self.most_open, len(self._due))
            self._send_due()

    def _take(self, peer: bytes, frames: list[bytes]) -> None:
        asked = unpack_request(frames[0])
        request = read(BULK[asked.command], asked.body)
        self.requests.append(request)
        payload = frames[1] if len(frames) > 1 else None
        answer = self._answer(asked.request_id, asked.token, request, payload)
        now = time.monotonic()
        self._due += [(now + delay, [peer, *answer]) for delay in self.fate(request)]

    def _answer(self, request_id: int, token: bytes, request: Any, payload: bytes | None) -> list[bytes]:
        try:
            if refusal := self.refuse(request):
                raise refusal
            reply, sent = self.files.chunk(token, request, payload)
        except Failure as error:
            return [pack_reply(request_id, error.code, pack_body(error.body()))]
        envelope = pack_reply(request_id, OK, pack_body(body_of(reply)))
        sent = self.mangle(sent) if sent is not None else None
        return [envelope] if sent is None else [envelope, sent]

    def _send_due(self) -> None:
        """The newest first: no client may count on an order."""
        now = time.monotonic()
        due = [item for item in self._due if item[0] <= now]
        self._due = [item for item in self._due if item[0] > now]
        for _, frames in reversed(due):
            self._socket.send_multipart(frames)
