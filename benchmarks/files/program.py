"""``python -m benchmarks.files.program SERVER TOKEN…``: moves files with the real client library, as told.

An order is a line of JSON on stdin, its answer a line on stdout. ``upload`` {sources, to} and ``download``
{files, targets} move one file with each token's connection, all at once, and answer the seconds that it
took; with ``again`` they go on until the next line. ``delete`` {files}. Started, it says ``ready``.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from client import Chat

STAMP_BYTES = 16
TIMEOUT = 120.0
"""Seconds without any progress after which a transfer has failed."""


class Mover:
    """Some connections, each of which moves a file when told."""

    def __init__(self, chats: list[Chat]) -> None:
        self._chats = chats

    async def upload(self, order: dict[str, Any]) -> dict[str, Any]:
        """One source with each connection; the numbers of the files that they became."""
        for source in order["sources"]:
            _stamp(Path(source))
        begun = time.monotonic()
        replies = await asyncio.gather(
            *(
                chat.files.send(Path(source), order["to"])
                for chat, source in zip(self._chats, order["sources"], strict=False)
            )
        )
        return {"seconds": time.monotonic() - begun, "files": [reply.file.file for reply in replies]}

    async def download(self, order: dict[str, Any]) -> dict[str, Any]:
        """One file with each connection."""
        _remove(order["targets"])
        begun = time.monotonic()
        await asyncio.gather(
            *(
                self._save(chat, file, Path(target))
                for chat, file, target in zip(self._chats, order["files"], order["targets"], strict=False)
            )
        )
        return {"seconds": time.monotonic() - begun}

    async def delete(self, order: dict[str, Any]) -> dict[str, Any]:
        """The caller's own files."""
        for file in order["files"]:
            await self._chats[0].files.delete(file)
        return {}

    async def upload_again(self, order: dict[str, Any]) -> None:
        """Upload and delete, for ever."""
        while True:
            await self.delete(await self.upload(order))

    async def download_again(self, order: dict[str, Any]) -> None:
        """Download, for ever."""
        while True:
            await self.download(order)

    async def give_up(self) -> None:
        """What was cut off is not gone on with."""
        for left in await self._chats[0].files.uploads():
            await self._chats[0].files.cancel(left.upload)

    @staticmethod
    async def _save(chat: Chat, file: int, target: Path) -> None:
        async for _ in chat.files.save(file, target):
            pass


def _remove(paths: list[str]) -> None:
    for path in paths:
        Path(path).unlink(missing_ok=True)


def _stamp(source: Path) -> None:
    """Make it a file that the server has never seen: bytes that it has are not sent at all."""
    with source.open("r+b") as file:
        file.write(os.urandom(STAMP_BYTES))


async def _obey(mover: Mover, order: dict[str, Any], orders: asyncio.StreamReader) -> dict[str, Any]:
    if not order.get("again"):
        once: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] = getattr(mover, order["do"])
        return await once(order)
    work = asyncio.create_task(getattr(mover, order["do"] + "_again")(order))
    told = asyncio.create_task(orders.readline())
    await asyncio.wait({work, told}, return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        told.cancel()
        work.result()  # raises what ended it: it was to go on
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await mover.give_up()
    return {}


async def main(server: str, tokens: list[str]) -> None:
    """Obey until stdin ends."""
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    chats = [Chat.connect(server, token=bytes.fromhex(token), timeout=TIMEOUT) for token in tokens]
    for chat in chats:
        await chat.__aenter__()
    print("ready", flush=True)
    while line := await orders.readline():
        print(json.dumps(await _obey(Mover(chats), json.loads(line), orders)), flush=True)
    for chat in chats:
        await chat.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
