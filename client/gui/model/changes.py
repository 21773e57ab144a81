"""Which parts of the model have changed since the window was last drawn.

Belongs here: marking and waiting. Many changes in a moment are one repaint.
"""

from __future__ import annotations

import asyncio
from enum import Enum


class Part(Enum):
    """What can change by itself; each is drawn by few pieces of the window."""

    SCREEN = "which screen there is"
    ENTRY = "what stands on the screens before one is logged in"
    LINE = "whether the server is there"
    TALKS = "the list of conversations"
    PEOPLE = "who there is, and who is online"
    GROUPS = "which groups there are, and members"
    ROOM = "messages of the open conversation"
    COMING = "what others add to it, and read of it"
    TYPING = "who is typing in it"
    COMPOSER = "what is being typed here, set by the model"
    SEARCH = "what is looked for in the lists, and where the arrow keys are"
    TRANSFERS = "files on their way"
    NOTICES = "what is told for a moment"
    ACCOUNT = "sessions of ours, and the password"
    PREFERENCES = "theme, language"


class Changes:
    """Marked by the model, taken by whoever draws it."""

    def __init__(self) -> None:
        self._parts: set[Part] = set()
        self._marked = asyncio.Event()

    def mark(self, *parts: Part) -> None:
        """These have changed."""
        self._parts.update(parts)
        self._marked.set()

    async def wait(self) -> None:
        """Until something has changed."""
        await self._marked.wait()

    def take(self) -> frozenset[Part]:
        """What has changed since the last call."""
        parts = frozenset(self._parts)
        self._parts.clear()
        self._marked.clear()
        return parts
