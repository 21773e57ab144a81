"""The bytes of one TCP connection, both ways, and how fast they may come and go.

Belongs here: reading, writing, waiting, silence, how a connection ends. Where a request ends is
``framing``'s; what is done about it, and by whom, is ``visitor``'s.

Who types faster than they are answered is not read any more, and who does not read is hung up on.

Whoever ends their side has said all that they had to say: it is carried out and answered, then we hang up.
Whoever breaks off instead is not answered any more; of what they said, what is under way is finished, for the
system may have it already.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from config.settings import Settings
from gateway.framing import Framer, Framing, TooLong

if TYPE_CHECKING:
    from gateway.server import Gateway


class Gone(Exception):
    """The visitor has hung up, or was hung up on."""


class Stream(asyncio.BufferedProtocol):
    """One connection. ``limit``: most bytes of a request that begins like this."""

    __slots__ = (
        "_drained",
        "_ending",
        "_eof",
        "_framer",
        "_gateway",
        "_heard_at",
        "_news",
        "_over",
        "_reading",
        "_segments",
        "_silence",
        "_skipping",
        "_transport",
        "_written",
        "address",
        "at_end",
    )

    def __init__(self, gateway: Gateway, framing: Framing, limit: Callable[[bytes], int]) -> None:
        self.address = ""
        """Network address of the other end."""
        self.at_end: Callable[[], None] | None = None
        """Called when nothing more will come, for who waits for something else than that."""
        self._gateway = gateway
        self._transport: asyncio.Transport
        self._framer = Framer(framing, gateway.settings.gateway_line_max_bytes, limit)
        self._segments = framing.segments
        self._news: asyncio.Future[None] | None = None
        """Done when more has come, for who waits within a dialogue."""
        self._drained: asyncio.Future[None] | None = None
        """Done when they have read enough; None while they do."""
        self._silence: asyncio.TimerHandle | None = None
        self._heard_at = 0.0
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

    # --- what is done with it -------------------------------------------------------------------

    @property
    @abstractmethod
    def busy(self) -> bool:
        """Whether something is being carried out."""

    @abstractmethod
    def begin(self) -> None:
        """There is something to be carried out, and nobody does as yet."""

    @abstractmethod
    def came(self) -> None:
        """Somebody is here."""

    @abstractmethod
    def went(self) -> None:
        """They are gone."""

    # --- from the transport ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.address = address_of(transport.get_extra_info("peername"))
        self.came()

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
            if self.busy and self._news is None and len(self._framer) > self._framer.limit:
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
        if self._silence is not None:
            self._silence.cancel()
        self.resume_writing()
        self._wake()
        self.went()

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
    def unread(self) -> int:
        """Bytes that came and were not taken yet."""
        return len(self._framer)

    @property
    def finished(self) -> bool:
        """Whether they have ended their side, and not broken off: what they said is all of it."""
        return self._eof and not self._ending

    def lacks(self, count: int) -> bool:
        """Whether they broke off, or ended their side with fewer than so many bytes here."""
        return self._eof and (len(self._framer) < count or (self._over and self._ending))

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

    async def text(self, end: bytes, pause: float) -> bytes:
        """As ``line``, but other ends belong to it, unless nothing follows one for ``pause`` seconds."""
        long = False
        while (text := self._framer.until(end)) is None:
            long = long or len(self._framer) > self._framer.limit
            if long:
                self._framer.take(len(self._framer))
                await self._more()
            elif await self._quiet(pause):
                if not self._framer.unfinished and (line := self._next()) is not None:
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
        if not self.busy:
            self.hang_up(gently=True)

    # --- waiting --------------------------------------------------------------------------------

    def _wake(self) -> None:
        """Something has changed: whoever waits within a dialogue looks, or work begins."""
        if self._eof and self.at_end is not None:
            self.at_end()
        if self._news is not None:
            if not self._news.done():
                self._news.set_result(None)
        elif not self.busy and not self._ending:
            if self._framer.ready():
                self.begin()
            elif self._eof:
                self.hang_up(gently=True)

    def _next(self) -> bytes | None:
        try:
            return self._framer.next()
        finally:
            self._resume_if_room()

    async def _quiet(self, pause: float) -> bool:
        """Whether nothing more comes for ``pause`` seconds, or at all."""
        if self._eof:
            return True
        try:
            async with asyncio.timeout(pause):
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
        if not self._segments:
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
