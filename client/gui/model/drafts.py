"""What was begun in each conversation and not sent.

Belongs here: keeping it, from one room to the other and, where somebody stays logged in, from one window to
the next.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from client.gui.model.changes import Part
from client.gui.model.keeping import DRAFTS, owned
from client.gui.model.scribble import Scribble
from protocol.addresses import name_key

if TYPE_CHECKING:
    from client.gui.model.model import Model

PACE: Final = 0.5
"""Seconds of typing that are kept at once."""
DRAFTS_MOST: Final = 100
"""Conversations with a draft; one more, and the one that was touched longest ago is forgotten."""
CHARACTERS_MOST: Final = 200_000
"""Of all drafts that are kept, the newest first."""


class Drafts:
    """Of one user of one server; compared by address without case."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._texts: dict[str, str] = {}
        """By address; touched longest ago first."""
        self._scribble = Scribble(self._write, PACE)
        self._name = ""

    async def begin(self) -> None:
        """What was begun in an earlier window."""
        self._name = owned(DRAFTS, self._model.entry.server, self._model.user)
        try:
            stored = json.loads(await self._model.keeping.get(self._name) or "{}")
        except ValueError:
            return
        if isinstance(stored, dict):
            texts = {name: text for name, text in stored.items() if isinstance(text, str)}
            self._texts = {**texts, **self._texts}
            self._model.changes.mark(Part.COMPOSER)

    def get(self, address: str) -> str:
        """What was begun there; '' when nothing was."""
        return self._texts.get(name_key(address), "")

    def put(self, address: str, text: str) -> None:
        """This is being typed there now; '' = nothing."""
        known = self._texts.pop(name_key(address), "")
        if text:
            self._texts[name_key(address)] = text
            for old in list(self._texts)[:-DRAFTS_MOST]:
                del self._texts[old]
        if text != known:
            self._scribble.mark()

    async def forget(self) -> None:
        """Keep nothing of it: whoever logs out leaves nothing behind."""
        self._texts.clear()
        await self._scribble.stop()
        if self._name:
            await self._model.keeping.put(self._name, "")

    async def close(self) -> None:
        """Keep what is not kept."""
        await self._scribble.close()

    async def _write(self) -> None:
        if not self._model.entry.remembered:
            return
        kept: dict[str, str] = {}
        room = CHARACTERS_MOST
        for address, text in reversed(self._texts.items()):
            room -= len(text)
            if room >= 0:
                kept[address] = text
        texts = dict(reversed(kept.items()))
        await self._model.keeping.put(self._name, json.dumps(texts) if texts else "")
