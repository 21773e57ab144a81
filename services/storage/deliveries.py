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


class Partner(NamedTuple):
    """The other one of a direct conversation: how far they have read, and their server has it.

    ``delivered_seq``: as ``delivered_seq`` says; -1 for a user of ours, whose server is this one.
    """

    read_seq: int
    delivered_seq: int


def partner(tx: Transaction, conversation: int, user: int) -> Partner | None:
    """What became of a direct conversation with this user; None when they are no member of it."""
    row = tx.row(
        "select read_seq, case when realm = '' then -1 else coalesce(delivered_seq, 0) end from members"
        " join users on users.id = members.user_id"
        " left join deliveries on deliveries.conversation_id = members.conversation_id"
        " where members.conversation_id = $1 and user_id = $2",
        (conversation, user),
    )
    return Partner(*row) if row else None


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
