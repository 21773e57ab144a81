"""Deliveries: how far direct conversations with other realms have been stored there, and what was refused.

Here: SQL on ``deliveries`` and ``undelivered``. Not here: what still waits to be told (``outbox``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.storage.engine import Bulk, Transaction

_DELIVERED = Bulk(
    each="insert into deliveries (conversation_id, delivered_seq) values ($1, $2)"
    " on conflict (conversation_id) do update set delivered_seq = excluded.delivered_seq"
    " where excluded.delivered_seq > deliveries.delivered_seq",
    arrays="insert into deliveries (conversation_id, delivered_seq)"
    " select * from unnest($1::bigint[], $2::bigint[])"
    " on conflict (conversation_id) do update set delivered_seq = excluded.delivered_seq"
    " where excluded.delivered_seq > deliveries.delivered_seq",
)


def delivered(tx: Transaction, marks: Mapping[int, int]) -> None:
    """Each conversation is there up to this number, or was refused; a mark never goes back."""
    tx.bulk(_DELIVERED, sorted(marks.items()))


def delivered_seq(tx: Transaction, conversation: int) -> int:
    """How far a conversation has been told; 0 when nothing of it has."""
    row = tx.row("select delivered_seq from deliveries where conversation_id = $1", (conversation,))
    return int(row[0]) if row else 0


class Undelivered(NamedTuple):
    """A message that the other realm will not take: a code of ``protocol.errors``, and a sentence."""

    conversation: int
    seq: int
    code: str
    reason: str


_REFUSED = Bulk(
    each="insert into undelivered (conversation_id, seq, code, reason) values ($1, $2, $3, $4)"
    " on conflict (conversation_id, seq) do nothing",
    arrays="insert into undelivered (conversation_id, seq, code, reason)"
    " select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[])"
    " on conflict (conversation_id, seq) do nothing",
)


def refused(tx: Transaction, refusals: Iterable[Undelivered]) -> None:
    """Remember what was refused; what was said first stays."""
    tx.bulk(_REFUSED, list(refusals))


def undelivered(tx: Transaction, conversation: int, first: int, last: int) -> dict[int, Undelivered]:
    """What was refused of the messages ``first`` to ``last``, by seq."""
    rows = tx.rows(
        "select conversation_id, seq, code, reason from undelivered"
        " where conversation_id = $1 and seq >= $2 and seq <= $3 order by seq",
        (conversation, first, last),
    )
    return {row[1]: Undelivered(*row) for row in rows}
