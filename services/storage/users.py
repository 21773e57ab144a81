"""Users: who has an account, under which name, password hash and topic, and when they were last seen.

Here: SQL on the table ``users``. Not here: sessions, presence, and any rule about who may do what.
"""

from __future__ import annotations

from typing import NamedTuple

from protocol.addresses import name_key
from services.storage.engine import Transaction


class User(NamedTuple):
    """One account. ``password`` is a hash; times in microseconds, ``last_seen_at`` 0 when never seen."""

    id: int
    name: str
    password: str
    topic: bytes
    created_at: int
    last_seen_at: int


_USER = "select id, name, password, topic, created_at, last_seen_at from users"


def add(tx: Transaction, name: str, password: str, topic: bytes, now: int) -> int | None:
    """Create an account and return its number; None when the name is taken (compared without case)."""
    row = tx.row(
        "insert into users (name, name_key, password, topic, created_at, last_seen_at)"
        " values ($1, $2, $3, $4, $5, 0) on conflict (name_key) do nothing returning id",
        (name, name_key(name), password, topic, now),
    )
    return row[0] if row else None


def named(tx: Transaction, name: str) -> User | None:
    """The user of this name, whatever its case."""
    row = tx.row(f"{_USER} where name_key = $1", (name_key(name),))
    return User(*row) if row else None


def numbered(tx: Transaction, user_id: int) -> User | None:
    """The user of this number."""
    row = tx.row(f"{_USER} where id = $1", (user_id,))
    return User(*row) if row else None


def locked(tx: Transaction, user_id: int) -> User | None:
    """The user of this number, who stays as they are until the transaction ends.

    Whoever opens a session and whoever sets a password takes this lock. So a login with the old
    password is either seen, and ended, by the change, or sees the new password.
    """
    row = tx.row(f"{_USER} where id = $1{tx.for_update}", (user_id,))
    return User(*row) if row else None


def set_password(tx: Transaction, user_id: int, password: str) -> None:
    """Store another hash."""
    tx.run("update users set password = $1 where id = $2", (password, user_id))


def set_topic(tx: Transaction, user_id: int, topic: bytes) -> None:
    """Replace the user's own topic."""
    tx.run("update users set topic = $1 where id = $2", (topic, user_id))


class Seen(NamedTuple):
    """A user as others may see them. ``last_seen_at`` as stored: it does not move while they are online."""

    name: str
    online: bool
    last_seen_at: int


_SEEN = (
    "select users.name, exists (select 1 from presence where presence.user_id = users.id), users.last_seen_at"
    " from users"
)


def seen(tx: Transaction, name: str) -> Seen | None:
    """One user as others may see them."""
    row = tx.row(f"{_SEEN} where users.name_key = $1", (name_key(name),))
    return Seen(row[0], bool(row[1]), row[2]) if row else None


def page(tx: Transaction, after: str, limit: int) -> list[Seen]:
    """Up to ``limit`` users of ours by name, behind the name ``after`` ('' = from the first)."""
    rows = tx.rows(
        f"{_SEEN} where users.name_key > $1 and users.realm = '' order by users.name_key limit $2",
        (name_key(after), limit),
    )
    return [Seen(name, bool(online), last_seen_at) for name, online, last_seen_at in rows]


def hash_parameters(tx: Transaction) -> list[tuple[str, int]]:
    """The heads of all password hashes, up to the salt, and how many accounts have each. Reads them all."""
    # Behind them come the salt, 16 bytes, and what was made of it, 32: 67 characters with a $ before each.
    rows = tx.rows(
        "select substr(password, 1, length(password) - 67), count(*) from users"
        " where length(password) > 67 group by 1"
    )
    return [(row[0], row[1]) for row in rows]
