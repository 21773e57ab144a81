"""How far one conversation was read here, told to the server.

Belongs here: moving the marker forward, once for many messages, now or when the server is back.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from client.gui.model.model import Model

EVERY: Final = 0.5
"""Seconds between two markers of a room in which much is said."""


class Reading:
    """``done``: as far as the server knows; ``wanted``: as far as was read."""

    def __init__(self, model: Model) -> None:
        self.conversation = 0
        self.done = 0
        self.wanted = 0
        self._model = model
        self._telling = False

    def known(self, seq: int) -> None:
        """The server knows that we have read up to here, from this window or another."""
        self.done = max(self.done, seq)

    def move(self, seq: int) -> None:
        """It was read up to here."""
        self.wanted = max(self.wanted, seq)
        if self.wanted > self.done and self.conversation:
            self._model.talks.read(self.conversation, self.wanted)
            if not self._telling:
                self._telling = True
                self._model.spawn(self._tell())

    def cut(self, seq: int) -> None:
        """There is nothing behind this message any more."""
        self.done, self.wanted = min(self.done, seq), min(self.wanted, seq)

    async def _tell(self) -> None:
        """Until the server knows; when it does not answer, ``move`` begins again."""
        try:
            while self.wanted > self.done:
                reply = await self._model.chat.read(self.conversation, self.wanted)
                if reply.seq <= self.done:
                    return  # it has less than we have: it was set back, and will say so
                self.done = reply.seq
                await asyncio.sleep(EVERY)
        finally:
            self._telling = False
