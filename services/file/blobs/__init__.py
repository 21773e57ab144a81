"""Where bytes are kept for good, each once, under their SHA-256: a local folder, or any store that speaks S3.

Here: what the file service asks of such a store. Not here: which bytes are wanted
(``services.storage.blobs``), or names of files, which never become names here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from config.settings import Settings


class Missing(Exception):
    """The store has no such bytes."""


class BlobStore(Protocol):
    """Every method may be called by several threads and processes at once, and again after a crash.

    All but ``every`` of a folder raise ``OSError`` when it cannot be done now; a full disk is ENOSPC or
    EDQUOT.
    """

    far: bool
    """Whether reading takes long enough that others should not wait behind it."""

    def put(self, sha256: bytes, source: Path) -> None:
        """Keep the bytes of ``source``, which stays. When this returns they are there whole and for good."""

    def read(self, sha256: bytes, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset`` on; fewer at the end. Raises ``Missing``."""

    def delete(self, sha256: bytes) -> None:
        """Keep these no more. Those that are not there are no error."""

    def size(self, sha256: bytes) -> int | None:
        """How many bytes are there; None: no such blob."""

    def every(self) -> Iterator[tuple[bytes, int]]:
        """(sha256, size) of all that is kept, in no promised order. What has another name is passed over."""


def open_blobs(settings: Settings) -> BlobStore:
    """The store that the settings name. Raises ``OSError`` with a sentence when it makes no sense."""
    if settings.file_storage:
        from services.file.blobs.objects import (
            ObjectStore,
        )  # a large library, for those who have such a store

        return ObjectStore(settings.file_storage)
    from services.file.blobs.folder import LocalFolder

    return LocalFolder(settings.home / "files")
