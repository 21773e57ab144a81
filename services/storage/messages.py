"""Messages: what was said, by whom, as number how many.

Here: SQL on ``messages``. Not here: how a number is found (``conversations.advance``), markers, rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from services.storage.engine import Bulk, Row, Transaction


class New(NamedTuple):
    """A message to store. ``id`` 16 bytes, chosen by the sender; ``sent_at`` microseconds."""

    conversation: int
    seq: int
    sender: int
    id: bytes
    body: str
    sent_at: int


_ADD = Bulk(
    each="insert into messages (conversation_id, seq, sender_id, id, body, sent_at)"
    " values ($1, $2, $3, $4, $5, $6)",
    arrays="insert into messages (conversation_id, seq, sender_id, id, body, sent_at)"
    " select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[], $6::bigint[])",
)


def add(tx: Transaction, new: Sequence[New | Row]) -> None:
    """Store messages, columns as in ``New``. Raises ``Duplicate`` when a (sender, id) is stored already."""
    tx.bulk(_ADD, new)


class Stored(NamedTuple):
    """What became of a message that was sent before."""

    conversation: int
    seq: int
    body: str
    sent_at: int


_STORED = Bulk(
    each="select sender_id, id, conversation_id, seq, body, sent_at from messages"
    " where sender_id = $1 and id = $2",
    arrays="select messages.sender_id, messages.id, conversation_id, seq, body, sent_at from messages"
    " join unnest($1::bigint[], $2::bytea[]) as wanted (sender_id, id)"
    " on messages.sender_id = wanted.sender_id and messages.id = wanted.id",
)


def stored(tx: Transaction, sent: Iterable[tuple[int, bytes]]) -> dict[tuple[int, bytes], Stored]:
    """Those of the given (sender, id) that are stored."""
    return {(row[0], row[1]): Stored(*row[2:]) for row in tx.bulk(_STORED, list(sent))}


class Said(NamedTuple):
    """A message as history shows it."""

    seq: int
    sender: str
    body: str
    sent_at: int
    id: bytes


_SAID = (
    "select seq, name, body, sent_at, messages.id from messages join users on users.id = sender_id"
    " where conversation_id = $1 and seq > $2 and seq < $3 order by seq"
)


def earliest(tx: Transaction, conversation: int, after: int, before: int, limit: int) -> list[Said]:
    """Up to ``limit`` messages behind ``after``, ascending."""
    return [Said(*row) for row in tx.rows(f"{_SAID} limit $4", (conversation, after, before, limit))]


def latest(tx: Transaction, conversation: int, after: int, before: int, limit: int) -> list[Said]:
    """Up to ``limit`` messages in front of ``before``, descending."""
    return [Said(*row) for row in tx.rows(f"{_SAID} desc limit $4", (conversation, after, before, limit))]


def count_by(tx: Transaction, conversation: int, sender: int, after: int, last: int) -> int:
    """How many messages of ``sender`` lie behind ``after``, up to ``last``."""
    row = tx.row(
        "select count(*) from messages"
        " where conversation_id = $1 and seq > $2 and seq <= $3 and sender_id = $4",
        (conversation, after, last, sender),
    )
    assert row is not None
    return int(row[0])


class Sender(NamedTuple):
    """Who said something: their own topic, or the realm in which they are at home, '' for ours."""

    user: int
    topic: bytes
    realm: str


def senders(
    tx: Transaction, conversation: int, after: int, last: int, reader: int, scan: int, limit: int
) -> list[Sender]:
    """Those members, not ``reader``, who said something behind ``after``, up to ``last``.

    Looks at the newest ``scan`` messages and names at most ``limit`` people: ours first, newest first.
    """
    rows = tx.rows(
        "select users.id, users.topic, users.realm from (select sender_id, max(seq) as seq from"
        " (select sender_id, seq from messages where conversation_id = $1 and seq > $2 and seq <= $3"
        " order by seq desc limit $4) newest"
        " where sender_id <> $5 group by sender_id) senders"
        " join members on members.conversation_id = $1 and members.user_id = senders.sender_id"
        " join users on users.id = senders.sender_id order by users.realm <> '', senders.seq desc limit $6",
        (conversation, after, last, scan, reader, limit),
    )
    return [Sender(*row) for row in rows]


def newest_by(tx: Transaction, conversation: int, sender: int, after: int, last: int) -> bytes | None:
    """The id of the newest message of ``sender`` behind ``after``, up to ``last``."""
    row = tx.row(
        "select id from messages where conversation_id = $1 and seq > $2 and seq <= $3 and sender_id = $4"
        " order by seq desc limit 1",
        (conversation, after, last, sender),
    )
    return row[0] if row else None


def count(tx: Transaction, conversation: int) -> int:
    """How many messages are stored."""
    row = tx.row("select count(*) from messages where conversation_id = $1", (conversation,))
    assert row is not None
    return int(row[0])


def gaps(tx: Transaction, conversation: int, last_seq: int, limit: int) -> list[tuple[int, int]]:
    """Up to ``limit`` ranges [first, last] of numbers that no message has, ascending."""
    rows = tx.rows(
        "select before + 1, seq - 1 from (select seq, lag(seq, 1, 0) over (order by seq) as before"
        " from (select seq from messages where conversation_id = $1"
        " union all select $2 + 1) numbers) steps"
        " where seq > before + 1 and seq <= $2 + 1 order by seq limit $3",
        (conversation, last_seq, limit),
    )
    return [(row[0], row[1]) for row in rows]
