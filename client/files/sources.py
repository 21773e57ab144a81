"""What is sent: read from front to end and hashed on the way, whatever of it the server has already.

Belongs here: files, bytes and streams, all blocking: ``uploading`` calls them in a thread.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, Final

from client.errors import SourceChanged
from protocol.limits import SHA256_BYTES

PIECE: Final = 2 * 1024 * 1024
"""Bytes read in one call: enough to be worth a thread's turn, and short enough to be cancelled behind."""

Source = Path | bytes | BinaryIO
Ranges = list[tuple[int, int]]
Chunks = list[tuple[int, bytes]]
"""(offset, bytes) each."""


class Reader:
    """One source. Raises ``OSError`` when it cannot be read, ``SourceChanged`` when it is not as it was."""

    def __init__(self, source: Source) -> None:
        self.name = name_of(source)
        self.size = 0
        self._source = source
        self._file: BinaryIO = io.BytesIO(source if isinstance(source, bytes) else b"")

    def open(self) -> None:
        """Look at it; from now on ``size`` is known, in bytes."""
        if isinstance(self._source, Path):
            self._file = _open(self._source)
        elif not isinstance(self._source, bytes):
            self._file = self._source
        self._seen = self._look()
        self.size = self._seen[0]
        self.begin([], 1)

    def begin(self, missing: Ranges, chunk_bytes: int) -> None:
        """From the front again; ``read`` hands out the chunks of ``missing``, ascending ranges [from, to)."""
        self._missing = iter(missing)
        self._range = next(self._missing, None)
        self._chunk_bytes = chunk_bytes
        self._hash = hashlib.sha256()
        self._at = 0
        self._file.seek(0)

    def read(self) -> Chunks | None:
        """The missing chunks among the next ``PIECE`` bytes, which may be none; None: this is the end."""
        if self._at >= self.size:
            return None
        chunks: Chunks = []
        until = self._at + PIECE
        while self._at < min(until, self.size):
            chunk = self._next(min(self._chunk_bytes, self.size - self._at))
            if self._lacks(self._at, len(chunk)):
                chunks.append((self._at, chunk))
            self._at += len(chunk)
        if self._at >= self.size and self._look() != self._seen:
            raise self._changed()
        return chunks

    def sha256(self) -> bytes:
        """Of what was read since ``begin``: of the whole, behind the end. 32 bytes."""
        digest = self._hash.digest()
        assert len(digest) == SHA256_BYTES
        return digest

    def whole(self) -> bytes:
        """The sha256 of a source that is small enough to be read twice."""
        self.begin([], PIECE)
        while self.read() is not None:
            pass
        return self.sha256()

    def close(self) -> None:
        """Close what was opened here; a stream of the program's stays open."""
        if self._file is not self._source:
            self._file.close()

    def _next(self, length: int) -> bytes:
        parts = []
        left = length
        while left and (part := self._file.read(left)):
            parts.append(part)
            left -= len(part)
        chunk = parts[0] if len(parts) == 1 else b"".join(parts)
        if left:
            raise self._changed()
        self._hash.update(chunk)
        return chunk

    def _lacks(self, offset: int, length: int) -> bool:
        while self._range is not None and self._range[1] <= offset:
            self._range = next(self._missing, None)
        return self._range is not None and self._range[0] < offset + length

    def _look(self) -> tuple[int, int]:
        """(size, time of change): what tells that it is still the same. A stream has no time."""
        if isinstance(self._file, io.FileIO):
            status = os.fstat(self._file.fileno())
            return status.st_size, status.st_mtime_ns
        here = self._file.tell()
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(here)
        return size, 0

    def _changed(self) -> SourceChanged:
        return SourceChanged(f"{self.name or 'What is sent'} was changed while it was being sent.")


def name_of(source: Source) -> str:
    """What a source is called; '' when it has no name."""
    if isinstance(source, Path):
        return source.name
    name: Any = getattr(source, "name", "")
    return Path(name).name if isinstance(name, str) else ""  # of a pipe it is a number


def _open(path: Path) -> io.FileIO:
    """Unbuffered. What is no file is refused before it is opened: a pipe would wait for its writer."""
    if not stat.S_ISREG(path.stat().st_mode):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise OSError(errno.EINVAL, "This is no regular file", str(path))
    return io.FileIO(path, "r")


def total(ranges: Iterable[tuple[int, int]]) -> int:
    """Bytes in ranges [from, to)."""
    return sum(end - begin for begin, end in ranges)
