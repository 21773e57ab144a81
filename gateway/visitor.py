"""One TCP connection: its bytes in order, one request at a time, and the session that belongs to it.

Belongs here: reading, writing, waiting, logging in and out. What a request means is its dialect's, where it
ends is ``framing``'s; who may come in at all, and how long somebody may make us wait, is ``server``'s.

A visitor that is silent costs no task: one runs from the first request that is there to the last. While a
request is carried out, what is pushed waits, so that it stands behind the reply and never within a dialogue.
Who types faster than they are answered is not read any more, and who does not read is hung up on.

Whoever ends their side has said all that they had to say: it is carried out and answered, then we hang up.
Whoever breaks off instead is not answered any more; of what they said, what is under way is finished, for the
system may have it already.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from client import Chat, ClientError, Event, Failure, Status
from config.settings import Settings
from gateway.framing import Framer, TooLong

if TYPE_CHECKING:
    from gateway.dialect import Dialect
    from gateway.files import Transfers
    from gateway.room import Room
    from gateway.server import Gateway

TURN: Final = 0.002
"""Seconds after which who has more requests waiting lets the others have a turn."""


class Gone(Exception):
    """The visitor has hung up, or was hung up on."""


class Visitor(asyncio.BufferedProtocol):
    """Somebody at one of the ports. ``dialect`` makes what answers them."""

    __slots__ = (
        "_chat",
        "_drained",
        "_ending",
        "_eof",
        "_framer",
        "_gateway",
        "_heard_at",
        "_news",
        "_over",
        "_pushes",
        "_pushes_bytes",
        "_reading",
        "_silence",
        "_skipping",
        "_task",
        "_transport",
        "_written",
        "address",
        "dialect",
        "logged_in",
    )

    def __init__(self, gateway: Gateway, dialect: type[Dialect]) -> None:
        self.address = ""
        """Network address of the other end."""
        self.logged_in = False
        self._gateway = gateway
        self._transport: asyncio.Transport
        self._chat: Chat | None = None
        self._task: asyncio.Task[None] | None = None
        self._news: asyncio.Future[None] | None = None
        """Done when more has come, for who waits within a dialogue."""
        self._drained: asyncio.Future[None] | None = None
        """Done when they have read enough; None while they do."""
        self._silence: asyncio.TimerHandle | None = None
        self._heard_at = 0.0
        self._pushes: list[bytes] = []
        self._pushes_bytes = 0
        self._skipping = 0
        """How many of the next bytes nobody wants."""
        self._written = 0
        self._reading = True
        self._eof = False
        """Whether nothing more will come."""
        self._ending = False
        """Whether nothing more is carried out."""
        self._over = False
        """Whether nothing more can be written."""
        self.dialect = dialect(self)
        self._framer = Framer(dialect.FRAMING, self.settings.gateway_line_max_bytes, self.dialect.limit)

    # --- from the transport ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.address = address_of(transport.get_extra_info("peername"))
        if not self._gateway.admit(self):
            self._safely(self.dialect.full)
            self.hang_up(gently=True)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where bytes are put: the same place for all visitors, who are read one after the other."""
        return self._gateway.buffer

    def buffer_updated(self, count: int) -> None:
        """They said something."""
        data = self._gateway.buffer[:count]
        if self._skipping:
            skipped = min(self._skipping, count)
            self._skipping -= skipped
            data = data[skipped:]
        if len(data) and not self._ending:
            self._framer.feed(data)
            self._wake()
            self._silence_begins()
            if self._task is not None and self._news is None and len(self._framer) > self._framer.limit:
                self._pause()

    def eof_received(self) -> bool:
        """They will say nothing more, and may still read: what they said is carried out and answered."""
        self._eof = True
        self._framer.silence()
        self._wake()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """They are gone. Who had said all that they had to say has it carried out, though not answered."""
        self._ending = self._ending or not self._eof
        self._eof = self._over = True
        self._safely(self.dialect.farewell)
        if self._silence is not None:
            self._silence.cancel()
        self.resume_writing()
        self._wake()
        self._gateway.dismiss(self)

    def pause_writing(self) -> None:
        """They do not read as fast as we write."""
        self._drained = asyncio.get_running_loop().create_future()
        self._gateway.waits_for(self)

    def resume_writing(self) -> None:
        """They have read."""
        drained, self._drained = self._drained, None
        if drained is not None:
            self._gateway.waits_no_more(self)
            if not drained.done():
                drained.set_result(None)

    # --- for dialects ---------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The gateway's."""
        return self._gateway.settings

    @property
    def chat(self) -> Chat:
        """The visitor's own session with the system; anonymous until they have logged in."""
        assert self._chat is not None
        return self._chat

    @property
    def transfers(self) -> Transfers:
        """The places for files that move at once."""
        return self._gateway.transfers

    @property
    def room(self) -> Room:
        """What requests and replies with files may hold, those of all visitors together."""
        return self._gateway.room

    @property
    def sessions(self) -> dict[str, Dialect]:
        """Who may be spoken for with a token."""
        return self._gateway.sessions

    @property
    def unread(self) -> int:
        """Bytes that came and were not taken yet."""
        return len(self._framer)

    @property
    def finished(self) -> bool:
        """Whether they have ended their side, and not broken off: what they said is all of it."""
        return self._eof and not self._ending

    @property
    def terminator(self) -> bytes:
        """The end of the request that was taken last."""
        return self._framer.end

    def write(self, data: bytes) -> None:
        """Send bytes. Who has not read what was sent long before is hung up on."""
        if self._over:
            return
        if self._transport.get_write_buffer_size() > self.settings.gateway_output_bytes:
            self._gateway.count("too slow a reader")
            self.hang_up()
            return
        self._written += len(data)
        self._transport.write(data)

    def push(self, data: bytes) -> None:
        """Send bytes that nobody asked for: at once, or behind the reply to what is being done."""
        settings = self.settings
        if self._task is None:
            self.write(data)
        elif (
            len(self._pushes) < settings.gateway_pushes and self._pushes_bytes < settings.gateway_output_bytes
        ):
            self._pushes.append(data)
            self._pushes_bytes += len(data)
        else:
            self._gateway.count("pushes dropped")

    def count(self, what: str) -> None:
        """Something of theirs was dropped, for whoever keeps the log."""
        self._gateway.count(what)

    async def drain(self) -> None:
        """Wait until what was written has left, as far as need be. Raises ``Gone``."""
        while self._drained is not None:
            await asyncio.shield(self._drained)
        if self._over:
            raise Gone

    async def line(self) -> bytes:
        """The next request, as part of a dialogue. Raises ``Gone``, ``TooLong``."""
        while (line := self._next()) is None:
            await self._more()
        return line

    async def text(self, end: bytes) -> bytes:
        """As ``line``, but other ends belong to it, unless nothing follows one for a moment."""
        long = False
        while (text := self._framer.until(end)) is None:
            long = long or len(self._framer) > self._framer.limit
            if long:
                self._framer.take(len(self._framer))
                await self._more()
            elif await self._quiet():
                if (line := self._next()) is not None:
                    return line
                await self._more()
        self._resume_if_room()
        if long:
            raise TooLong
        return text

    async def take(self, most: int) -> bytes:
        """Up to ``most`` bytes as they come, at least one. Raises ``Gone``."""
        while not len(self._framer):
            await self._more()
        taken = self._framer.take(most)
        self._resume_if_room()
        return taken

    def skip(self, count: int) -> None:
        """Drop the next ``count`` bytes as they come, whatever stands in them: what was announced in vain."""
        self._skipping += count - len(self._framer.take(count))
        self._resume_if_room()

    def hang_up(self, *, gently: bool = False) -> None:
        """End the connection: at once, or behind what was written. Nothing more is carried out."""
        self._ending = self._eof = self._over = True
        if gently:
            self._gateway.closes(self)
            self._transport.close()
        else:
            self._transport.abort()
        self._wake()

    async def login(self, username: str, password: str) -> None:
        """Log in, out of an earlier session first. Raises what ``Chat.login`` raises."""
        await self.logout()
        await self.chat.login(username, password, f"{self.dialect.NAME} {self.address}"[:64])
        self.logged_in = True
        self._gateway.known(self)
        if self.dialect.LISTENS:
            with contextlib.suppress(ClientError, Failure):  # it goes on by itself
                await self.chat.listen()

    async def logout(self) -> None:
        """End the session on the server, if there is one. The connection stays."""
        if self.logged_in:
            await self.chat.logout()
            self.session_ended()

    def session_ended(self) -> None:
        """There is no session any more: it was ended here, or by another device."""
        if self.logged_in:
            self.logged_in = False
            self._gateway.unknown(self)
        self.dialect.farewell()

    def is_welcome(self) -> None:
        """The visitor, who has not logged in, speaks for somebody who has: they may stay on."""
        self._gateway.unknown(self)

    # --- for the gateway ------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Bytes that they have not read yet, beside what the system holds for the connection."""
        return self._transport.get_write_buffer_size()

    @property
    def sent(self) -> int:
        """Bytes that have left since they came."""
        return self._written - self.waiting

    def finish(self) -> None:
        """End the connection once the request under way is answered; nothing else is carried out."""
        self._ending = self._eof = True
        self._wake()
        if self._task is None:
            self.hang_up(gently=True)

    def hear(self, event: Event) -> None:
        """Something happened in a conversation of theirs, or to their session."""
        if isinstance(event, Status) and self._chat is not None and not self._chat.token:
            self.session_ended()
        if self.logged_in and not self._over:
            try:  # as _safely, but this is done for every listener of every event
                self.dialect.heard(event)
            except Exception as error:
                self._gateway.fault(self.dialect.NAME, error)

    async def leave(self) -> None:
        """Let go of the session, when what is under way is done: offline at once, though nobody said so."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=self.settings.gateway_request_timeout)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._safely(self.dialect.farewell)  # they may have logged in while they hung up
        chat, self._chat = self._chat, None
        if chat is not None:
            token = chat.token
            await chat.close()
            if token:
                await self._gateway.log_out(token)

    # --- one request after the other ------------------------------------------------------------

    def _wake(self) -> None:
        """Something has changed: whoever waits within a dialogue looks, or a task begins to work."""
        if self._news is not None:
            if not self._news.done():
                self._news.set_result(None)
        elif self._task is None and not self._ending:
            if self._framer.ready():
                self._task = asyncio.get_running_loop().create_task(self._work())
            elif self._eof:
                self.hang_up(gently=True)

    async def _work(self) -> None:
        """Everything that is there to be done."""
        now = asyncio.get_running_loop().time
        turn = now() + TURN
        try:
            while (request := self._request()) is not None:
                await self._do(request)
                self._let_go_of_pushes()
                if now() > turn:
                    await asyncio.sleep(0)
                    turn = now() + TURN
        except Exception as error:
            self._gateway.fault(self.dialect.NAME, error)
            self.hang_up()
        finally:
            self._task = None
        if self._eof and not self._over:
            self.hang_up(gently=True)
        self._resume()

    def _request(self) -> bytes | None:
        """The next one to be carried out; None when there is none."""
        while not self._ending:
            try:
                return self._next()
            except TooLong:
                self._safely(self.dialect.too_long)
        return None

    async def _do(self, request: bytes) -> None:
        try:
            if self._chat is None:
                self._chat = await self._gateway.session(self)
            await self.dialect.request(request)
            await self.drain()
        except Gone:
            pass
        except TooLong:  # within a dialogue
            self._safely(self.dialect.too_long)
        except Exception as error:  # a mistake of ours ends nobody's visit, and not the gateway
            self._gateway.fault(self.dialect.NAME, error)
            self._safely(self.dialect.fault)

    def _safely(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except Exception as error:
            self._gateway.fault(self.dialect.NAME, error)

    def _let_go_of_pushes(self) -> None:
        if self._pushes:
            pushes, self._pushes, self._pushes_bytes = self._pushes, [], 0
            self.write(b"".join(pushes))

    def _next(self) -> bytes | None:
        try:
            return self._framer.next()
        finally:
            self._resume_if_room()

    async def _quiet(self) -> bool:
        """Whether nothing more comes for a moment, or at all."""
        if self._eof:
            return True
        try:
            async with asyncio.timeout(self.settings.gateway_segment_pause):
                await self._more()
        except TimeoutError:
            return True
        return False

    async def _more(self) -> None:
        """Wait until more has come. Raises ``Gone`` when nothing will."""
        if self._eof:
            raise Gone
        self._resume()
        self._news = asyncio.get_running_loop().create_future()
        try:
            await self._news
        finally:
            self._news = None
        if self._ending:
            raise Gone

    # --- a segment without an end ---------------------------------------------------------------

    def _silence_begins(self) -> None:
        if not self.dialect.FRAMING.segments:
            return
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()
        # One timer for as long as bytes keep coming, however many pieces they come in.
        if self._silence is None and self._framer.unfinished:
            self._silence = loop.call_later(self.settings.gateway_segment_pause, self._silent)

    def _silent(self) -> None:
        """Nothing came for a while, perhaps: what has no end is a request then."""
        loop = asyncio.get_running_loop()
        moment = self._heard_at + self.settings.gateway_segment_pause
        if loop.time() < moment:
            self._silence = loop.call_at(moment, self._silent)
            return
        self._silence = None
        self._framer.silence()
        self._wake()

    # --- flow -----------------------------------------------------------------------------------

    def _pause(self) -> None:
        if self._reading and not self._over:
            self._reading = False
            self._transport.pause_reading()

    def _resume(self) -> None:
        if not self._reading and not self._over:
            self._reading = True
            self._transport.resume_reading()

    def _resume_if_room(self) -> None:
        if len(self._framer) <= self._framer.limit:
            self._resume()


def address_of(peer: tuple[str, int] | None) -> str:
    """A network address as the system counts them, of what a socket says about its other end."""
    address = peer[0] if peer else ""
    return address.partition("%")[0].removeprefix("::ffff:")
