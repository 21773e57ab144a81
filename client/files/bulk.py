"""The socket on which chunks travel, one for each chat, shared by its transfers.

Belongs here: the socket, the clock, packing and reading of chunks' frames. What flies when is ``window``'s.

When the server is lost the socket lets go of what it still had to send, for all of it flies again later.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from typing import Any, Final

import zmq

from client import sockets
from client.connection import Connection
from client.errors import ClientError, Closed
from client.files.window import Window
from client.sockets import NOBLOCK, RCVMORE, Link
from client.timers import NEVER
from protocol.body import Body, Empty, body_of, convert
from protocol.bulk import BULK, BulkCommand
from protocol.commands import HelloReply
from protocol.connection_string import ConnectionString
from protocol.envelope import NotAnEnvelope, pack_body, pack_request, unpack_body, unpack_reply
from protocol.errors import OK, Failure, failure

SNDMORE: Final = int(zmq.SNDMORE)
COPY_BELOW: Final = 256 * 1024
"""Bytes from which on a frame is sent where it lies; below, to copy it is cheaper."""
DRAIN: Final = 16
"""Answers taken in before the rest of the program gets a turn: 8 MiB."""
IDLE: Final = 30.0
"""Seconds without a transfer after which the socket is closed: a connection costs the server memory."""
TICK: Final = 0.05
"""Seconds between two wakes of the machine, unless one is needed sooner than the next that is planned."""
HEARTBEAT_TIMEOUT_MS: Final = 60_000
"""On a slow line the answer to a heartbeat waits behind a window of chunks."""

Payload = Any
"""Whatever has the buffer protocol."""


class BulkLink(Link):
    """The socket: messages of two parts, the second one large. ``on_answer`` gets (envelope, payload)."""

    def __init__(
        self,
        server: ConnectionString,
        port: int,
        on_answer: Callable[[bytes, Payload], None],
        on_change: Callable[[int], None],
        on_turn: Callable[[], None],
    ) -> None:
        self._on_answer = on_answer
        super().__init__(server, port, zmq.DEALER, lambda frame: None, on_change, on_turn)

    def send_chunks(self, chunks: list[tuple[bytes, Payload]]) -> None:
        """Send every (envelope, payload); a payload that is None is left out."""
        send = self._socket.send
        for envelope, payload in chunks:
            if payload is None:
                send(envelope, NOBLOCK)
                continue
            send(envelope, NOBLOCK | SNDMORE)
            send(payload, NOBLOCK, copy=len(payload) < COPY_BELOW)
        self._look_again()

    def _set_up(self, server: ConnectionString, kind: int) -> None:
        super()._set_up(server, kind)
        self._socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)

    def _drain(self) -> None:
        recv, more = self._socket.recv, self._socket.getsockopt
        try:
            for _ in range(DRAIN):
                envelope: bytes = recv(NOBLOCK)
                payload = recv(NOBLOCK, copy=False).buffer if more(RCVMORE) else None
                while more(RCVMORE):
                    recv(NOBLOCK)
                self._on_answer(envelope, payload)
            self._loop.call_soon(self._read)
        except zmq.Again:
            pass


class Ask:
    """What one chunk asks. ``key`` is the flow's own."""

    __slots__ = ("body", "command", "flow", "key", "payload")

    def __init__(self, flow: Flow, command: BulkCommand, body: bytes, payload: Payload, key: Any) -> None:
        self.flow = flow
        self.command = command
        self.body = body
        self.payload = payload
        self.key = key


class Flow:
    """One transfer on the socket. ``on_answer`` gets (key, reply, payload), each key once, in any order."""

    def __init__(
        self, bulk: Bulk, on_answer: Callable[[Any, Any, Payload], None], large_answers: bool
    ) -> None:
        self.on_answer = on_answer
        self._bulk = bulk
        self.lane = bulk.window.lane(large_answers)
        self._coming: int | None = None
        self._news = asyncio.Event()
        self._room = asyncio.Event()

    @property
    def open(self) -> int:
        """Asked, and not answered yet."""
        return len(self.lane.open)

    def ask(
        self, command: str, body: Body, payload: Payload = None, key: Any = None, allowance: float = 0.0
    ) -> None:
        """Ask something. ``allowance``: seconds that the answer may take beyond a chunk's."""
        ask = Ask(self, BULK[command], pack_body(body_of(body)), payload, key)
        self._bulk.add(self, ask, allowance)

    async def news(self) -> None:
        """Wait for an answer since this was last called. Raises what ended the transfer."""
        if self.lane.over is None:
            await self._news.wait()
        self._news.clear()
        if self.lane.over is not None:
            raise self.lane.over

    async def room(self, most: int) -> None:
        """Wait until fewer than ``most`` are open. Raises what ended the transfer."""
        while self.open >= most and self.lane.over is None:
            self._room.clear()
            await self._room.wait()
        if self.lane.over is not None:
            raise self.lane.over

    def look(self) -> None:
        """Let whoever waits know how much of a file has reached the server that fetches it."""
        if self.lane.coming is not None and self.lane.coming != self._coming:
            self._coming = self.lane.coming
            self.tell()

    def tell(self) -> None:
        """Let whoever waits look again."""
        self._news.set()
        self._room.set()

    def fail(self, error: Exception) -> None:
        """Nothing more will come of this."""
        self.lane.over = self.lane.over or error
        self.tell()

    def end(self) -> None:
        """The transfer is over, done or not."""
        self._bulk.leave(self)


class Bulk:
    """The flows of one chat. Connects when the first one begins."""

    def __init__(self, connection: Connection) -> None:
        rng = random.Random()
        # Begins anywhere, so that an answer to an earlier socket's request is no answer to this one's.
        self._request_ids = itertools.count(rng.getrandbits(48))
        self.window = Window(rng, self._request_ids, connection.timeout)
        self._connection = connection
        self._flows: set[Flow] = set()
        self._link: BulkLink | None = None
        self._opening = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._pumping = False
        self._closed = False

    # --- for the transfers ----------------------------------------------------------------------

    async def flow(self, on_answer: Callable[[Any, Any, Payload], None], large_answers: bool = False) -> Flow:
        """A new transfer; ``large_answers``: they bring chunks.

        Raises ``Closed``, or what asking for the port raises.
        """
        async with self._opening:
            if self._link is None:
                hello = await self._connection.call("server.hello", Empty())
                assert isinstance(hello, HelloReply)
                self._open(hello.bulk_port)
        if self._idle is not None:
            self._idle.cancel()
        flow = Flow(self, on_answer, large_answers)
        self._flows.add(flow)
        return flow

    def _open(self, port: int) -> None:
        if self._closed:
            raise Closed("The connection was closed.")
        self._loop = asyncio.get_running_loop()
        self.window.unreachable = f"The server's port for files, {port}, cannot be reached."
        self._link = BulkLink(self._connection.server, port, self._answered, self._changed, self._carry_out)

    def add(self, flow: Flow, ask: Ask, allowance: float) -> None:
        """Something more to ask."""
        self.window.add(self._loop.time(), flow.lane, ask, allowance)
        if not self._pumping:  # everything that is asked in one turn goes out together
            self._pumping = True
            self._loop.call_soon(self._carry_out)

    def leave(self, flow: Flow) -> None:
        """This transfer is over."""
        self.window.end(flow.lane)
        self._flows.discard(flow)
        if not self._flows and not self._closed:
            self._idle = self._loop.call_later(IDLE, self._let_go)

    def let_go(self) -> None:
        """Close the socket if no transfer needs it; the next one opens another."""
        if not self._flows:
            self._let_go()

    def close(self) -> None:
        """Close the socket; transfers under way raise ``Closed``. A second time does nothing."""
        self._closed = True
        self._let_go()
        for flow in self._flows:
            flow.fail(Closed("The connection was closed."))

    def _let_go(self) -> None:
        for timer in (self._timer, self._idle):
            if timer is not None:
                timer.cancel()
        self._timer = self._idle = None
        if self._link is not None:
            self._link.close()
            self._link = None
            self.window.disconnected(self._loop.time())

    # --- from the socket ------------------------------------------------------------------------

    def _changed(self, change: int) -> None:
        now = self._loop.time()
        if change == sockets.CONNECTED:
            self.window.connected(now)
        elif change == sockets.DISCONNECTED and self.window.online:
            self.window.disconnected(now)
            if self._link is not None:
                self._link.start_over()

    def _answered(self, envelope: bytes, payload: Payload) -> None:
        now = self._loop.time()
        try:
            _, request_id, status, packed = unpack_reply(envelope)
        except NotAnEnvelope:
            return
        refusal, fields = None, packed
        if status != OK:
            refusal = _refusal(status, packed)
        chunk = self.window.answered(now, request_id, refusal)
        if refusal is not None:
            for flow in self._flows:
                flow.look()
        if chunk is None or not isinstance(chunk.what, Ask):
            return
        ask = chunk.what
        try:
            reply = convert(unpack_body(fields), ask.command.reply)
            ask.flow.on_answer(ask.key, reply, payload)
        except (Failure, ClientError) as error:
            ask.flow.fail(error)
        ask.flow.tell()

    # --- what the machine decided ---------------------------------------------------------------

    def _carry_out(self) -> None:
        """Send what may fly, tell whose lane is over, and see to it that the machine is woken in time."""
        self._pumping = False
        if self._closed or self._link is None:
            return
        shipped = self.window.ship(self._loop.time())
        if shipped:
            token = self._connection.session.token
            self._link.send_chunks([_frames(request_id, token, chunk.what) for request_id, chunk in shipped])
        for flow in self._flows:
            if flow.lane.over is not None:
                flow.tell()
        self._set_timer(self.window.wake_at())

    def _set_timer(self, moment: float) -> None:
        """Wakes are put together: each chunk has a moment of its own, and most of them mean nothing."""
        if self._timer is None and moment != NEVER:
            self._timer = self._loop.call_at(max(moment, self._loop.time() + TICK), self._wake)
        elif self._timer is not None and moment < self._timer.when() - TICK:
            self._timer.cancel()
            self._timer = self._loop.call_at(moment, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self.window.wake(self._loop.time())
        self._carry_out()


def _frames(request_id: int, token: bytes, ask: Any) -> tuple[bytes, Payload]:
    return pack_request(request_id, token, ask.command.name, ask.body), ask.payload


def _refusal(status: str, packed: bytes) -> Failure:
    try:
        return failure(status, unpack_body(packed))
    except Failure as error:
        return error
