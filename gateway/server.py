"""The gateway: listens for each dialect, decides who may come in, and lets everyone leave in good order.

Belongs here: ports, counting, what is sweeping and stopping. What a visitor says is ``visitor``'s.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from typing import Final

from client import Chat
from config.log import ServerLog
from config.settings import Settings
from gateway.bracket import Bracket
from gateway.dialect import Dialect
from gateway.files import Transfers
from gateway.ftp import Ftp
from gateway.json import Json
from gateway.signup import Signup
from gateway.visitor import Visitor

DIALECTS: Final[tuple[type[Dialect], ...]] = (Signup, Bracket, Ftp, Json)
BACKLOG: Final = 1024
SWEEP: Final = 1.0
"""Seconds between two looks at who has not logged in yet."""


class Gateway:
    """Everyone who is here. ``server`` is the broker's connection string."""

    def __init__(self, settings: Settings, server: str, log: ServerLog) -> None:
        self.settings = settings
        self.counts: Counter[str] = Counter()
        """What was refused or dropped since it was last told."""
        self.transfers = Transfers(settings.gateway_transfers)
        self._server = server
        self._log = log
        self._visitors: set[Visitor] = set()
        self._addresses: Counter[str] = Counter()
        self._strangers: OrderedDict[Visitor, float] = OrderedDict()
        """Who has not logged in, and until when they may stay so."""
        self._leaving: set[asyncio.Task[None]] = set()
        self._listeners: list[asyncio.Server] = []
        self._sweeper: asyncio.TimerHandle | None = None

    async def listen(self) -> None:
        """Open every port. Raises ``OSError``."""
        loop = asyncio.get_running_loop()
        for dialect in DIALECTS:
            listener = await loop.create_server(
                lambda dialect=dialect: Visitor(self, dialect),  # type: ignore[misc]
                self.settings.gateway_host,
                self.settings.port_base + dialect.PORT,
                backlog=BACKLOG,
                # Several gateways share the ports: one that is replaced, and as many as there are cores.
                reuse_port=True,
            )
            self._listeners.append(listener)
        self._sweep()

    async def stop(self) -> None:
        """Let nobody in any more, and end every session."""
        for listener in self._listeners:
            listener.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for visitor in list(self._visitors):
            visitor.hang_up(gently=True)
        await asyncio.sleep(0)
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=self.settings.drain_timeout)

    # --- for visitors ---------------------------------------------------------------------------

    def admit(self, visitor: Visitor) -> bool:
        """Whether there is room for one more, and for one more from this address."""
        settings = self.settings
        if len(self._visitors) >= settings.gateway_connections:
            self.count("no room")
            return False
        if self._addresses[visitor.address] >= settings.gateway_connections_per_address:
            self.count("no room for this address")
            return False
        self._visitors.add(visitor)
        self._addresses[visitor.address] += 1
        self.unknown(visitor)
        return True

    def dismiss(self, visitor: Visitor) -> None:
        """The visitor has hung up."""
        if visitor not in self._visitors:
            return
        self._visitors.discard(visitor)
        self._strangers.pop(visitor, None)
        self._addresses[visitor.address] -= 1
        if not self._addresses[visitor.address]:
            del self._addresses[visitor.address]
        task = asyncio.get_running_loop().create_task(visitor.leave())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def known(self, visitor: Visitor) -> None:
        """The visitor has logged in."""
        self._strangers.pop(visitor, None)

    def unknown(self, visitor: Visitor) -> None:
        """The visitor is nobody, for now."""
        loop = asyncio.get_running_loop()
        self._strangers[visitor] = loop.time() + self.settings.gateway_login_timeout
        self._strangers.move_to_end(visitor)

    async def session(self, visitor: Visitor) -> Chat:
        """A session of their own with the system; anonymous as yet."""
        chat = Chat.connect(self._server, timeout=self.settings.gateway_request_timeout)
        return await chat.__aenter__()

    def count(self, what: str) -> None:
        """Something was refused or dropped."""
        self.counts[what] += 1

    def fault(self, where: str, error: BaseException) -> None:
        """A mistake of ours."""
        self._log.fault("gateway", where, error)

    # --- time -----------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Hang up on those whose time to log in is over, and tell what was refused."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._strangers:
            visitor, until = next(iter(self._strangers.items()))
            if until > now:
                break
            del self._strangers[visitor]
            self.count("never logged in")
            visitor.hang_up()
        if self.counts:
            self._log.info("refused or dropped", **self.counts)
            self.counts.clear()
        self._sweeper = loop.call_later(SWEEP, self._sweep)
