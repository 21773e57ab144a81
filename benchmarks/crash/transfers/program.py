"""``python -m benchmarks.crash.transfers.program FILE``: moves one file with the real library, then ends.

What it moves stands in FILE; nothing else is kept, but for a ledger, which it only writes. Killed and
started again it does the same once more: what was moved already the server and the target folder know.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks import ledger
from benchmarks.ledger import Ledger
from client import Chat, ClientError, Failure

TIMEOUT = 30.0
"""Seconds without any progress after which the library gives up, and this program tries again."""
PAUSE = 0.2
UPLOAD, DOWNLOAD = "upload", "download"


async def upload(chat: Chat, part: dict[str, Any], book: Ledger) -> None:
    """``source`` to ``to``, under the upload id ``id``."""
    name = part["name"]
    async for step in chat.files.upload(Path(part["source"]), to=part["to"], id=bytes.fromhex(part["id"])):
        if step.file is not None:
            book.note(ledger.MOVED, name, step.file.file.file, step.file.conversation, step.file.seq)


async def download(chat: Chat, part: dict[str, Any], book: Ledger) -> None:
    """File number ``file`` into ``target``."""
    # What has its name there is whole: an earlier run was killed before it could say so.
    with suppress(FileExistsError):
        async for _ in chat.files.save(part["file"], Path(part["target"])):
            pass
    book.note(ledger.MOVED, part["name"], part["file"], 0, 0)


WAYS = {UPLOAD: upload, DOWNLOAD: download}


async def main(part: dict[str, Any]) -> None:
    """Move it, however often the library says that it cannot."""
    book = Ledger(Path(part["ledger"]))
    async with Chat.connect(part["server"], token=bytes.fromhex(part["token"]), timeout=TIMEOUT) as chat:
        while True:
            try:
                await WAYS[part["way"]](chat, part, book)
                break
            except (ClientError, Failure) as error:
                book.note(ledger.HINDERED, part["name"], type(error).__name__)
                await asyncio.sleep(PAUSE)
    book.close()


def play(file: str) -> None:
    """Move what a file describes."""
    asyncio.run(main(json.loads(Path(file).read_text())))


if __name__ == "__main__":
    play(sys.argv[1])
