"""Staging: where an upload's bytes are until it is sealed, and which of its chunks are held.

Here: the names of the two files that each upload has, how its map is read, and room on the disk. Not here:
writing chunks and sealing. ``files/staging/<user>-<upload>.data`` in the data folder has the bytes, each at
its place; ``….map`` has one byte for each chunk: 1 once that chunk is in the other file, else 0.

Names of files and of people never become part of a path here.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from config.settings import Settings
from services.storage.fetches import CHUNK_BYTES, Fetch

RANGES: Final = 1000
"""Missing ranges named in one answer."""


def folder(settings: Settings) -> Path:
    """Where unfinished uploads are. Whoever writes there makes it."""
    return settings.home / "files" / "staging"


def data_file(settings: Settings, user: int, upload: bytes) -> Path:
    """The bytes of an upload."""
    return folder(settings) / f"{user}-{upload.hex()}.data"


def map_file(settings: Settings, user: int, upload: bytes) -> Path:
    """Which of its chunks are held."""
    return folder(settings) / f"{user}-{upload.hex()}.map"


def held_map(settings: Settings, user: int, upload: bytes) -> bytes:
    """A byte for each chunk, from the first on; those behind its end are not held."""
    try:
        return map_file(settings, user, upload).read_bytes()
    except FileNotFoundError:
        return b""


def missing(
    settings: Settings, user: int, upload: bytes, size: int, chunk_bytes: int
) -> list[tuple[int, int]]:
    """The ranges [from, to) of bytes that are not held, ascending, at most ``RANGES``."""
    held = held_map(settings, user, upload)
    found: list[tuple[int, int]] = []
    at = 0
    while at * chunk_bytes < size and len(found) < RANGES:
        gap = held.find(b"\0", at)
        gap = len(held) if gap < 0 else gap
        end = held.find(b"\1", gap)
        start = gap * chunk_bytes
        if start >= size:
            break
        found.append((start, size if end < 0 else min(end * chunk_bytes, size)))
        if end < 0:
            break
        at = end
    return found


def held_bytes(settings: Settings, user: int, upload: bytes, size: int, chunk_bytes: int) -> int:
    """How many bytes of an upload are held."""
    held = held_map(settings, user, upload)
    count = len(held) - held.count(b"\0")
    last = (size - 1) // chunk_bytes
    short = chunk_bytes * (last + 1) - size if size and len(held) > last and held[last] else 0
    return min(count * chunk_bytes - short, size)


def fetched_bytes(settings: Settings, fetch: Fetch) -> int:
    """How many bytes are held of a file that is fetched from another realm."""
    if fetch.upload is None:
        return 0
    return held_bytes(settings, fetch.owner_id, fetch.upload, fetch.size, CHUNK_BYTES)


def remove(settings: Settings, user: int, upload: bytes) -> None:
    """Remove what is held of an upload. The map goes first: without it nothing counts as held."""
    for file in (map_file(settings, user, upload), data_file(settings, user, upload)):
        with suppress(FileNotFoundError):
            file.unlink()


def taken_bytes(settings: Settings) -> int:
    """What all unfinished uploads take on the disk by now."""
    total = 0
    with suppress(FileNotFoundError), os.scandir(folder(settings)) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total


def free_bytes(settings: Settings) -> int:
    """Bytes that are free on the disk on which uploads are staged."""
    staged = folder(settings)
    found = os.statvfs(staged if staged.exists() else settings.home)
    return found.f_bavail * found.f_frsize
