"""A folder's copy in one's own space: ``backup.py ~/notes notes`` sends what is new or changed there.

PESAN_SERVER, PESAN_USER and PESAN_PASSWORD say where and as whom. A run that was interrupted is gone on
with by the next one, in the middle of a file if need be.
"""

import asyncio
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from client import Chat
from protocol.errors import NotFound


async def main(folder: Path, into: str) -> None:
    """Go through the folder once, and tell what was sent."""
    server, user, password = (os.environ[f"PESAN_{name}"] for name in ("SERVER", "USER", "PASSWORD"))
    async with Chat.connect(server, username=user, password=password, device="backup") as chat:
        begun = {(upload.path, upload.size): upload.upload for upload in await chat.files.uploads()}
        for source, size, sha256 in _files(folder):
            path = f"{into}/{source.relative_to(folder).as_posix()}"
            if await _hash_there(chat, path) == sha256:
                continue
            await chat.files.mkdir(path.rpartition("/")[0], parents=True)
            steps = chat.files.upload(source, path=path, replace=True, id=begun.get((path, size)))
            async for progress in steps:
                if progress.file is not None:
                    print(f"{path}: {size} bytes, {progress.resumed} of them sent before", flush=True)


def _files(folder: Path) -> Iterator[tuple[Path, int, bytes]]:
    """(path, size, sha256) of every file in a folder and those in it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                yield path, path.stat().st_size, hashlib.file_digest(file, "sha256").digest()


async def _hash_there(chat: Chat, path: str) -> bytes:
    try:
        return (await chat.files.stat(path)).sha256
    except NotFound:
        return b""


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2].strip("/")))
