"""The files of all tabs: what their doors share, and which path leads to what.

Belongs here: that. Nothing here needs Flet, which is loaded when the first tab comes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from client.gui.serving.downloads import Downloads
from client.gui.serving.spool import Spool
from client.gui.serving.uploads import Uploads

if TYPE_CHECKING:
    import flet as ft

    from client.gui.model.model import Model
    from client.gui.views.window import Doors


class Freight:
    """``folder``: where files from browsers lie meanwhile, at most ``most`` bytes of them."""

    def __init__(self, folder: Path, most: int) -> None:
        self.spool = Spool(folder, most)
        self.uploads = Uploads()
        self.downloads = Downloads()

    @property
    def routes(self) -> list[BaseRoute]:
        """What browsers ask of it."""
        return [
            Route("/files/begin", self.uploads.begin, methods=["POST"]),
            Route("/files/drop", self.uploads.drop, methods=["POST"]),
            Route("/files/in/{ticket}", self.uploads.take, methods=["PUT"]),
            Route("/files/picture/{ticket}", self.downloads.picture, methods=["GET"]),
            Route("/files/out/{ticket}/{name}", _Out(self.downloads), methods=["GET"]),
        ]

    def doors(self, page: ft.Page, model: Model) -> Doors:
        """Those of a new tab."""
        from client.gui.serving.doors import BrowserDoors

        return BrowserDoors(self, page, model)


class _Out:
    """An object, so that it is taken for an application, whose answer may be cut off."""

    def __init__(self, downloads: Downloads) -> None:
        self._downloads = downloads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._downloads.save(scope, receive, send)
