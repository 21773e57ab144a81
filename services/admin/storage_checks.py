"""Whether the bytes of files are where the store says, and no others: checks that look into the storage.

Belongs here: what holds between the table of blobs and the folder or bucket with their bytes, in both
directions. Rules that SQL alone can look at are ``file_checks``'.

The storage cannot be looked at in one moment with the store, and the server may be running. So what seems
to be wrong is looked at once more, in the store as it is then, before it is called a problem.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from config.settings import Settings
from services.admin.fsck import NAMED, Check, Found, Scene
from services.file import staging
from services.file.blobs import BlobStore, Missing, open_blobs
from services.storage import open_reader
from services.storage.engine import Bulk, Transaction

PAGE: Final = 1000
"""Blobs that are asked about at once."""
PIECE: Final = 1 << 20
"""Bytes that are read at once to be hashed."""
SWEPT_SECONDS: Final = 2 * 3600
"""What an ended upload left behind for so long the file service should have removed."""


class Kept:
    """What the storage has, listed once for all checks that want to know. Takes 200 bytes for each blob."""

    def __init__(self) -> None:
        self._sizes: dict[bytes, int] | None = None

    def sizes(self, settings: Settings) -> dict[bytes, int]:
        """Size by hash. Raises ``OSError``."""
        if self._sizes is None:
            self._sizes = dict(open_blobs(settings).every())
        return self._sizes


def storage(*, hashes: bool = False) -> tuple[Check, ...]:
    """The checks; ``hashes``: also the one that reads every byte."""
    kept = Kept()
    return (Whole(kept), Orphans(kept), Staging(), *([Hashes()] if hashes else []))


class Whole(NamedTuple):
    """Every blob of the store is in the storage, as long as it must be."""

    kept: Kept
    name: str = "storage.whole"
    sentence: str = "The bytes of every file are in storage, as many as there must be."

    def look(self, scene: Scene) -> Found:
        """One problem for each blob that is missing, or has another size."""
        sizes, blobs = self.kept.sizes(scene.settings), open_blobs(scene.settings)
        doubtful = ((sha256, size) for sha256, size in _stored(scene.tx) if sizes.get(sha256) != size)
        problems = Problems()
        for sha256, size in _still_stored(scene.settings, doubtful):
            there = blobs.size(sha256)
            if there != size:
                said = "is not in storage" if there is None else f"has {there} bytes and not {size}"
                problems.note(f"blob {sha256.hex()} {said}: {_whose(scene.tx, sha256)}")
        return problems.found()


class Hashes(NamedTuple):
    """Every blob has the hash under which it is kept. Reads all of them."""

    name: str = "storage.hashes"
    sentence: str = "The bytes of every file have the hash that they are kept under."

    def look(self, scene: Scene) -> Found:
        """One problem for each that has another. What is missing is ``Whole``'s."""
        blobs = open_blobs(scene.settings)
        doubtful = ((sha256, size) for sha256, size in _stored(scene.tx) if _hash(blobs, sha256) != sha256)
        problems = Problems()
        for sha256, _ in _still_stored(scene.settings, doubtful):
            if _hash(blobs, sha256) != sha256:
                problems.note(f"blob {sha256.hex()} has another hash: {_whose(scene.tx, sha256)}")
        return problems.found()


class Orphans(NamedTuple):
    """Nothing is in the storage that the store does not know."""

    kept: Kept
    name: str = "storage.orphans"
    sentence: str = "Everything in storage is known to the store."

    def look(self, scene: Scene) -> Found:
        """One problem for each blob that is not. A blob is known before its bytes come, and until they go."""
        sizes, blobs = self.kept.sizes(scene.settings), open_blobs(scene.settings)
        doubtful = [(sha256, sizes[sha256]) for sha256 in _unknown(scene.settings, sizes)]
        there = [(sha256, size) for sha256, size in doubtful if blobs.size(sha256) is not None]
        problems = Problems()
        for sha256 in _unknown(scene.settings, dict(there)):
            problems.note(f"blob {sha256.hex()}, {sizes[sha256]} bytes")
        return problems.found()


class Staging(NamedTuple):
    """What uploads left behind is removed when they end."""

    name: str = "storage.staging"
    sentence: str = "No upload that has ended leaves bytes behind for long."

    def look(self, scene: Scene) -> Found:
        """One problem for each file that is no upload's. Just ended ones may still be there for a while."""
        problems = Problems()
        before = time.time() - SWEPT_SECONDS
        with closing(open_reader(scene.settings)) as reader, reader.read() as tx:
            for file in _listed(staging.folder(scene.settings)):
                if not _staged(tx, file.name) and _older(file, before):
                    problems.note(file.name if _STAGED.fullmatch(file.name) else "a file of another kind")
        return problems.found()


class Problems:
    """How many there are, and the first of them."""

    def __init__(self) -> None:
        self._count = 0
        self._first: list[str] = []

    def note(self, sentence: str) -> None:
        """One more."""
        self._count += 1
        if len(self._first) < NAMED:
            self._first.append(sentence)

    def found(self) -> Found:
        """What a check answers."""
        return Found(self._count, self._first)


# --- the store ----------------------------------------------------------------------------------


def _stored(tx: Transaction) -> Iterator[tuple[bytes, int]]:
    """(sha256, size) of every blob whose bytes must be there, in order."""
    last = b""
    while True:
        rows = tx.rows(
            "select sha256, size from blobs where sha256 > $1 and state = 'stored' order by sha256 limit $2",
            (last, PAGE),
        )
        yield from ((bytes(row[0]), int(row[1])) for row in rows)
        if len(rows) < PAGE:
            return
        last = bytes(rows[-1][0])


_SIZES: Final = Bulk(
    each="select sha256, size from blobs where sha256 = $1 and state = 'stored'",
    arrays="select sha256, size from blobs where sha256 = any($1::bytea[]) and state = 'stored'",
)
_KNOWN: Final = Bulk(
    each="select sha256 from blobs where sha256 = $1",
    arrays="select sha256 from blobs where sha256 = any($1::bytea[])",
)


def _still_stored(settings: Settings, doubtful: Iterable[tuple[bytes, int]]) -> Iterator[tuple[bytes, int]]:
    """Those of them that are stored still, as the store is now."""
    for page in _pages(doubtful):
        with closing(open_reader(settings)) as reader, reader.read() as tx:
            now = {bytes(row[0]): int(row[1]) for row in tx.bulk(_SIZES, [(sha256,) for sha256, _ in page])}
        yield from ((sha256, size) for sha256, size in page if now.get(sha256) == size)


def _unknown(settings: Settings, sizes: dict[bytes, int]) -> list[bytes]:
    """Those that the store does not know, as it is now."""
    found = []
    for page in _pages(sorted(sizes.items())):
        with closing(open_reader(settings)) as reader, reader.read() as tx:
            known = {bytes(row[0]) for row in tx.bulk(_KNOWN, [(sha256,) for sha256, _ in page])}
        found += [sha256 for sha256, _ in page if sha256 not in known]
    return found


def _pages(blobs: Iterable[tuple[bytes, int]]) -> Iterator[list[tuple[bytes, int]]]:
    page: list[tuple[bytes, int]] = []
    for blob in blobs:
        page.append(blob)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


def _whose(tx: Transaction, sha256: bytes) -> str:
    """Which file a person will miss."""
    row = tx.row("select id, owner_id from files where sha256 = $1 order by id limit 1", (sha256,))
    return f"file {row[0]} of user {row[1]}" if row else "an upload"


# --- the storage --------------------------------------------------------------------------------


def _hash(blobs: BlobStore, sha256: bytes) -> bytes:
    """What the bytes hash to that are kept under ``sha256``; that again if there are none."""
    size = blobs.size(sha256)
    if size is None:
        return sha256
    digest = hashlib.sha256()
    try:
        for offset in range(0, size, PIECE):  # never behind the end, which a bucket takes for a mistake
            digest.update(blobs.read(sha256, offset, min(PIECE, size - offset)))
    except Missing:
        return sha256
    return digest.digest()


_STAGED: Final = re.compile(r"([0-9]{1,19})-([0-9a-f]{32})\.(?:data|map)")


def _staged(tx: Transaction, name: str) -> bool:
    """Whether there is an upload to which a file of this name belongs."""
    match = _STAGED.fullmatch(name)
    if match is None or int(match[1]) >= 1 << 63:
        return False
    sql = "select 1 from uploads where user_id = $1 and id = $2"
    return tx.row(sql, (int(match[1]), bytes.fromhex(match[2]))) is not None


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _older(file: Path, moment: float) -> bool:
    try:
        return file.lstat().st_mtime < moment
    except FileNotFoundError:
        return False
