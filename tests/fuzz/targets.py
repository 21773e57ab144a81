"""What must hold for any bytes whatever, one function for each of the three languages on our sockets.

A target takes bytes and returns nothing; an exception that gets out of it is a crash. The same
functions are driven by hypothesis, by the saved corpus, and by the coverage-guided fuzzer. Belongs
here: the properties. Does not belong here: where bytes come from.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import zmq

from broker.core import Core
from client.requests import read_answer
from client.session import Session
from config.settings import Settings
from protocol import VERSION, backend, commands, events
from protocol.commands import COMMANDS, Body, Command, body_of
from protocol.envelope import (
    UINT64_MAX,
    BadRequest,
    NotAnEnvelope,
    Reply,
    Request,
    pack_body,
    pack_event,
    pack_reply,
    pack_request,
    unpack_body,
    unpack_event,
    unpack_reply,
    unpack_request,
)
from protocol.errors import FAILURES, OK, Failure, Invalid
from services.batch import Engine
from services.loop import Link

TOKEN: Final = b"t" * 16
GATE: Final = b"\0gate"
"""The connection of a gateway, whose routing id libzmq made up."""
GATEWAY_SECRET: Final = b"g" * 32
TOPIC: Final = b"u" + b"o" * 15
SECRET: Final = b"c" + b"s" * 15


# --- requests and replies -----------------------------------------------------------------------


def envelope(data: bytes) -> None:
    """A frame on the commands socket, read by the server as a request and by a client as a reply."""
    _request(data)
    _reply(data)


def _request(data: bytes) -> None:
    try:
        request = unpack_request(data)
    except BadRequest as error:
        assert 0 <= error.request_id <= UINT64_MAX
        _answered(core_with_workers(), data, 1)
        return
    except NotAnEnvelope:
        _answered(core_with_workers(), data, 0)
        return
    assert type(request) is Request
    assert list(map(type, request)) == [int, int, bytes, str, bytes, str]
    assert 0 <= request.request_id <= UINT64_MAX
    if request.version == VERSION:
        assert unpack_request(pack_request(*request[1:])) == request
        command = COMMANDS.get(request.command)
        if command is not None:
            typed_request(command, request.body)
    _answered(core_with_workers(), data, 1)


def typed_request(command: Command, body: bytes) -> None:
    """A body becomes the command's request, which survives the wire, or a sentence."""
    try:
        request = commands.read(command, body)
    except Invalid as error:
        assert error.message.endswith(".")
        assert len(error.message) < 500
        return
    assert type(request) is command.request
    assert commands.read(command, pack_body(body_of(request))) == request


def _answered(core: Core, data: bytes, count: int) -> None:
    """The broker answers it as often as it should, with what a client can read, or hands it to a worker."""
    core.request(1.0, GATE, data)
    assert len(core.replies) + core.in_flight == count
    for _, frame in core.replies:
        reply = unpack_reply(frame)
        assert reply.status == OK or reply.status in FAILURES
        assert reply.status == OK or unpack_body(reply.body)["message"].endswith(".")
    for _, frame in core.work():
        kind, calls = backend.unpack(frame)
        assert kind == backend.WORK
        assert [type(backend.Call(*call)) for call in calls] == [backend.Call]


def _reply(data: bytes) -> None:
    try:
        reply = unpack_reply(data)
    except NotAnEnvelope:
        return
    assert type(reply) is Reply
    assert list(map(type, reply)) == [int, int, str, bytes]
    if 0 <= reply.request_id <= UINT64_MAX:
        assert unpack_reply(pack_reply(*reply[1:])) == reply
    name = sorted(COMMANDS)[reply.request_id % len(COMMANDS)]
    typed_answer(COMMANDS[name], reply.status, reply.body)


def typed_answer(command: Command, status: str, body: bytes) -> None:
    """A reply's body becomes the command's reply or a refusal, whatever it is."""
    answer = read_answer(command, status, body)
    if not isinstance(answer, Failure):
        assert type(answer) is command.reply
        assert read_answer(command, OK, pack_body(body_of(answer))) == answer
        return
    assert type(answer.message) is str
    assert answer.retry_after >= 0
    assert status != OK or answer.code == "internal"


# --- between broker and workers -----------------------------------------------------------------


class Silent:
    """A link's socket that has one frame to hand over."""

    def __init__(self, frame: bytes) -> None:
        self._frames = [frame]

    def recv(self, flags: int, /) -> bytes:
        """The frame, once."""
        if not self._frames:
            raise zmq.Again
        return self._frames.pop()

    def send(self, frame: bytes, flags: int, /) -> Any:
        """Into the void."""


def backend_batch(data: bytes) -> None:
    """A frame on the backend socket, read by the broker as a worker's and by a worker as the broker's."""
    try:
        fields = backend.unpack(data)
    except ValueError:
        fields = ()
    assert type(fields) is tuple
    core = core_with_workers(requests=3)
    core.backend(1.5, b"worker-messaging", data)
    core.backend(1.6, b"stranger", data)
    for number in range(2):
        core.request(2.0 + number, b"\0peer", pack_request(number, TOKEN, "message.read", b""))
    core.tick(4.8)
    core.work()
    core.tick(60.0)
    well_kept(core)
    assert not core.in_flight
    for call in Link(Silent(data), engine_of_nobody()).receive(10):
        assert (
            list(map(type, call)) == list(backend.Call.__annotations__.values()) or type(call.handle) is int
        )


def well_kept(core: Core) -> None:
    """The books of the broker agree with one another, and all that it would send can be sent."""
    flights = list(core._flights.values())
    for worker in core.workers:
        mine = [flight for flight in flights if flight.worker is worker]
        assert worker.open == len(mine)
        assert worker.bytes == sum(len(flight.call.body) for flight in mine)
    for session in core.sessions._by_token.values():
        assert session.open == sum(flight.session is session for flight in flights)
        assert 0 <= len(session.links) <= session.user.links
        assert session.user.online <= session.user.sessions
    assert set(map(type, core.events)) <= {bytes}
    for peer, frame in core.replies:
        assert type(peer) is bytes
        unpack_reply(frame)


# --- events -------------------------------------------------------------------------------------


def event(data: bytes) -> None:
    """A frame on the events socket, read by a client that listens."""
    try:
        heard = unpack_event(data)
    except NotAnEnvelope:
        session = Session(random.Random(1))
        session.event(3.0, data)
        assert session.junk == 1
        return
    assert list(map(type, heard)) == [bytes, str, bytes]
    assert unpack_event(pack_event(*heard)) == heard
    kind = events.EVENTS.get(heard.kind)
    if kind is None:
        return
    _typed_event(heard.topic, kind, heard.body)
    session = listening_session()
    session.event(3.0, data)
    assert len(session.events) <= 1
    for at in (3.1, 10.0, 100.0):
        session.wake(at)
    assert len(session.frames) < 50


def _typed_event(topic: bytes, kind: type[Body], body: bytes) -> None:
    try:
        typed = commands.convert(unpack_body(body), kind)
    except Invalid:
        return
    assert type(typed) is kind
    again = unpack_event(events.event(topic, typed))
    assert commands.convert(unpack_body(again.body), kind) == typed


# --- who hears it -------------------------------------------------------------------------------


@cache
def settings() -> Settings:
    """Defaults, without rate limits and without a folder."""
    return Settings(home=Path("/nonexistent"), realm="here", rate_limits=False)


def core_with_workers(requests: int = 0) -> Core:
    """A broker that knows ani's session and a worker for everything; ``requests`` of hers are in flight."""
    core = Core(
        settings(), name=b"b" * 16, version="0", first_handle=0, epoch=7, gateway_secret=GATEWAY_SECRET
    )
    core.peers.meet(GATE, "127.0.0.1")
    assert core.peers.introduce(GATE, GATEWAY_SECRET, 0.0)
    for service in commands.SERVICES:
        core.backend(0.5, f"worker-{service}".encode(), backend.pack_beat(service, service, 10))
    opened = (backend.OPEN, TOKEN, 1, 1, "ani")
    core.backend(0.6, b"worker-auth", backend.pack_done([], [], [opened]))
    for number in range(requests):
        core.request(0.7, GATE, pack_request(number, TOKEN, "message.read", b"x"))
    core.work()
    return core


@cache
def engine_of_nobody() -> Engine:
    """An engine for a link that is never asked to work."""
    return Engine.__new__(Engine)


def listening_session() -> Session:
    """A client that is logged in as ani, listens, and knows a conversation with budi and the group ops."""
    session = Session(random.Random(1))
    session.connected(0.0)
    session.events_connected(0.0)
    session.request(0.0, 1, "auth.login", commands.Login("ani", "secret"))
    answer_all(session, 0.1)
    session.listen(0.2, 2)
    answer_all(session, 0.3)
    session.frames.clear()
    session.events.clear()
    session.answers.clear()
    return session


def answer_all(session: Session, now: float) -> None:
    """Answer whatever the session asks, as a server with nothing new to tell would, until it is content."""
    for _ in range(10):
        frames, session.frames = session.frames, []
        fences = [topic for subscribe, topic in session.subscriptions if subscribe and topic[:1] == b"u"]
        session.subscriptions.clear()
        for frame in frames:
            asked = unpack_request(frame)
            answer = _ANSWERS[asked.command]
            session.reply(now, pack_reply(asked.request_id, OK, pack_body(body_of(answer))))
        for topic in fences:
            session.event(now, events.event(topic, events.Welcome(7)))


_ANSWERS: Final[dict[str, Body]] = {
    "auth.login": commands.LoginReply("ani", TOKEN, 1, TOPIC),
    "session.ping": commands.PingReply(7, 0),
    "user.whoami": commands.WhoamiReply("ani", 1, "", TOPIC, 0),
    "conversation.list": commands.ConversationsReply(
        [
            commands.ConversationInfo(1, "direct", "budi", b"", 3, 3, 0, 0),
            commands.ConversationInfo(2, "group", "#ops", SECRET, 3, 3, 0, 0),
        ],
        False,
    ),
}

TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "envelope": envelope,
    "backend": backend_batch,
    "event": event,
}
"""Every target by the name of its corpus."""
