"""What a browser keeps for us: texts in the local storage of our page.

Belongs here: reading and writing them through the page. Only pages of this address see them, and no script but
ours runs there (``guard``).
"""

from __future__ import annotations

import asyncio
from typing import Final

import flet as ft

PREFIX: Final = "pesan."
PATIENCE: Final = 5.0
"""Seconds that a browser has to answer. One that is cut off is asked again when there is more to write."""


class BrowserKeeping:
    """Keeps texts in the browser; what it could not be told as yet is remembered here meanwhile."""

    def __init__(self, page: ft.Page) -> None:
        self._page = page
        self._storage = ft.SharedPreferences()
        self._texts: dict[str, str] = {}
        self._unwritten: set[str] = set()
        self._writing = asyncio.Lock()

    async def get(self, name: str) -> str:
        """What is kept under this name; '' when nothing is."""
        if name not in self._texts:
            try:
                async with asyncio.timeout(PATIENCE):
                    found = await self._storage.get(PREFIX + name)
            except (RuntimeError, TimeoutError):
                return ""
            self._texts.setdefault(name, found if isinstance(found, str) else "")
        return self._texts[name]

    async def put(self, name: str, text: str) -> None:
        """Keep a text; '' removes it."""
        self._texts[name] = text
        self._unwritten.add(name)
        async with self._writing:
            while self._unwritten and await self._write(next(iter(self._unwritten))):
                pass

    async def _write(self, name: str) -> bool:
        """Write what is to be kept under this name now; whether the browser answered."""
        self._unwritten.discard(name)
        text = self._texts[name]
        try:
            async with asyncio.timeout(PATIENCE):
                if text:
                    await self._storage.set(PREFIX + name, text)
                else:
                    await self._storage.remove(PREFIX + name)
        except (RuntimeError, TimeoutError):
            self._unwritten.add(name)
            return False
        return True
