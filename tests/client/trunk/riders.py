"""Sessions on trunks, and what they heard."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from client.chat import Chat, Event, Status
from client.trunk import Trunks
from protocol.events import MessageEvent
from tests.client.fake_broker import FakeBroker

PASSWORD = "correct horse"
SECRET = b"g" * 32


@contextlib.asynccontextmanager
async def trunks_to(address: str, **options: Any) -> AsyncIterator[Trunks]:
    trunks = Trunks(address, **options)
    try:
        yield trunks
    finally:
        trunks.close()


class Visitor:
    """One session on trunks, and what it heard."""

    def __init__(self, trunks: Trunks, name: str, **options: Any) -> None:
        self.heard: list[Event] = []
        self.name = name
        self.chat = Chat.connect(
            trunks.text, username=name, password=PASSWORD, trunks=trunks, hear=self.heard.append, **options
        )

    @property
    def texts(self) -> list[str]:
        return [one.body for one in self.heard if isinstance(one, MessageEvent)]

    @property
    def statuses(self) -> list[bool]:
        return [one.connected for one in self.heard if isinstance(one, Status)]

    async def enter(self, listen: bool = True) -> Visitor:
        await self.chat.__aenter__()
        if listen:
            await self.chat.listen()
        return self


async def visitors(trunks: Trunks, *names: str, **options: Any) -> list[Visitor]:
    """Logged in, and listening, one after the other."""
    return [await Visitor(trunks, name, **options).enter() for name in names]


async def until(true: Callable[[], object], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


async def hear_all(one: Visitor, texts: set[str]) -> None:
    await until(lambda: texts <= {*one.texts})


def subscriptions(broker: FakeBroker, topic: bytes) -> list[int]:
    """What the broker was told of a topic: 1 for each subscription, 0 for each end."""
    return [frame[0] for frame in broker.subscribed if frame[1:] == topic]
