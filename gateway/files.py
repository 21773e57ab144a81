"""Files on their way between a visitor and the system, the bytes of a connection on one side.

Belongs here: what several dialects do with files, in terms of the system. Sentences are the dialects'.

Bytes of a known size are passed on as they come, chunk by chunk, and bytes of a file as they are fetched:
never the whole of it is in memory, and nothing is on a disk here. Everything that the system can refuse it
refuses before a byte is asked for. The bytes that were announced are then dropped as they come, so that what
stands behind them is a request again (``Visitor.skip``).

Whoever moves a file has one of a few places. Nobody waits long for one, and nobody keeps one who gives or
takes bytes more slowly than ``LEAST_RATE``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from client import Chat
from gateway.room import SHARE
from gateway.visitor import Gone
from protocol.errors import Busy, Invalid, NotFound, TooLarge

if TYPE_CHECKING:
    from gateway.visitor import Visitor
    from protocol.files import FileInfo, FinishReply, StoredFile

WINDOW: Final = 2
"""Chunks of one file under way at once, and as many more that wait for a visitor who reads slowly."""
LEAST_RATE: Final = 4 * 1024
"""Bytes of a file that make up for a second in which nothing came, or nothing was read."""
LINGER: Final = 1.0
"""Seconds for which who is hung up on is still listened to, so that they can read why."""


class TooMuch(TooLarge):
    """What came without a size is more than may come so."""


class NoPlace(Busy):
    """As many files as may move at once did so for a while."""


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
    async def place(self, visitor: Visitor, chat: Chat, size: int = 0) -> AsyncIterator[None]:
        """Hold one; then the chat's socket of chunks is closed. Never to be entered while one is held.

        ``size``: bytes that the visitor is to send. Raises ``NoPlace`` after ``gateway_request_timeout``, and
        ``Gone`` as soon as they have gone, or will not send as many.
        """
        user = chat.user
        own = self._users.setdefault(user, asyncio.Semaphore(self._share))
        self._claims[user] += 1
        try:
            async with contextlib.AsyncExitStack() as held:
                await self._found(visitor, size, held, own)
                try:
                    yield
                finally:
                    chat.files.let_go()
        finally:
            self._claims[user] -= 1
            if not self._claims[user]:
                del self._claims[user], self._users[user]

    async def _found(
        self, visitor: Visitor, size: int, held: contextlib.AsyncExitStack, own: asyncio.Semaphore
    ) -> None:
        """Have a place, as a user and of all; ``held`` gives it back."""

        def give_up() -> None:
            if visitor.lacks(size) and not waiting.expired():
                waiting.reschedule(0)

        if visitor.lacks(size):
            raise Gone
        try:
            async with asyncio.timeout(visitor.settings.gateway_request_timeout) as waiting:
                visitor.at_end = give_up
                await held.enter_async_context(own)
                await held.enter_async_context(self._places)
        except TimeoutError:
            if visitor.lacks(size):
                raise Gone from None
            raise NoPlace("Too many files move at once.") from None
        finally:
            visitor.at_end = None


class Pace:
    """How long a visitor may still let a transfer wait, in which they give bytes or take them.

    As long as ``gateway_content_timeout`` at first; then each byte that moves makes up for some of it.
    """

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._most = self._left = visitor.settings.gateway_content_timeout
        self._now = asyncio.get_running_loop().time

    async def take(self, most: int) -> bytes:
        """Bytes of theirs, at least one. Raises ``Gone``; who is too slow is hung up on."""
        began = self._now()
        try:
            async with asyncio.timeout(self._left):
                taken = await self._visitor.take(most)
        except TimeoutError:
            self._visitor.hang_up()
            raise Gone from None
        self._count(began, len(taken))
        return taken

    async def drain(self) -> None:
        """Wait until they have read enough. Raises ``Gone``; who is too slow is hung up on."""
        while True:
            began, sent = self._now(), self._visitor.sent
            try:
                async with asyncio.timeout(self._left):
                    await self._visitor.drain()
                self._count(began, self._visitor.sent - sent)
                return
            except TimeoutError:
                self._count(began, self._visitor.sent - sent)
            if self._left <= 0:
                self._visitor.hang_up()
                raise Gone

    def _count(self, began: float, moved: int) -> None:
        self._left = min(self._left - (self._now() - began) + moved / LEAST_RATE, self._most)


async def receive(visitor: Visitor, size: int, **where: Unpack[Where]) -> FinishReply:
    """The next ``size`` bytes of the visitor, made a file. Raises as ``chat.files.pour`` does, and ``Gone``.

    Whatever is raised, what is left of the bytes is dropped as it comes. Who announces more than any file
    may have is hung up on, a little later.
    """
    left, pace = size, Pace(visitor)

    async def read(most: int) -> bytes:
        nonlocal left
        piece = await pace.take(min(most, left))
        left -= len(piece)
        return piece

    try:
        if size > visitor.settings.file_max_bytes:
            raise TooLarge("The file is too large.", limit=visitor.settings.file_max_bytes)
        async with visitor.transfers.place(visitor, visitor.chat, size):
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
    pace = Pace(visitor)
    first = await pace.take(1)
    try:
        async with visitor.transfers.place(visitor, visitor.chat):
            content = await _until_silence(visitor, pace, first, most)
            return await store(visitor.chat, content, **where)
    except (TooMuch, NoPlace):
        await drop_segment(visitor)
        raise


async def send_out(visitor: Visitor, file: StoredFile | FileInfo, header: bytes = b"") -> None:
    """``header`` and the bytes of a file, as fast as the visitor reads them.

    Raises what ``chat.files.download`` does, as long as nothing was sent. Afterwards there is nothing to be
    said: the visitor is hung up on before the end, so that nobody takes a part for the whole; and ``Gone``.
    """
    sent, pace = False, Pace(visitor)
    try:
        async with (
            visitor.transfers.place(visitor, visitor.chat),
            contextlib.aclosing(visitor.chat.files.download(file, window=WINDOW)) as chunks,
        ):
            waiting = header
            async for chunk in _one_behind(chunks):
                await written(visitor, waiting + chunk, pace=pace)
                waiting, sent = b"", True
            if waiting:  # an empty file
                await written(visitor, waiting, pace=pace)
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
    """Drop what the visitor says until they are silent, or end their side. Raises ``Gone``."""
    try:
        while True:
            async with asyncio.timeout(visitor.settings.gateway_segment_pause):
                await visitor.take(visitor.settings.gateway_line_max_bytes)
    except TimeoutError:
        pass
    except Gone:
        if not visitor.finished:
            raise


async def is_folder(chat: Chat, path: str) -> bool:
    """Whether this is a folder in their own space; '' is the topmost."""
    try:
        await anext(chat.files.list(path, page=1), None)
    except (NotFound, Invalid):
        return False
    return True


async def _until_silence(visitor: Visitor, pace: Pace, first: bytes, most: int) -> bytes:
    """``first`` and what comes behind it. Raises ``TooMuch`` as soon as it is that, and ``Gone``."""
    pieces, size = [first], len(first)
    try:
        while True:
            async with asyncio.timeout(visitor.settings.gateway_segment_pause):
                piece = await pace.take(most)
            size += len(piece)
            if size > most:
                raise TooMuch("What has no size may not be so large.", limit=most)
            pieces.append(piece)
    except TimeoutError:
        pass
    except Gone:
        if not visitor.finished:
            raise
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


async def written(visitor: Visitor, *parts: bytes, pace: Pace | None = None) -> None:
    """Send what may be long: in one write, unless it is more than may wait for a reader. Raises ``Gone``.

    ``pace``: how long a visitor may let it wait, if it is a part of more.
    """
    pace = pace or Pace(visitor)
    most = visitor.settings.gateway_output_bytes // 4
    if sum(map(len, parts)) <= most:
        parts = (b"".join(parts),)
    for part in parts:
        for at in range(0, len(part), most):
            visitor.write(part[at : at + most])
            await pace.drain()


__all__ = [
    "NoPlace",
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
