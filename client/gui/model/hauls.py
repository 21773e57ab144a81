"""One file under way: moving it, pausing, trying again while the server is away, giving it up.

Belongs here: the three ways a file goes: up, down to a place on this disk, down to somebody who takes its
bytes one after the other. Which files there are is ``transfers``'.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from client.errors import ClientError, Corrupt, Offline, SourceChanged, Timeout
from client.files.parts import part_of
from client.gui import faults
from client.gui.model.changes import Part
from client.gui.model.problem import Problem, problem
from client.gui.model.transfer import Crate, State, Transfer
from protocol.errors import Conflict, Failure, Invalid, Retry, TooLarge
from protocol.files import FileInfo
from protocol.message_id import message_id

if TYPE_CHECKING:
    from client.gui.model.model import Model

PAUSE: Final = 1.0
"""Seconds until a file that got no answer is tried again; the server's coming back is noticed sooner."""
MEASURED: Final = 3.0
"""Seconds over which a rate is measured."""
HELD: Final = 4
"""Chunks that wait to be taken by whoever is streamed to."""
FOR_GOOD: Final = (Conflict, TooLarge, Invalid, Corrupt, SourceChanged)
"""After these the same upload can never come to its end; another one of the same file can."""


class Haul:
    """What all of them have. ``turn`` is held while bytes move, so that one file goes after the other."""

    def __init__(self, model: Model, transfer: Transfer, turn: asyncio.Lock | None) -> None:
        self.transfer = transfer
        self._model = model
        self._chat = model.chat
        self._turn = turn
        self._go = asyncio.Event()
        self._go.set()
        self._wake = asyncio.Event()
        self._marks: deque[tuple[float, int]] = deque()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, or go on after a failure."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def pause(self) -> None:
        """Stop moving bytes; what has moved stays."""
        if self.transfer.state not in (State.FAILED, State.PAUSED) and not self.transfer.over:
            self._go.clear()
            self._wake.set()
            self._stands(State.PAUSED)

    def resume(self) -> None:
        """Go on: after a pause or a failure."""
        if self.transfer.state is State.PAUSED:
            self._stands(State.QUEUED)
            self._go.set()
        elif self.transfer.state is State.FAILED and self.transfer.lasting:
            self.transfer.problem = None
            self._stands(State.QUEUED)
            self.start()

    def again(self) -> None:
        """The server is back."""
        self._wake.set()

    async def stop(self, state: State = State.CANCELLED) -> None:
        """Give it up, and wait until nothing of it is under way. What is done stays done."""
        if not self.transfer.over:
            self._stands(state)
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def forget(self) -> None:
        """Remove what was made for it, on the server too."""

    # --- moving ---------------------------------------------------------------------------------

    async def _run(self) -> None:
        """To its end, or until it fails."""
        try:
            await self._prepare()
            while not await self._once():
                pass
        except (Failure, ClientError, OSError) as error:
            await self._failed(error)
            self.transfer.problem = problem(error)
            self._stands(State.FAILED)
        except Exception as error:  # a mistake of ours: it is not shown as moving for ever
            faults.tell("moving a file", error)
            self.transfer.problem = Problem("internal", "The server made a mistake. Its log says more.")
            self._stands(State.FAILED)

    async def _once(self) -> bool:
        """One try, when it is our turn; whether all of it is there."""
        await self._go.wait()
        async with self._turn or contextlib.nullcontext():
            self._wake.clear()
            if not self._go.is_set():
                return False
            try:
                self._moves()
                if not await self._move():
                    return False
            except (Timeout, Offline):
                await self._wait(PAUSE)
                return False
            except Failure as error:
                if error.retry is not Retry.LATER:
                    raise
                await self._wait(max(PAUSE, error.retry_after))
                return False
        self.transfer.done = self.transfer.size
        self._stands(State.DONE)
        return True

    async def _prepare(self) -> None:
        """What is done before it is our turn."""

    async def _move(self) -> bool:
        """Move all of it: True; or False when it was paused."""
        raise NotImplementedError

    async def _failed(self, error: Exception) -> None:
        """It did not come to its end."""

    async def _wait(self, seconds: float) -> None:
        """Until the server is back, or it is worth another try."""
        if self._go.is_set():
            self._stands(State.WAITING)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    # --- what is shown --------------------------------------------------------------------------

    def _moves(self) -> None:
        self._marks.clear()
        self._stands(State.MOVING)

    def _stands(self, state: State) -> None:
        self.transfer.state = state
        if state is not State.MOVING:
            self.transfer.rate = 0.0
        self._model.changes.mark(Part.TRANSFERS)

    def _moved(self, done: int) -> None:
        """So many bytes are over now."""
        now, marks = self._model.now(), self._marks
        marks.append((now, done))
        while len(marks) > 2 and now - marks[0][0] > MEASURED:
            marks.popleft()
        seconds = now - marks[0][0]
        self.transfer.rate = (done - marks[0][1]) / seconds if seconds > 0 else 0.0
        self.transfer.done = done
        self._model.changes.mark(Part.TRANSFERS)


class Up(Haul):
    """A file to a conversation. The same id from begin to end: it is stored once."""

    def __init__(self, model: Model, transfer: Transfer, turn: asyncio.Lock, crate: Crate, text: str) -> None:
        super().__init__(model, transfer, turn)
        self._crate = crate
        self._text = text
        self._id = b""
        self._here = False

    async def _prepare(self) -> None:
        if self._here:
            return
        try:
            async for done in self._crate.coming():
                if self._go.is_set() and self.transfer.state is not State.COMING:
                    self._marks.clear()
                    self._stands(State.COMING)
                self._moved(done)
        except OSError:
            self.transfer.lasting = False  # nobody but a person can have it come again
            raise
        self._here = True
        if self._go.is_set():
            self._stands(State.QUEUED)
        self.transfer.done = 0

    async def _move(self) -> bool:
        self._id = self._id or message_id(time.time_ns() // 1_000_000)
        steps = self._chat.files.upload(
            self._crate.place, to=self.transfer.address, name=self._crate.name, text=self._text, id=self._id
        )
        async with aclosing(steps):
            async for progress in steps:
                self._moved(progress.done)
                if progress.file is not None:
                    self.transfer.file = progress.file.file
                    self._crate.drop()
                    return True
                if not self._go.is_set():
                    return False
        raise AssertionError("an upload ends with its file")

    async def _failed(self, error: Exception) -> None:
        if isinstance(error, FOR_GOOD):
            await self._give_up()

    async def forget(self) -> None:
        """What came from a browser is deleted, and the server drops what it has of an unfinished one."""
        self._crate.drop()
        if self.transfer.state is not State.DONE:
            await self._give_up()

    async def _give_up(self) -> None:
        upload, self._id = self._id, b""
        if upload:
            with contextlib.suppress(Failure, ClientError):  # it may be gone there already
                await self._chat.files.cancel(upload)


class Down(Haul):
    """A file to a place on this disk; it grows beside it until it is whole."""

    def __init__(
        self, model: Model, transfer: Transfer, turn: asyncio.Lock, file: FileInfo, target: Path
    ) -> None:
        super().__init__(model, transfer, turn)
        self._file = file
        self._target = target

    async def _move(self) -> bool:
        steps = self._chat.files.save(self._file, self._target, replace=True)
        async with aclosing(steps):
            async for progress in steps:
                if self._go.is_set():
                    self.transfer.state = State.MOVING if progress.coming is None else State.WAITING
                self._moved(progress.done)
                if progress.path is not None:
                    return True
                if not self._go.is_set():
                    return False
        raise AssertionError("a file is saved in the end")

    async def forget(self) -> None:
        """What there is of an unfinished one is deleted."""
        if self.transfer.state is not State.DONE:
            part_of(self._target, self._file.sha256).unlink(missing_ok=True)


class Pipe(Haul):
    """A file to somebody who takes its bytes one after the other.

    The last bytes are held back until the hash of all is known to be right, so whoever gets the whole length
    has got the file.
    """

    def __init__(self, model: Model, transfer: Transfer, file: FileInfo, offset: int) -> None:
        super().__init__(model, transfer, None)
        transfer.done = offset
        transfer.lasting = False
        self._file = file
        self._at = offset
        self._hash = None if offset else hashlib.sha256()
        self._last = b""
        self._held: asyncio.Queue[bytes | None] = asyncio.Queue(HELD)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """What comes. Ends early when it fails or is given up; giving this up gives the transfer up."""
        try:
            while (chunk := await self._next()) is not None:
                yield chunk
        finally:
            if self.transfer.state is not State.FAILED:
                await self.stop()

    async def _next(self) -> bytes | None:
        """The next bytes; None when nothing more comes, were it that it failed."""
        if self.transfer.over and self._held.empty():
            return None
        return await self._held.get()

    async def _run(self) -> None:
        try:
            await super()._run()
        finally:
            if self.transfer.state is not State.DONE:
                while not self._held.empty():
                    self._held.get_nowait()
            if not self._held.full():
                self._held.put_nowait(None)

    async def _move(self) -> bool:
        steps = self._chat.files.download(self._file, offset=self._at)
        async with aclosing(steps):
            async for chunk in steps:
                await self._take(chunk)
                if not self._go.is_set():
                    return False
        if self._hash is not None and self._hash.digest() != self._file.sha256:
            raise Corrupt("What came is not the file: its sha256 is another one.")
        if self._last:
            await self._held.put(self._last)
        return True

    async def _take(self, chunk: bytes) -> None:
        self._at += len(chunk)
        if self._hash is not None:
            self._hash.update(chunk)
        last, self._last = self._last, chunk
        if last:
            await self._held.put(last)
        self._moved(self._at)
