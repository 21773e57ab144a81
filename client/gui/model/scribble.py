"""One text that is kept whenever it has changed, some moments later.

Belongs here: that many changes in a moment are written once, one after the other. What is in the text is the
matter of who writes it: ``drafts``, ``leftover``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Scribble:
    """``write`` is called ``pace`` seconds after a change, and once at the end if anything is unwritten."""

    def __init__(self, write: Callable[[], Awaitable[None]], pace: float) -> None:
        self._write = write
        self._pace = pace
        self._changed = False
        self._writing: asyncio.Task[None] | None = None

    def mark(self) -> None:
        """It has changed."""
        self._changed = True
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_on())

    async def _write_on(self) -> None:
        while self._changed:
            await asyncio.sleep(self._pace)
            self._changed = False
            await self._write()

    async def close(self) -> None:
        """Write what is not written, and no more."""
        await self.stop()
        if self._changed:
            self._changed = False
            await self._write()

    async def stop(self) -> None:
        """Write no more."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
