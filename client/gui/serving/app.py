"""The ASGI application: which path leads where.

Belongs here: the table of routes, what is made once for all of them, beginning and ending. Who may ask at
all is ``guard``'s, what is answered the routes' own files'.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route, WebSocketRoute

from client.gui.serving import fonts
from client.gui.serving.freight import Freight
from client.gui.serving.guard import Guard
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
    endings: list[Callable[[], object]] = field(default_factory=list)
    """Called when the process ends, after every window is closed."""


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
        for end in serving.endings:
            end()

    return Starlette(
        routes=[
            *_routes(serving, tabs),
            *freight.routes,
            Route("/{path:path}", shelf.answer, methods=["GET"]),
        ],
        middleware=[Middleware(Guard, settings=serving.settings)],
        lifespan=lifespan,
    )


def _routes(serving: Serving, tabs: Tabs) -> Sequence[BaseRoute]:
    """All that is not a file of the page itself. The first that fits answers."""
    return [WebSocketRoute(SOCKET, tabs), fonts.route]
