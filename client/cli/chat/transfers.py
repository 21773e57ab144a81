"""Files on their way to or from ``pesan chat``, while one goes on talking.

Belongs here: the files under way, how far they are, and what the person is told. What one errand does is
``errands``'. One file goes after the other in each direction. One that gets no answer goes on when the server
is back, as messages do; but where nobody watches (``Front.seen`` is false) it is given up after the timeout,
and the next line waits until a file is through.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from client.cli.chat import lines
from client.cli.chat.errands import Errand, Fetching, Sending
from client.cli.chat.front import Front
from client.cli.chat.outgoing import hint
from client.cli.chat.room import Room
from client.cli.exits import code_of
from client.cli.files.sources import unreadable
from client.errors import ClientError, Offline, Timeout
from client.files.progress import Progress
from protocol.errors import Failure, Retry

if TYPE_CHECKING:
    from client.chat import Chat
    from client.cli.files.memory import Memory

DRAWN_EVERY: Final = 0.25
"""Seconds between two looks at how far a file is."""
PAUSE: Final = 1.0
"""Seconds until a file that gets no answer is tried again."""


class Transfers:
    """Every file under way. ``memory``: where it is kept which uploads did not end."""

    def __init__(self, chat: Chat, room: Room, front: Front, memory: Memory | None) -> None:
        self._chat = chat
        self._room = room
        self._front = front
        self._memory = memory
        self._under_way: dict[asyncio.Task[None], Errand] = {}
        self._turns = {Sending: asyncio.Lock(), Fetching: asyncio.Lock()}
        self._drawn_at = 0.0

    def __len__(self) -> int:
        """Files that are not through."""
        return len(self._under_way)

    @property
    def state(self) -> list[str]:
        """``report.pdf 45%``, of each."""
        return [str(errand) for errand in self._under_way.values()]

    async def send(self, typed: str, to: str) -> None:
        """Send a file of this machine. Raises ``Mistake`` when it cannot be read."""
        await self._begin(Sending(self._chat, self._room, self._memory, typed, to))

    async def fetch(self, number: int, typed: str) -> None:
        """Save a file here, or where ``typed`` says. Raises ``Mistake``, ``Failure``, ``ClientError``."""
        file = await self._chat.files.stat(number)
        await self._begin(Fetching(self._chat, file, typed))

    def cancel(self) -> int:
        """Stop all of them; how many."""
        for task in self._under_way:
            task.cancel()
        return len(self._under_way)

    async def close(self) -> None:
        """Stop all of them, and wait until they have."""
        tasks = list(self._under_way)
        self.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(self, errand: Errand) -> None:
        self._front.show([lines.aside(errand.begun)])
        task = asyncio.get_running_loop().create_task(self._run(errand))
        self._under_way[task] = errand
        task.add_done_callback(self._over)
        if not self._front.seen:
            await task

    def _over(self, task: asyncio.Task[None]) -> None:
        errand = self._under_way.pop(task)
        if task.cancelled():
            self._front.show([lines.aside(f"stopped: {errand.label}; the same command goes on")])
        self._front.changed()

    async def _run(self, errand: Errand) -> None:
        """One errand to its end, once it is its turn."""
        try:
            async with self._turns[type(errand)]:
                last = await self._through(errand)
                self._front.show([errand.ended(last)])
        except (Failure, ClientError) as error:
            await errand.failed(error)
            sentence = f"Not {errand.verb}: {errand.label}: {error.message}{hint(error)}"
            self._front.complain(sentence, code_of(error))
        except OSError as error:
            await errand.failed(error)
            mistake = unreadable(errand.label, error)
            self._front.complain(f"Not {errand.verb}: {mistake.message}", mistake.code)

    async def _through(self, errand: Errand) -> Progress:
        """Try until it is through. Raises when the answer is no, or nobody waits for another one."""
        while True:
            try:
                return await self._follow(errand)
            except (Timeout, Offline):
                if not self._front.seen:
                    raise
                pause = PAUSE
            except Failure as error:
                if error.retry is not Retry.LATER or not self._front.seen:
                    raise
                pause = max(PAUSE, error.retry_after)
            if not errand.waited:
                errand.waited = True
                self._front.show([lines.aside(f"{errand.label} waits for the server")])
            await asyncio.sleep(pause)

    async def _follow(self, errand: Errand) -> Progress:
        progress = Progress(0, 0)
        async with aclosing(errand.begin()) as steps:
            async for progress in steps:
                errand.done, errand.size = progress.done, progress.size
                if progress.coming is not None and not errand.waited:
                    errand.waited = True
                    self._front.show([lines.aside(f"{errand.label} comes from another server to ours first")])
                now = asyncio.get_running_loop().time()
                if now - self._drawn_at >= DRAWN_EVERY:
                    self._drawn_at = now
                    self._front.changed()
        return progress
