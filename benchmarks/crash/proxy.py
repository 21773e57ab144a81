"""A bad line: a TCP proxy between clients and the broker's ports, which fails when told to, and counts.

It listens on another loopback address with the server's own port numbers, because a client learns the
events port from the server and asks the same host for it. What it can do to the connections that go
through it: cut them (with a reset or properly), stall them, delay every piece, close one half, or
swallow what comes while it looks alive (a black hole). ``carried`` says how many bytes went through each
port, either way: whatever a program says of itself, this is what it put on the line. Runs in a thread of
its own.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any

HOST = "127.0.0.2"
CLIENT_PORTS = 3
"""Of the native protocol: commands, events, chunks of files."""
PIECE = 65_536
UP, DOWN = "up", "down"


class Half:
    """One direction of one connection."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[int], None]
    ) -> None:
        self.reader = reader
        self.writer = writer
        self._count = count
        self.stalled = asyncio.Event()
        self.stalled.set()
        """Set: bytes go through."""
        self.delay = 0.0
        self.swallows = False

    async def run(self) -> None:
        """Carry bytes until this direction ends."""
        while piece := await self.reader.read(PIECE):
            self._count(len(piece))
            await self.stalled.wait()
            if self.delay:
                await asyncio.sleep(self.delay * random.random())
            if self.swallows:
                continue
            self.writer.write(piece)
            await self.writer.drain()
        if self.writer.can_write_eof():
            self.writer.write_eof()


class Pipe:
    """One connection through the proxy: a half each way."""

    def __init__(self, up: Half, down: Half) -> None:
        self.up = up
        self.down = down

    @property
    def halves(self) -> tuple[Half, Half]:
        """To the server, to the client."""
        return self.up, self.down

    def cut(self, reset: bool) -> None:
        """End it at once, with RST or with FIN."""
        for half in self.halves:
            if reset:
                sock = half.writer.get_extra_info("socket")
                with suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            half.writer.transport.abort() if reset else half.writer.close()

    def close_half(self, half: Half) -> None:
        """Say in one direction that nothing more comes, and carry the other one on."""
        half.swallows = True
        with suppress(OSError, RuntimeError):
            half.writer.write_eof()


class Proxy:
    """``with Proxy(port) as proxy``: stands before ``127.0.0.1:port`` and the two ports behind it."""

    def __init__(self, port: int, seed: int, ports: int = CLIENT_PORTS) -> None:
        self._ports = tuple(range(port, port + ports))
        self._closed = self._swallowing = False
        self._random = random.Random(seed)
        self._pipes: set[Pipe] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._servers: list[asyncio.Server] = []
        self.counts: dict[str, int] = {}
        """What was done to how many connections."""
        self.carried: Counter[tuple[int, str]] = Counter()
        """Bytes read from whoever sent them, by (port, ``UP`` to the server or ``DOWN`` from it)."""

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._run(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    async def _open(self) -> None:
        for port in self._ports:
            self._servers.append(await asyncio.start_server(partial(self._serve, port), HOST, port))

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for pipe in list(self._pipes):
            pipe.cut(reset=True)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        if self._closed:
            server_writer.close()
            writer.transport.abort()
            return
        pipe = Pipe(
            Half(reader, server_writer, partial(self._count, port, UP)),
            Half(server_reader, writer, partial(self._count, port, DOWN)),
        )
        self._pipes.add(pipe)
        if self._swallowing:
            pipe.up.swallows = pipe.down.swallows = True
        try:
            await asyncio.gather(*(half.run() for half in pipe.halves))
        except (OSError, RuntimeError, asyncio.CancelledError):
            pass  # cancelled in the end, which asyncio's own callback would complain about
        finally:
            self._pipes.discard(pipe)
            for half in pipe.halves:
                half.writer.close()

    def _count(self, port: int, way: str, size: int) -> None:
        self.carried[port, way] += size

    # --- faults ---------------------------------------------------------------------------------

    def storm(self, seconds: float, every: float = 0.05) -> None:
        """Random faults on random connections for a while; afterwards everything is let through again."""
        self._run(self._storm(seconds, every))

    def black_hole(self, seconds: float) -> None:
        """Every connection swallows everything for a while, then is reset."""
        self._run(self._black_hole(seconds))

    def shut(self) -> None:
        """Reset every connection, and each that is tried, until ``reopen``."""
        self._closed = True
        self._run(self._cut_all())

    def drop(self, both: bool = True) -> None:
        """Swallow what comes, either way or only the server's, until ``reopen``; connections look alive."""
        self._run(self._drop(both))

    def reopen(self) -> None:
        """Let through whoever comes from now on; what lived through the trouble does so no longer."""
        swallowed, self._closed, self._swallowing = self._swallowing, False, False
        if swallowed:
            self._run(self._cut_all())

    async def _cut_all(self) -> None:
        for pipe in list(self._pipes):
            pipe.cut(reset=True)

    async def _drop(self, both: bool) -> None:
        self._swallowing = True
        self.counts["drop"] = self.counts.get("drop", 0) + len(self._pipes)
        for pipe in self._pipes:
            pipe.down.swallows = True
            pipe.up.swallows = both

    async def _storm(self, seconds: float, every: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            if self._pipes:
                self._hurt(self._random.choice(sorted(self._pipes, key=id)))
            await asyncio.sleep(every)
        for pipe in self._pipes:
            for half in pipe.halves:
                half.delay = 0.0
                half.stalled.set()

    def _hurt(self, pipe: Pipe) -> None:
        half = self._random.choice(pipe.halves)
        fault = self._random.choice(["reset", "close", "stall", "delay", "half-close"])
        self.counts[fault] = self.counts.get(fault, 0) + 1
        if fault in ("reset", "close"):
            pipe.cut(reset=fault == "reset")
        elif fault == "stall":
            half.stalled.clear()
            self._loop.call_later(self._random.uniform(0.2, 2.0), half.stalled.set)
        elif fault == "delay":
            half.delay = self._random.uniform(0.01, 0.2)
        else:
            pipe.close_half(half)

    async def _black_hole(self, seconds: float) -> None:
        hurt = list(self._pipes)
        self.counts["black hole"] = self.counts.get("black hole", 0) + len(hurt)
        for pipe in hurt:
            for half in pipe.halves:
                half.swallows = True
        await asyncio.sleep(seconds)
        for pipe in hurt:
            pipe.cut(reset=True)
