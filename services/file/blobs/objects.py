"""Blobs in any store that speaks S3, through obstore: ``PREFIX/ab/<hash>`` in a bucket.

Who may use it and where it is comes from the variables ``AWS_*`` in the environment, as for every such
program: ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION``, ``AWS_ENDPOINT_URL`` and others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from services.file.blobs import Missing

PART: Final = 5 << 20
"""Bytes of one part of an upload, as few as S3 allows, for they are in memory."""
PARTS_AT_ONCE: Final = 2
"""Parts under way at once, so that memory stays small."""
RETRIES: Final = 4
PATIENCE: Final = timedelta(minutes=2)
"""For all tries of one request together."""
PAGE: Final = 1000
"""Objects listed at once."""


class ObjectStore:
    """``url`` is ``s3://BUCKET/PREFIX``. Raises ``OSError`` with a sentence when that cannot be one."""

    far = True

    def __init__(self, url: str) -> None:
        named = urlsplit(url)
        if named.scheme != "s3" or not named.netloc or named.query or named.fragment:
            raise OSError(f"{url!r} is no place for files: s3://BUCKET/PREFIX, or empty for the data folder.")
        try:
            with _translated():
                self._store = S3Store(
                    named.netloc,
                    prefix=named.path.strip("/") or None,
                    retry_config={"max_retries": RETRIES, "retry_timeout": PATIENCE},
                )
        except OSError as error:
            raise OSError(f"{url}: {error}") from error

    def put(self, sha256: bytes, source: Path) -> None:
        """Send it; in several parts if it is large. It appears when all of it has arrived."""
        with _translated(missing=False):
            obstore.put(self._store, _place(sha256), source, chunk_size=PART, max_concurrency=PARTS_AT_ONCE)

    def read(self, sha256: bytes, offset: int, length: int) -> bytes:
        """A part of a blob."""
        try:
            with _translated():
                return bytes(obstore.get_range(self._store, _place(sha256), start=offset, length=length))
        except FileNotFoundError:
            raise Missing from None

    def delete(self, sha256: bytes) -> None:
        """Delete the object."""
        try:
            with _translated():
                obstore.delete(self._store, _place(sha256))
        except FileNotFoundError:
            pass

    def size(self, sha256: bytes) -> int | None:
        """Its length."""
        try:
            with _translated():
                return int(obstore.head(self._store, _place(sha256))["size"])
        except FileNotFoundError:
            return None

    def every(self) -> Iterator[tuple[bytes, int]]:
        """Page by page."""
        pages = iter(obstore.list(self._store, chunk_size=PAGE))
        while True:
            with _translated():
                page = next(pages, None)
            if page is None:
                return
            for each in page:
                sha256 = _hash_of(each["path"])
                if sha256 is not None:
                    yield sha256, int(each["size"])


def _place(sha256: bytes) -> str:
    name = sha256.hex()
    return f"{name[:2]}/{name}"


def _hash_of(path: str) -> bytes | None:
    try:
        sha256 = bytes.fromhex(path.rpartition("/")[2])
    except ValueError:
        return None
    return sha256 if len(sha256) == 32 and _place(sha256) == path else None


@contextmanager
def _translated(missing: bool = True) -> Iterator[None]:
    """Errors of the library as ``OSError`` with a reason, ``FileNotFoundError`` if a thing is ``missing``."""
    try:
        yield
    except FileNotFoundError as error:
        if missing or error.filename:
            raise
        raise OSError(0, f"the object store: {_reason(error)}") from error
    except BaseError as error:
        raise OSError(0, f"the object store: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """What the store said, or why it could not be reached, in a few words: without addresses and headers."""
    said = str(error)
    code = re.search(r"<Code>(\w+)</Code>", said)
    if code:
        return code[1]
    return said.partition("\n")[0].rpartition(" - ")[2][:200] or type(error).__name__
