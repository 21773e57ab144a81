"""A folder's copy in one's own space: ``backup.py ~/notes notes`` sends what is new or changed there.

PESAN_SERVER, PESAN_USER and PESAN_PASSWORD say where and as whom. A run that was interrupted is gone on
with by the next one, in the middle of a file if need be, unless that was changed. What cannot be saved is
told and left out; the exit code is 1 then.
"""

import asyncio
import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from client import Chat
from client.errors import SourceChanged
from protocol.errors import Conflict, NotFound


async def main(folder: Path, into: str) -> int:
    """Go through the folder once, and tell what was sent. The exit code."""
    server, user, password = (os.environ[f"PESAN_{name}"] for name in ("SERVER", "USER", "PASSWORD"))
    code = 0
    async with Chat.connect(server, username=user, password=password, device="backup") as chat:
        begun = {(upload.path, upload.size): upload.upload for upload in await chat.files.uploads()}
        for source, size, sha256 in _files(folder):
            path = f"{into}/{source.relative_to(folder).as_posix()}"
            if await _hash_there(chat, path) == sha256:
                continue
            try:
                await chat.files.mkdir(path.rpartition("/")[0], parents=True)
                await _save(chat, source, path, sha256, begun.get((path, size)))
            except (Conflict, SourceChanged) as error:
                print(f"{path}: not saved: {error.message}", file=sys.stderr, flush=True)
                code = 1
    return code


async def _save(chat: Chat, source: Path, path: str, sha256: bytes, begun: bytes | None) -> None:
    """Send one file; go on with the upload ``begun``, if it is of the same bytes."""
    id = begun or os.urandom(16)
    try:
        async for progress in chat.files.upload(source, path=path, replace=True, id=id, sha256=sha256):
            if progress.file is not None:
                size = progress.file.file.size
                print(f"{path}: {size} bytes, {progress.resumed} of them sent before", flush=True)
    except Conflict:  # of other bytes, if it was begun; else there is a folder of that name
        with contextlib.suppress(NotFound):
            await chat.files.cancel(id)
        if begun is None:
            raise
        await _save(chat, source, path, sha256, None)


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
    sys.exit(asyncio.run(main(Path(sys.argv[1]), sys.argv[2].strip("/"))))
