"""A process that serves windows, in this one, and pages of browsers that talk with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import flet as ft
import msgpack
from starlette.applications import Starlette
from starlette.types import Message

from client.gui.serving.app import SOCKET, Serving, application
from client.gui.visit import Visit, visit
from config.log import open_log
from config.settings import Settings
from tests.client.gui.model.scene import until

SERVER = "pesan://127.0.0.1:9"


class Street:
    """A server with room for few tabs. ``visits``: of the windows that were opened; ``ended``: whose."""

    def __init__(self, settings: Settings) -> None:
        self.visits: list[Visit] = []
        self.ended: list[str] = []
        self.serving = Serving(settings, SERVER, open_log(settings, "web"), bytes(32))
        self.app: Starlette = application(self.serving)
        self._life = self.app.router.lifespan_context(self.app)
        self._pages: list[Page] = []

    async def open_window(self, page: ft.Page, gone: Callable[[], object]) -> None:
        """In place of the whole window."""
        who = visit.get()
        self.visits.append(who)

        def close() -> None:
            gone()
            self.ended.append(who.origin)

        page.on_close = close

    async def begin(self) -> None:
        await self._life.__aenter__()

    async def end(self) -> None:
        for page in self._pages:
            await page.closes()
        await self._life.__aexit__(None, None, None)
        self.serving.log.close()

    async def comes(self, address: str, **headers: str) -> Page:
        """A page that says what it is, and has its window unless it was sent away."""
        before = len(self.visits)
        page = Page(self.app, address, headers)
        self._pages.append(page)
        await until(lambda: len(self.visits) > before or page.sent_away)
        return page


class Page:
    """A socket of a browser's."""

    def __init__(self, app: Starlette, address: str, headers: dict[str, str]) -> None:
        self.said: list[Message] = []
        self._coming: asyncio.Queue[Message] = asyncio.Queue()
        hello = {"session_id": "", "page_name": "", "page": {"route": "/", "web": True}}
        self._coming.put_nowait({"type": "websocket.connect"})
        packed = b"\x00" + msgpack.packb([1, hello])
        self._coming.put_nowait({"type": "websocket.receive", "bytes": packed, "text": None})
        named = {"host": "127.0.0.1", "origin": "http://127.0.0.1", **headers}
        scope: dict[str, Any] = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "scheme": "ws",
            "path": SOCKET,
            "raw_path": SOCKET.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.replace("_", "-").encode(), text.encode()) for name, text in named.items()],
            "client": (address, 1),
            "server": ("127.0.0.1", 80),
            "subprotocols": [],
        }
        self._task = asyncio.ensure_future(app(scope, self._coming.get, self._send))

    @property
    def sent_away(self) -> bool:
        return any(message["type"] == "websocket.close" for message in self.said)

    async def closes(self) -> None:
        """The tab is closed; its window waits for it to come back."""
        self._coming.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await asyncio.wait_for(self._task, 10)

    async def _send(self, message: Message) -> None:
        self.said.append(message)
