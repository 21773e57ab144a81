"""What a browser keeps for us: texts in the local storage of our page.

Belongs here: reading and writing them through the page, and what the tabs of one browser know of each
other. Only pages of this address see them, and no script but ours runs there (``guard``).

A page reads its storage once, when it is loaded, and does not see what another tab writes later. So the
tabs of a browser share what was written here: they know each other by a secret that is kept like the rest.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Final
from weakref import WeakValueDictionary

import flet as ft

PREFIX: Final = "pesan."
BROWSER: Final = "browser"
"""Name of the secret that the tabs of one browser have in common."""
PATIENCE: Final = 5.0
"""Seconds that a browser has to answer. One that is cut off is asked again when there is more to write."""
TRIES: Final = 4
"""How often it is asked what it keeps: a question is lost when the page is cut off just then, and whoever is
logged in must not be asked for a password for that."""


class Drawer(dict[str, str]):
    """Texts of one browser, as its tabs have read and written them last. Goes with the last of them."""


_drawers: Final[WeakValueDictionary[str, Drawer]] = WeakValueDictionary()
"""By their browser's secret."""


class BrowserKeeping:
    """Keeps texts in the browser; what it could not be told as yet is remembered here meanwhile."""

    def __init__(self, page: ft.Page) -> None:
        self._page = page
        self._storage = ft.SharedPreferences()
        self._drawer: Drawer | None = None
        self._opening = asyncio.Lock()
        self._unwritten: set[str] = set()
        self._writing = asyncio.Lock()

    async def get(self, name: str) -> str:
        """What is kept under this name; '' when nothing is."""
        texts = await self._texts()
        if name not in texts:
            found = await self._read(name)
            if found is None:
                return ""
            texts.setdefault(name, found)
        return texts[name]

    async def put(self, name: str, text: str) -> None:
        """Keep a text; '' removes it."""
        (await self._texts())[name] = text
        self._unwritten.add(name)
        async with self._writing:
            while self._unwritten and await self._write(next(iter(self._unwritten))):
                pass

    async def _texts(self) -> Drawer:
        """The drawer of our browser; one of our own while it does not say which it is."""
        async with self._opening:
            if self._drawer is None:
                self._drawer = await self._find()
            return self._drawer

    async def _find(self) -> Drawer:
        secret = await self._read(BROWSER)
        if secret is None:
            return Drawer()
        fresh = secret or secrets.token_urlsafe(16)
        drawer = _drawers.setdefault(fresh, Drawer())
        if not secret:
            drawer[BROWSER] = fresh
            self._unwritten.add(BROWSER)
        return drawer

    async def _read(self, name: str) -> str | None:
        """What this page has read of its storage; None when it does not answer."""
        for _ in range(TRIES):
            try:
                async with asyncio.timeout(PATIENCE):
                    found = await self._storage.get(PREFIX + name)
            except TimeoutError:
                continue
            except RuntimeError:
                break
            return found if isinstance(found, str) else ""
        return None

    async def _write(self, name: str) -> bool:
        """Write what is to be kept under this name now; whether the browser answered."""
        self._unwritten.discard(name)
        text = (await self._texts())[name]
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
