"""Sessions: the devices a user has logged in from, found by the hash of their token.

Here: SQL on the table ``sessions``, and how a token is hashed. Not here: what ending a session
means for topics and for the broker (``services.auth``). A token itself is never stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from services.storage.engine import Bulk, Transaction


class Session(NamedTuple):
    """One device that is logged in. Times in microseconds."""

    id: int
    device: str
    created_at: int
    seen_at: int


class Resumed(NamedTuple):
    """What a token says about who bears it."""

    id: int
    user_id: int
    user: str
    topic: bytes


_SESSION = "select id, device, created_at, seen_at from sessions"


def token_hash(token: bytes) -> bytes:
    """How a token is stored. It is 16 random bytes, so one round of SHA-256 without salt is enough."""
    return hashlib.sha256(token).digest()


def add(tx: Transaction, user_id: int, token: bytes, device: str, now: int) -> int:
    """Open a session and return its number."""
    row = tx.row(
        "insert into sessions (user_id, token_hash, device, created_at, seen_at)"
        " values ($1, $2, $3, $4, $4) returning id",
        (user_id, token_hash(token), device, now),
    )
    assert row is not None
    return int(row[0])


def resume(tx: Transaction, token: bytes, now: int) -> Resumed | None:
    """The session of this token, seen now; None when there is none or it has ended."""
    row = tx.row(
        "update sessions set seen_at = $1 where token_hash = $2 and ended_at is null"
        " returning id, user_id, (select name from users where users.id = user_id),"
        " (select topic from users where users.id = user_id)",
        (now, token_hash(token)),
    )
    return Resumed(*row) if row else None


def current(tx: Transaction, session: int, user_id: int) -> Session | None:
    """This session of this user, if it has not ended."""
    row = tx.row(f"{_SESSION} where id = $1 and user_id = $2 and ended_at is null", (session, user_id))
    return Session(*row) if row else None


_LIVING = Bulk(
    each="select id, user_id from sessions where id = $1 and user_id = $2 and ended_at is null",
    arrays="select sessions.id, sessions.user_id from sessions"
    " join unnest($1::bigint[], $2::bigint[]) as asked (id, user_id)"
    " on sessions.id = asked.id and sessions.user_id = asked.user_id where ended_at is null",
)


def living(tx: Transaction, asked: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of the given (session, user) that have not ended."""
    return {(row[0], row[1]) for row in tx.bulk(_LIVING, sorted(asked))}


def of_user(tx: Transaction, user_id: int, limit: int) -> list[Session]:
    """A user's sessions that have not ended, newest first."""
    rows = tx.rows(
        f"{_SESSION} where user_id = $1 and ended_at is null order by id desc limit $2", (user_id, limit)
    )
    return [Session(*row) for row in rows]


def exists(tx: Transaction, session: int, user_id: int) -> bool:
    """Whether this user has or ever had this session."""
    return tx.row("select 1 from sessions where id = $1 and user_id = $2", (session, user_id)) is not None


def end(tx: Transaction, session: int, user_id: int, now: int) -> bool:
    """End one session; False when it had ended before, or is not this user's."""
    row = tx.row(
        "update sessions set ended_at = $1 where id = $2 and user_id = $3 and ended_at is null returning id",
        (now, session, user_id),
    )
    return row is not None


def end_others(tx: Transaction, session: int, user_id: int, now: int) -> list[int]:
    """End every session of the user but this one; the numbers of those ended."""
    rows = tx.rows(
        "update sessions set ended_at = $1 where user_id = $2 and id <> $3 and ended_at is null returning id",
        (now, user_id, session),
    )
    return sorted(row[0] for row in rows)


def end_most_silent(tx: Transaction, session: int, user_id: int, keep: int, now: int) -> list[int]:
    """End those silent longest until ``keep`` are left, ``session`` among them; numbers of those ended."""
    rows = tx.rows(
        "update sessions set ended_at = $1 where id in"
        " (select id from sessions where user_id = $2 and id <> $3 and ended_at is null"
        " order by seen_at desc, id desc limit 1000000 offset $4) returning id",
        (now, user_id, session, keep - 1),
    )
    return sorted(row[0] for row in rows)


_LIVELY = Bulk(
    each="update sessions set seen_at = $1 where id = $2 and ended_at is null and seen_at < $1",
    arrays="update sessions set seen_at = new.at from unnest($1::bigint[], $2::bigint[]) as new (at, id)"
    " where sessions.id = new.id and ended_at is null and seen_at < new.at",
)


def lively(tx: Transaction, heard: list[int], now: int) -> None:
    """These sessions were heard of now. Numbers of nobody are passed over."""
    tx.bulk(_LIVELY, [(now, session) for session in sorted(set(heard))])


def ended_since(tx: Transaction, since: int) -> list[int]:
    """Numbers of the sessions that ended at ``since`` (microseconds) or later."""
    return [row[0] for row in tx.rows("select id from sessions where ended_at >= $1 order by id", (since,))]


def forget(tx: Transaction, user_id: int, before: int) -> None:
    """Drop the user's sessions that ended before that time."""
    tx.run("delete from sessions where user_id = $1 and ended_at < $2", (user_id, before))
