"""Files that go to browsers: ``GET /files/out/TICKET/NAME``, and ``GET /files/picture/TICKET`` to be shown.

Belongs here: these requests. A file from somebody else is never shown as a page: it is handed out to be
saved, under a harmless name and as plain bytes, and only what is a picture by its own head as one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from client.gui.model.album import KINDS
from client.gui.serving.tickets import Tickets
from protocol.file_names import local_name
from protocol.files import FileInfo

if TYPE_CHECKING:
    from client.gui.model.model import Model

AT_ONCE: Final = 0.5
"""Seconds in which a file that cannot be had is found out: then there is nothing to save."""
_RANGE: Final = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")


@dataclass(frozen=True)
class Outgoing:
    """A file that one tab may have."""

    model: Model
    user: str
    file: FileInfo
    address: str

    @property
    def due(self) -> bool:
        """Whether whoever was given the ticket is still there."""
        return bool(self.user) and self.model.user == self.user


class Downloads:
    """Every file that a browser may have."""

    def __init__(self) -> None:
        self.tickets: Tickets[Outgoing] = Tickets()

    async def picture(self, request: Request) -> Response:
        """A picture, to be shown."""
        ticket = self.tickets.find(request.path_params["ticket"])
        if ticket is None or not ticket.due or ticket.file.type not in KINDS:
            return Response(status_code=404)
        data = await ticket.model.transfers.picture(ticket.file)
        if data is None:
            return Response(status_code=404)
        headers = {"cache-control": "private, max-age=86400, immutable"}
        return Response(data, media_type=ticket.file.type, headers=headers)

    async def save(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A file, to be saved; from a byte on, if the browser has the ones before."""
        request = Request(scope)
        ticket = self.tickets.find(request.path_params["ticket"])
        if ticket is None or not ticket.due:
            # No page of ours: the browser would show it in the place of the window.
            await Response(status_code=204)(scope, receive, send)
            return
        size = ticket.file.size
        first, end = _wanted(request, ticket.file)
        if first >= end and (size or first):
            refused = Response(status_code=416, headers={"content-range": f"bytes */{size}"})
            await refused(scope, receive, send)
            return
        sending = _Sending(ticket, first, end)
        await (sending.head(send) if scope["method"] == "HEAD" else sending.run(receive, send))


class _Sending:
    """One answer: bytes ``first`` to ``end`` (not with it)."""

    def __init__(self, ticket: Outgoing, first: int, end: int) -> None:
        self._ticket = ticket
        self._file = ticket.file
        self._first = first
        self._end = end

    async def head(self, send: Send) -> None:
        """What would be sent."""
        await _answer(send, 206 if self._partial else 200, self._headers())
        await send({"type": "http.response.body"})

    async def run(self, receive: Receive, send: Send) -> None:
        """Send it, until it is over or nobody listens any more."""
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
        if not sending.cancelled():
            sending.result()

    async def _send(self, send: Send) -> None:
        ticket = self._ticket
        stream = ticket.model.transfers.stream(ticket.file, ticket.address, self._first)[1]
        async with aclosing(stream) as chunks:
            beginning = asyncio.ensure_future(anext(chunks, None))
            try:
                await asyncio.wait({beginning}, timeout=AT_ONCE)
                if self._file.size > self._first and beginning.done() and beginning.result() is None:
                    await _answer(send, 204, [])
                    await send({"type": "http.response.body"})
                    return
                await _answer(send, 206 if self._partial else 200, self._headers())
                await self._body(send, await beginning, chunks)
            finally:
                beginning.cancel()
                await asyncio.gather(beginning, return_exceptions=True)

    async def _body(self, send: Send, chunk: bytes | None, chunks: AsyncGenerator[bytes, None]) -> None:
        """Cut off when it fails: a browser then knows that it has not got all."""
        left = self._end - self._first
        while chunk is not None and left > 0:
            await send({"type": "http.response.body", "body": chunk[:left], "more_body": True})
            left -= len(chunk)
            chunk = await anext(chunks, None)
        if left <= 0:
            await send({"type": "http.response.body"})

    @property
    def _partial(self) -> bool:
        return self._end - self._first != self._file.size

    def _headers(self) -> list[tuple[str, str]]:
        file = self._file
        name = local_name(file.name)
        plain = name.encode("ascii", "replace").decode().translate(str.maketrans('"\\?', "___"))
        headers = [
            ("content-type", "application/octet-stream"),
            (
                "content-disposition",
                f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
            ),
            ("content-length", str(self._end - self._first)),
            ("accept-ranges", "bytes"),
            ("etag", _mark(file)),
            ("cache-control", "no-store"),
        ]
        if self._partial:
            headers.append(("content-range", f"bytes {self._first}-{self._end - 1}/{file.size}"))
        return headers


async def _answer(send: Send, status: int, headers: list[tuple[str, str]]) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


async def _left(receive: Receive) -> None:
    """Until the browser is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _mark(file: FileInfo) -> str:
    return f'"{file.sha256.hex()}"'


def _wanted(request: Request, file: FileInfo) -> tuple[int, int]:
    """Which bytes [first, end): all, unless a browser goes on with this very file."""
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None or request.headers.get("if-range", _mark(file)) != _mark(file):
        return 0, file.size
    last = int(asked[2]) + 1 if asked[2] else file.size
    return int(asked[1]), min(last, file.size)
