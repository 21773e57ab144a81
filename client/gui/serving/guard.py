"""Who may ask, and what a browser may do with the answer.

Belongs here: names by which we may be called (against DNS rebinding), pages that may talk to us (against
other sites in the same browser), and the headers of every answer.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.settings import Settings

HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; base-uri 'self'; form-action 'none'; "
    "frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Guard:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._names = frozenset(names(settings.web_names))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Turn away who may not ask; add the headers to what the others are answered."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if not self.lets_in(scope):
            refusal = PlainTextResponse("This name or page is not known here.", 403)
            await refusal(scope, receive, guarded(send))
            return
        await self._app(scope, receive, guarded(send))

    def lets_in(self, scope: Scope) -> bool:
        """Whether the request calls us by a name of ours, and no other site's page sends it."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        try:
            if not self._ours(host):
                return False
            if origin is not None:
                return urlsplit(origin).netloc == host or urlsplit(origin).hostname in self._names
        except ValueError:  # brackets that hold no address
            return False
        if scope["type"] == "websocket":  # a socket's page always says where it is from
            return False
        return headers.get("sec-fetch-site", "none") in _OWN or _followed(scope, headers)

    def _ours(self, host: str) -> bool:
        """An address cannot be another's name; a name must be one of ours."""
        name = urlsplit(f"//{host}").hostname or ""
        try:
            ip_address(name)
        except ValueError:
            return name == "localhost" or name in self._names
        return True


_OWN: Final = ("none", "same-origin")


def _followed(scope: Scope, headers: Headers) -> bool:
    """Whether somebody has followed a link to the window: that opens it, and does nothing in it."""
    opens = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return opens and (scope["method"], scope["path"]) == ("GET", "/")


def names(text: str) -> list[str]:
    """``a.example.org, b.example.org`` as names."""
    return [name.lower() for name in text.replace(",", " ").split()]


def guarded(send: Send) -> Send:
    """``send``, with the headers on whatever is answered."""

    async def with_headers(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return with_headers
