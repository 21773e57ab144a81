"""Uploads: files on their way, of which the server may hold a part, all, or nothing yet.

Here: SQL on ``uploads`` for the commands about them. Not here: the bytes (``services.file.staging``), and
what each chunk asks of the database.
"""

from __future__ import annotations

from typing import NamedTuple

from services.storage.engine import Transaction


class Upload(NamedTuple):
    """One upload. ``recipient`` is an address, or '' for the user's own space, at ``folder`` and ``name``.

    ``body`` is the message's text. ``claimed`` is what the client said the hash was, ``sha256`` what it is,
    once all bytes are there; until then ``type`` is ''.
    """

    user_id: int
    id: bytes
    size: int
    chunk_bytes: int
    recipient: str
    folder: str
    name: str
    body: str
    replaces: int
    claimed: bytes | None
    sha256: bytes | None
    type: str
    created_at: int
    touched_at: int


_UPLOAD = (
    "select user_id, id, size, chunk_bytes, recipient, folder, name, body, replaces, claimed, sha256, type,"
    " created_at, touched_at from uploads"
)


def add(tx: Transaction, upload: Upload) -> None:
    """Store a new one."""
    tx.run(
        "insert into uploads (user_id, id, size, chunk_bytes, recipient, folder, name, body, replaces,"
        " claimed, sha256, type, created_at, touched_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        upload,
    )


def get(tx: Transaction, user: int, id: bytes) -> Upload | None:
    """A user's upload of this id."""
    row = tx.row(f"{_UPLOAD} where user_id = $1 and id = $2", (user, id))
    return Upload(*row) if row else None


def locked(tx: Transaction, user: int, id: bytes) -> Upload | None:
    """The same, and nobody else changes it until the transaction ends."""
    row = tx.row(f"{_UPLOAD} where user_id = $1 and id = $2{tx.for_update}", (user, id))
    return Upload(*row) if row else None


def delete(tx: Transaction, user: int, id: bytes) -> None:
    """Forget one."""
    tx.run("delete from uploads where user_id = $1 and id = $2", (user, id))


def of_user(tx: Transaction, user: int) -> list[Upload]:
    """All of a user's, oldest first."""
    rows = tx.rows(f"{_UPLOAD} where user_id = $1 order by created_at, id", (user,))
    return [Upload(*row) for row in rows]


def count(tx: Transaction, user: int) -> int:
    """How many a user has."""
    row = tx.row("select count(*) from uploads where user_id = $1", (user,))
    return int(row[0]) if row else 0


def awaited_bytes(tx: Transaction) -> int:
    """Sizes of all uploads whose bytes are not in storage yet, held or not, together."""
    row = tx.row("select coalesce(sum(size), 0) from uploads where sha256 is null")
    return int(row[0]) if row else 0
