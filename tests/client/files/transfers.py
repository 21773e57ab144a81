"""Following transfers to their end, for the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from client import Chat, Progress
from protocol.files import StoredFile
from tests.client.fake_bulk import FakeBulk

ID = bytes(range(16))
BIG = 300_000
"""Bytes of a file in many chunks, as chunks go here."""


async def followed(steps: AsyncIterator[Progress]) -> list[Progress]:
    async with asyncio.timeout(30):
        return [progress async for progress in steps]


async def fetched(chat: Chat, file: int | StoredFile, **options: int) -> bytes:
    async with asyncio.timeout(30):
        return b"".join([chunk async for chunk in chat.files.download(file, **options)])


def kinds(bulk: FakeBulk, kind: type) -> list[Any]:
    return [request for request in bulk.requests if isinstance(request, kind)]
