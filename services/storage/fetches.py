"""Fetches: files whose bytes are in another realm still, and how far getting them is.

Here: SQL on ``fetches``. A row is there as long as the bytes are not: ``settle`` gives the file its hash and
ends it, and from then on the file is like any other, and counts for its owner. While bytes come they are an
upload of the owner's, whom nobody here can be. Not here: the bytes, and who may have them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from services.storage import blobs, uploads, usage
from services.storage.engine import Transaction
from services.storage.uploads import Upload

CHUNK_BYTES: Final = 64 * 1024
"""Of the upload in which a file is gathered: what a slow line brings in a moment."""
REFUSED_FOR: Final = 20_000_000
"""Microseconds for which that bytes cannot be had is told again, before it is tried again."""


class State(StrEnum):
    """How far it is."""

    AWAY = "away"
    """Nobody here has asked for the bytes."""
    WANTED = "wanted"
    FAILED = "failed"
    """``code`` and ``reason`` say why. When somebody asks again it is tried again."""


class Fetch(NamedTuple):
    """A file of ``owner_id`` that is to be fetched: its number here and ``there``, in the realm ``realm_id``.

    ``away_since`` is that realm's; ``changed_at`` is when it got into this state; both in microseconds.
    """

    file: int
    owner_id: int
    name: str
    size: int
    realm_id: int
    realm: str
    realm_state: str
    away_since: int
    there: int
    sha256: bytes
    state: str
    changed_at: int
    upload: bytes | None
    code: str
    reason: str

    def to_be_wanted(self, now: int) -> bool:
        """Whether who asks for it now makes it wanted."""
        if self.state == State.FAILED:
            return now - self.changed_at >= REFUSED_FOR
        return self.state == State.AWAY


_FETCH = (
    "select files.id, owner_id, files.name, size, realm_id, realms.name, realms.state, away_since, there,"
    " fetches.sha256, fetches.state, changed_at, fetches.upload, code, reason"
    " from fetches join files on files.id = file_id join realms on realms.id = realm_id"
)


def add(tx: Transaction, file: int, realm: int, there: int, sha256: bytes, now: int) -> None:
    """A new file's bytes are in this realm, under the number ``there``."""
    tx.run(
        "insert into fetches (file_id, realm_id, there, sha256, changed_at) values ($1, $2, $3, $4, $5)",
        (file, realm, there, sha256, now),
    )


def get(tx: Transaction, file: int) -> Fetch | None:
    """How far a file is; None when its bytes are here, or are gone."""
    row = tx.row(f"{_FETCH} where file_id = $1", (file,))
    return Fetch(*row) if row else None


def wanted(tx: Transaction, realm: int, limit: int) -> list[Fetch]:
    """Up to ``limit`` of those that are to be fetched from a realm, the longest wanted first."""
    rows = tx.rows(
        f"{_FETCH} where realm_id = $1 and fetches.state = 'wanted' order by changed_at, file_id limit $2",
        (realm, limit),
    )
    return [Fetch(*row) for row in rows]


def want(tx: Transaction, file: int, now: int) -> None:
    """Somebody here asks for the bytes."""
    tx.run(
        "update fetches set state = 'wanted', changed_at = $1, code = '', reason = ''"
        " where file_id = $2 and state <> 'wanted'",
        (now, file),
    )


def fail(tx: Transaction, file: int, code: str, reason: str, now: int) -> None:
    """They cannot be had, for now: ``code`` of ``protocol.errors``, ``reason`` a sentence."""
    tx.run(
        "update fetches set state = 'failed', changed_at = $1, upload = null, code = $2, reason = $3"
        " where file_id = $4",
        (now, code, reason, file),
    )


def begin(tx: Transaction, fetch: Fetch, upload: Upload) -> None:
    """Gather it in a new upload of its owner's."""
    usage.locked(tx, fetch.owner_id)
    uploads.add(tx, upload)
    usage.change(tx, fetch.owner_id, 0, upload.size)
    tx.run("update fetches set upload = $1 where file_id = $2", (upload.id, fetch.file))


class Known(NamedTuple):
    """Bytes that are here already."""

    sha256: bytes
    type: str


_KNOWN = """
select files.sha256, files.type from files
join blobs on blobs.sha256 = files.sha256 and state = 'stored'
where files.sha256 = $1 and files.size = $2 and files.conversation_id is not null
and (exists (select 1 from users where users.id = files.owner_id and users.realm = $3)
or exists (select 1 from members join users on users.id = members.user_id
where members.conversation_id = files.conversation_id and users.realm = $3))
limit 1"""


def known(tx: Transaction, fetch: Fetch) -> Known | None:
    """The bytes, if they are here and that realm has had them, or might.

    Only then: else a realm that knows a hash could have its friends here read what it is the hash of.
    """
    row = tx.row(_KNOWN, (fetch.sha256, fetch.size, fetch.realm))
    return Known(*row) if row else None


_GATHERED = "select upload from fetches where file_id = $1"


def settle(tx: Transaction, fetch: Fetch, known: Known) -> bool:
    """The file has its bytes, which are in storage. False when it or they went away meanwhile."""
    usage.locked(tx, fetch.owner_id)
    row = tx.row(_GATHERED + tx.for_update, (fetch.file,))
    blob = blobs.locked(tx, known.sha256)
    if row is None or blob is None or blob.state is not blobs.State.STORED:
        return False
    tx.run("update files set sha256 = $1, type = $2 where id = $3", (known.sha256, known.type, fetch.file))
    usage.change(tx, fetch.owner_id, 1, fetch.size)
    tx.run("delete from fetches where file_id = $1", (fetch.file,))
    if row[0] is not None and uploads.get(tx, fetch.owner_id, row[0]) is not None:
        uploads.delete(tx, fetch.owner_id, row[0])
        usage.change(tx, fetch.owner_id, 0, -fetch.size)
    return True


# --- what other realms may have of ours ---------------------------------------------------------


class Shared(NamedTuple):
    """A file of ours that another realm may read. ``sha256`` is None while its bytes are not here either."""

    sha256: bytes | None
    size: int


_SHARED = """
select files.sha256, size from files
where files.id = $1 and conversation_id is not null
and (files.sha256 is not null or exists (select 1 from fetches where file_id = files.id))
and (exists (select 1 from members join users on users.id = members.user_id
where members.conversation_id = files.conversation_id and users.realm = $2)
or exists (select 1 from copies join realms on realms.id = copies.realm_id
where copies.conversation_id = files.conversation_id and realms.name = $2))"""


def shared(tx: Transaction, file: int, realm: str) -> Shared | None:
    """The file of this number, if one of that realm is in its conversation, or it is that realm's group."""
    row = tx.row(_SHARED, (file, realm))
    return Shared(*row) if row else None
