"""Files on their way between a visitor and the system, the bytes of a connection on one side.

Belongs here: what several dialects do with files, in terms of the system. Sentences are the dialects'.

Bytes of a known size are passed on as they come, chunk by chunk, and bytes of a file as they are fetched:
never the whole of it is in memory, and nothing is on a disk here. Everything that the system can refuse it
refuses before a byte is asked for. The bytes that were announced are then dropped as they come, so that what
stands behind them is a request again (``Visitor.skip``).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from client import Chat
from gateway.visitor import Gone
from protocol.errors import Invalid, NotFound, TooLarge

if TYPE_CHECKING:
    from gateway.visitor import Visitor
    from protocol.files import FileInfo, FinishReply, StoredFile

WINDOW: Final = 2
"""Chunks of one file under way at once, and as many more that wait for a visitor who reads slowly."""
SHARE: Final = 4
"""One user has at most the n-th part of the places for transfers."""
LINGER: Final = 1.0
"""Seconds for which who is hung up on is still listened to, so that they can read why."""


class TooMuch(TooLarge):
    """What came without a size is more than may come so."""


class Where(TypedDict, total=False):
    """Where a file goes: ``to`` (an address) with a ``name`` and perhaps a ``text``, or a ``path``.

    ``replace``: what is at ``path`` gives way.
    """

    to: str
    name: str
    text: str
    path: str
    replace: bool


class Transfers:
    """The places for files that move at once; who finds none waits. ``places``: how many there are."""

    def __init__(self, places: int) -> None:
        self._places = asyncio.Semaphore(places)
        self._share = max(places // SHARE, 1)
        self._users: dict[str, asyncio.Semaphore] = {}
        self._claims: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def place(self, chat: Chat) -> AsyncIterator[None]:
        """Hold one; then the chat's socket of chunks is closed. Never to be entered while one is held."""
        user = chat.user
        own = self._users.setdefault(user, asyncio.Semaphore(self._share))
        self._claims[user] += 1
        try:
            async with own, self._places:
                try:
                    yield
                finally:
                    chat.files.let_go()
        finally:
            self._claims[user] -= 1
            if not self._claims[user]:
                del self._claims[user], self._users[user]


async def receive(visitor: Visitor, size: int, **where: Unpack[Where]) -> FinishReply:
    """The next ``size`` bytes of the visitor, made a file. Raises as ``chat.files.pour`` does, and ``Gone``.

    Whatever is raised, what is left of the bytes is dropped as it comes. Who announces more than any file
    may have is hung up on, a little later.
    """
    left = size

    async def read(most: int) -> bytes:
        nonlocal left
        piece = await _in_time(visitor, min(most, left))
        left -= len(piece)
        return piece

    try:
        if size > visitor.settings.file_max_bytes:
            raise TooLarge("The file is too large.", limit=visitor.settings.file_max_bytes)
        async with visitor.transfers.place(visitor.chat):
            return await visitor.chat.files.pour(read, size, **where)
    finally:
        drop(visitor, left)


def drop(visitor: Visitor, size: int) -> None:
    """The next ``size`` bytes, as they come. Whoever announces more than any file has is not waited for."""
    if size > visitor.settings.file_max_bytes:
        asyncio.get_running_loop().call_later(LINGER, visitor.hang_up)
    visitor.skip(size)


async def receive_segment(visitor: Visitor, most: int, **where: Unpack[Where]) -> FinishReply:
    """What the visitor says until they are silent, or end their side, made a file: for who tells no size.

    Raises as ``receive`` does, and ``TooMuch`` when it is more than ``most`` bytes.
    """
    first = await _in_time(visitor, 1)
    async with visitor.transfers.place(visitor.chat):
        content = await _until_silence(visitor, first, most)
        return await store(visitor.chat, content, **where)


async def send_out(visitor: Visitor, file: StoredFile | FileInfo, header: bytes = b"") -> None:
    """``header`` and the bytes of a file, as fast as the visitor reads them.

    Raises what ``chat.files.download`` does, as long as nothing was sent. Afterwards there is nothing to be
    said: the visitor is hung up on before the end, so that nobody takes a part for the whole; and ``Gone``.
    """
    sent = False
    try:
        async with (
            visitor.transfers.place(visitor.chat),
            contextlib.aclosing(visitor.chat.files.download(file, window=WINDOW)) as chunks,
        ):
            waiting = header
            async for chunk in _one_behind(chunks):
                await written(visitor, waiting + chunk)
                waiting, sent = b"", True
            if waiting:  # an empty file
                await written(visitor, waiting)
    except Exception:
        if not sent:
            raise
        visitor.hang_up()
        raise Gone from None


async def bytes_of(chat: Chat, file: StoredFile | FileInfo) -> bytes:
    """The whole of a file that is known to be small. For who holds a place. Raises as ``download`` does."""
    async with contextlib.aclosing(chat.files.download(file, window=WINDOW)) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def store(chat: Chat, content: bytes, **where: Unpack[Where]) -> FinishReply:
    """Bytes, made a file. For who holds a place. Raises as ``chat.files.pour`` does."""
    at = 0

    async def read(most: int) -> bytes:
        nonlocal at
        piece = content[at : at + most]
        at += len(piece)
        return piece

    return await chat.files.pour(read, len(content), **where)


async def drop_segment(visitor: Visitor) -> None:
    """Drop what the visitor says until they are silent. Raises ``Gone``."""
    with contextlib.suppress(TimeoutError):
        while True:
            async with asyncio.timeout(visitor.settings.gateway_segment_pause):
                await visitor.take(visitor.settings.gateway_line_max_bytes)


async def is_folder(chat: Chat, path: str) -> bool:
    """Whether this is a folder in their own space; '' is the topmost."""
    try:
        await anext(chat.files.list(path, page=1), None)
    except (NotFound, Invalid):
        return False
    return True


async def _in_time(visitor: Visitor, most: int) -> bytes:
    """Bytes, at least one. Who announced some and does not send them is hung up on. Raises ``Gone``."""
    try:
        async with asyncio.timeout(visitor.settings.gateway_content_timeout):
            return await visitor.take(most)
    except TimeoutError:
        visitor.hang_up()
        raise Gone from None


async def _until_silence(visitor: Visitor, first: bytes, most: int) -> bytes:
    """``first`` and what comes behind it. Raises ``TooMuch``, once there is silence, and ``Gone``."""
    pieces, size = [first], len(first)
    with contextlib.suppress(TimeoutError):
        while True:
            try:
                async with asyncio.timeout(visitor.settings.gateway_segment_pause):
                    piece = await visitor.take(most)
            except Gone:
                if not visitor.finished:
                    raise
                break
            size += len(piece)
            if size <= most:
                pieces.append(piece)
            else:
                pieces.clear()
    if size > most:
        raise TooMuch("What has no size may not be so large.", limit=most)
    return b"".join(pieces)


async def _one_behind(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Each when the next one is there: the last one only after the whole was found to be right."""
    held: bytes | None = None
    async for chunk in chunks:
        if held is not None:
            yield held
        held = chunk
    if held is not None:
        yield held


async def written(visitor: Visitor, data: bytes) -> None:
    """Send what may be long, in pieces that a visitor may let wait. Raises ``Gone``."""
    piece = visitor.settings.gateway_output_bytes // 4
    for at in range(0, len(data), piece):
        visitor.write(data[at : at + piece])
        await visitor.drain()


__all__ = [
    "TooMuch",
    "Transfers",
    "Where",
    "bytes_of",
    "drop",
    "drop_segment",
    "is_folder",
    "receive",
    "receive_segment",
    "send_out",
    "store",
    "written",
]
