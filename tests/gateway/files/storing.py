"""A gateway whose visitors store files in a model of the system, and what they often say there."""

from __future__ import annotations

from typing import Any, Final

from client import Chat
from gateway.ftp import Ftp
from gateway.visitor import Visitor
from tests.client.fake_broker import FakeBroker
from tests.client.test_connection import PASSWORD
from tests.gateway.imagined import Imagined, Wire, within

UPLOADED: Final = b"[OK] file telah terupload\n"
PAUSE: Final = 0.02


class Gateway(Imagined):
    """One whose visitors' sessions are with a model of the system."""

    def __init__(self, broker: FakeBroker, **settings: Any) -> None:
        super().__init__(**{"gateway_segment_pause": PAUSE, "gateway_request_timeout": 0.5, **settings})
        self.broker = broker
        self.faults = self.quiet.faults

    async def session(self, visitor: Visitor) -> Chat:
        chat = Chat.connect(self.broker.address, timeout=self.settings.gateway_request_timeout)
        return await chat.__aenter__()

    async def comes(self, name: str) -> Wire:
        """Somebody is logged in, and has read what that answers."""
        wire = self.visit(Ftp)
        await says(wire, f"USER {name}\nPASS {PASSWORD}\n".encode(), b"direkam\n[OK] login berhasil\n")
        return wire


async def all_leave(gateway: Gateway) -> None:
    for visitor in list(gateway._visitors):
        visitor.hang_up()
    await within(lambda: not gateway._visitors and not gateway._leaving)


async def says(wire: Wire, data: bytes, heard: bytes) -> None:
    """This is said, and in the end this is heard."""
    wire.says(data)
    await hears(wire, heard)


async def hears(wire: Wire, heard: bytes) -> None:
    """In the end this is heard; then it is forgotten."""
    await within(lambda: wire.said.endswith(heard))
    wire.heard.clear()
