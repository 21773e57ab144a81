"""One file on its way here from another realm: which of its bytes are held, which are asked for.

Belongs here: pieces, and the files of the upload in which they are gathered. Not here: asking (``fetching``),
and what becomes of the whole (``depot``, ``services.storage.fetches``).
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from config.settings import Settings
from protocol.errors import Failure
from services.file import staging
from services.file.bulk.sealing import Tally
from services.file.bulk.staged import Staged
from services.storage.fetches import CHUNK_BYTES, Fetch
from services.storage.transfers import Upload


class Piece(NamedTuple):
    """Bytes to ask for: whole chunks, but for the last one of a file."""

    offset: int
    size: int


class Gathering:
    """``now`` in seconds, monotonic. Raises ``OSError`` as the disk does."""

    def __init__(self, settings: Settings, fetch: Fetch, upload: Upload, now: float) -> None:
        self.fetch = fetch
        self.upload = upload
        self.flying = 0
        """Pieces that are asked for."""
        self.heard_at = now
        self.there = 0
        """Bytes that the other realm has, while it has to fetch the file itself."""
        self.not_before = 0.0
        """When to go on, after a refusal for now."""
        self.touched_at = upload.touched_at
        self.sealing = False
        self._staged: Staged | None = Staged(settings, upload)
        held = staging.held_map(settings, upload.user_id, upload.id)
        chunks = range(self._staged.chunks) if upload.sha256 is None else range(0)
        self._missing = deque(chunk for chunk in chunks if held[chunk : chunk + 1] != b"\1")

    @property
    def over(self) -> bool:
        """Whether its files were let go of; what arrives then is thrown away."""
        return self._staged is None

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self._missing and not self.flying

    @property
    def wants(self) -> bool:
        """Whether something is missing that nobody was asked for."""
        return bool(self._missing)

    def next(self, chunks: int) -> Piece:
        """The first bytes that are missing, up to so many chunks of them."""
        first = last = self._missing.popleft()
        while self._missing and self._missing[0] == last + 1 and last + 1 - first < chunks:
            last = self._missing.popleft()
        self.flying += 1
        offset = first * CHUNK_BYTES
        return Piece(offset, min((last + 1) * CHUNK_BYTES, self.fetch.size) - offset)

    def again(self, piece: Piece) -> None:
        """A piece did not come."""
        self.flying -= 1
        first, last = piece.offset // CHUNK_BYTES, (piece.offset + piece.size - 1) // CHUNK_BYTES
        self._missing.extendleft(range(last, first - 1, -1))

    def put(self, piece: Piece, data: bytes, now: float) -> None:
        """A piece came."""
        self.flying -= 1
        self.heard_at = now
        assert self._staged is not None
        view = memoryview(data)
        for start in range(0, piece.size, CHUNK_BYTES):
            chunk = (piece.offset + start) // CHUNK_BYTES
            if not self._staged.put(chunk, view[start : start + CHUNK_BYTES]):
                raise OSError("what was gathered has been removed")

    def put_off(self, refusal: Failure, now: float, pause: float) -> None:
        """Go on in ``pause`` seconds. While ever more reaches who is asked, it is as if it came here."""
        held = refusal.fields.get("held")
        if type(held) is int and held > self.there:
            self.there, self.heard_at = held, now
        self.not_before = now + pause

    def let_go(self) -> Tally | None:
        """Close its files; what has been hashed of them."""
        if self._staged is None:
            return None
        tally = Tally(self._staged.digest, self._staged.hashed) if self._staged.there else None
        self._staged.close()
        self._staged = None
        return tally
