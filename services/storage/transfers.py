"""Transfers: what each chunk asks of the database, in one look, and what sealing an upload changes there.

Here: SQL over the sessions, uploads, files and members that a chunk concerns. Nothing of it is remembered
from one chunk to the next: who was removed or logged out gets nothing more from that moment on. Not here:
the commands about uploads (``uploads``), and the bytes.
"""

from __future__ import annotations

from typing import NamedTuple

from services.storage import blobs, usage
from services.storage.engine import Row, Transaction
from services.storage.sessions import token_hash


class Upload(NamedTuple):
    """An upload of whoever bears the token. ``sha256`` is None until all bytes were there and looked at.

    ``stored``: they are in storage. ``touched_at`` in microseconds.
    """

    user_id: int
    id: bytes
    size: int
    chunk_bytes: int
    claimed: bytes | None
    sha256: bytes | None
    type: str
    touched_at: int
    stored: bool


class Readable(NamedTuple):
    """A file that ``user``, who bears the token, may read now; ``size`` in bytes.

    ``sha256`` is None while its bytes are in another realm (``fetches``).
    """

    sha256: bytes | None
    size: int
    user: int


class NoSession(Exception):
    """Nobody who is logged in bears this token."""


def _upload(row: Row) -> Upload:
    return Upload(*row)._replace(stored=bool(row[8]))


_UPLOAD = (
    "select uploads.user_id, uploads.id, size, chunk_bytes, claimed, sha256, type, touched_at,"
    " exists (select 1 from blobs where blobs.sha256 = uploads.sha256 and state = 'stored')"
    " from sessions left join uploads on uploads.user_id = sessions.user_id and uploads.id = $1"
    " where token_hash = $2 and ended_at is null"
)


def upload(tx: Transaction, token: bytes, id: bytes) -> Upload | None:
    """The bearer's upload of this id, None if they have none. Raises ``NoSession``."""
    row = tx.row(_UPLOAD, (id, token_hash(token)))
    if row is None:
        raise NoSession
    return None if row[0] is None else _upload(row)


def upload_of(tx: Transaction, user: int, id: bytes) -> Upload | None:
    """A user's upload of this id."""
    row = tx.row(
        "select user_id, id, size, chunk_bytes, claimed, sha256, type, touched_at,"
        " exists (select 1 from blobs where blobs.sha256 = uploads.sha256 and state = 'stored')"
        " from uploads where user_id = $1 and id = $2",
        (user, id),
    )
    return _upload(row) if row else None


_READABLE = (
    "select sha256, size, sessions.user_id"
    " from sessions left join files on files.id = $1"
    " and (files.sha256 is not null or exists (select 1 from fetches where file_id = files.id))"
    " and case when conversation_id is null then folder is not null and owner_id = sessions.user_id"
    " else exists (select 1 from members where members.conversation_id = files.conversation_id"
    " and members.user_id = sessions.user_id) end"
    " where token_hash = $2 and ended_at is null"
)


def readable(tx: Transaction, token: bytes, file: int) -> Readable | None:
    """The file of this number, if the bearer may read it. Raises ``NoSession``."""
    row = tx.row(_READABLE, (file, token_hash(token)))
    if row is None:
        raise NoSession
    return None if row[1] is None else Readable(*row)


# --- changes ------------------------------------------------------------------------------------


def touch(tx: Transaction, user: int, id: bytes, now: int) -> None:
    """Something of an upload arrived."""
    tx.run("update uploads set touched_at = $1 where user_id = $2 and id = $3", (now, user, id))


def seal(
    tx: Transaction, user: int, id: bytes, sha256: bytes, type: str, size: int, now: int
) -> blobs.State | None:
    """Say what an upload's bytes are, and expect them in storage; None: there is no such upload any more.

    ``GOING``: nothing was changed, for the same bytes are being deleted; ask again.
    """
    usage.locked(tx, user)
    row = tx.row("select sha256 from uploads where user_id = $1 and id = $2", (user, id))
    if row is None:
        return None
    state = blobs.expect(tx, sha256, size, now)
    if state is not blobs.State.GOING:
        tx.run(
            "update uploads set sha256 = $1, type = $2, touched_at = $3 where user_id = $4 and id = $5",
            (sha256, type, now, user, id),
        )
    return state


_SEALED = "select 1 from uploads where user_id = $1 and id = $2 and sha256 = $3"


def sealed(tx: Transaction, user: int, id: bytes, sha256: bytes, now: int) -> bool:
    """The bytes are in storage. False when the upload went away meanwhile, and perhaps they with it.

    Then nothing is said of them: somebody else may expect the same bytes by now, and not have put them yet.
    """
    usage.locked(tx, user)
    if tx.row(_SEALED, (user, id, sha256)) is None:
        return False
    blobs.arrived(tx, sha256, now)
    return True


def reopen(tx: Transaction, user: int, id: bytes, sha256: bytes, now: int) -> None:
    """What an upload's bytes are is open again, for those that they were said to be are not in storage."""
    usage.locked(tx, user)
    tx.run(
        "update uploads set sha256 = null where user_id = $1 and id = $2 and sha256 = $3", (user, id, sha256)
    )
    blobs.release(tx, [sha256], now)


def drop(tx: Transaction, user: int, id: bytes, now: int, idle_since: int | None = None) -> bool:
    """Forget an upload and give its bytes back to its user; False when there is none.

    ``idle_since``: only if nothing of it arrived since.
    """
    usage.locked(tx, user)
    row = tx.row("select size, sha256, touched_at from uploads where user_id = $1 and id = $2", (user, id))
    if row is None or (idle_since is not None and row[2] >= idle_since):
        return False
    tx.run("delete from uploads where user_id = $1 and id = $2", (user, id))
    usage.change(tx, user, 0, -int(row[0]))
    if row[1] is not None:
        blobs.release(tx, [row[1]], now)
    return True


# --- the janitor's looks ------------------------------------------------------------------------


def idle(tx: Transaction, since: int, limit: int) -> list[tuple[int, bytes]]:
    """(user, id) of up to ``limit`` uploads of which nothing arrived since then, the longest idle first."""
    rows = tx.rows(
        "select user_id, id from uploads where touched_at < $1 order by touched_at limit $2", (since, limit)
    )
    return [(row[0], row[1]) for row in rows]


def needs_staging(tx: Transaction, user: int, id: bytes) -> bool:
    """Whether there is such an upload whose bytes are not in storage yet."""
    row = tx.row(
        "select exists (select 1 from blobs where blobs.sha256 = uploads.sha256 and state = 'stored')"
        " from uploads where user_id = $1 and id = $2",
        (user, id),
    )
    return row is not None and not row[0]


_USAGE = "select 1 from usage where user_id = $1"


def needs_no_staging(tx: Transaction, user: int, id: bytes) -> bool:
    """Whether there is none, and none begins until this transaction, one that writes, ends."""
    tx.row(_USAGE + tx.for_update, (user,))
    return not needs_staging(tx, user, id)


def has_blob(tx: Transaction, sha256: bytes) -> bool:
    """Whether anything is known of these bytes."""
    return tx.row("select 1 from blobs where sha256 = $1", (sha256,)) is not None
