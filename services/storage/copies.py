"""Copies: groups of other realms as far as we have them, and who of us asked to be in one.

Here: SQL on ``copies`` and ``joinings``, and on the rows of ``conversations``, ``members`` and ``messages``
that make up a copy. Not here: groups of our own that others follow (``followers``).

A copy is a conversation named ``team@b`` with a topic of its own; only our users are members of it. Its
numbers are its home's. What is stored of it is always 1 to ``last_seq``, so it has no holes while it fills;
a member who joined meanwhile has a marker ahead of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from protocol.addresses import TopicKind, name_key, new_topic
from services.storage.engine import Transaction

AT_ONCE: Final = 500
_MARKS: Final = ", ".join(f"${place}" for place in range(1, AT_ONCE + 1))
"""Names looked up with one question."""


class Copy(NamedTuple):
    """One copy, named ``team@b``. ``begun_seq``: the home's newest number when the first of us joined.

    ``members_at``: microseconds, by the home's clock: as of then it told who of us are members.
    """

    conversation: int
    name: str
    topic: bytes
    last_seq: int
    realm_id: int
    home_seq: int
    begun_seq: int
    members_at: int


_COPY = (
    "select conversations.id, name, topic, last_seq, realm_id, home_seq, begun_seq, members_at"
    " from conversations join copies on copies.conversation_id = conversations.id"
)

_KEYED = "select id from conversations where name_key = $1"


def named(tx: Transaction, group: str, realm: str) -> Copy | None:
    """Our copy of the realm's group of this bare name."""
    row = tx.row(f"{_COPY} where name_key = $1", (f"{name_key(group)}@{realm}",))
    return Copy(*row) if row else None


def locked(tx: Transaction, group: str, realm: str) -> Copy | None:
    """The same, and nobody else changes it or its members until the transaction ends."""
    if tx.for_update:
        tx.row(_KEYED + tx.for_update, (f"{name_key(group)}@{realm}",))
    return named(tx, group, realm)


def numbered(tx: Transaction, conversation: int) -> Copy | None:
    """The copy of this number; None for a conversation of our own."""
    row = tx.row(f"{_COPY} where conversations.id = $1", (conversation,))
    return Copy(*row) if row else None


def add(tx: Transaction, group: str, realm: str, realm_id: int, begun_seq: int, now: int) -> None:
    """Begin a copy, if nobody else has; it has no members yet, and nothing that was said."""
    row = tx.row(
        "insert into conversations (kind, name, name_key, topic, created_at)"
        " values ('group', $1, $2, $3, $4) on conflict do nothing returning id",
        (f"{group}@{realm}", f"{name_key(group)}@{realm}", new_topic(TopicKind.CONVERSATION), now),
    )
    if row is not None:
        tx.run(
            "insert into copies (conversation_id, realm_id, home_seq, begun_seq) values ($1, $2, $3, $3)",
            (row[0], realm_id, begun_seq),
        )


def rename(tx: Transaction, conversation: int, name: str) -> None:
    """Write the name as its home does; but for the case it is the same."""
    tx.run("update conversations set name = $1 where id = $2", (name, conversation))


def forget(tx: Transaction, conversation: int) -> None:
    """The copy is deleted, as any group (``groups.delete``)."""
    tx.run("delete from copies where conversation_id = $1", (conversation,))


def filled(tx: Transaction, conversation: int, last_seq: int, last_at: int) -> None:
    """What lies up to ``last_seq`` is stored now; the newest of it was sent at ``last_at``."""
    tx.run(
        "update conversations set last_seq = $1, last_at = $2 where id = $3",
        (last_seq, last_at, conversation),
    )


def heard_of(tx: Transaction, conversation: int, home_seq: int) -> None:
    """The home has given numbers up to this one."""
    tx.run(
        "update copies set home_seq = $1 where conversation_id = $2 and home_seq < $1",
        (home_seq, conversation),
    )


def members_told(tx: Transaction, conversation: int, at: int) -> None:
    """The home has told who of us are members, as of this moment of its own clock."""
    tx.run("update copies set members_at = $1 where conversation_id = $2", (at, conversation))


# --- our members --------------------------------------------------------------------------------


class Member(NamedTuple):
    """One of us in a copy. ``topic``: the user's own."""

    user_id: int
    name: str
    topic: bytes
    read_seq: int


_MEMBERS = "select user_id from members where conversation_id = $1 order by user_id"


def members(tx: Transaction, conversation: int) -> list[Member]:
    """All of them, by number, with their markers held until the transaction ends."""
    if tx.for_update:
        tx.rows(_MEMBERS + tx.for_update, (conversation,))
    rows = tx.rows(
        "select users.id, users.name, users.topic, read_seq from members"
        " join users on users.id = members.user_id where conversation_id = $1 order by users.id",
        (conversation,),
    )
    return [Member(*row) for row in rows]


class Known(NamedTuple):
    """A user of ours whom a home has named."""

    id: int
    name: str


def named_of_us(tx: Transaction, names: Sequence[str]) -> list[Known]:
    """Users of ours by these bare names, each once; ten thousand names are a few questions."""
    keys = sorted({name_key(name) for name in names})
    found: list[Known] = []
    for start in range(0, len(keys), AT_ONCE):
        part = keys[start : start + AT_ONCE]
        part += [part[-1]] * (AT_ONCE - len(part))  # one statement, however many there are
        rows = tx.rows(f"select id, name from users where name_key in ({_MARKS}) and realm = ''", part)  # noqa: S608 - names of parameters
        found += [Known(*row) for row in rows]
    return sorted(found)


def add_member(tx: Transaction, conversation: int, user: int, read_seq: int, now: int) -> bool:
    """Add one who has read everything up to ``read_seq``, there yet or not; False when they are in it."""
    row = tx.row(
        "insert into members (conversation_id, user_id, read_seq, own_unread, joined_at)"
        " values ($1, $2, $3, 0, $4) on conflict (conversation_id, user_id) do nothing returning user_id",
        (conversation, user, read_seq, now),
    )
    tx.run("delete from departures where user_id = $1 and conversation_id = $2", (user, conversation))
    return row is not None


# --- who asked to join --------------------------------------------------------------------------


def asks(tx: Transaction, realm_id: int, group: str, user: int, now: int) -> None:
    """The user is about to ask the home."""
    tx.run(
        "insert into joinings (realm_id, name, user_id, asked_at) values ($1, $2, $3, $4)"
        " on conflict (realm_id, name, user_id) do update set asked_at = excluded.asked_at",
        (realm_id, name_key(group), user, now),
    )


def joinings(tx: Transaction, realm_id: int, group: str) -> dict[int, str]:
    """Everybody who asked to be in this group and has not been named since: user to state.

    States: ``asked``, ``joined`` (its home said yes), ``doubted`` (and then left them out once).
    """
    rows = tx.rows(
        "select user_id, state from joinings where realm_id = $1 and name = $2", (realm_id, name_key(group))
    )
    return dict(rows)


def set_joining(tx: Transaction, realm_id: int, group: str, user: int, state: str) -> None:
    """What became of it."""
    tx.run(
        "update joinings set state = $1 where realm_id = $2 and name = $3 and user_id = $4",
        (state, realm_id, name_key(group), user),
    )


def end_joinings(tx: Transaction, realm_id: int, group: str, users: Sequence[int]) -> None:
    """These need not be remembered any longer: named by the home, refused, or gone."""
    for user in users:
        tx.run(
            "delete from joinings where realm_id = $1 and name = $2 and user_id = $3",
            (realm_id, name_key(group), user),
        )
