"""A gateway without a network: visitors on imaginary wires, and a system behind it that does as it is told.

For what is the spine's own: order, limits, flow, leaving. What the system answers is tested with a real one.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar, cast

from client import Chat
from config.log import ServerLog
from config.settings import Settings
from gateway.dialect import Command, Dialect, Refusals
from gateway.framing import NEWLINE, Framing
from gateway.server import Gateway
from gateway.visitor import Visitor
from protocol.errors import Failure


class Wire(asyncio.Transport):
    """One connection: ``says`` what the other end does, ``heard`` is what it would have read.

    ``stuck``: the other end reads nothing.
    """

    def __init__(self, visitor: Visitor, address: str = "192.0.2.7") -> None:
        super().__init__()
        self.visitor = visitor
        self.heard: list[bytes] = []
        self.waiting = 0
        self.stuck = self.paused = self.closed = self.aborted = False
        self._address = address
        visitor.connection_made(self)

    def says(self, data: bytes) -> None:
        """Bytes come, in pieces as large as a gateway reads at once."""
        for at in range(0, len(data), 65_536):
            piece = data[at : at + 65_536]
            self.visitor.get_buffer(-1)[: len(piece)] = piece
            self.visitor.buffer_updated(len(piece))

    def ends(self) -> None:
        """The other end has said everything."""
        self.visitor.eof_received()

    def breaks(self) -> None:
        """The other end is gone."""
        self._lose(ConnectionResetError())

    def reads(self) -> None:
        """The other end reads everything that waits."""
        self.stuck, self.waiting = False, 0
        self.visitor.resume_writing()
        if self.closed:
            self._lose(None)

    def is_paused(self) -> bool:
        """Whether it is not being read."""
        return self.paused

    @property
    def said(self) -> bytes:
        """All that was written to it."""
        return b"".join(self.heard)

    # --- as a transport -------------------------------------------------------------------------

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return (self._address, 4711) if name == "peername" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed, "nothing is written to a closed connection"
        self.heard.append(bytes(data))
        if self.stuck:
            before, self.waiting = self.waiting, self.waiting + len(data)
            if before <= 65_536 < self.waiting:
                self.visitor.pause_writing()

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            if not self.waiting:
                asyncio.get_running_loop().call_soon(self._lose, None)

    def abort(self) -> None:
        self.closed = self.aborted = True
        asyncio.get_running_loop().call_soon(self._lose, None)

    def _lose(self, error: Exception | None) -> None:
        self.closed = True
        if not self._address:
            return
        self._address = ""
        self.visitor.connection_lost(error)


class Quiet:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.faults: list[BaseException] = []

    def info(self, event: str, **fields: Any) -> None:
        self.told.append({"event": event, **fields})

    def fault(self, service: str, where: str, error: BaseException) -> None:
        self.faults.append(error)


class System:
    """What stands in for a visitor's session."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.user, self.token = "", b""
        self.closed = False
        self.log: list[str] = []

    async def login(self, username: str, password: str, device: str = "") -> None:
        self.user, self.token = username, f"token of {username}".encode()

    async def logout(self) -> None:
        self.user, self.token = "", b""

    async def listen(self) -> None:
        return None

    async def close(self) -> None:
        self.log.append("closed")


class Echo(Dialect):
    """A dialect with one word for each thing that the spine does."""

    NAME = "echo"
    PORT = 19
    FRAMING = Framing((NEWLINE,), segments=True)
    LISTENS = True
    UNKNOWN = "unknown"
    MALFORMED = "malformed"
    STRANGER = "stranger"
    TROUBLES: ClassVar[Refusals] = {Failure: "busy"}

    def __init__(self, visitor: Visitor) -> None:
        super().__init__(visitor)
        self.gate = asyncio.Event()
        self.done: list[str] = []

    def answer(self, reply: str) -> None:
        self.visitor.write(f"{reply}\n".encode())

    def refuse(self, sentence: str) -> None:
        self.answer(f"no: {sentence}")

    async def echo(self, arguments: list[str]) -> str:
        self.done.append(arguments[0])
        return arguments[0]

    async def wait(self, arguments: list[str]) -> str:
        await self.gate.wait()
        self.done.append("waited")
        return "waited"

    async def ask(self, arguments: list[str]) -> str:
        self.answer("?")
        return "you said " + (await self.visitor.line()).decode()

    async def raw(self, arguments: list[str]) -> str:
        got = b""
        while len(got) < int(arguments[0]):
            got += await self.visitor.take(int(arguments[0]) - len(got))
        return repr(got)

    async def skip(self, arguments: list[str]) -> str:
        self.visitor.skip(int(arguments[0]))
        return "skipped"

    async def fail(self, arguments: list[str]) -> str:
        raise ZeroDivisionError

    async def push(self, arguments: list[str]) -> str:
        self.visitor.push(b"pushed\n")
        return "behind"

    async def login(self, arguments: list[str]) -> str:
        await self.visitor.login(arguments[0], "")
        return "welcome"

    async def bye(self, arguments: list[str]) -> None:
        self.answer("bye")
        self.visitor.hang_up(gently=True)

    async def much(self, arguments: list[str]) -> str:
        return "x" * int(arguments[0])

    COMMANDS: ClassVar = {
        "ECHO": Command(echo, 1, 1, login=False),
        "WAIT": Command(wait, login=False),
        "ASK": Command(ask, login=False),
        "RAW": Command(raw, login=False),
        "SKIP": Command(skip, login=False),
        "FAIL": Command(fail, login=False),
        "PUSH": Command(push, login=False),
        "LOGIN": Command(login, login=False),
        "BYE": Command(bye, login=False),
        "MUCH": Command(much, login=False),
        "SECRET": Command(echo, 1, 1),
    }


class Imagined(Gateway):
    """A gateway whose visitors have a ``System`` each; ``settings`` as in the sample."""

    def __init__(self, **settings: Any) -> None:
        self.quiet = Quiet()
        super().__init__(
            Settings(home=Path("/nowhere"), realm="here", **{"gateway_segment_pause": 60.0, **settings}),
            "pesan://127.0.0.1:1",
            cast(ServerLog, self.quiet),
        )
        self.ended: list[bytes] = []
        """Tokens of sessions that were ended for those who vanished."""
        self.systems: list[Any] = []

    def system(self, visitor: Visitor) -> Any:
        """What is behind a new visitor."""
        return System(visitor.address)

    async def session(self, visitor: Visitor) -> Chat:
        self.systems.append(self.system(visitor))
        return cast(Chat, self.systems[-1])

    async def log_out(self, token: bytes) -> None:
        self.ended.append(token)

    def visit(self, dialect: type[Dialect] = Echo, address: str = "192.0.2.7") -> Wire:
        """Somebody comes."""
        return Wire(Visitor(self, dialect), address)


async def until_quiet(*wires: Wire, turns: int = 10) -> None:
    """Let everything happen that needs no time."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def within(happens: Any, seconds: float = 5.0) -> None:
    """Wait until ``happens()``."""
    async with asyncio.timeout(seconds):
        while not happens():
            await asyncio.sleep(0.002)
