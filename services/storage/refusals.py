"""Posts that the home of a group in another realm refused: kept for their author, a few of each.

Here: SQL on ``refused_posts``. Not here: messages to users there, whose text is in ``messages`` whatever
becomes of them (``deliveries``), and posts that are on their way (``outbox``).

Everybody who writes here but to forget has the realm's row locked: no post is refused while it is sent again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from services.storage.engine import Bulk, Transaction

MOST: Final = 100
"""Posts kept of one user; beyond that the oldest are forgotten."""
MOST_BYTES: Final = 128 * 1024
"""Bytes of them; one is kept however long it is. So all of them fit into one answer."""


class Refusal(NamedTuple):
    """A post that will not be stored there: ``code`` of ``protocol.errors``, ``reason`` a sentence.

    ``n`` is its number in the outbox; ``sent_at`` in microseconds; ``size`` in bytes, for the bound.
    """

    user: int
    message_id: bytes
    conversation: int
    n: int
    body: str
    sent_at: int
    code: str
    reason: str
    size: int


_ADD = Bulk(
    each="insert into refused_posts (user_id, message_id, conversation_id, n, body, sent_at, code, reason,"
    " size) select $1, $2, $3, $4, $5, $6, $7, $8, $9"
    " where exists (select 1 from copies where conversation_id = $3)"
    " on conflict (user_id, message_id) do nothing",
    arrays="insert into refused_posts (user_id, message_id, conversation_id, n, body, sent_at, code, reason,"
    " size) select * from unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[], $5::text[],"
    " $6::bigint[], $7::text[], $8::text[], $9::bigint[]) as refused (who, id, place, n, body, sent_at, code,"
    " reason, size) where exists (select 1 from copies where conversation_id = place)"
    " on conflict (user_id, message_id) do nothing",
)


def add(tx: Transaction, refusals: Iterable[Refusal]) -> None:
    """Keep these, of groups of which we still have a copy, and forget what is too much then."""
    found = list(refusals)
    tx.bulk(_ADD, found)
    for user in sorted({refusal.user for refusal in found}):
        tx.run(
            "delete from refused_posts where user_id = $1 and message_id in (select message_id from"
            " (select message_id, row_number() over newest as place, sum(size) over newest as bytes"
            " from refused_posts where user_id = $1"
            " window newest as (order by sent_at desc, n desc, message_id desc"
            " rows between unbounded preceding and current row)) ranked"
            " where place > $2 or (place > 1 and bytes > $3))",
            (user, MOST, MOST_BYTES),
        )


def of(tx: Transaction, conversation: int, user: int) -> list[Refusal]:
    """What was refused of this user's posts to this group, oldest first."""
    rows = tx.rows(
        "select user_id, message_id, conversation_id, n, body, sent_at, code, reason, size from refused_posts"
        " where user_id = $1 and conversation_id = $2 order by sent_at, n, message_id",
        (user, conversation),
    )
    return [Refusal(*row) for row in rows]


_AGAIN = Bulk(
    each="delete from refused_posts where user_id = $1 and message_id = $2",
    arrays="delete from refused_posts using unnest($1::bigint[], $2::bytea[]) as sent (who, id)"
    " where user_id = sent.who and message_id = sent.id",
)


def again(tx: Transaction, sent: Iterable[tuple[int, bytes]]) -> None:
    """These, by (user, id), are on their way once more."""
    tx.bulk(_AGAIN, list(sent))


def forget(tx: Transaction, conversation: int, user: int | None = None) -> None:
    """This user has left the group; without one, our copy of it is gone."""
    if user is None:
        tx.run("delete from refused_posts where conversation_id = $1", (conversation,))
    else:
        tx.run("delete from refused_posts where conversation_id = $1 and user_id = $2", (conversation, user))
