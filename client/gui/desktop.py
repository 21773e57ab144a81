"""What a desktop window has of this machine: a place to keep things, files by their paths.

Belongs here: that. Browsers have ``serving``'s.
"""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from client.gui.model.keeping import Forgetful
from client.gui.model.model import Model
from client.gui.model.transfers import Crate
from protocol.files import FileInfo


class HomeKeeping(Forgetful):
    """Keeps texts in the state folder of whoever runs the program, readable by them alone."""


class DesktopDoors:
    """Files are chosen and saved by their paths."""

    def __init__(self, page: ft.Page, model: Model) -> None:
        self._page = page
        self._model = model

    async def choose(self) -> list[Crate]:
        """Let somebody choose files to send."""
        raise NotImplementedError

    async def save(self, file: FileInfo, address: str) -> None:
        """Save a file where they say."""
        raise NotImplementedError

    async def picture(self, file: FileInfo) -> str | bytes | None:
        """A picture's bytes."""
        return await self._model.transfers.picture(file)

    def on_drop(self, take: Callable[[list[Crate]], None]) -> None:
        """Flet's desktop window has no way to drop a file on it."""

    def close(self) -> None:
        """Nothing was made."""
