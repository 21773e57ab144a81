"""What every piece of one window shares: the page, the model, the words, the way of files.

Belongs here: that, running actions, and telling narrow from wide. Which pieces there are is ``shell``'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import flet as ft

from client.gui import faults
from client.gui.model.changes import Part
from client.gui.model.model import Model
from client.gui.model.transfers import Crate
from client.gui.views.look import NARROW
from client.gui.words import Words
from protocol.files import FileInfo

if TYPE_CHECKING:
    from client.gui.views.piece import Piece


class Doors(Protocol):
    """Where files come in from and go out to: another one for browsers and for the desktop."""

    async def choose(self) -> list[Crate]:
        """Let somebody choose files to send; empty when they chose none."""

    async def save(self, file: FileInfo, address: str) -> None:
        """Hand a file of a conversation to somebody: as a download, or into a folder that they choose."""

    async def picture(self, file: FileInfo) -> str | bytes | None:
        """What an ``ft.Image`` shows of it: a URL or bytes; None when it is no picture that is shown."""

    def on_drop(self, take: Callable[[list[Crate]], None]) -> None:
        """Have ``take`` called with files that are dropped on the window."""

    def close(self) -> None:
        """The window is gone: remove what was made for it."""


class Panel(StrEnum):
    """What the main screen shows in place of the room, or beside it."""

    NONE = ""
    SETTINGS = "settings"
    MEMBERS = "members"
    """Who is in the group that is open: its name goes to ``Groups.look`` by itself."""


class Window:
    """One window. ``words`` is replaced when another language is chosen; pieces are then made anew."""

    def __init__(self, page: ft.Page, model: Model, words: Words, doors: Doors) -> None:
        self.page = page
        self.model = model
        self.words = words
        self.doors = doors
        self._running: set[asyncio.Task[Any]] = set()
        self.panel = Panel.NONE
        """Set by ``go`` and ``open``; drawn by ``views.main``."""
        self.dialog: Piece | None = None
        """What lies above everything, and is refreshed with the main screen; see ``views.dialogs``."""

    @property
    def narrow(self) -> bool:
        """Whether one thing at a time is shown."""
        return (self.page.width or 0) < NARROW

    def go(self, panel: Panel) -> None:
        """Show a panel, or none."""
        self.panel = panel
        self.model.changes.mark(Part.SCREEN)

    def open(self, address: str) -> None:
        """Open a conversation, whatever was shown."""
        self.go(Panel.NONE)
        self.run(self.model.open, address)

    def run(self, action: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> None:
        """Do something that takes a while; the window stays usable. A mistake of ours is logged.

        Also while the page is cut off, when Flet has no line that its own tasks could belong to.
        """
        task = asyncio.get_running_loop().create_task(action(*arguments))
        self._running.add(task)
        task.add_done_callback(self._ran)

    def _ran(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            faults.tell("doing", error)
