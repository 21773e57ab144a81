"""Files on their way, to a conversation and from one.

Belongs here: which there are, and what can be done with each. How one moves is ``hauls``', pictures in
messages are ``album``'s. Where bytes come from and go to on this machine, or in this browser, is a
``Crate``'s; ``views/`` and ``serving/`` bring those.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from client.gui.model.album import Album
from client.gui.model.changes import Part
from client.gui.model.hauls import Down, Haul, Pipe, Up
from client.gui.model.transfer import Crate, State, Transfer
from protocol.files import FileInfo

if TYPE_CHECKING:
    from client.gui.model.model import Model

OVER_KEPT: Final = 20
"""Transfers that are over and still listed; older ones are forgotten."""
FAREWELL: Final = 1.0
"""Seconds that the server has to drop unfinished uploads when a window closes; else it sweeps them."""


class Transfers:
    """Every file that is on its way or has been, oldest first."""

    def __init__(self, model: Model) -> None:
        self.rows: list[Transfer] = []
        self._model = model
        self._hauls: dict[int, Haul] = {}
        self._album = Album(model)
        self._up = asyncio.Lock()
        self._down = asyncio.Lock()
        self._last = 0
        self._closing: set[asyncio.Task[None]] = set()

    def send(self, crate: Crate, to: str, text: str = "") -> Transfer:
        """Send a file into a conversation; several at once go one after the other."""
        transfer = Transfer(self._number(), True, crate.name, to, crate.size)
        self._begin(Up(self._model, transfer, self._up, crate, text))
        return transfer

    def save(self, file: FileInfo, address: str, target: Path) -> Transfer:
        """Fetch a file to a place on this machine's disk; a plain file that is there gives way."""
        transfer = Transfer(self._number(), False, file.name, address, file.size, file=file)
        self._begin(Down(self._model, transfer, self._down, file, target))
        return transfer

    def stream(
        self, file: FileInfo, address: str, offset: int = 0
    ) -> tuple[Transfer, AsyncGenerator[bytes, None]]:
        """Fetch a file for somebody who takes its bytes one after the other, from ``offset`` on.

        They end early when it fails or is cancelled; whoever takes no more closes the generator. An earlier
        try that came to nothing is listed no more.
        """
        for row in self.rows:
            if not row.up and row.file is file and row.state in (State.FAILED, State.CANCELLED):
                self.dismiss(row.number)
        transfer = Transfer(self._number(), False, file.name, address, file.size, file=file)
        pipe = Pipe(self._model, transfer, file, offset)
        self._begin(pipe)
        return transfer, pipe.chunks()

    async def picture(self, file: FileInfo) -> bytes | None:
        """A picture's bytes, if it is one that is shown; None when not. Kept while the window is open."""
        return await self._album.get(file)

    def pause(self, number: int) -> None:
        """Stop for now; what has moved stays."""
        if number in self._hauls:
            self._hauls[number].pause()

    def resume(self, number: int) -> None:
        """Go on where it stopped: after a pause, or a failure that may not come again."""
        if number in self._hauls:
            self._hauls[number].resume()

    def cancel(self, number: int) -> None:
        """Give it up; the server drops what it has of it."""
        haul = self._hauls.get(number)
        if haul is not None and not haul.transfer.over:
            haul.transfer.state = State.CANCELLED
            self._end(haul)

    def dismiss(self, number: int) -> None:
        """List it no more; one that is not over is given up."""
        self.cancel(number)
        self._hauls.pop(number, None)
        self.rows = [row for row in self.rows if row.number != number]
        self._model.changes.mark(Part.TRANSFERS)

    def clear(self) -> None:
        """Forget those that are over."""
        for row in [row for row in self.rows if row.over]:
            self.dismiss(row.number)

    def again(self) -> None:
        """The server is back: what waited goes on."""
        for haul in self._hauls.values():
            haul.again()

    async def close(self) -> None:
        """Stop everything, remove what was made for it."""
        hauls = list(self._hauls.values())
        await asyncio.gather(*(haul.stop() for haul in hauls), self._album.close())
        self._hauls.clear()
        self.rows = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                await asyncio.gather(*(haul.forget() for haul in hauls), *self._closing)

    # --- below ----------------------------------------------------------------------------------

    def _number(self) -> int:
        self._last += 1
        return self._last

    def _begin(self, haul: Haul) -> None:
        over = [row for row in self.rows if row.over]
        for row in over[: max(len(over) - OVER_KEPT, 0)]:
            self.dismiss(row.number)
        self.rows = [*self.rows, haul.transfer]
        self._hauls[haul.transfer.number] = haul
        self._model.changes.mark(Part.TRANSFERS)
        haul.start()

    def _end(self, haul: Haul) -> None:
        async def end() -> None:
            await haul.stop()
            await haul.forget()

        self._soon(end())
        self._model.changes.mark(Part.TRANSFERS)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


__all__ = ["Crate", "State", "Transfer", "Transfers"]
