"""What goes over the line between a browser and the server: counted by whoever passes it on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

PIECE: Final = 1 << 16


class Line:
    """``down`` and ``up``: bytes to the browser and from it, with all headers and what sockets carry."""

    def __init__(self, port: int) -> None:
        self.down = 0
        self.up = 0
        self.url = ""
        self._port = port
        self._open: set[asyncio.StreamWriter] = set()

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either end is gone."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._open |= {writer, far_writer}
        try:
            await asyncio.gather(self._copy(reader, far_writer, "up"), self._copy(far_reader, writer, "down"))
        finally:
            self._open -= {writer, far_writer}

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, way: str) -> None:
        try:
            while piece := await source.read(PIECE):
                setattr(self, way, getattr(self, way) + len(piece))
                target.write(piece)
                await target.drain()
        except OSError:
            pass
        finally:
            target.close()

    def close(self) -> None:
        """Hang up on everybody."""
        for writer in self._open:
            writer.close()


@asynccontextmanager
async def counted(port: int) -> AsyncIterator[Line]:
    """A way to ``port`` of this machine, at ``line.url``."""
    line = Line(port)
    listening = await asyncio.start_server(line.pass_on, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    try:
        yield line
    finally:
        listening.close()
        line.close()
