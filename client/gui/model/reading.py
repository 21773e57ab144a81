"""How far one conversation was read here, told to the server.

Belongs here: moving the marker forward, once for many messages, now or when the server is back.

Only what was on the screen is read. A room that opens where its new messages begin is not read to its end by
that: whoever draws it says when they are there (``arrived``), and what is seen as one scrolls (``saw``).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from client.gui.model.model import Model

EVERY: Final = 0.5
"""Seconds between two markers of a room in which much is said."""


class Reading:
    """``done``: as far as the server knows; ``wanted``: as far as was read; ``seen``: as far as was scrolled.

    ``arriving``: there is something new, and it is not known yet how much of it is on the screen. ``place``:
    pixels above the newest message where the room was left; the view's to keep, as a page's height is.
    """

    def __init__(self, model: Model) -> None:
        self.conversation = 0
        self.done = 0
        self.wanted = 0
        self.seen = 0
        self.arriving = False
        self.place = 0.0
        self._model = model
        self._telling = False

    def known(self, seq: int) -> None:
        """The server knows that we have read up to here, from this window or another."""
        self.done = max(self.done, seq)

    def arrived(self) -> None:
        """The room stands where one begins to read it."""
        self.arriving = False

    def saw(self, seq: int) -> None:
        """Messages up to this one were on the screen."""
        self.seen = max(self.seen, seq)

    def read(self, newest: int, following: bool) -> None:
        """``newest``: of what others said; ``following``: it is on the screen, when we have arrived."""
        seen = newest if following else min(newest, self.seen)
        if seen and not self.arriving:
            self.move(seen)

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
        self.seen = min(self.seen, seq)

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
