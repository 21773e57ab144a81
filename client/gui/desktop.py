"""What a desktop window has of this machine: a place to keep things, files by their paths.

Belongs here: that. Browsers have ``serving``'s.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import flet as ft

from client.gui.model.model import Model
from client.gui.model.transfers import Crate
from config.folders import private_folder, state_folder
from protocol.file_names import local_name
from protocol.files import FileInfo

KEPT: Final = "window.json"
"""The file in the state folder."""


class HomeKeeping:
    """Keeps texts in the state folder of whoever runs the program, readable by them alone.

    Several windows keep theirs in one file; each changes only what it is told to.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or state_folder()
        self._unkept: dict[str, str] = {}
        """What could not be written: remembered while the window is open."""

    async def get(self, name: str) -> str:
        """What is kept under this name; '' when nothing is."""
        if name in self._unkept:
            return self._unkept[name]
        return (await asyncio.to_thread(self._read)).get(name, "")

    async def put(self, name: str, text: str) -> None:
        """Keep a text; '' removes it."""
        try:
            await asyncio.to_thread(self._change, name, text)
            self._unkept.pop(name, None)
        except OSError:
            self._unkept[name] = text

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads((self._folder / KEPT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        items = found.items() if isinstance(found, dict) else ()
        return {name: text for name, text in items if isinstance(text, str)}

    def _change(self, name: str, text: str) -> None:
        private_folder(self._folder)
        lock = os.open(self._folder / f"{KEPT}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            texts = self._read()
            texts.pop(name, None)
            if text:
                texts[name] = text
            draft = self._folder / f".{KEPT}.{os.getpid()}"
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
                json.dump(texts, stream)
            draft.replace(self._folder / KEPT)
        finally:
            os.close(lock)


class OwnFile:
    """A file of this machine: a ``Crate`` that need not come."""

    def __init__(self, path: Path, size: int) -> None:
        self.name = path.name
        self.size = size
        self.place = path

    async def coming(self) -> AsyncIterator[int]:
        """It is here."""
        yield self.size

    def drop(self) -> None:
        """It stays where it is."""


class DesktopDoors:
    """Files are chosen and saved by their paths."""

    def __init__(self, page: ft.Page, model: Model) -> None:
        self._page = page
        self._model = model
        self._picker: ft.FilePicker | None = None

    @property
    def picker(self) -> ft.FilePicker:
        """The system's dialogs, made when they are first needed."""
        if self._picker is None:
            self._picker = ft.FilePicker()
        return self._picker

    async def choose(self) -> list[Crate]:
        """Let somebody choose files to send."""
        chosen = await self.picker.pick_files(allow_multiple=True)
        return [OwnFile(Path(file.path), file.size) for file in chosen if file.path]

    async def save(self, file: FileInfo, address: str) -> None:
        """Save a file where they say. What they say may be replaced, their system has asked about."""
        path = await self.picker.save_file(file_name=local_name(file.name))
        if path:
            self._model.transfers.save(file, address, Path(path))

    async def picture(self, file: FileInfo) -> str | bytes | None:
        """A picture's bytes."""
        return await self._model.transfers.picture(file)

    def on_drop(self, take: Callable[[list[Crate]], None]) -> None:
        """Flet's desktop window has no way to drop a file on it."""

    def close(self) -> None:
        """Nothing was made."""
