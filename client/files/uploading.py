"""The way of an upload: begin, send what the server lacks, seal, finish.

Belongs here: the steps, and what each answer means. Reading is ``sources``', flying ``window``'s.

The source is read from front to end once, in a thread of its own: hashed throughout, and sent where the
server lacks it. So the hash is known when the last chunk arrives, and going on with an upload costs no more
than reading what is there already.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Final, TypeVar

import msgspec

from client.connection import Connection
from client.errors import ClientError, Corrupt, SourceChanged
from client.files.bulk import Bulk, Flow
from client.files.progress import Progress
from client.files.sources import PIECE, Reader, Source, total
from client.files.threads import OneThread
from protocol.body import Body, Empty
from protocol.bulk import PutChunk, SealReply, SealUpload
from protocol.errors import Conflict, Failure, Internal, NotFound
from protocol.files import BeginUpload, FinishReply, FinishUpload, NameUpload, UploadReply
from protocol.limits import FILE_CHUNK_BYTES, FILE_WINDOW

R = TypeVar("R")

SMALL: Final = 4 * 1024 * 1024
"""Bytes up to which a source is hashed before it is sent, so that the server need not be sent what it has."""
RANGES_MOST: Final = 1_000
"""Missing ranges that one answer names; when there are so many, there may be more."""
ROUNDS: Final = 5
"""Times that the server may find, in the end, that it still lacks something."""
SEAL_BYTES_A_SECOND: Final = 4 * 1024 * 1024
"""The slowest storage behind a server whose answer is waited for."""


async def upload(
    connection: Connection, bulk: Bulk, source: Source, begin: BeginUpload
) -> AsyncGenerator[Progress, None]:
    """Every step; ``begin.size`` is filled in here. ``client.files.api.Files.upload`` says what is raised."""
    thread, reader = OneThread(), Reader(source)
    try:
        await thread.start(reader.open)
        sending = _Sending(connection, bulk, thread, reader, begin)
        async with contextlib.aclosing(sending.steps()) as steps:
            async for progress in steps:
                yield progress
    finally:
        await thread.end(reader.close)


async def seal(bulk: Bulk, upload: bytes, size: int) -> SealReply:
    """Have the server hash all of an upload and put it away. Raises ``Conflict`` if it lacks something."""
    answers: list[SealReply] = []
    flow = await bulk.flow(lambda key, reply, payload: answers.append(reply))
    try:
        flow.ask("chunk.seal", SealUpload(upload), allowance=1.0 + size / SEAL_BYTES_A_SECOND)
        while not answers:
            await flow.news()
        return answers[0]
    finally:
        flow.end()


class _Sending:
    """One upload under way."""

    def __init__(
        self, connection: Connection, bulk: Bulk, thread: OneThread, reader: Reader, begin: BeginUpload
    ) -> None:
        self.reader = reader
        self._connection = connection
        self._bulk = bulk
        self._thread = thread
        self._begin = msgspec.structs.replace(begin, size=reader.size)
        self._sha256 = begin.sha256
        self._done = 0
        self._feeding = False

    async def steps(self) -> AsyncGenerator[Progress, None]:
        """From the first word to the file."""
        size = self.reader.size
        if self._sha256 is None and size <= SMALL:
            self._sha256 = await self._thread.start(self.reader.whole)
            self._begin = msgspec.structs.replace(self._begin, sha256=self._sha256)
        reply = await self._call("file.begin", self._begin, UploadReply)
        resumed = self._done = size - total(reply.missing)
        yield Progress(self._done, size, resumed)
        if not reply.finished:
            try:
                async with contextlib.aclosing(self._transfer(reply)) as steps:
                    async for done in steps:
                        yield Progress(done, size, resumed)
            except (SourceChanged, Corrupt):
                await self._drop()
                raise
            except NotFound:  # perhaps somebody who sends the same upload was faster
                reply = await self._lacks()
                if not reply.finished:
                    raise
        if self._sha256 is None:  # nothing was sent by us, so nothing was read
            self._sha256 = await self._hashed()
        file = await self._call("file.finish", FinishUpload(self._begin.id, self._sha256), FinishReply)
        yield Progress(size, size, resumed, file)

    async def _hashed(self) -> bytes:
        """Of the whole source. A file under our id may be of other bytes, and those were not sent."""
        await self._thread.start(self.reader.begin, [], PIECE)
        while await self._thread.start(self.reader.read) is not None:
            pass
        return self.reader.sha256()

    async def _transfer(self, reply: UploadReply) -> AsyncGenerator[int, None]:
        """Chunks and the seal: how many bytes the server has, again and again."""
        for _ in range(ROUNDS):
            while reply.missing or self._sha256 is None:
                async with contextlib.aclosing(self._send(reply)) as steps:
                    async for done in steps:
                        yield done
                if len(reply.missing) < RANGES_MOST:
                    break
                reply = await self._lacks()
            sealed = await self._seal()
            if isinstance(sealed, SealReply):
                if sealed.sha256 != self._sha256:
                    raise Corrupt("What the server holds is not what was sent; it has been dropped there.")
                return
            reply = sealed
        raise Corrupt("The server keeps losing what it is sent.")

    async def _send(self, reply: UploadReply) -> AsyncGenerator[int, None]:
        """One pass over the source, even if there is nothing to send: for its hash."""
        if not 0 < reply.chunk_bytes <= FILE_CHUNK_BYTES:
            raise Internal(f"The server wants chunks of {reply.chunk_bytes} bytes.")
        flow = await self._bulk.flow(self._chunk_arrived)
        self._feeding = True
        feeding = asyncio.create_task(self._feed(flow, reply))
        try:
            told = self._done
            while self._feeding or flow.open:
                await flow.news()
                if self._done != told:
                    told = self._done
                    yield told
        finally:
            flow.end()
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding

    async def _feed(self, flow: Flow, reply: UploadReply) -> None:
        """Send the missing chunks as there is room, while the next ones are read."""
        window = max(min(reply.window, FILE_WINDOW), 1)
        try:
            await self._thread.start(self.reader.begin, reply.missing, reply.chunk_bytes)
            reading = self._thread.start(self.reader.read)
            while (chunks := await reading) is not None:
                reading = self._thread.start(self.reader.read)
                for offset, chunk in chunks:
                    await flow.room(window)
                    flow.ask("chunk.put", PutChunk(self._begin.id, offset), chunk, len(chunk))
            self._sha256 = self.reader.sha256()
            if self._begin.sha256 not in (None, self._sha256):
                raise SourceChanged("What was read is not what its sha256 says.")
        except Exception as error:  # whoever waits for the flow raises it
            flow.fail(error)
        self._feeding = False
        flow.tell()

    def _chunk_arrived(self, length: int, reply: object, payload: object) -> None:
        self._done += length

    async def _seal(self) -> SealReply | UploadReply:
        """Have the server hash the whole and put it away; or what it lacks all the same."""
        try:
            return await seal(self._bulk, self._begin.id, self.reader.size)
        except Conflict as conflict:
            with contextlib.suppress(NotFound):  # it was dropped: the hash that was named is another one
                reply = await self._lacks()
                if reply.missing:
                    return reply
            raise conflict

    async def _lacks(self) -> UploadReply:
        reply = await self._call("file.resume", NameUpload(self._begin.id), UploadReply)
        self._done = reply.size - total(reply.missing)
        return reply

    async def _drop(self) -> None:
        """Have the server forget what it has of this; it would be swept in time otherwise."""
        with contextlib.suppress(Failure, ClientError):
            await self._call("file.cancel", NameUpload(self._begin.id), Empty)

    async def _call(self, command: str, request: Body, kind: type[R]) -> R:
        answer = await self._connection.call(command, request)
        assert isinstance(answer, kind), command
        return answer
