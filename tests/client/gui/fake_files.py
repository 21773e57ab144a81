"""``chat.files`` at a server of values: files that move a step at a time, as a test lets them.

files = FakeFiles(model.chat)      # from now on it is the chat's
files.steps = 3                    # then transfers wait, until there are more
files.fail(Offline(""))            # the next step raises it
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, BinaryIO, Final

from client.chat import Chat
from client.files.api import AnyFile, Files, Source
from client.files.parts import part_of
from client.files.progress import Progress
from protocol import limits
from protocol.files import FileInfo, FinishReply

STEP: Final = 1_000
"""Bytes of a step."""


def info(
    number: int, data: bytes, name: str = "data.bin", type: str = "application/octet-stream"
) -> FileInfo:
    """A file as a message shows it."""
    return FileInfo(number, name, len(data), type, hashlib.sha256(data).digest())


class FakeFiles(Files):
    """``halves``: bytes by id, of those that are not finished; ``finished``: of those that are."""

    def __init__(self, chat: Chat) -> None:
        chat._files = self
        self.steps = 1_000_000
        self.halves: dict[bytes, bytes] = {}
        self.finished: dict[bytes, tuple[str, str, bytes]] = {}
        self.cancelled: list[bytes] = []
        self.stored: dict[int, bytes] = {}
        self.fetched: list[tuple[int, int]] = []
        """(file, offset) of each download."""
        self.moving = 0
        self.most_moving = 0
        self._failures: list[Exception] = []

    def close(self) -> None:
        """Nothing is open."""

    def fail(self, *errors: Exception) -> None:
        """The next steps raise these, one each."""
        self._failures.extend(errors)

    def add(self, data: bytes, name: str = "data.bin", type: str = "application/octet-stream") -> FileInfo:
        """There is a file."""
        number = len(self.stored) + 1
        self.stored[number] = data
        return info(number, data, name, type)

    async def _step(self) -> None:
        await asyncio.sleep(0)
        if self._failures:
            raise self._failures.pop(0)
        while self.steps <= 0:
            await asyncio.sleep(0)
        self.steps -= 1

    async def upload(
        self,
        source: Source,
        *,
        to: str | None = None,
        name: str = "",
        text: str = "",
        id: bytes | None = None,
        **_: Any,
    ) -> AsyncGenerator[Progress, None]:
        """As the real one, in steps."""
        assert id is not None and to is not None
        data = _read(source)
        self._begin()
        try:
            held = self.halves.setdefault(id, b"")
            resumed = len(held)
            yield Progress(resumed, len(data), resumed)
            while len(self.halves[id]) < len(data):
                await self._step()
                self.halves[id] = data[: len(self.halves[id]) + STEP]
                yield Progress(len(self.halves[id]), len(data), resumed)
            await self._step()
            del self.halves[id]
            self.finished[id] = (to, text or name, data)
            reply = FinishReply(info(len(self.finished), data, name), 2, len(self.finished), 0, False)
            yield Progress(len(data), len(data), resumed, reply)
        finally:
            self.moving -= 1

    async def cancel(self, upload: bytes) -> None:
        """Drop it."""
        self.cancelled.append(upload)
        self.halves.pop(upload, None)

    async def download(
        self, file: AnyFile, *, offset: int = 0, window: int = limits.FILE_WINDOW
    ) -> AsyncGenerator[bytes, None]:
        """As the real one, but what it sends is not checked here."""
        assert isinstance(file, FileInfo)
        self.fetched.append((file.file, offset))
        data = self.stored[file.file]
        self._begin()
        try:
            for at in range(offset, len(data), STEP):
                await self._step()
                yield data[at : at + STEP]
        finally:
            self.moving -= 1

    async def save(
        self, file: AnyFile, target: Path, *, replace: bool = False
    ) -> AsyncGenerator[Progress, None]:
        """As the real one, in steps."""
        assert isinstance(file, FileInfo)
        data, part = self.stored[file.file], part_of(target, file.sha256)
        self._begin()
        try:
            done = part.stat().st_size if part.exists() else 0
            resumed = done
            while done < len(data):
                await self._step()
                done = min(done + STEP, len(data))
                part.write_bytes(data[:done])
                yield Progress(done, len(data), resumed)
            part.replace(target)
            yield Progress(done, len(data), resumed, path=target)
        finally:
            self.moving -= 1

    def _begin(self) -> None:
        self.moving += 1
        self.most_moving = max(self.moving, self.most_moving)


def _read(source: Source) -> bytes:
    if isinstance(source, Path):
        return source.read_bytes()
    if isinstance(source, bytes):
        return source
    stream: BinaryIO = source
    stream.seek(0)
    return stream.read()
