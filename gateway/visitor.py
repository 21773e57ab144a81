"""One TCP connection: its bytes in order, one request at a time, and the session that belongs to it.

Belongs here: reading, writing, waiting, logging in and out. What a request means is its dialect's, where it
ends is ``framing``'s; who may come in at all is decided by ``server``.

A visitor that is silent costs no task: one runs from the first request that is there to the last. While it
runs, what is pushed waits, so that it stands behind the reply and never within a dialogue. A visitor that
types faster than it is answered is not read any more, and one that does not read is hung up on.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from client import Chat, ClientError, Event, Failure
from config.settings import Settings
from gateway.framing import Framer, TooLong

if TYPE_CHECKING:
    from gateway.dialect import Dialect
    from gateway.files import Transfers
    from gateway.server import Gateway


class Gone(Exception):
    """The visitor has hung up, or was hung up on."""


class Visitor(asyncio.Protocol):
    """Somebody at one of the ports. ``dialect`` makes what answers them."""

    __slots__ = (
        "_chat",
        "_drained",
        "_eof",
        "_framer",
        "_gateway",
        "_leaving",
        "_listening",
        "_news",
        "_pushes",
        "_reading",
        "_silence",
        "_skipping",
        "_task",
        "_transport",
        "address",
        "dialect",
        "logged_in",
        "settings",
    )

    def __init__(self, gateway: Gateway, dialect: type[Dialect]) -> None:
        self.settings: Settings = gateway.settings
        self.address = ""
        """Network address of the other end."""
        self.logged_in = False
        self._gateway = gateway
        self._transport: asyncio.Transport
        self._framer = Framer(dialect.FRAMING, self.settings.gateway_line_max_bytes)
        self._task: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._news: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._pushes: list[bytes] = []
        self._chat: Chat | None = None
        self._skipping = 0
        """How many of the next bytes nobody wants."""
        self._reading = True
        self._eof = False
        self._leaving = False
        self.dialect = dialect(self)

    # --- from the transport ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.address = str((transport.get_extra_info("peername") or ("?",))[0])
        transport.set_write_buffer_limits(high=self.settings.gateway_output_bytes // 4)
        if not self._gateway.admit(self):
            self._leaving = True
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """They said something."""
        if self._skipping:
            skipped = min(self._skipping, len(data))
            self._skipping -= skipped
            data = data[skipped:]
            if not data:
                return
        self._framer.feed(data)
        self._framer.limit = self.dialect.limit(self._framer.begins())
        if len(self._framer) > self._framer.limit + len(data):
            self._pause()
        self._silence_begins()
        self._wake()

    def eof_received(self) -> bool:
        """They will say nothing more, and may still read: what they said is carried out and answered."""
        self._eof = True
        self._wake()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """They are gone; what is under way is finished, for the system may have it already."""
        self._eof = self._leaving = True
        if self._silence is not None:
            self._silence.cancel()
        self._wake()
        if self._drained is not None and not self._drained.done():
            self._drained.set_exception(Gone())
            self._drained.exception()  # somebody may be waiting for it, or nobody
        self._gateway.dismiss(self)

    def pause_writing(self) -> None:
        """They do not read as fast as we write."""
        self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """They have read."""
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    # --- for dialects ---------------------------------------------------------------------------

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
    def terminator(self) -> bytes:
        """The end of the request that was taken last."""
        return self._framer.end

    def write(self, data: bytes) -> None:
        """Send bytes. Who lets too many of them wait is hung up on."""
        if self._leaving:
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > self.settings.gateway_output_bytes:
            self._gateway.count("too slow a reader")
            self.hang_up()

    def push(self, data: bytes) -> None:
        """Send bytes that nobody asked for: at once, or behind the reply to what is being done."""
        if self._task is None:
            self.write(data)
        elif len(self._pushes) < self.settings.gateway_pushes:
            self._pushes.append(data)
        else:
            self._gateway.count("pushes dropped")

    def count(self, what: str) -> None:
        """Something was dropped: told in the log, once in a while."""
        self._gateway.count(what)

    async def drain(self) -> None:
        """Wait until what was written has left, as far as need be. Raises ``Gone``."""
        if self._drained is not None:
            try:
                async with asyncio.timeout(self.settings.gateway_write_timeout):
                    await asyncio.shield(self._drained)
            except TimeoutError:
                self.hang_up()
        if self._leaving:
            raise Gone

    async def line(self) -> bytes:
        """The next request, as part of a dialogue. Raises ``Gone``, ``TooLong``."""
        while (line := self._next()) is None:
            await self._more()
        return line

    async def take(self, most: int) -> bytes:
        """Up to ``most`` bytes as they come, at least one. Raises ``Gone``."""
        while not len(self._framer):
            await self._more()
        taken = self._framer.take(most)
        self._resume()
        return taken

    def skip(self, count: int) -> None:
        """Drop the next ``count`` bytes as they come, whatever stands in them: what was announced in vain."""
        self._skipping += count - len(self._framer.take(count))
        self._resume()

    def hang_up(self, *, gently: bool = False) -> None:
        """End the connection: at once, or behind what was written."""
        if gently:
            self._transport.close()
        else:
            self._transport.abort()
        self._leaving = True

    async def login(self, username: str, password: str) -> None:
        """Log in, out of an earlier session first. Raises what ``Chat.login`` raises."""
        await self.logout()
        await self.chat.login(username, password, f"{self.dialect.NAME} {self.address}"[:64])
        self.logged_in = True
        self._gateway.known(self)
        if self.dialect.LISTENS:
            with contextlib.suppress(ClientError, Failure):  # it goes on by itself
                await self.chat.listen()
            self._listening = asyncio.create_task(self._listen(self.chat))

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
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None

    async def leave(self) -> None:
        """Let go of the session: offline at once, though nobody said so."""
        if self._listening is not None:
            self._listening.cancel()
        if self._task is not None:
            await asyncio.wait([self._task])
        if self._chat is None:
            return
        if self.logged_in:
            with contextlib.suppress(ClientError, Failure):
                await self._chat.logout()
        await self._chat.close()
        self._chat = None

    # --- one request after the other ------------------------------------------------------------

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        """Everything that is there to be done."""
        try:
            while (request := await self._request()) is not None:
                await self._do(request)
            if self._eof and not self._leaving:
                self.hang_up(gently=True)
        except Gone:
            pass
        finally:
            self._task = None
            pushes, self._pushes = self._pushes, []
            if pushes:
                self.write(b"".join(pushes))

    async def _request(self) -> bytes | None:
        while True:
            try:
                request = self._next()
            except TooLong:
                self.dialect.too_long()
                continue
            if request is None and self._eof:
                request = self._framer.rest() if self.dialect.FRAMING.segments else None
            return None if self._leaving else request

    async def _do(self, request: bytes) -> None:
        try:
            if self._chat is None:
                self._chat = await self._gateway.session(self)
            await self.dialect.request(request)
            await self.drain()
        except Gone:
            raise
        except TooLong:  # within a dialogue
            self.dialect.too_long()
        except Exception as error:  # a mistake of ours ends nobody's visit, and not the gateway
            self._gateway.fault(self.dialect.NAME, error)
            self.dialect.fault()

    def _next(self) -> bytes | None:
        request = self._framer.next()
        self._resume()
        return request

    async def _more(self) -> None:
        """Wait until more has come. Raises ``Gone`` when nothing will."""
        if self._eof:
            raise Gone
        self._news = asyncio.get_running_loop().create_future()
        try:
            await self._news
        finally:
            self._news = None
        if self._leaving:
            raise Gone

    # --- a segment without an end ---------------------------------------------------------------

    def _silence_begins(self) -> None:
        if not self.dialect.FRAMING.segments:
            return
        if self._silence is not None:
            self._silence.cancel()
        pause = self.settings.gateway_segment_pause
        self._silence = asyncio.get_running_loop().call_later(pause, self._silent)

    def _silent(self) -> None:
        """Nothing came for a while: what is there is a request, whatever it ends with."""
        self._silence = None
        if self._task is None and (rest := self._framer.rest()) is not None:
            self._framer.feed(rest + self.dialect.FRAMING.ends[-1])
            self._wake()

    # --- flow -----------------------------------------------------------------------------------

    def _pause(self) -> None:
        if self._reading and not self._leaving:
            self._reading = False
            self._transport.pause_reading()

    def _resume(self) -> None:
        if not self._reading and not self._leaving and len(self._framer) <= self._framer.limit:
            self._reading = True
            self._transport.resume_reading()

    async def _listen(self, chat: Chat) -> None:
        """Hand events to the dialect until the session is over."""
        event: Event | Any
        with contextlib.suppress(ClientError):
            async for event in chat.events():
                self.dialect.heard(event)
