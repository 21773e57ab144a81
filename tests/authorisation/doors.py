"""Doors: the ways in which a program may speak to the server. Each has to keep to the same table.

Belongs here: how a door is knocked on. To add one: a ``Door`` that says which commands its dialect
has, and a ``Seat`` that carries one out and tells how it ended, as a code of ``protocol.errors``; then a
line in ``DOORS``. Every test of the table then runs through it as well. Not here: any expectation.
"""

from __future__ import annotations

import itertools
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import zmq
from zmq.utils import z85

from benchmarks.wire import WireUser
from protocol import connection_string
from protocol.bulk import BULK
from protocol.commands import COMMANDS
from protocol.envelope import pack_body, pack_request, unpack_body, unpack_reply

PATIENCE: Final = 20_000
"""Milliseconds that an answer may take."""


class Outcome(NamedTuple):
    """How a command ended: ``ok`` or an error code, and what was told."""

    code: str
    body: dict[str, Any]


class Seat(ABC):
    """One program at a door: a connection that stays open, with a session or without."""

    @abstractmethod
    def login(self, name: str, password: str, device: str) -> Outcome:
        """Log in; what follows is said with this session, also after it has ended."""

    @abstractmethod
    def do(self, command: str, **fields: Any) -> Outcome:
        """Carry out one command of the protocol, in the dialect's words."""

    @abstractmethod
    def close(self) -> None:
        """Hang up."""


class Door(ABC):
    """One way in."""

    name: str
    commands: frozenset[str]
    """Commands of the protocol that can be said here, and must then end as the table says."""

    @abstractmethod
    def seat(self) -> Seat:
        """Come in, without a session."""

    @abstractmethod
    def close(self) -> None:
        """Nobody comes any more."""


class WireSeat(Seat):
    """A raw DEALER. ``token`` is sent with every command; ``topic`` and ``session`` are as login told."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], server: str) -> None:
        self.user = WireUser(context, server)
        self._ids = itertools.count(1)
        self.name = ""
        self.session = 0
        self.topic = b""

    @property
    def token(self) -> bytes:
        """Of the session, or empty."""
        return self.user.token

    def login(self, name: str, password: str, device: str) -> Outcome:
        """See ``Seat``."""
        outcome = self.do("auth.login", username=name, password=password, device=device)
        if outcome.code == "ok":
            self.name, self.user.token = outcome.body["user"], outcome.body["token"]
            self.session, self.topic = outcome.body["session"], outcome.body["topic"]
        return outcome

    def do(self, command: str, **fields: Any) -> Outcome:
        """See ``Seat``."""
        return self.answer_to(command, **fields)

    def answer_to(self, command: str, **fields: Any) -> Outcome:
        """Say it on the commands socket, whatever it is."""
        asked = self.post(command, **fields)
        answered, outcome = self.answer()
        assert answered == asked
        return outcome

    def post(self, command: str, **fields: Any) -> int:
        """Send a request and wait for nothing; its number."""
        number = next(self._ids)
        self.user.commands.send(pack_request(number, self.token, command, pack_body(fields)))
        return number

    def answer(self) -> tuple[int, Outcome]:
        """The next reply: the number of its request, and how that ended."""
        assert self.user.commands.poll(PATIENCE), "no answer"
        reply = unpack_reply(self.user.commands.recv())
        return reply.request_id, Outcome(reply.status, unpack_body(reply.body))

    def ask(self, command: str, **fields: Any) -> dict[str, Any]:
        """What must succeed, for setting up and for looking; what it told."""
        outcome = self.do(command, **fields)
        assert outcome.code == "ok", f"{command}: {outcome}"
        return outcome.body

    def close(self) -> None:
        """See ``Seat``."""
        self.user.close()


class BulkSeat(WireSeat):
    """The same, that says ``chunk.*`` on the bulk socket. Bytes go and come as ``data``."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], server: str) -> None:
        super().__init__(context, server)
        self.line = BulkLine(context, server)

    def do(self, command: str, **fields: Any) -> Outcome:
        """See ``Seat``."""
        if command in BULK:
            return self.line.do(self.token, command, **fields)
        return self.answer_to(command, **fields)

    def close(self) -> None:
        """See ``Seat``."""
        self.line.close()
        super().close()


class BulkLine:
    """A raw DEALER to the bulk socket, for whoever has a token."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], server: str) -> None:
        self._socket = dealer(context, server, beyond=2)
        self._ids = itertools.count(1)

    def post(self, token: bytes, command: str, data: bytes | None = None, **fields: Any) -> int:
        """Send a request and wait for nothing; its number."""
        number = next(self._ids)
        frames = [pack_request(number, token, command, pack_body(fields))]
        self._socket.send_multipart(frames if data is None else [*frames, data])
        return number

    def answer(self) -> tuple[int, Outcome]:
        """The next reply: the number of its request, and how that ended."""
        assert self._socket.poll(PATIENCE), "no answer"
        frame, *data = self._socket.recv_multipart()
        reply = unpack_reply(frame)
        body = unpack_body(reply.body)
        return reply.request_id, Outcome(reply.status, {**body, "data": data[0]} if data else body)

    def do(self, token: bytes, command: str, data: bytes | None = None, **fields: Any) -> Outcome:
        """Ask, again while the server says that it is busy."""
        for _ in range(100):
            asked = self.post(token, command, data, **fields)
            answered, outcome = self.answer()
            assert answered == asked
            if outcome.code != "busy":
                return outcome
            time.sleep(0.05)
        raise AssertionError(f"{command}: busy for ever")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def dealer(context: zmq.Context[zmq.Socket[bytes]], server: str, beyond: int) -> zmq.Socket[bytes]:
    """A DEALER to the port so much beyond that of commands."""
    address = connection_string.parse(server)
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.LINGER, 0)
    if address.key:
        public, secret = zmq.curve_keypair()
        socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
        socket.setsockopt(zmq.CURVE_SERVERKEY, z85.encode(address.key))
    socket.connect(f"tcp://{address.host}:{address.port + beyond}")
    return socket


class Wire(Door):
    """ZeroMQ, as docs/PROTOCOL.md has it. It has every command."""

    name = "wire"
    commands = frozenset(name for name, row in COMMANDS.items() if not row.internal)
    seats: type[WireSeat] = WireSeat

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], server: str) -> None:
        self._context = context
        self._server = server
        self._seats: list[WireSeat] = []
        self.stranger = self.seat()

    def seat(self) -> WireSeat:
        """See ``Door``."""
        self._seats.append(self.seats(self._context, self._server))
        return self._seats[-1]

    def close(self) -> None:
        """See ``Door``."""
        for seat in self._seats:
            seat.close()


class Bulk(Wire):
    """The socket for chunks of files. It has those commands, and no other."""

    name = "bulk"
    commands = frozenset(BULK)
    seats = BulkSeat


DOORS: Final[dict[str, Callable[[zmq.Context[zmq.Socket[bytes]], str], Door]]] = {
    Wire.name: Wire,
    Bulk.name: Bulk,
}
"""Every door that there is, by name: how it is opened on a context, at a server's connection string."""
