"""The way of a download: ask for chunks, put them in order, hash them; onto a disk, or to the program.

Belongs here: the steps, and what each answer means. The disk is ``parts``', flying ``window``'s.

At most a window of chunks is under way, and as many more wait to be taken: a program that takes its
time asks for no more meanwhile.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path

from client.errors import Corrupt
from client.files.bulk import Bulk, Flow, Payload
from client.files.parts import Part
from client.files.progress import Progress
from client.files.threads import OneThread
from protocol.bulk import GetChunk
from protocol.files import FileInfo, StoredFile
from protocol.limits import FILE_CHUNK_BYTES, FILE_WINDOW

AnyFile = StoredFile | FileInfo
WRONG = "What came is not the file: its sha256 is another one"
DAMAGED = "the server's copy is damaged: its operator can see it with pesan admin fsck --bytes."


class Chunks:
    """The bytes of a file from ``offset`` on, as they come. To be entered with ``async with``."""

    def __init__(self, bulk: Bulk, file: AnyFile, offset: int, window: int = FILE_WINDOW) -> None:
        self._bulk = bulk
        self._file = file
        self._window = window
        self._at = self._next = offset
        self._arrived: dict[int, Payload] = {}
        self._flow: Flow | None = None

    async def __aenter__(self) -> Chunks:
        self._flow = await self._bulk.flow(self._answered, large_answers=True)
        self._ask()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._flow is not None:
            self._flow.end()

    @property
    def over(self) -> bool:
        """Whether all of it was taken."""
        return self._at >= self._file.size

    @property
    def coming(self) -> int | None:
        """How much of it the server has, which fetches it from another realm; None: it has it."""
        return self._flow.lane.coming if self._flow is not None else None

    async def take(self) -> list[Payload]:
        """The next chunks; none at the end, and when more of it has reached the server (``coming``)."""
        assert self._flow is not None
        coming = self.coming
        while not self.over and self._at not in self._arrived and self.coming == coming:
            await self._flow.news()
        taken = []
        while (chunk := self._arrived.pop(self._at, None)) is not None:
            taken.append(chunk)
            self._at += len(chunk)
        self._ask()
        return taken

    def _ask(self) -> None:
        """Asked for while it waits for nobody: from the answers themselves."""
        flow, size = self._flow, self._file.size
        assert flow is not None
        while self._next < size and flow.open < self._window and len(self._arrived) < self._window:
            length = min(FILE_CHUNK_BYTES, size - self._next)
            flow.ask("chunk.get", GetChunk(self._file.file, self._next, length), None, (self._next, length))
            self._next += length

    def _answered(self, key: tuple[int, int], reply: object, payload: Payload) -> None:
        offset, length = key
        if payload is None or len(payload) != length:
            raise Corrupt(f"The server sent {len(payload or b'')} bytes instead of {length}.")
        self._arrived[offset] = payload
        self._ask()


async def download(
    bulk: Bulk, file: AnyFile, offset: int, window: int = FILE_WINDOW
) -> AsyncGenerator[bytes, None]:
    """Chunk after chunk. ``client.files.api.Files.download`` says what is raised."""
    if not 0 <= offset <= file.size:
        raise ValueError(f"the file has {file.size} bytes, so none of them is number {offset}")
    thread, sha256 = OneThread(), hashlib.sha256()
    try:
        async with Chunks(bulk, file, offset, window) as chunks:
            while not chunks.over:
                for chunk in await chunks.take():
                    hashing = thread.start(sha256.update, chunk) if not offset else None
                    yield bytes(chunk)
                    if hashing is not None:
                        await hashing
    finally:
        await thread.end(lambda: None)
    if not offset and sha256.digest() != file.sha256:
        raise Corrupt(f"{WRONG}. If it happens again, {DAMAGED}")


async def save(bulk: Bulk, file: AnyFile, target: Path, replace: bool) -> AsyncGenerator[Progress, None]:
    """Onto a disk. ``client.files.api.Files.save`` says what is raised."""
    thread, part = OneThread(), Part(target, file.name, file.size, file.sha256, replace)
    try:
        await thread.start(part.open)
        while not await thread.start(part.read_held):
            pass
        resumed = part.held
        yield Progress(resumed, file.size, resumed)
        async with contextlib.aclosing(_fetch(bulk, file, thread, part)) as steps:
            async for done, coming in steps:
                yield Progress(done, file.size, resumed, coming=coming)
        if resumed and not part.right():  # its disk lost some of it, perhaps with the power
            await thread.start(part.empty)
            resumed = 0
            yield Progress(0, file.size)
            async with contextlib.aclosing(_fetch(bulk, file, thread, part)) as steps:
                async for done, coming in steps:
                    yield Progress(done, file.size, coming=coming)
        if not part.right():
            await thread.start(part.empty)
            raise Corrupt(f"{WRONG}; it was deleted here. If it happens again, {DAMAGED}")
        yield Progress(file.size, file.size, resumed, path=await thread.start(part.keep))
    finally:
        await thread.end(part.close)


async def _fetch(
    bulk: Bulk, file: AnyFile, thread: OneThread, part: Part
) -> AsyncGenerator[tuple[int, int | None], None]:
    """What the part lacks: its size, and ``coming``, again and again. Chunks come while these are written."""
    done = part.held
    async with Chunks(bulk, file, part.held) as chunks:
        taken = await chunks.take()
        while taken or not chunks.over:
            if not taken:
                yield done, chunks.coming
                taken = await chunks.take()
                continue
            writing = thread.start(part.write, taken)
            taken = await chunks.take()
            done = await writing
            yield done, chunks.coming
