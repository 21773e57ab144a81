"""Tabs of browsers: each has a window of its own, for as long as it is there and a little longer.

Belongs here: how many there may be, what a window knows of whoever opened it, and ending those that are gone.
"""

from __future__ import annotations

import urllib.parse
from collections import Counter
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from client.gui.serving.devices import device
from client.gui.serving.guard import names
from client.gui.serving.origin import origin
from client.gui.visit import Visit, visit
from protocol.networks import network_of

if TYPE_CHECKING:
    from client.gui.serving.app import Serving
    from client.gui.serving.freight import Freight
    from client.gui.serving.ways import Ways
    from client.gui.serving.windows import Windows

LANGUAGES: Final = "languages"
"""The cookie in which our page says which languages the browser asks for."""
ZONE: Final = "zone"
"""The cookie in which our page says its time zone."""
TRY_LATER: Final = 1013
"""Code of a socket that is closed because there are too many."""


class Tabs:
    """Everyone who has our page open."""

    def __init__(self, serving: Serving, freight: Freight) -> None:
        self._serving = serving
        self._freight = freight
        self._open: Counter[str] = Counter()
        """Sockets, by the network that they come from."""

    def full(self, address: str) -> bool:
        """Whether no further tab has room, of anybody or of who comes from this address."""
        settings = self._serving.settings
        return (
            self._open.total() >= settings.web_tabs
            or self._open[network_of(address)] >= settings.web_tabs_per_address
        )

    @cached_property
    def _windows(self) -> Windows:
        from client.gui.serving.windows import Windows  # here, for who is never visited needs no Flet

        return Windows(self._serving)

    @cached_property
    def _ways(self) -> Ways:
        from client.gui.serving.ways import Ways

        return Ways(self._serving)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A page has come, for the first time or again; returns when it is gone."""
        address = origin(scope, self._serving.settings)
        if self.full(address):
            await send({"type": "websocket.close", "code": TRY_LATER})
            return
        network = network_of(address)
        self._open[network] += 1
        try:
            visit.set(self._visit(Headers(scope=scope), address))
            await self._windows.attend(scope, receive, send)
        finally:
            self._open[network] -= 1
            if not self._open[network]:
                del self._open[network]

    def _visit(self, headers: Headers, address: str) -> Visit:
        from client.gui.serving.keeping import BrowserKeeping

        settings = self._serving.settings
        alone = settings.web_loopback and not names(settings.web_names)
        return Visit(
            languages=(told(headers, LANGUAGES) or headers.get("accept-language", ""))[:200],
            zone=told(headers, ZONE),
            server=self._serving.server,
            fixed=not (settings.web_other_servers and alone),
            device=device(headers.get("user-agent", "")[:1024]),
            doors=self._freight.doors,
            keeping=BrowserKeeping,
            origin=address,
            chats=self._ways.of(address),
        )

    async def close(self) -> None:
        """End every window."""
        if "_windows" in self.__dict__:
            await self._windows.close()
        if "_ways" in self.__dict__:
            self._ways.close()


def told(headers: Headers, name: str) -> str:
    """What our page has told of the browser, '' if it has not."""
    try:
        found = SimpleCookie(headers.get("cookie", "")[:4096]).get(name)
    except CookieError:
        return ""
    return urllib.parse.unquote(found.value) if found is not None else ""
