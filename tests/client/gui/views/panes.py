"""Windows at a server of values, in this process, for tests of what is drawn.

Belongs here: opening them. What somebody does in one is the harness's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import flet as ft

from client.gui.model.keeping import Forgetful
from client.gui.model.model import Model
from client.gui.model.transfers import Crate
from client.gui.views.shell import Shell
from client.gui.views.window import Window
from client.gui.words import Words
from protocol.files import FileInfo
from tests.client.gui.fake_chat import SERVER, FakeServer
from tests.client.gui.harness import Pane

PASSWORD = "secret-secret"


class NoDoors:
    """Nothing comes in, nothing goes out."""

    async def choose(self) -> list[Crate]:
        return []

    async def save(self, file: FileInfo, address: str) -> None:
        raise AssertionError("nothing is saved here")

    async def picture(self, file: FileInfo) -> str | bytes | None:
        return None

    def on_drop(self, take: Callable[[list[Crate]], None]) -> None:
        pass

    def close(self) -> None:
        pass


class Seen:
    """One window, and what is behind it."""

    def __init__(self, server: FakeServer, pane: Pane, model: Model, window: Window) -> None:
        self.server, self.pane, self.model, self.window = server, pane, model, window


@asynccontextmanager
async def opened(
    server: FakeServer | None = None,
    *,
    keeping: Forgetful | None = None,
    language: str = "en",
    at: str = SERVER,
    fixed: bool = False,
    width: float = 1200,
    **more: Any,
) -> AsyncIterator[Seen]:
    """A window that has been opened, closed in the end."""
    house = server or FakeServer()
    if server is None:
        house.add("ani", "budi", "citra", "dewi", password=PASSWORD)
    model = Model(
        Forgetful() if keeping is None else keeping, server=at, fixed=fixed, chats=house.connect, **more
    )
    windows: list[Window] = []

    async def main(page: ft.Page) -> None:
        windows.append(Window(page, model, Words(language), NoDoors()))
        shell = Shell(windows[0])
        page.on_close = shell.close
        page.run_task(shell.open)  # which ends only when a session that was kept has an answer

    pane = await Pane.opened(main, width=width)
    try:
        yield Seen(house, pane, model, windows[0])
        pane.check()
    finally:
        await pane.close()


def entered(user: str = "ani", **how: Any) -> AbstractAsyncContextManager[Seen]:
    """A window in which somebody has logged in."""

    @asynccontextmanager
    async def inside() -> AsyncIterator[Seen]:
        async with opened(**how) as seen:
            await seen.pane.until(lambda: seen.pane.controls(ft.TextField))
            assert await seen.model.entry.login(user, PASSWORD, remember=False)
            await seen.pane.until(lambda: seen.pane.has(seen.window.words.say("Settings")))
            await asyncio.sleep(0)
            yield seen

    return inside()
