"""The gateway: listens for each dialect, decides who may come in, and lets everyone leave in good order.

Belongs here: ports, counting, what is looked at again and again, and stopping. What a visitor says is
``visitor``'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter, OrderedDict
from collections.abc import Coroutine
from typing import Any, Final

from client import Chat, ClientError, Failure, Offline, Trunks
from config.log import ServerLog
from config.settings import Settings
from gateway.bracket import Bracket
from gateway.dialect import Dialect
from gateway.files import Transfers
from gateway.ftp import Ftp
from gateway.json import Json
from gateway.room import Room
from gateway.signup import Signup
from gateway.stream import Stream
from gateway.visitor import Visitor
from protocol.networks import network_of

DIALECTS: Final[tuple[type[Dialect], ...]] = (Signup, Bracket, Ftp, Json)
BACKLOG: Final = 1024
"""Connections that the system holds until they are taken in."""
AT_ONCE: Final = 16
"""Connections that are taken in before those who are here have their turn."""
READ_AT_ONCE: Final = 65_536
"""Bytes that are read of one visitor before the next one has their turn."""
SWEEP: Final = 1.0
"""Most seconds between two looks at who has outstayed their time."""
LOOK: Final = 0.05
"""Seconds between two looks at whether a server that was away is back."""
LOGOUTS: Final = 100
"""Sessions of vanished visitors that are ended at once."""
LOGOUT_PATIENCE: Final = 60.0
"""Seconds for which that is tried. Later it does not matter: nobody is online with it, or has its token."""
LONGEST: Final = 2**31 - 1
"""Milliseconds that the system can count."""
PROBES: Final = 3
"""Questions of the system to a connection on which nothing comes, before it counts as broken."""


class Gateway:
    """Everyone who is here. ``server`` is the broker's connection string, ``secret`` what it knows us by."""

    def __init__(self, settings: Settings, server: str, log: ServerLog, secret: bytes = b"") -> None:
        self.settings = settings
        self.most = settings.gateway_connections
        """Visitors at once; lowered by who knows that the system allows fewer."""
        self.counts: Counter[str] = Counter()
        """What was refused or dropped since it was last told."""
        self.buffer = memoryview(bytearray(READ_AT_ONCE))
        """Where bytes of any visitor are read to. They are taken out of it before another one is read."""
        self.transfers = Transfers(settings.gateway_transfers)
        self.room = Room(settings.gateway_file_lines_bytes, settings.gateway_file_line_max_bytes)
        """For requests and replies that carry files."""
        self.sessions: dict[str, Dialect] = {}
        """By the tokens that a dialect gave out."""
        self.present: dict[str, set[Signup]] = {}
        """By the ``name_key`` of who has logged in: they tell each other what they have seen."""
        self._log = log
        self._server = server
        self._trunks = Trunks(
            server,
            secret=secret,
            sessions_per_trunk=settings.gateway_sessions_per_trunk,
            on_refusal=lambda refusal: self._log.info("not believed to be a gateway", why=refusal.message),
        )
        self._visitors: set[Visitor] = set()
        self._addresses: Counter[str] = Counter()
        self._strangers: OrderedDict[Visitor, float] = OrderedDict()
        """Who has not logged in, and until when they may stay so."""
        self._closing: OrderedDict[Stream, float] = OrderedDict()
        """Who is to read a last reply, and until when."""
        self._slow: dict[Stream, tuple[int, float]] = {}
        """Who has bytes waiting: how many had left when they last read, and until when they may be idle."""
        self._leaving: set[asyncio.Task[None]] = set()
        self._logging_out = asyncio.Semaphore(LOGOUTS)
        self._sockets: list[tuple[type[Dialect], socket.socket]] = []
        self._listeners: list[asyncio.Server] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._emptied: asyncio.Event = asyncio.Event()

    def bind(self) -> None:
        """Claim every port; nobody comes as yet. Raises ``OSError`` that says which one is not to be had."""
        with contextlib.ExitStack() as opened:
            self._sockets = [(dialect, opened.enter_context(self._socket(dialect))) for dialect in DIALECTS]
            opened.pop_all()

    async def listen(self) -> None:
        """Let visitors come. Raises ``OSError``."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._loop_fault)
        for dialect, listening in self._sockets:
            listener = await loop.create_server(
                lambda dialect=dialect: Visitor(self, dialect),  # type: ignore[misc]
                sock=listening,
                backlog=AT_ONCE,
            )
            listening.listen(BACKLOG)  # asyncio knows one number for both
            self._listeners.append(listener)
        self._sweep()

    async def reach(self) -> None:
        """Return once the server has answered; from then on we can serve."""
        async with Chat.connect(self._server, trunks=self._trunks) as chat:
            while True:
                with contextlib.suppress(ClientError, Failure):
                    await chat.hello()
                    return
                await asyncio.sleep(SWEEP)

    async def alone(self) -> bool:
        """Whether nobody listens on our ports; another gateway would."""
        host, port, *_ = self._sockets[0][1].getsockname()
        try:
            async with asyncio.timeout(SWEEP):
                _, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError):
            return True
        writer.close()
        return False

    async def stop(self) -> None:
        """Let nobody in any more, answer what is under way, and end every session, in ``drain_timeout``."""
        loop = asyncio.get_running_loop()
        began, drain = loop.time(), self.settings.drain_timeout
        for listener in self._listeners:
            listener.close()
        for _, listening in self._sockets:  # who was told to stop before anybody could come
            listening.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for visitor in list(self._visitors):
            visitor.finish()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(began + drain / 2):
                while self._visitors:
                    self._emptied.clear()
                    await self._emptied.wait()
        for visitor in list(self._visitors):
            visitor.hang_up()
        await asyncio.sleep(0)
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=max(0.0, began + drain * 0.9 - loop.time()))
        self._trunks.close()

    # --- for visitors ---------------------------------------------------------------------------

    def admit(self, visitor: Visitor) -> bool:
        """Whether there is room for one more, and for one more from this address."""
        if len(self._visitors) >= self.most:
            self.count("no room")
            return False
        network = network_of(visitor.address)
        if self._addresses[network] >= self.settings.gateway_connections_per_address:
            self.count("no room for this address")
            return False
        self._visitors.add(visitor)
        self._addresses[network] += 1
        self.unknown(visitor)
        return True

    def dismiss(self, visitor: Visitor) -> None:
        """The visitor has hung up."""
        self._closing.pop(visitor, None)
        self._slow.pop(visitor, None)
        if visitor not in self._visitors:
            return
        self._visitors.discard(visitor)
        self._strangers.pop(visitor, None)
        network = network_of(visitor.address)
        self._addresses[network] -= 1
        if not self._addresses[network]:
            del self._addresses[network]
        self._see_to(visitor.leave())
        self._emptied.set()

    def known(self, visitor: Visitor) -> None:
        """The visitor has logged in."""
        self._strangers.pop(visitor, None)

    def unknown(self, visitor: Visitor) -> None:
        """The visitor is nobody, for now."""
        if visitor in self._visitors:
            self._strangers[visitor] = self._time() + self.settings.gateway_login_timeout
            self._strangers.move_to_end(visitor)

    def closes(self, visitor: Stream) -> None:
        """The visitor is let go as soon as they have read everything, and not much later in any case."""
        self._closing[visitor] = self._time() + self.settings.gateway_write_timeout

    def waits_for(self, visitor: Stream) -> None:
        """The visitor does not read as fast as is written."""
        self._slow[visitor] = (visitor.sent, self._time() + self.settings.gateway_write_timeout)

    def waits_no_more(self, visitor: Stream) -> None:
        """The visitor has read."""
        self._slow.pop(visitor, None)

    async def session(self, visitor: Visitor) -> Chat:
        """A session of their own with the system; anonymous as yet."""
        return await Chat.connect(
            self._server,
            timeout=self.settings.gateway_request_timeout,
            trunks=self._trunks,
            origin=visitor.address,
            hear=visitor.hear,
        ).__aenter__()

    async def part_with(self, chat: Chat) -> None:
        """Close a chat that a visitor has another one in place of, and have its session ended meanwhile."""
        token = chat.token
        await chat.close()
        if token:
            self._see_to(self.log_out(token))

    async def end(self, chat: Chat) -> None:
        """Close a visitor's chat, and end its session."""
        token = chat.token
        await chat.close()
        if token:
            await self.log_out(token)

    def _see_to(self, leaving: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(leaving)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def log_out(self, token: bytes) -> None:
        """End a session whose visitor is gone: in our own name, for they will not be asking again."""
        until = self._time() + LOGOUT_PATIENCE
        async with self._logging_out:
            patience = max(1.0, until - self._time())
            with contextlib.suppress(ClientError, Failure):
                async with Chat.connect(
                    self._server, token=token, timeout=patience, trunks=self._trunks
                ) as chat:
                    await chat.logout()

    @property
    def away(self) -> bool:
        """Whether the server is not reached at present."""
        return self._trunks.away

    async def returned(self) -> None:
        """Return when the server is reached. Raises ``Offline`` after ``gateway_away_timeout``."""
        until = self._time() + self.settings.gateway_away_timeout
        while self._trunks.away:
            if self._time() >= until:
                raise Offline("The server cannot be reached.")
            await asyncio.sleep(LOOK)

    def count(self, what: str) -> None:
        """Something was refused or dropped."""
        self.counts[what] += 1

    def fault(self, where: str, error: BaseException) -> None:
        """A mistake of ours."""
        self._log.fault("gateway", where, error)

    # --- time -----------------------------------------------------------------------------------

    def _time(self) -> float:
        return asyncio.get_running_loop().time()

    def _sweep(self) -> None:
        """Hang up on those whose time is over, and tell what was refused."""
        now, settings = self._time(), self.settings
        for visitors, why in ((self._strangers, "never logged in"), (self._closing, "did not read the last")):
            while visitors and next(iter(visitors.values())) <= now:
                visitor, _ = visitors.popitem(last=False)
                self.count(why)
                visitor.hang_up()
        self._look_at_the_slow(now)
        if self.counts:
            self._log.info("refused or dropped", **self.counts)
            self.counts.clear()
        every = min(SWEEP, settings.gateway_login_timeout / 4, settings.gateway_write_timeout / 4)
        self._sweeper = asyncio.get_running_loop().call_later(every, self._sweep)

    def _look_at_the_slow(self, now: float) -> None:
        """Hang up on who has read nothing for long, and on who lets most wait when it is too much in all."""
        for visitor, (sent, until) in list(self._slow.items()):
            if visitor.sent > sent:
                self.waits_for(visitor)
            elif until <= now:
                self.count("stopped reading")
                visitor.hang_up()
        waiting = {visitor: visitor.waiting for visitor in self._slow}
        excess = sum(waiting.values()) - self.settings.gateway_output_bytes_of_all
        for visitor in sorted(waiting, key=waiting.__getitem__, reverse=True):
            if excess <= 0:
                break
            excess -= waiting[visitor]
            self.count("too much waits for all")
            visitor.hang_up()

    # --- sockets --------------------------------------------------------------------------------

    def _socket(self, dialect: type[Dialect]) -> socket.socket:
        """Raises ``OSError``. What is set here, the connections have too."""
        settings = self.settings
        host = "127.0.0.1" if settings.gateway_host == "localhost" else settings.gateway_host
        port = settings.port_base + dialect.PORT
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # asyncio sends small pieces at once (TCP_NODELAY) only where it sees that it is TCP.
        made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Several gateways share the ports: one that is replaced, and as many as there are cores.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self._look_out_for_the_vanished(made)
            made.bind((host, port))
        except (OSError, UnicodeError) as error:
            made.close()
            reason = getattr(error, "strerror", None) or error
            number = getattr(error, "errno", None)
            raise OSError(
                number, f"cannot listen on {host}, port {port} ({dialect.NAME}): {reason}."
            ) from error
        return made

    def _look_out_for_the_vanished(self, made: socket.socket) -> None:
        """Whose machine was switched off says no goodbye; they are offline all the same, a little later."""
        silence = min(max(1, round(self.settings.session_timeout)), 32_767)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, silence)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, silence // PROBES))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)
        # What is sent to them the system would repeat for a quarter of an hour.
        patience = round(1000 * max(2 * self.settings.session_timeout, self.settings.gateway_write_timeout))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, min(patience, LONGEST))

    def _loop_fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio has nobody to tell: no descriptor for a visitor, or a mistake of ours."""
        error = context.get("exception")
        if isinstance(error, OSError):
            self.count(error.strerror or "a socket failed")
        else:
            self.fault("loop", error or RuntimeError(context.get("message", "")))
