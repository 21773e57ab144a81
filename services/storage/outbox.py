"""The outbox: what each realm is to be told, in order of commit, until it has said that it has it.

Here: SQL on ``outbox`` and on the counters in ``realms``. Its number comes from the realm's row, which so
stays locked until the transaction ends: numbers are in order of commit. Lock conversations first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.storage.engine import Bulk, Transaction


class Entry(NamedTuple):
    """Something to tell. ``message_id`` as in ``protocol.realms.Item``; ``size`` in bytes, for the bound.

    Of a ``message`` the text stays in ``messages``, at ``conversation`` and ``seq``.
    """

    kind: str
    user_id: int
    recipient: str
    conversation: int
    seq: int
    message_id: bytes | None
    body: str
    size: int


_ADD = Bulk(
    each="insert into outbox (realm_id, n, kind, user_id, recipient, conversation_id, seq, message_id,"
    " body, queued_at, size) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    arrays="insert into outbox (realm_id, n, kind, user_id, recipient, conversation_id, seq, message_id,"
    " body, queued_at, size) select * from"
    " unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[],"
    " $6::bigint[], $7::bigint[], $8::bytea[], $9::text[], $10::bigint[], $11::bigint[])",
)


def add(tx: Transaction, realm: int, entries: Sequence[Entry], now: int) -> None:
    """Put entries behind all that waits. Raises ``Duplicate`` for a post whose (user, id) waits already."""
    size = sum(entry.size for entry in entries)
    row = tx.row(
        "update realms set last_n = last_n + $1, waiting = waiting + $1, waiting_bytes = waiting_bytes + $2"
        " where id = $3 returning last_n",
        (len(entries), size, realm),
    )
    assert row is not None
    first = int(row[0]) - len(entries) + 1
    tx.bulk(
        _ADD,
        [(realm, first + place, *entry[:7], now, entry.size) for place, entry in enumerate(entries)],
    )


class Waiting(NamedTuple):
    """An entry on its way: ``user`` is the bare name of who did it, ``sent_at`` microseconds."""

    n: int
    kind: str
    user_id: int
    user: str
    recipient: str
    conversation: int
    seq: int
    message_id: bytes | None
    body: str
    sent_at: int
    size: int


def waiting(tx: Transaction, realm: int, limit: int, most_bytes: int) -> list[Waiting]:
    """The first that wait, in order: up to ``limit``, and until they are ``most_bytes``; at least one."""
    rows = tx.rows(
        "select o.n, o.kind, o.user_id, u.name, o.recipient, o.conversation_id, o.seq,"
        " coalesce(o.message_id, m.id), coalesce(m.body, o.body), coalesce(m.sent_at, o.queued_at), o.size"
        " from (select picked.*, sum(size) over (order by n) - size as ahead from"
        " (select * from outbox where realm_id = $1 and state = 'waiting' order by n limit $2) picked) o"
        " join users u on u.id = o.user_id"
        " left join messages m on o.kind = 'message'"
        " and m.conversation_id = o.conversation_id and m.seq = o.seq"
        " where o.ahead < $3 order by o.n",
        (realm, limit, most_bytes),
    )
    return [Waiting(*row) for row in rows]


def told(tx: Transaction, realm: int, last: int) -> None:
    """Everything up to ``last`` is there: posts stay until they come back, the rest goes."""
    row = tx.row(
        "select count(*), coalesce(sum(size), 0) from outbox"
        " where realm_id = $1 and state = 'waiting' and n <= $2",
        (realm, last),
    )
    assert row is not None
    if row[0]:
        tx.run(
            "update realms set waiting = waiting - $1, waiting_bytes = waiting_bytes - $2 where id = $3",
            (int(row[0]), int(row[1]), realm),
        )
        tx.run(
            "delete from outbox where realm_id = $1 and state = 'waiting' and n <= $2 and kind <> 'post'",
            (realm, last),
        )
        tx.run(
            "update outbox set state = 'told' where realm_id = $1 and state = 'waiting' and n <= $2",
            (realm, last),
        )
