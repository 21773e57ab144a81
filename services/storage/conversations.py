"""Conversations: who talks where, which number comes next, and under which topic it is heard.

Here: SQL on ``conversations`` for all three kinds. Not here: what only groups need (``groups``), and
messages. The number of a message comes from its conversation's row and from nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from protocol.addresses import TopicKind, name_key, new_topic
from services.storage.engine import Bulk, Transaction


class Conversation(NamedTuple):
    """One conversation. ``user_low`` and ``user_high`` are the two of a direct one, else 0."""

    id: int
    kind: str
    name: str
    topic: bytes
    last_seq: int
    user_low: int
    user_high: int


_CONVERSATION = (
    "select id, kind, name, topic, last_seq, coalesce(user_low, 0), coalesce(user_high, 0) from conversations"
)


def numbered(tx: Transaction, conversation: int) -> Conversation | None:
    """The conversation of this number."""
    row = tx.row(f"{_CONVERSATION} where id = $1", (conversation,))
    return Conversation(*row) if row else None


def keyed(tx: Transaction, name: str) -> Conversation | None:
    """The group of this name, whatever its case; with ``*``, the conversation that everyone is in."""
    row = tx.row(f"{_CONVERSATION} where name_key = $1", (name_key(name),))
    return Conversation(*row) if row else None


def between(tx: Transaction, one: int, other: int) -> Conversation | None:
    """The direct conversation of two users, in whatever order (both the same: notes to oneself)."""
    row = tx.row(
        f"{_CONVERSATION} where user_low = $1 and user_high = $2", (min(one, other), max(one, other))
    )
    return Conversation(*row) if row else None


def last_seq(tx: Transaction, conversation: int) -> int:
    """Number of the newest message; 0 when there is none."""
    row = tx.row("select last_seq from conversations where id = $1", (conversation,))
    return int(row[0]) if row else 0


def add_direct(tx: Transaction, one: int, other: int, now: int) -> int:
    """The number of the direct conversation of two users, which is made if nobody has made it yet."""
    low, high = min(one, other), max(one, other)
    row = tx.row(
        "insert into conversations (kind, topic, created_at, user_low, user_high)"
        " values ('direct', $1, $2, $3, $4) on conflict (user_low, user_high) do nothing returning id",
        (new_topic(TopicKind.CONVERSATION), now, low, high),
    )
    if row is None:
        row = tx.row("select id from conversations where user_low = $1 and user_high = $2", (low, high))
        assert row is not None
        return int(row[0])
    for user in {low, high}:
        tx.run(
            "insert into members (conversation_id, user_id, joined_at) values ($1, $2, $3)",
            (row[0], user, now),
        )
    return int(row[0])


class Advanced(NamedTuple):
    """A conversation after it was given more numbers; the topic is the one in force.

    ``followed``: it has members in other realms, who are to be told of it.
    """

    last_seq: int
    topic: bytes
    followed: int


_LOCK = "select id from conversations where id = any($1::bigint[]) order by id for no key update"


def hold(tx: Transaction, wanted: Iterable[int]) -> None:
    """Let nobody else change these conversations until the transaction ends."""
    if tx.for_update:
        tx.bulk(Bulk("", _LOCK), [(conversation,) for conversation in sorted(set(wanted))])


_ADVANCE = Bulk(
    each="update conversations set last_seq = last_seq + $1, last_at = $2 where id = $3"
    " returning id, last_seq, topic,"
    " exists (select 1 from followers where conversation_id = conversations.id)",
    arrays="update conversations set last_seq = last_seq + new.n, last_at = new.at"
    " from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as new (n, at, id)"
    " where conversations.id = new.id returning conversations.id, last_seq, topic,"
    " exists (select 1 from followers where conversation_id = conversations.id)",
)
_NONE: Final[Mapping[int, int]] = {}


def advance(
    tx: Transaction, more: dict[int, int], now: int, dated: Mapping[int, int] = _NONE
) -> dict[int, Advanced]:
    """Give each conversation so many numbers more. One that is gone is missing from the result.

    ``dated``: when the newest message was sent in those where it was not now. The rows stay locked until the
    transaction ends, so the numbers are in order of commit.
    """
    rows = [(count, dated.get(each, now), each) for each, count in sorted(more.items())]
    if tx.for_update and len(rows) > 1:
        # An update of several rows locks them in whatever order its plan likes; two of those may deadlock.
        tx.bulk(Bulk("", _LOCK), [(conversation,) for _, _, conversation in rows])
    return {row[0]: Advanced(*row[1:]) for row in tx.bulk(_ADVANCE, rows)}


_TOPICS = Bulk(
    each="select id, topic from conversations where id = $1",
    arrays="select id, topic from conversations where id = any($1::bigint[])",
)


def topics(tx: Transaction, conversations: set[int]) -> dict[int, bytes]:
    """The topics in force."""
    return dict(tx.bulk(_TOPICS, [(conversation,) for conversation in conversations]))


class Listed(NamedTuple):
    """A conversation as one of its members sees it. ``partner``: the other one's name in a direct one."""

    id: int
    kind: str
    name: str
    topic: bytes
    last_seq: int
    read_seq: int
    unread: int
    last_at: int
    partner: str


def of_member(tx: Transaction, user: int, after: int, limit: int) -> list[Listed]:
    """Up to ``limit`` of a user's conversations by number, behind the number ``after``."""
    rows = tx.rows(
        "select c.id, c.kind, c.name, c.topic, c.last_seq, m.read_seq,"
        " c.last_seq - m.read_seq - m.own_unread, c.last_at, coalesce(u.name, '')"
        " from members m join conversations c on c.id = m.conversation_id"
        " left join users u on c.kind = 'direct'"
        " and u.id = case when c.user_low = m.user_id then c.user_high else c.user_low end"
        " where m.user_id = $1 and m.conversation_id > $2 order by m.conversation_id limit $3",
        (user, after, limit),
    )
    return [Listed(*row) for row in rows]
