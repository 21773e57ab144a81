"""Files on their way from a browser: each lies in the data folder until the Pesan server has it.

Belongs here: their bytes on the disk, and how much of it they may take. The files have no name in the folder,
so that nothing of them is left when the process ends, however it ends. How they come is ``uploads``'.
"""

from __future__ import annotations

import asyncio
import errno
import tempfile
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Final

from config.folders import private_folder

SHARE: Final = 2
"""One tab holds at most the whole divided by this, so that one person does not keep all others waiting."""
GONE: Final = "The browser stopped sending this file. Choose it again."
FULL: Final = "This file is larger than what the window's server takes from a browser."


class Spool:
    """Room for ``most`` bytes of everybody's files together, in a private ``folder``."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder = folder
        self.most = most
        self.held = 0
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    def open(self) -> BinaryIO:
        """A new file without a name. Raises ``OSError``."""
        private_folder(self.folder)
        return tempfile.TemporaryFile(buffering=0, dir=self.folder)

    async def room(self, size: int) -> None:
        """Wait until so many bytes have room; they are held from then on. First come, first served."""
        if not self._queue and self.held + size <= self.most:
            self.held += size
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.free(size)
            self._queue = deque(entry for entry in self._queue if entry[1] is not turn)
            self.free(0)
            raise

    def free(self, size: int) -> None:
        """So many bytes are held no more."""
        self.held -= size
        while self._queue and self.held + self._queue[0][0] <= self.most:
            waiting, turn = self._queue.popleft()
            if not turn.done():
                self.held += waiting
                turn.set_result(None)


class Share:
    """What one tab holds of the spool."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.most = spool.most // SHARE
        self._held = 0
        self._freed = asyncio.Event()

    async def room(self, size: int) -> None:
        """Wait until there is room for so many bytes. Raises ``OSError`` when there will never be."""
        if size > self.most:
            raise OSError(errno.EFBIG, FULL)
        while self._held + size > self.most:
            self._freed.clear()
            await self._freed.wait()
        self._held += size
        try:
            await self.spool.room(size)
        except asyncio.CancelledError:
            self._give(size)
            raise

    def free(self, size: int) -> None:
        """So many bytes are held no more."""
        self.spool.free(size)
        self._give(size)

    def _give(self, size: int) -> None:
        self._held -= size
        self._freed.set()


class Incoming:
    """A file that a browser sends: a ``Crate``. Its bytes are taken once, by ``take``."""

    def __init__(self, share: Share, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self.taken = False
        """Somebody has begun to send it."""
        self._share = share
        self._file: BinaryIO | None = None
        self._here = 0
        self._coming = False
        self._held = False
        self._whole = False
        self._dropped = False
        self._problem: OSError | None = None
        self._news = asyncio.Event()

    # --- for the model --------------------------------------------------------------------------

    async def coming(self) -> AsyncIterator[int]:
        """Bytes that are here so far, as they come; ends when all are. ``OSError`` if they will not."""
        while not self._whole:
            self._news.clear()
            if self._problem is not None:
                raise self._problem
            yield self._here
            if not self._whole and self._problem is None:
                await self._news.wait()
        yield self._here

    @property
    def place(self) -> BinaryIO:
        """The file, open; only when it is here."""
        assert self._file is not None
        return self._file

    def drop(self) -> None:
        """It is not needed any more."""
        self._dropped = True
        self._news.set()
        if not self._coming:
            self._release()

    # --- for the browser ------------------------------------------------------------------------

    @property
    def wanted(self) -> bool:
        """Whether its bytes may still come."""
        return not self.taken and not self._dropped and self._problem is None

    def fail(self, reason: str = GONE) -> None:
        """It will not come."""
        if not self._whole and self._problem is None:
            self._problem = OSError(errno.EIO, reason)
            self._news.set()

    async def take(self, pieces: AsyncIterator[bytes]) -> bool:
        """Keep its bytes, when there is room for them; whether all have come.

        Nothing is asked of ``pieces`` while there is none: so the browser waits, too.
        """
        self.taken = self._coming = True
        try:
            await self._share.room(self.size)
            self._held = True
            self._file = self._share.spool.open()
            async for piece in pieces:
                if self._dropped:
                    break
                await self._keep(piece)
            self._whole = self._here == self.size
        except OSError as error:
            self._problem = self._problem or error
        finally:
            self._coming = False
            if self._dropped or not self._whole:
                self.fail()
                self._release()
            self._news.set()
        return self._whole

    async def _keep(self, piece: bytes) -> None:
        assert self._file is not None
        if self._here + len(piece) > self.size:
            raise OSError(errno.EIO, GONE)
        await asyncio.to_thread(_write, self._file, piece)
        self._here += len(piece)
        self._news.set()

    def _release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._held:
            self._held = False
            self._share.free(self.size)


def _write(file: BinaryIO, piece: bytes) -> None:
    """All of it: an unbuffered file may take less at once."""
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]
