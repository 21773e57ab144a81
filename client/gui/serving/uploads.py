"""Files that come from browsers: ``PUT /files/in/TICKET``, and ``POST /files/drop`` for what a page is given.

Belongs here: these requests. Flet's file picker sends what was chosen to an address with a ticket; for what
was dropped or pasted ``page/files.js`` asks for tickets first, and says which tab it is. Where the bytes go
is ``spool``'s, what becomes of them the model's.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from client.gui.serving.spool import GONE, Incoming
from client.gui.serving.tickets import Tickets

PIECE: Final = 1024 * 1024
"""Bytes written at once."""
FILES_MOST: Final = 50
"""Files dropped at once."""
SILENCE: Final = 120.0
"""Seconds in which a browser has to go on sending: what it holds of the spool others wait for."""
REQUEST_MOST: Final = 64 * 1024
"""Bytes of a request for tickets."""
TAB: Final = "x-pesan-tab"
"""The header in which a page says which tab it is: a secret between the two of us."""


class Dropped(msgspec.Struct):
    """A file that somebody dropped on a page."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    size: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


_DROP: Final = msgspec.json.Decoder(
    Annotated[list[Dropped], msgspec.Meta(min_length=1, max_length=FILES_MOST)]
)
Receiver = Callable[[list[Dropped]], list[str] | None]
"""Makes a ticket for each file; None where none can be taken now."""


class Uploads:
    """Every file that a browser may send. ``tabs``: who takes what is dropped on a page."""

    def __init__(self) -> None:
        self.tickets: Tickets[Incoming] = Tickets()
        self.tabs: dict[str, Receiver] = {}
        self.losses: dict[str, Callable[[], None]] = {}
        """Called when a tab's page is loaded again: what it had not begun to send will not come."""

    async def take(self, request: Request) -> Response:
        """A file's bytes. 204: all are here; 410: nobody wants them, or they did not all come."""
        ticket = request.path_params["ticket"]
        incoming = self.tickets.find(ticket)
        if incoming is None or not incoming.wanted:
            return _gone()
        try:
            whole = await incoming.take(_pieces(request))
        finally:
            self.tickets.take_back(ticket)
        return Response(status_code=204) if whole else _gone()

    async def begin(self, request: Request) -> Response:
        """A page was loaded; if it was loaded again, it says which tab it is."""
        lose = self.losses.get(request.headers.get(TAB, ""))
        if lose is not None:
            lose()
        return Response(status_code=204)

    async def drop(self, request: Request) -> Response:
        """Which files were dropped: a ticket for each. 409: there is no conversation open to send them to."""
        receiver = self.tabs.get(request.headers.get(TAB, ""))
        if receiver is None:
            return Response(status_code=403)
        try:
            dropped = _DROP.decode(await _body(request))
        except (msgspec.DecodeError, ValueError):
            return Response(status_code=400)
        tickets = receiver(dropped)
        return Response(status_code=409) if tickets is None else JSONResponse(tickets)


def _gone() -> Response:
    # What is on its way is not read any more, so nothing else can come over this connection.
    return Response(status_code=410, headers={"connection": "close"})


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """A request's body in pieces that are worth a write. Raises ``OSError`` when no more of it comes."""
    waiting = bytearray()
    stream = request.stream()
    try:
        while True:
            async with asyncio.timeout(SILENCE):
                chunk = await anext(stream, None)
            if chunk is None:
                break
            waiting += chunk
            if len(waiting) >= PIECE:
                yield bytes(waiting)
                waiting.clear()
    except (ClientDisconnect, TimeoutError):
        raise OSError(errno.EIO, GONE) from None
    if waiting:
        yield bytes(waiting)


async def _body(request: Request) -> bytes:
    """A small request's body. Raises ``ValueError`` when it is not small."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > REQUEST_MOST:
            raise ValueError("too long")
    return bytes(body)
