"""A browser's request to an application in this process: it may stop in the middle, or leave."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message


class Asking:
    """One request. ``status`` 0: no answer yet; ``whole``: its end has come; ``read``: bytes taken."""

    def __init__(self, app: ASGIApp, method: str, path: str, **headers: str) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.whole = False
        self.read = 0
        self._coming: asyncio.Queue[Message] = asyncio.Queue()
        named = [
            (name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()
        ]
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": named,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        self._task = asyncio.ensure_future(app(scope, self._receive, self._send))

    def sends(self, *pieces: bytes, end: bool = True) -> Asking:
        """Its body, or some of it."""
        for piece in pieces:
            self._coming.put_nowait({"type": "http.request", "body": piece, "more_body": True})
        if end:
            self._coming.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        return self

    def leaves(self) -> Asking:
        """The connection is gone."""
        self._coming.put_nowait({"type": "http.disconnect"})
        return self

    async def answered(self) -> Asking:
        """Until the application has done with it."""
        await asyncio.wait_for(self._task, 10)
        return self

    async def _receive(self) -> Message:
        message = await self._coming.get()
        self.read += len(message.get("body", b""))
        return message

    async def _send(self, message: Message) -> None:
        await asyncio.sleep(0)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")
            self.whole = not message.get("more_body", False)
