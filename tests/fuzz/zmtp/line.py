"""A TCP connection to one of the server's ports that counts what it says, and never minds being cut off."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from tests.fuzz.zmtp import wire

PATIENCE: Final = 0.3
"""Seconds that an attacker waits for an answer of the server's."""


class Tally:
    """What was tried: connections, bytes, and inputs by kind."""

    def __init__(self) -> None:
        self.connections = 0
        self.bytes = 0
        self.inputs: Counter[str] = Counter()


class Line:
    """One open connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tally: Tally) -> None:
        self._reader = reader
        self._writer = writer
        self._tally = tally

    async def say(self, data: bytes) -> bool:
        """Send bytes; False once the server has hung up."""
        try:
            self._writer.write(data)
            await asyncio.wait_for(self._writer.drain(), 5)
        except (OSError, TimeoutError):
            return False
        self._tally.bytes += len(data)
        return not self._reader.at_eof()

    async def hear(self, patience: float = PATIENCE) -> bytes:
        """Whatever the server says next; nothing when it is silent or gone."""
        with suppress(OSError, TimeoutError):
            return await asyncio.wait_for(self._reader.read(65_536), patience)
        return b""

    def abort(self) -> None:
        """End it with a reset."""
        raw = self._writer.get_extra_info("socket")
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Door:
    """One port of the server, and the dice. ``events``: the XPUB's; ``curve``: whether it is encrypted."""

    def __init__(self, port: int, events: bool, curve: bool, rng: random.Random, tally: Tally) -> None:
        self.port = port
        self.events = events
        self.curve = curve
        self.rng = rng
        self.tally = tally

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        """A connection, closed in the end however it went. Raises ``OSError`` when there is none to have."""
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self.port), 5)
        self.tally.connections += 1
        line = Line(reader, writer, self.tally)
        try:
            yield line
        finally:
            if self.rng.random() < 0.3:
                line.abort()
            writer.close()
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1)

    @property
    def mechanism(self) -> bytes:
        """The mechanism that the server speaks here."""
        return b"CURVE" if self.curve else b"NULL"

    @property
    def socket_type(self) -> bytes:
        """A type of socket that is welcome here."""
        return self.rng.choice(
            [b"SUB", b"XSUB"] if self.events else [b"DEALER", b"DEALER", b"REQ", b"ROUTER"]
        )

    async def enter(self, line: Line, identity: bytes = b"") -> bool:
        """Shake hands as the NULL mechanism does; False if the server would not."""
        await line.say(wire.greeting())
        await line.hear()
        return await line.say(wire.ready(self.socket_type, identity))
