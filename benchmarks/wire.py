"""A client reduced to the bone, so that the load generator costs little beside what it measures.

Speaks the protocol as docs/PROTOCOL.md says, through the project's own packing; blocking calls for
setting up, raw sockets for the scenarios' loops.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import zmq
from zmq.utils import z85

from protocol import connection_string
from protocol.envelope import pack_body, pack_request, unpack_body, unpack_reply
from protocol.errors import OK, Failure, failure

PASSWORD = "benchmark-password"  # noqa: S105


class WireUser:
    """One connection to the commands socket, and one to the events socket once ``listen`` was called."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], server: str) -> None:
        self._context = context
        self._server = connection_string.parse(server)
        self._ids = itertools.count(1)
        self.name = ""
        self.token = b""
        self.topic = b""
        self.commands = self._socket(zmq.DEALER)
        self.commands.setsockopt(zmq.SNDHWM, 0)
        self.commands.connect(f"tcp://{self._server.host}:{self._server.port}")
        self.events: zmq.Socket[bytes] | None = None

    def _socket(self, kind: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        socket.setsockopt(zmq.LINGER, 0)
        if self._server.key:
            public, secret = zmq.curve_keypair()
            socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
            socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
            socket.setsockopt(zmq.CURVE_SERVERKEY, z85.encode(self._server.key))
        return socket

    def post(self, command: str, body: dict[str, Any]) -> int:
        """Send a request, wait for nothing; its id."""
        request_id = next(self._ids)
        self.commands.send(pack_request(request_id, self.token, command, pack_body(body)))
        return request_id

    def answer(self, timeout: float = 60.0) -> dict[str, Any]:
        """The next reply's body; raises the refusal."""
        if not self.commands.poll(int(timeout * 1000)):
            raise TimeoutError(f"no answer within {timeout} s")
        reply = unpack_reply(self.commands.recv())
        body = unpack_body(reply.body)
        if reply.status != OK:
            raise failure(reply.status, body)
        return body

    def call(self, command: str, **body: Any) -> dict[str, Any]:
        """One request and its answer; tries again while the server says that it is busy."""
        for _ in range(200):
            self.post(command, body)
            try:
                return self.answer()
            except Failure as error:
                if error.retry != "later":
                    raise
                time.sleep(error.retry_after)
        raise TimeoutError(command)

    def login(self, name: str) -> None:
        """Log in as ``name``."""
        self.entered(name, self.call("auth.login", username=name, password=PASSWORD))

    def entered(self, name: str, reply: dict[str, Any]) -> None:
        """Note what a login answered."""
        self.name, self.token, self.topic = name, reply["token"], reply["topic"]

    def listen(self, *topics: bytes) -> zmq.Socket[bytes]:
        """Subscribe to the user's own topic and ``topics``; ``await_welcome`` says when they are in force."""
        self.events = events = self._socket(zmq.SUB)
        events.setsockopt(zmq.RCVHWM, 0)
        events.setsockopt(zmq.SNDHWM, 0)
        for topic in (*topics, self.topic):
            events.subscribe(topic)
        events.connect(f"tcp://{self._server.host}:{self._server.port + 1}")
        return events

    def await_welcome(self, timeout: float = 60.0) -> None:
        """Wait for the welcome that ``listen`` asked for."""
        assert self.events is not None
        if not self.events.poll(int(timeout * 1000)):
            raise TimeoutError(f"no welcome within {timeout} s")
        self.events.recv()

    def close(self) -> None:
        """Close both sockets."""
        self.commands.close()
        if self.events is not None:
            self.events.close()


AT_ONCE = 64
"""Requests under way at the same time, one a user: what a service of slow commands takes in."""


def enter(users: list[WireUser], names: list[str]) -> float:
    """Register and log in everyone, some at the same time; seconds that the logins took."""
    people = dict(zip(users, names, strict=True))

    def who(user: WireUser) -> dict[str, Any]:
        return {"username": people[user], "password": PASSWORD}

    each(users, "auth.register", who)
    begun = time.monotonic()
    for user, reply in each(users, "auth.login", who):
        user.entered(people[user], reply)
    return time.monotonic() - begun


def each(
    users: list[WireUser], command: str, body: Callable[[WireUser], dict[str, Any]]
) -> list[tuple[WireUser, dict[str, Any]]]:
    """One request of every user, ``AT_ONCE`` of them under way at a time; the answers."""
    answers = []
    for place in range(len(users) + AT_ONCE):
        if place >= AT_ONCE and place - AT_ONCE < len(users):
            user = users[place - AT_ONCE]
            answers.append((user, user.answer()))
        if place < len(users):
            users[place].post(command, body(users[place]))
    return answers
