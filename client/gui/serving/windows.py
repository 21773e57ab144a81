"""Windows behind sockets: what of Flet's own server we use, and where it has to be helped.

Belongs here: every use of ``flet_web``. A page talks msgpack over its socket with a ``FletApp``, which makes
a session for it, or finds the one that the page had before it was reloaded or cut off.

Flet's server is made for one app at home: it waits for ever for a page that never says what it is, forgets to
let go of a session when sending fails in the moment of its end, and keeps as many as come.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import flet as ft
from flet.messaging.session import Session
from flet_web.fastapi import FletApp, app_manager  # type: ignore[import-untyped]
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from client.gui.visit import visit
from client.gui.window import open_window
from protocol.networks import network_of

if TYPE_CHECKING:
    from client.gui.serving.app import Serving

_EVER: Final = datetime.max.replace(tzinfo=UTC)
HELLO: Final = 20.0
"""Seconds in which a page has to say what it is."""


class Windows:
    """All that are open, and those whose page may come back."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._pages: dict[ft.Page, str] = {}
        """Each with the network that it was opened from, the oldest first."""
        self._started = False

    async def attend(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Draw for the page behind this socket, until it is gone."""
        if not self._started:
            self._started = True
            await app_manager.start()
        app = FletApp(
            loop=asyncio.get_running_loop(),
            executor=app_manager.executor,
            main=self._open,
            before_main=None,
            session_timeout_seconds=int(self._serving.settings.web_tab_timeout),
        )
        line = _Line(app, receive, send)
        with contextlib.suppress(AttributeError):  # of a page that never said what it was
            await app.handle(WebSocket(scope, line.receive, line.send))

    async def _open(self, page: ft.Page) -> None:
        """Flet's: a page has come that had no window."""
        network = network_of(visit.get().origin)
        self._pages[page] = network
        await self._make_room(network)
        await open_window(page, lambda: self._pages.pop(page, None))

    async def _make_room(self, network: str) -> None:
        """Let go of windows whose pages are closed, the longest closed first, while there are too many."""
        settings = self._serving.settings
        await self._keep(list(self._pages), settings.web_tabs)
        near = [page for page, where in self._pages.items() if where == network]
        await self._keep(near, settings.web_tabs_per_address)

    async def _keep(self, pages: list[ft.Page], most: int) -> None:
        closed = [(page.session.expires_at, page) for page in pages if _is_closed(page)]
        closed.sort(key=lambda entry: entry[0] or _EVER)
        for _, page in closed[: max(0, len(pages) - most)]:
            self._pages.pop(page, None)
            await _end(page.session)

    async def close(self) -> None:
        """End all of them."""
        if not self._started:
            return
        ends = [page.session.dispatch_event(page._i, "close", None) for page in list(self._pages)]
        await asyncio.gather(*ends, return_exceptions=True)
        await app_manager.shutdown()


def _is_closed(page: ft.Page) -> bool:
    """Whether it is gone, and might come back."""
    connection: object = page.session.connection  # None while there is none, whatever its type says
    return connection is None


async def _end(session: Session) -> None:
    """Have Flet forget it; its window is closed by that. Flet finds it by a name that it does not tell."""
    known: dict[str, Session] = app_manager._FletAppManager__sessions
    for name in [name for name, one in known.items() if one is session]:
        await app_manager.delete_session(name)


class _Line:
    """A socket that keeps trouble at its end from ``FletApp``."""

    def __init__(self, app: FletApp, receive: Receive, send: Send) -> None:
        self._app = app
        self._receive = receive
        self._send = send
        self._gone = False
        self._heard = 0

    async def receive(self) -> Message:
        """What the page says."""
        message: Message = {"type": "websocket.disconnect", "code": 1002}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HELLO if self._heard < 2 else None):
                message = await self._receive()
        self._heard += 1
        if message["type"] == "websocket.disconnect":
            self._gone = True
            if _session(self._app) is None:  # its other half would wait for ever
                self._app._FletApp__send_queue.put_nowait(None)
        return message

    async def send(self, message: Message) -> None:
        """What the page is told; nothing once it is gone: a sender that fails takes its session with it."""
        if not self._gone:
            with contextlib.suppress(OSError, RuntimeError):
                await self._send(message)


def _session(app: FletApp) -> Session | None:
    found: Session | None = app._FletApp__session
    return found
