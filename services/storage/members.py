"""Members: how far each one has read, and how many of the messages behind that are their own.

Here: SQL on the read markers in ``members``. Not here: joining and leaving (``groups``).

Unread is ``last_seq - read_seq - own_unread``: messages of others behind the marker, without counting them.
"""

from __future__ import annotations

from typing import NamedTuple

from services.storage.engine import Bulk, Transaction


class Marker(NamedTuple):
    """``own_unread`` counts the member's own messages behind ``read_seq``."""

    read_seq: int
    own_unread: int


_MARKER = "select read_seq, own_unread from members where conversation_id = $1 and user_id = $2"


def marker(tx: Transaction, conversation: int, user: int) -> Marker | None:
    """A member's marker; None for who is no member."""
    row = tx.row(_MARKER, (conversation, user))
    return Marker(*row) if row else None


def locked(tx: Transaction, conversation: int, user: int) -> Marker | None:
    """The same, and neither a send nor a read of this member changes it until the transaction ends."""
    row = tx.row(_MARKER + tx.for_update, (conversation, user))
    return Marker(*row) if row else None


def set_marker(tx: Transaction, conversation: int, user: int, marker: Marker) -> None:
    """Store a marker."""
    tx.run(
        "update members set read_seq = $1, own_unread = $2 where conversation_id = $3 and user_id = $4",
        (*marker, conversation, user),
    )


_SENT = Bulk(
    each="update members set own_unread = own_unread + $1 where conversation_id = $2 and user_id = $3"
    " returning conversation_id, user_id",
    arrays="update members set own_unread = own_unread + new.n"
    " from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as new (n, conversation_id, user_id)"
    " where members.conversation_id = new.conversation_id and members.user_id = new.user_id"
    " returning members.conversation_id, members.user_id",
)


def sent(tx: Transaction, counts: dict[tuple[int, int], int]) -> bool:
    """Count messages that members sent, by (conversation, user). False when someone is no member.

    Needs no lock of its own: whoever sends holds the conversation's row.
    """
    rows = [(count, *who) for who, count in counts.items()]
    return len(tx.bulk(_SENT, rows)) == len(rows)
