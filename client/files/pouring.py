"""An upload whose bytes come once, from somewhere that cannot be read again: begin, pass on, seal, finish.

Belongs here: the steps. What can be read again goes the way of ``uploading``, which resumes.

Everything that the server can refuse it refuses before the first byte is asked for. Of an upload that fails
nothing stays: what was passed on is not kept here, so nobody could go on with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from client.connection import Connection
from client.errors import ClientError, Corrupt
from client.files.bulk import Bulk
from client.files.uploading import seal
from protocol.body import Body, Empty
from protocol.bulk import PutChunk
from protocol.errors import Conflict, Failure, Internal, NotFound
from protocol.files import BeginUpload, FinishReply, FinishUpload, NameUpload, UploadReply
from protocol.limits import FILE_CHUNK_BYTES

R = TypeVar("R")
Read = Callable[[int], Awaitable[bytes]]
"""The next bytes: at most as many as asked for, and at least one."""

WINDOW: Final = 2
"""Chunks under way at once: a program with many such uploads has all of them in its memory."""
HASHED_AT_ONCE: Final = 64 * 1024
"""Bytes from which on to hash takes long enough to have a thread do it."""


async def pour(
    connection: Connection, bulk: Bulk, read: Read, begin: BeginUpload, leftovers: set[bytes]
) -> FinishReply:
    """Every step. ``client.files.api.Files.pour`` says what is raised.

    ``leftovers``: earlier uploads that failed when the server could not be told to drop them. It is told now.
    """
    for upload in list(leftovers):
        await _drop(connection, upload, leftovers)
    try:
        reply = await _call(connection, "file.begin", begin, UploadReply)
        sha256 = await _pass_on(bulk, read, begin, reply)
        await _seal(bulk, begin, sha256)
        return await _call(connection, "file.finish", FinishUpload(begin.id, sha256), FinishReply)
    except BaseException:  # begun or not: without an answer nobody knows
        leftovers.add(begin.id)
        with contextlib.suppress(Failure, ClientError):
            await _drop(connection, begin.id, leftovers)
        raise


async def _drop(connection: Connection, upload: bytes, leftovers: set[bytes]) -> None:
    """Have the server forget an upload. Raises when it cannot be told."""
    with contextlib.suppress(NotFound):
        await _call(connection, "file.cancel", NameUpload(upload), Empty)
    leftovers.discard(upload)


async def _pass_on(bulk: Bulk, read: Read, begin: BeginUpload, reply: UploadReply) -> bytes:
    """Each byte to the server, in chunks; the sha256 of all."""
    if not 0 < reply.chunk_bytes <= FILE_CHUNK_BYTES:
        raise Internal(f"The server wants chunks of {reply.chunk_bytes} bytes.")
    hashing = hashlib.sha256()
    flow = await bulk.flow(lambda key, reply, payload: None)
    try:
        for offset in range(0, begin.size, reply.chunk_bytes):
            chunk = await _filled(read, min(reply.chunk_bytes, begin.size - offset))
            await flow.room(WINDOW)
            flow.ask("chunk.put", PutChunk(begin.id, offset), chunk, len(chunk))
            if len(chunk) < HASHED_AT_ONCE:
                hashing.update(chunk)
            else:
                await asyncio.to_thread(hashing.update, chunk)
        await flow.room(1)
    finally:
        flow.end()
    return hashing.digest()


async def _filled(read: Read, size: int) -> bytes:
    """A chunk of this many bytes."""
    pieces: list[bytes] = []
    while size:
        piece = await read(size)
        if not 0 < len(piece) <= size:
            raise ValueError(f"{len(piece)} bytes were read where 1 to {size} were asked for")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


async def _seal(bulk: Bulk, begin: BeginUpload, sha256: bytes) -> None:
    try:
        sealed = await seal(bulk, begin.id, begin.size)
    except (Conflict, NotFound):  # chunks, or all of it, are not there any more, and not here either
        raise Corrupt("The server lost what it was sent; it has been dropped there.") from None
    if sealed.sha256 != sha256:
        raise Corrupt("What the server holds is not what was sent; it has been dropped there.")


async def _call(connection: Connection, command: str, request: Body, kind: type[R]) -> R:
    answer = await connection.call(command, request)
    assert isinstance(answer, kind), command
    return answer
