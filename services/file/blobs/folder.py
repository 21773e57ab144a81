"""Blobs in a local folder: ``blobs/ab/<hash>`` below ``files`` in the data folder.

A blob appears there whole, by a link to a file that is on disk already, and the folder is on disk, too,
before anybody is told of it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.file.blobs import Missing

NO_LINKS: Final = frozenset((errno.EPERM, errno.EXDEV, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK))
"""What file systems without hard links say, or those that a link would leave."""

COPIED_AT_ONCE: Final = 1 << 20
"""Bytes."""


class LocalFolder:
    """``root`` is made when it is needed."""

    far = False

    def __init__(self, root: Path) -> None:
        self._root = root
        self._blobs = root / "blobs"

    def put(self, sha256: bytes, source: Path) -> None:
        """Link ``source``, which must be on disk and never change again, under its hash."""
        place = self._place(sha256)
        self._make(place.parent)
        with suppress(FileExistsError):  # a try before this one, or somebody else with the same bytes
            try:
                place.hardlink_to(source)
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                _copy(source, place)
        sync_folder(place.parent)

    def read(self, sha256: bytes, offset: int, length: int) -> bytes:
        """A part of a blob."""
        try:
            handle = os.open(self._place(sha256), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise Missing from None
        try:
            return os.pread(handle, length, offset)
        finally:
            os.close(handle)

    def delete(self, sha256: bytes) -> None:
        """Unlink it, for good."""
        place = self._place(sha256)
        with suppress(FileNotFoundError):
            place.unlink()
            sync_folder(place.parent)

    def size(self, sha256: bytes) -> int | None:
        """Its length."""
        try:
            return self._place(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def every(self) -> Iterator[tuple[bytes, int]]:
        """Folder by folder."""
        for number in range(256):
            with suppress(FileNotFoundError), os.scandir(self._blobs / f"{number:02x}") as entries:
                for entry in entries:
                    sha256 = _hash_of(entry.name)
                    if sha256 is not None and sha256[0] == number:
                        with suppress(FileNotFoundError):
                            yield sha256, entry.stat(follow_symlinks=False).st_size

    def _place(self, sha256: bytes) -> Path:
        name = sha256.hex()
        return self._blobs / name[:2] / name

    def _make(self, folder: Path) -> None:
        for each in (self._root, self._blobs, folder):
            if not each.is_dir():
                each.mkdir(mode=0o700, exist_ok=True)
                sync_folder(each.parent)


def _copy(source: Path, place: Path) -> None:
    """For file systems without links: a copy beside ``source``, which then takes the place."""
    import secrets  # here, for hardly anybody needs them
    import shutil

    draft = source.with_name(f"{place.name}.{secrets.token_hex(8)}.copy")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as copy, source.open("rb") as original:
            shutil.copyfileobj(original, copy, COPIED_AT_ONCE)
            copy.flush()
            os.fsync(copy.fileno())  # by the handle that wrote: it hears of writes that failed
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """What the folder lists is on disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _hash_of(name: str) -> bytes | None:
    if len(name) != 64 or name != name.lower():
        return None
    try:
        return bytes.fromhex(name)
    except ValueError:
        return None
