"""The ASGI application: which path leads where.

Belongs here: the table of routes, what is made once for all of them, beginning and ending. Who may ask at
all is ``guard``'s, what is answered the routes' own files'.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from client.gui.serving import fonts
from client.gui.serving.crowd import too_many
from client.gui.serving.freight import Freight
from client.gui.serving.guard import Guard
from client.gui.serving.origin import origin
from client.gui.serving.shelf import Shelf
from client.gui.serving.tabs import Tabs
from config.log import ServerLog
from config.settings import Settings

SOCKET: Final = "/ws"
"""Where a page talks with its window; ``page/page.js`` names it, too."""


@dataclass
class Serving:
    """What all routes share. ``server``: the connection string of the server whose window this is."""

    settings: Settings
    server: str
    log: ServerLog
    secret: bytes = b""


def application(serving: Serving) -> Starlette:
    """The application for one process."""
    shelf = Shelf()
    freight = Freight(serving.settings.home / "web", serving.settings.web_spool_bytes)
    tabs = Tabs(serving, freight)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        filling = asyncio.get_running_loop().create_task(asyncio.to_thread(shelf.fill))
        yield
        await tabs.close()
        await filling

    return Starlette(
        # The first that fits answers.
        routes=[
            WebSocketRoute(SOCKET, tabs),
            fonts.route,
            *freight.routes,
            Route("/", _Front(serving, shelf, tabs), methods=["GET"]),
            Route("/{path:path}", shelf.answer, methods=["GET"]),
        ],
        middleware=[Middleware(Guard, settings=serving.settings)],
        lifespan=lifespan,
    )


class _Front:
    """The page, for whom there is room."""

    def __init__(self, serving: Serving, shelf: Shelf, tabs: Tabs) -> None:
        self._serving = serving
        self._shelf = shelf
        self._tabs = tabs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        full = self._tabs.full(origin(scope, self._serving.settings))
        answer = too_many(request) if full else self._shelf.answer(request)
        await answer(scope, receive, send)
