"""Files: what uploads became, in their owners' own spaces or in conversations.

Here: SQL on ``files``. Not here: their bytes (``blobs``), folders, and who may do what.

A file in a conversation outlives its deletion as what its message shows: then ``sha256`` is null. So it is
while its bytes are in another realm (``fetches``), and ``claimed`` says what they are to be. One that was
posted to a group of another realm has no ``seq`` until that realm has numbered it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from services.storage.engine import Bulk, Transaction
from services.storage.folders import beneath


class File(NamedTuple):
    """One file. In a conversation ``folder`` is None; in the owner's own space the place there is 0.

    ``sha256`` is None once it is deleted, and while its bytes are in another realm: then ``claimed`` is set.
    """

    id: int
    owner_id: int
    owner: str
    folder: str | None
    name: str
    size: int
    type: str
    sha256: bytes | None
    created_at: int
    conversation: int
    seq: int
    claimed: bytes | None


_FILE = (
    "select files.id, owner_id, users.name, folder, files.name, size, type, files.sha256, files.created_at,"
    " coalesce(conversation_id, 0), coalesce(seq, 0), fetches.sha256"
    " from files join users on users.id = owner_id left join fetches on file_id = files.id"
)


def add(
    tx: Transaction,
    owner: int,
    upload: bytes,
    folder: str | None,
    name: str,
    size: int,
    type: str,
    sha256: bytes | None,
    now: int,
) -> int:
    """Store a new file; its number. One for a conversation is given its place there by ``place``."""
    row = tx.row(
        "insert into files (owner_id, upload, folder, name, size, type, sha256, created_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) returning id",
        (owner, upload, folder, name, size, type, sha256, now),
    )
    assert row is not None
    return int(row[0])


def place(tx: Transaction, file: int, conversation: int, seq: int | None) -> None:
    """Say which message a new file is; ``seq`` None: it is posted, and will have a number."""
    tx.run("update files set conversation_id = $1, seq = $2 where id = $3", (conversation, seq, file))


def numbered(tx: Transaction, file: int) -> File | None:
    """The file of this number."""
    row = tx.row(f"{_FILE} where files.id = $1", (file,))
    return File(*row) if row else None


def uploaded(tx: Transaction, owner: int, upload: bytes) -> File | None:
    """What became of an upload."""
    row = tx.row(f"{_FILE} where owner_id = $1 and files.upload = $2", (owner, upload))
    return File(*row) if row else None


def at(tx: Transaction, owner: int, folder: str, name: str) -> File | None:
    """The file at a path in its owner's own space."""
    row = tx.row(f"{_FILE} where owner_id = $1 and folder = $2 and files.name = $3", (owner, folder, name))
    return File(*row) if row else None


def page(tx: Transaction, owner: int, folder: str, after: str, limit: int) -> list[File]:
    """Up to ``limit`` files in a folder by name, behind the name ``after``."""
    rows = tx.rows(
        f"{_FILE} where owner_id = $1 and folder = $2 and files.name > $3 order by files.name limit $4",
        (owner, folder, after, limit),
    )
    return [File(*row) for row in rows]


def in_conversation(tx: Transaction, conversation: int, after: int, limit: int) -> list[File]:
    """Up to ``limit`` files of a conversation that are not deleted, behind message ``after``."""
    rows = tx.rows(
        f"{_FILE} where conversation_id = $1 and seq > $2"
        " and (files.sha256 is not null or fetches.sha256 is not null) order by seq limit $3",
        (conversation, after, limit),
    )
    return [File(*row) for row in rows]


def readable_type(tx: Transaction, user: int, sha256: bytes, size: int) -> str | None:
    """The type of these bytes if the user may read some file that has them, else None."""
    row = tx.row(
        "select type from files where sha256 = $1 and size = $2 and ((folder is not null and owner_id = $3)"
        " or exists (select 1 from members where members.conversation_id = files.conversation_id"
        " and members.user_id = $3)) limit 1",
        (sha256, size, user),
    )
    return row[0] if row else None


class Attached(NamedTuple):
    """A file as its message shows it. ``sha256`` is None once it is deleted, or as in ``File``."""

    conversation: int
    seq: int
    id: int
    name: str
    size: int
    type: str
    sha256: bytes | None
    claimed: bytes | None


_ATTACHED = (
    "select conversation_id, seq, id, name, size, type, files.sha256, fetches.sha256"
    " from files left join fetches on file_id = files.id"
)


def attached(tx: Transaction, conversation: int, first: int, last: int) -> list[Attached]:
    """Files of the messages ``first`` to ``last``."""
    rows = tx.rows(
        f"{_ATTACHED} where conversation_id = $1 and seq between $2 and $3", (conversation, first, last)
    )
    return [Attached(*row) for row in rows]


_OF_MESSAGES = Bulk(
    each=f"{_ATTACHED} where conversation_id = $1 and seq = $2",
    arrays=f"{_ATTACHED} join unnest($1::bigint[], $2::bigint[]) as wanted (conversation, number)"
    " on conversation_id = wanted.conversation and seq = wanted.number",
)


def of_messages(tx: Transaction, messages: Iterable[tuple[int, int]]) -> list[Attached]:
    """Files of these messages, by (conversation, seq)."""
    return [Attached(*row) for row in tx.bulk(_OF_MESSAGES, sorted(set(messages)))]


class Posted(NamedTuple):
    """A file that goes to a group of another realm; owner and ``upload`` are its post's user and id."""

    owner_id: int
    upload: bytes
    conversation: int
    id: int
    name: str
    size: int
    type: str
    sha256: bytes | None
    claimed: bytes | None = None


_POSTED = "select owner_id, upload, conversation_id, id, name, size, type, sha256 from files"
_POSTS = Bulk(
    each=f"{_POSTED} where owner_id = $1 and upload = $2",
    arrays=f"{_POSTED} join unnest($1::bigint[], $2::bytea[]) as wanted (who, what)"
    " on owner_id = wanted.who and upload = wanted.what",
)


def posted(tx: Transaction, posts: Iterable[tuple[int, bytes]]) -> list[Posted]:
    """Files of these posts, by (user, id)."""
    return [Posted(*row) for row in tx.bulk(_POSTS, sorted(set(posts)))]


def forsaken(tx: Transaction, before: int, limit: int) -> list[int]:
    """Up to ``limit`` files of posts that were refused or given up; those newer than ``before`` wait."""
    rows = tx.rows(
        "select id from files where conversation_id is not null and seq is null and created_at < $1"
        " and not exists (select 1 from outbox where kind = 'post' and message_id = upload"
        " and user_id = owner_id) order by created_at limit $2",
        (before, limit),
    )
    return [row[0] for row in rows]


def delete_forsaken(tx: Transaction, file: int) -> Released | None:
    """Delete one of those, unless it has its number by now."""
    row = tx.row(
        "delete from files where id = $1 and conversation_id is not null and seq is null"
        " and not exists (select 1 from outbox where kind = 'post' and message_id = upload"
        " and user_id = owner_id) returning size, sha256",
        (file,),
    )
    return Released(*row) if row else None


# --- going and moving ---------------------------------------------------------------------------


def delete(tx: Transaction, file: int) -> None:
    """Forget a file in somebody's own space."""
    tx.run("delete from files where id = $1", (file,))


def mark_gone(tx: Transaction, file: int) -> None:
    """Take its bytes from a file in a conversation."""
    tx.run("update files set sha256 = null where id = $1", (file,))


def move(tx: Transaction, file: int, folder: str, name: str) -> None:
    """Give a file in its owner's own space another path, where nothing is."""
    tx.run("update files set folder = $1, name = $2 where id = $3", (folder, name, file))


def any_in(tx: Transaction, owner: int, folder: str) -> bool:
    """Whether a file is right in this folder."""
    return (
        tx.row("select 1 from files where owner_id = $1 and folder = $2 limit 1", (owner, folder)) is not None
    )


class Released(NamedTuple):
    """A file that was deleted."""

    size: int
    sha256: bytes


def delete_beneath(tx: Transaction, owner: int, folder: str, limit: int) -> list[Released]:
    """Delete up to ``limit`` of the files in a folder and in those beneath it."""
    rows = tx.rows(
        "delete from files where id in (select id from files where owner_id = $1"
        " and (folder = $2 or (folder >= $3 and folder < $4)) limit $5) returning size, sha256",
        (owner, *beneath(folder), limit),
    )
    return [Released(*row) for row in rows]


def owners_in(tx: Transaction, conversation: int) -> list[int]:
    """Whose files count that are in a conversation, in order."""
    rows = tx.rows(
        "select distinct owner_id from files where conversation_id = $1 and sha256 is not null"
        " order by owner_id",
        (conversation,),
    )
    return [row[0] for row in rows]


def delete_of_conversation(tx: Transaction, conversation: int) -> list[tuple[int, Released]]:
    """Delete every file of a conversation; those that counted, with their owners."""
    tx.run(
        "delete from fetches where file_id in (select id from files where conversation_id = $1)",
        (conversation,),
    )
    rows = tx.rows(
        "delete from files where conversation_id = $1 returning owner_id, size, sha256", (conversation,)
    )
    return [(row[0], Released(row[1], row[2])) for row in rows if row[2] is not None]
