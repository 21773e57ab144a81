"""A session on real sockets: carries out what the machine decides, and lets coroutines wait for it.

Belongs here: the loop, the clock, futures, the queue of events. Decides nothing about requests.
The sockets are its own, or a trunk's, of which it then has a lane (``trunk``). Also what other programs of
the house use to reach a broker as a client does: ``call`` takes any command of the protocol.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import zmq

from client import sockets
from client.errors import ClientError, Closed, LoggedOut, Offline, Timeout
from client.inbox import Event, Status
from client.session import Session
from client.sockets import Link
from client.timers import NEVER
from protocol import connection_string
from protocol.commands import Body, Empty, HelloReply, SendReply
from protocol.errors import RateLimited, Unauthenticated
from protocol.events import MessageEvent

if TYPE_CHECKING:
    from client.lane import Lane
    from client.trunk import Trunks

EVENTS_MOST: Final = 5_000
"""Events waiting for the program; at this many the socket is not read until it has caught up."""
EVENTS_FEW: Final = 1_000

_rng: Final = random.Random()
"""Everyone's in this process: one has a state of 2.5 kB."""


class Connection:
    """One client's connection. ``server`` is a connection string; ``ValueError`` when it is none.

    On ``trunks`` it opens no sockets; ``origin`` is then for whom it speaks. ``hear`` is called with each
    event, in place of the queue that ``next_event`` takes from.
    """

    def __init__(
        self,
        server: str,
        *,
        token: bytes = b"",
        timeout: float = 10.0,
        cursors: dict[int, int] | None = None,
        trunks: Trunks | None = None,
        origin: str = "",
        hear: Callable[[Event], object] | None = None,
    ) -> None:
        if trunks is not None and trunks.text != server:
            raise ValueError("The trunks lead to another server.")
        self._trunks = trunks
        self._origin = origin
        self._hear = hear
        self._number = trunks.number() if trunks is not None else 0
        self._lane: Lane | None = None
        self.session = Session(
            _rng, token=token, timeout=timeout, cursors=cursors, first_id=(self._number << 32) + 1
        )
        if trunks is not None:
            self.session.turn = trunks.turn
        self.cursors = dict(cursors or {})
        """Conversation → seq up to which every message was handed out."""
        self.reached = False
        """Whether the commands socket was ever through to the server."""
        self.on_pause: Callable[[RateLimited], object] = lambda refusal: None
        """Told of each refusal that will be waited out."""
        self.server = trunks.server if trunks is not None else connection_string.parse(server)
        self.timeout = timeout
        self._handles = itertools.count(1)
        self._futures: dict[int, asyncio.Future[Body]] = {}
        self._events: deque[Event] | None = None
        self._news: asyncio.Event | None = None
        """These two are made when they are needed first: on trunks most never are."""
        self._full = False
        self._closed = False
        self._opening = False
        """Whether the port of the events socket was asked for."""
        self._timer: asyncio.TimerHandle | None = None
        self._commands: Link | Lane | None = None
        self._subscriber: Link | Lane | None = None
        self._ended: ClientError | None = None
        """The end of a session that ``hear`` was told of."""

    def open(self) -> None:
        """Begin to connect; needs a running loop. Raises ``Closed`` when the trunks are closed."""
        self._loop = asyncio.get_running_loop()
        if self._trunks is not None:
            self._commands = self._lane = self._trunks.lane(self._number, self._origin, self)
            self._lane.begin()
            return
        self._commands = Link(
            self.server, self.server.port, zmq.DEALER, self.reply, self.commands_changed, self.carry_out
        )

    def close(self) -> None:
        """Close the sockets; whoever waits hears ``Closed``. A second time does nothing."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._subscriber is not None and self._lane is not None:
            self.session.listening.stop()
            self._lane.subscribe(self.session.subscriptions)
        for link in (self._commands, self._subscriber):
            if link is not None:
                link.close()
        self._commands = self._subscriber = self._lane = None
        for future in self._futures.values():
            if not future.done():
                future.set_exception(Closed("The connection was closed."))
        if self._news is not None:
            self._news.set()

    @property
    def closed(self) -> bool:
        """Whether it was closed, or a mistake of ours has closed it."""
        return self._closed

    def fail(self) -> None:
        """Close it after a mistake of ours, and let ``hear`` know: nobody else would tell."""
        already = self._closed
        self.close()
        if self._hear is not None and not already:
            self._tell(self._hear, Status(False, "The connection was closed after an internal fault."))

    # --- for coroutines -------------------------------------------------------------------------

    async def call(self, command: str, body: Body) -> Body:
        """Ask something; the typed reply. Raises ``Failure`` or ``ClientError``.

        A call that is cancelled may be done all the same.
        """
        handle, future = self._expect()
        self.session.request(self._loop.time(), handle, command, body)
        return await self._answer(handle, future)

    async def send(self, to: str, body: str, id: bytes) -> SendReply:
        """Post a message; sends to one address are stored in the order of these calls."""
        handle, future = self._expect()
        self.session.send(self._loop.time(), handle, to, body, id)
        answer = await self._answer(handle, future)
        assert isinstance(answer, SendReply)
        return answer

    async def logout(self) -> None:
        """End the session on the server, if it is not over already."""
        with contextlib.suppress(LoggedOut, Unauthenticated):
            await self.call("auth.logout", Empty())
        self.session.forget(self._loop.time())
        self.carry_out()

    async def listen(self) -> None:
        """Open the events socket; returns once nothing can be missed any more.

        Raises ``Offline`` or ``Timeout`` when that takes too long; it goes on all the same.
        """
        handle, future = self._expect()
        now = self._loop.time()
        self.session.listen(now, handle)
        if self._subscriber is None and not self._opening:
            self._open_events(now)
        try:
            async with asyncio.timeout(self.timeout):
                await self._answer(handle, future)
        except TimeoutError:
            if not self.session.online:
                raise Offline("The server cannot be reached.") from None
            raise Timeout("The server's events could not be heard in time.") from None

    async def next_event(self) -> Event:
        """The next event. Raises ``LoggedOut`` or ``Closed`` when there will be none."""
        while not self._events:
            if self._closed:
                raise Closed("The connection was closed.")
            if self.session.over is not None:
                raise self.session.over
            if self._news is None:
                self._news = asyncio.Event()
            self._news.clear()
            await self._news.wait()
        event = self._events.popleft()
        if isinstance(event, MessageEvent):
            self.cursors[event.conversation] = event.seq
        if self._full and len(self._events) <= EVENTS_FEW:
            self._set_full(False)
        return event

    def _open_events(self, now: float, _: object = None) -> None:
        """Have an events socket, however often its port has to be asked for."""
        if self._lane is not None and self._lane.hears:
            self._opened(0, 0)  # the trunk's socket is open
        else:
            self._opening = True
            self.session.ask(now, "server.hello", Empty(), self._greeted)

    def _greeted(self, now: float, answer: Body | Exception) -> None:
        if self._closed:
            return
        if isinstance(answer, HelloReply):
            with contextlib.suppress(ValueError):  # no port that there can be: it may name another one later
                self._opened(answer.events_port, answer.limits.get("topics_per_connection", 0))
                return
        self.session.timers.at(now + _rng.uniform(1.0, 2.0), self._open_events)

    def _opened(self, port: int, topics: int) -> None:
        if self._lane is not None:
            self._lane.listen(port, topics)
            self._subscriber = self._lane
        else:
            self._subscriber = Link(
                self.server, port, zmq.SUB, self._event, self.events_changed, self.carry_out
            )
        self._opening = False

    def _expect(self) -> tuple[int, asyncio.Future[Body]]:
        if self._closed or self._commands is None:
            raise Closed("The connection is closed.")
        handle = next(self._handles)
        future = self._futures[handle] = self._loop.create_future()
        return handle, future

    async def _answer(self, handle: int, future: asyncio.Future[Body]) -> Body:
        self.carry_out()
        try:
            return await future
        finally:
            del self._futures[handle]

    # --- from the sockets -----------------------------------------------------------------------

    def reply(self, frame: bytes) -> None:
        """A frame from the commands socket. After this and the next ones: ``carry_out``."""
        self.session.reply(self._loop.time(), frame)

    def _event(self, frame: bytes) -> None:
        self.session.event(self._loop.time(), frame)

    def commands_changed(self, change: int) -> None:
        """What became of the commands socket: one of the changes in ``sockets``."""
        now = self._loop.time()
        if change == sockets.CONNECTED:
            self.reached = True
            self.session.connected(now)
        elif change == sockets.DISCONNECTED:
            self.session.disconnected(now)
        else:
            self.session.refused(now, final=bool(change & sockets.REFUSED_FINALLY))

    def events_changed(self, change: int) -> None:
        """What became of the events socket."""
        now = self._loop.time()
        if change == sockets.CONNECTED:
            self.session.events_connected(now)
        elif change == sockets.DISCONNECTED:
            self.session.events_disconnected(now)

    def hears_already(self) -> None:
        """The events socket, which is a trunk's, was there before us: nothing can have been missed."""
        self.session.events_online = True

    def missed(self) -> None:
        """Events were not taken for a while: look for them."""
        self.session.listening.want(self._loop.time(), fence=False)

    # --- what the machine decided ---------------------------------------------------------------

    def carry_out(self) -> None:
        """Do what has gathered, and see to it that the machine is woken in time."""
        session = self.session
        if self._closed or self._commands is None:
            return
        if session.frames:
            frames, session.frames = session.frames, []
            self._commands.send(frames)
        if session.subscriptions and self._subscriber is not None:
            changes, session.subscriptions = session.subscriptions, []
            self._subscriber.subscribe(changes)
        if session.pauses:
            pauses, session.pauses[:] = list(session.pauses), []
            for pause in pauses:
                self.on_pause(pause)
        if session.answers:
            self._hand_out_answers()
        if session.baselines or session.events or session.over is not None:
            self._hand_out_events()
        self._set_timer(session.wake_at())

    def _hand_out_answers(self) -> None:
        answers, self.session.answers = self.session.answers, []
        for handle, answer in answers:
            future = self._futures.get(handle)
            if future is None or future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def _hand_out_events(self) -> None:
        session = self.session
        for conversation, seq in session.baselines:
            if seq is None:
                self.cursors.pop(conversation, None)
            else:
                self.cursors[conversation] = seq
        session.baselines.clear()
        if self._hear is not None:
            self._call_with_events(self._hear)
            return
        if self._events is None:
            self._events = deque()
        self._events.extend(session.events)
        session.events.clear()
        if self._news is not None:
            self._news.set()
        if not self._full and len(self._events) >= EVENTS_MOST:
            self._set_full(True)

    def _call_with_events(self, hear: Callable[[Event], object]) -> None:
        session = self.session
        events, session.events[:] = list(session.events), []
        if session.over is not None and session.over is not self._ended:
            events.append(Status(False, session.over.message))
        self._ended = session.over
        for event in events:
            if self._closed:
                return
            if isinstance(event, MessageEvent):
                self.cursors[event.conversation] = event.seq
            self._tell(hear, event)

    def _tell(self, hear: Callable[[Event], object], event: Event) -> None:
        try:
            hear(event)
        except Exception as error:  # the others on this trunk are to go on
            self._loop.call_exception_handler({"message": "An event's hearer failed.", "exception": error})

    def _set_full(self, full: bool) -> None:
        self._full = full
        if self._subscriber is not None:
            if full:
                self._subscriber.pause()
            else:
                self._subscriber.resume()
        self.session.listening.inbox.room(self._loop.time(), not full)
        self._loop.call_soon(self.carry_out)

    def _set_timer(self, moment: float) -> None:
        if self._lane is not None:
            self._lane.wake_at(moment)
            return
        if self._timer is not None:
            if self._timer.when() == moment:
                return
            self._timer.cancel()
            self._timer = None
        if moment != NEVER:
            self._timer = self._loop.call_at(moment, self.wake)

    def wake(self) -> None:
        """The machine wanted to be woken about now."""
        self._timer = None
        self.session.wake(self._loop.time())
        self.carry_out()
