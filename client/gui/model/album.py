"""Pictures that are shown in messages: which files are, and the bytes of those that were fetched.

Belongs here: what counts as a picture, how large one may be, what is kept. A picture comes from somebody
else: its first bytes must be a picture's, and a small file that unfolds into a huge one is not shown.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from client.errors import ClientError
from protocol.errors import Failure
from protocol.files import FileInfo

if TYPE_CHECKING:
    from client.gui.model.model import Model

KINDS: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types that every browser and Flet show. None of them can hold a program, as SVG can."""
BYTES_MOST: Final = 8 * 1024 * 1024
"""A larger picture is a file like any other."""
PIXELS_MOST: Final = 40_000_000
"""Unfolded, each takes four bytes of whoever sees it."""
KEPT_BYTES: Final = 24 * 1024 * 1024
"""Of pictures, kept for one window; the one that was not asked for the longest goes first."""
AT_ONCE: Final = 2
"""Pictures fetched at once."""


def is_picture(file: FileInfo) -> bool:
    """Whether it is shown as one, as far as is known before it is here."""
    return file.type in KINDS and 0 < file.size <= BYTES_MOST and not file.gone


class Album:
    """Pictures by file."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._coming: dict[int, asyncio.Task[bytes | None]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def get(self, file: FileInfo) -> bytes | None:
        """A picture's bytes; None when it is none, or cannot be had now. Fetched once for all who ask."""
        if not is_picture(file) or not self._model.user:
            return None
        if file.file in self._kept:
            self._kept.move_to_end(file.file)
            return self._kept[file.file]
        task = self._coming.get(file.file)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._fetch(file))
            self._coming[file.file] = task
            task.add_done_callback(lambda _: self._coming.pop(file.file, None))
        await asyncio.wait([task])
        return None if task.cancelled() else task.result()

    async def close(self) -> None:
        """Fetch nothing more, keep nothing."""
        tasks = list(self._coming.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._kept.clear()

    async def _fetch(self, file: FileInfo) -> bytes | None:
        chat, parts = self._model.chat, []
        try:
            async with self._slots:
                async for chunk in chat.files.download(file):
                    parts.append(chunk)
        except (Failure, ClientError):
            return None
        data = b"".join(parts)
        width, height = measured(data)
        if not 0 < width * height <= PIXELS_MOST:
            return None
        self._kept[file.file] = data
        while sum(map(len, self._kept.values())) > KEPT_BYTES and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return data


def measured(data: bytes) -> tuple[int, int]:
    """(width, height) in pixels, as its head says; (0, 0) when these bytes are no picture of ours."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        return _number(data, 16, 4), _number(data, 20, 4)
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return _little(data, 6, 2), _little(data, 8, 2)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    return _jpeg(data) if data.startswith(b"\xff\xd8\xff") else (0, 0)


def _number(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(data[at : at + length], "big")


def _little(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(data[at : at + length], "little")


def _webp(data: bytes) -> tuple[int, int]:
    """The three forms of its first chunk: https://developers.google.com/speed/webp/docs/riff_container."""
    kind = data[12:16]
    if kind == b"VP8X":
        return _little(data, 24, 3) + 1, _little(data, 27, 3) + 1
    if kind == b"VP8 ":
        return _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF
    if kind == b"VP8L" and data[20:21] == b"\x2f":
        bits = _little(data, 21, 4)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


def _jpeg(data: bytes) -> tuple[int, int]:
    """From its first frame header (ITU T.81, B.2.2); segments before it are stepped over."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return _number(data, at + 7, 2), _number(data, at + 5, 2)
        else:
            at += 2 + max(_number(data, at + 2, 2), 2)
    return 0, 0
