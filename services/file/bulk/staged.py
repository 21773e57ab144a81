"""The two files that an upload is gathered in, opened: its bytes, and which of its chunks are held.

A chunk that is held is never written again: what was hashed, and what a blob is linked to, must not change.
So the map is on disk before the whole becomes a blob, several workers take turns by a lock on it, and bytes
whose map is lost are thrown away rather than written into. Names are ``services.file.staging``'s.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections import OrderedDict
from contextlib import suppress
from typing import Final

from config.settings import Settings
from config.writeback import begin_to_write
from services.file import staging
from services.file.blobs.folder import sync_folder
from services.storage.transfers import Upload

KEPT_OPEN: Final = 64
"""Uploads whose files one worker keeps open."""

PIECE: Final = 1 << 20
"""Bytes read at once to be hashed."""


class Staged:
    """One upload's files. ``digest`` is of its first ``hashed`` bytes."""

    def __init__(self, settings: Settings, upload: Upload) -> None:
        """Open the files, made if needed. Raises ``OSError``."""
        self.size, self.chunk_bytes = upload.size, upload.chunk_bytes
        self.path = staging.data_file(settings, upload.user_id, upload.id)
        self._map_path = staging.map_file(settings, upload.user_id, upload.id)
        self.digest = hashlib.sha256()
        self.hashed = 0
        for folder in (self.path.parent.parent, self.path.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        self._map = -1
        self.data = -1
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        while True:
            self._map = os.open(self._map_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._map, fcntl.LOCK_EX)
            if _linked(self._map):
                break
            os.close(self._map)
        try:
            self.data = self._opened_data()
        finally:
            fcntl.flock(self._map, fcntl.LOCK_UN)

    def _opened_data(self) -> int:
        if os.fstat(self._map).st_size == 0:
            # Bytes of which nothing is known, and which a blob may share: not to be written into.
            with suppress(FileNotFoundError):
                self.path.unlink()
        try:
            return os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            os.ftruncate(self._map, 0)
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    @property
    def there(self) -> bool:
        """Whether these are still the upload's files, and not ones that were removed."""
        return _linked(self._map) and _linked(self.data)

    @property
    def chunks(self) -> int:
        """How many there are in all."""
        return -(-self.size // self.chunk_bytes)

    def put(self, chunk: int, payload: memoryview) -> bool:
        """Write a chunk, unless it is held. False: these files are gone; open them anew.

        Raises ``OSError``, of a full disk for instance; then the chunk is not held.
        """
        fcntl.flock(self._map, fcntl.LOCK_EX)
        try:
            if not self.there:
                return False
            if os.pread(self._map, 1, chunk) == b"\1":
                return True
            at = chunk * self.chunk_bytes
            _write(self.data, payload, at)
            begin_to_write(self.data, at, len(payload))
            _write(self._map, memoryview(b"\1"), chunk)
        finally:
            fcntl.flock(self._map, fcntl.LOCK_UN)
        if at == self.hashed:
            self.digest.update(payload)
            self.hashed += len(payload)
        return True

    @property
    def complete(self) -> bool:
        """Whether every chunk is held; from then on nothing changes."""
        return os.pread(self._map, self.chunks, 0).count(b"\1") == self.chunks

    def claim(self) -> bool:
        """Be the only one who seals it, until ``close``; False when somebody else is."""
        try:
            fcntl.flock(self.data, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def go_on_from(self, digest: hashlib._Hash, hashed: int) -> None:
        """Take over what was hashed already."""
        self.digest, self.hashed = digest, hashed

    def sha256(self) -> bytes:
        """Of all bytes; those not hashed yet are read."""
        buffer = bytearray(min(PIECE, max(1, self.size - self.hashed)))
        view = memoryview(buffer)
        while self.hashed < self.size:
            read = os.preadv(self.data, [view[: self.size - self.hashed]], self.hashed)
            if not read:
                raise OSError(f"{self.path.name} is shorter than it must be")
            self.digest.update(view[:read])
            self.hashed += read
        return self.digest.digest()

    def head(self, length: int) -> bytes:
        """The first bytes."""
        return os.pread(self.data, length, 0)

    def sync(self) -> None:
        """All of it is on disk, the map, too, for good."""
        os.ftruncate(self.data, self.size)  # an empty file has no chunk that would have made it that long
        os.fsync(self.data)
        os.fsync(self._map)
        sync_folder(self.path.parent)  # and can be found there

    def close(self) -> None:
        """Let go of the files, and of the claim."""
        for handle in (self.data, self._map):
            if handle >= 0:
                os.close(handle)
        self.data = self._map = -1


class Shelf:
    """Files that one worker keeps open, the least recently used of them closed first."""

    def __init__(self, settings: Settings, most: int = KEPT_OPEN) -> None:
        self._settings = settings
        self._most = most
        self._open: OrderedDict[tuple[int, bytes], Staged] = OrderedDict()

    def put(self, upload: Upload, chunk: int, payload: memoryview) -> None:
        """Write a chunk of an upload. Raises ``OSError``."""
        for _ in range(10):  # whoever removes them again and again must not keep us here
            if self._of(upload).put(chunk, payload):
                return
            self.drop(upload.user_id, upload.id)
        raise OSError(f"{staging.folder(self._settings)}: files there vanish")

    def find(self, user: int, id: bytes) -> Staged | None:
        """An upload's files, if they are open."""
        return self._open.get((user, id))

    def drop(self, user: int, id: bytes) -> None:
        """Close an upload's files."""
        staged = self._open.pop((user, id), None)
        if staged:
            staged.close()

    def tidy(self) -> None:
        """Close files that were removed: while they are open, they take their room on the disk."""
        for key, staged in list(self._open.items()):
            if not staged.there:
                self.drop(*key)

    def close(self) -> None:
        """Close all."""
        while self._open:
            self._open.popitem()[1].close()

    def _of(self, upload: Upload) -> Staged:
        key = upload.user_id, upload.id
        staged = self._open.get(key)
        if staged is None:
            while len(self._open) >= self._most:
                self._open.popitem(last=False)[1].close()
            staged = self._open[key] = Staged(self._settings, upload)
        self._open.move_to_end(key)
        return staged


def _linked(handle: int) -> bool:
    return os.fstat(handle).st_nlink > 0


def _write(handle: int, payload: memoryview, at: int) -> None:
    """All of it: a disk that is nearly full takes a part first."""
    while payload:
        written = os.pwrite(handle, payload, at)
        payload, at = payload[written:], at + written
