"""``pesan chat`` without a terminal: reads lines, prints plain lines, and ends when its input does.

Belongs here: stdin and stdout as pipes or files. No control codes are written. What a line does is
``desk``'s. A password that is asked for is the next line of input (or asked at the terminal, when only
the output is a pipe).
"""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from client.chat import Chat
from client.cli.chat.desk import Desk
from client.cli.chat.lines import Told
from client.cli.chat.room import Room
from client.cli.exits import OK, TIMEOUT
from client.cli.output import json_line, note, one_line, out

if TYPE_CHECKING:
    from client.cli.files.memory import Memory

CHUNK: Final = 65_536
PATIENCE: Final = 30.0
"""Seconds without any answer after which, at the end of input, what was not sent is given up."""


class Input:
    """Lines of a file descriptor, as they come. No thread: one that reads could not be ended."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._rest = ""
        self._lines: deque[str] = deque()
        self._ended = False

    async def line(self) -> str | None:
        """The next line without its end; None when there is none."""
        while not self._lines and not self._ended:
            await self._readable()
            data = os.read(self._descriptor, CHUNK)
            self._ended = not data
            *lines, self._rest = (self._rest + self._decoder.decode(data, not data)).split("\n")
            self._lines.extend(lines)
            if self._ended and self._rest:
                self._lines.append(self._rest)
        return self._lines.popleft() if self._lines else None

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        try:
            loop.add_reader(self._descriptor, ready.set)
        except PermissionError:  # a plain file, or /dev/null: never blocks, and cannot be waited for
            await asyncio.sleep(0)
            return
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._descriptor)


class Plain:
    """A front of lines. ``json``: one object a line instead."""

    seen = False

    def __init__(
        self, room: Room, json: bool = False, descriptor: int = 0, memory: Memory | None = None
    ) -> None:
        self.room = room
        self._memory = memory
        self.code = OK
        """Exit code of the first thing that could not be done."""
        self._json = json
        self._descriptor = descriptor
        self._input = Input(descriptor)

    # --- a front --------------------------------------------------------------------------------

    def show(self, lines: Iterable[str]) -> None:
        """Lines on stdout."""
        for line in lines:
            if not self._json:
                out(line, flush=True)
            else:
                record = line.record if isinstance(line, Told) else {"note": line}
                out(json_line(record), flush=True)

    def complain(self, sentence: str, code: int) -> None:
        """A sentence on stderr."""
        self.code = self.code or code
        note(one_line(sentence))

    async def ask_password(self, question: str) -> str | None:
        """The next line, or what is typed at the terminal."""
        if not os.isatty(self._descriptor):
            return await self._input.line()
        from getpass import getpass

        try:
            return await asyncio.to_thread(getpass, question, sys.stderr)
        except EOFError:
            return None

    def changed(self) -> None:
        """Nothing stays on paper."""

    # --- from beginning to end ------------------------------------------------------------------

    async def run(self, chat: Chat, address: str) -> int:
        """Chat until the input ends, /quit or the end of the session; the exit code."""
        self.room.user = (await chat.whoami()).user
        desk = Desk(chat, self.room, self, self._memory)
        await desk.begin(address)
        listening = asyncio.ensure_future(desk.listen())
        reading = asyncio.ensure_future(self._read(desk))
        try:
            await asyncio.wait((listening, reading), return_when=asyncio.FIRST_COMPLETED)
            for ended in (task for task in (listening, reading) if task.done()):
                ended.result()
        finally:
            listening.cancel()
            reading.cancel()
            await asyncio.gather(listening, reading, return_exceptions=True)
            await desk.close()
        return self.code

    async def _read(self, desk: Desk) -> None:
        while (line := await self._input.line()) is not None and await desk.obey(line):
            pass
        try:
            while desk.outgoing:
                async with asyncio.timeout(PATIENCE):
                    await desk.outgoing.moved()
        except TimeoutError:
            self.complain(f"{len(desk.outgoing)} messages were not sent.", TIMEOUT)
