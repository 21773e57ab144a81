"""Groups: conversations with a name, a creator, perhaps a password, and members who come and go.

Here: SQL on ``conversations`` and ``members`` that only groups need, and the replacing of topics.
Not here: messages, read markers and direct conversations, nor the rules of who may do what.
"""

from __future__ import annotations

from typing import NamedTuple

from protocol.addresses import name_key
from services.storage.engine import Transaction


class Group(NamedTuple):
    """One group. ``password`` is a hash, '' when none is needed; ``topic`` the one in force."""

    id: int
    name: str
    password: str
    creator_id: int
    topic: bytes
    last_seq: int


_GROUP = "select id, name, password, creator_id, topic, last_seq from conversations"


def add(tx: Transaction, name: str, password: str, creator: int, topic: bytes, now: int) -> int | None:
    """Create a group without members and return its number; None when the name is taken."""
    row = tx.row(
        "insert into conversations"
        " (kind, name, name_key, password, creator_id, topic, last_seq, last_at, created_at)"
        " values ('group', $1, $2, $3, $4, $5, 0, 0, $6) on conflict do nothing returning id",
        (name, name_key(name), password, creator, topic, now),
    )
    return row[0] if row else None


def named(tx: Transaction, name: str) -> Group | None:
    """The group of this name, whatever its case."""
    row = tx.row(f"{_GROUP} where kind = 'group' and name_key = $1", (name_key(name),))
    return Group(*row) if row else None


def locked(tx: Transaction, name: str) -> Group | None:
    """The same, and nobody else changes it, its members or its messages until the transaction ends."""
    row = tx.row(f"{_GROUP} where kind = 'group' and name_key = $1{tx.for_update}", (name_key(name),))
    return Group(*row) if row else None


def delete(tx: Transaction, group: int) -> None:
    """Delete a group, its members and its messages. Its files were released before."""
    tx.run("delete from messages where conversation_id = $1", (group,))
    tx.run("delete from members where conversation_id = $1", (group,))
    tx.run("delete from conversations where id = $1", (group,))


def set_creator(tx: Transaction, group: int, user: int) -> None:
    """Hand the creator's role to another member."""
    tx.run("update conversations set creator_id = $1 where id = $2", (user, group))


class Listed(NamedTuple):
    """A group as one user may see it."""

    name: str
    members: int
    password: bool
    member: bool


def page(tx: Transaction, user: int, after: str, limit: int) -> list[Listed]:
    """Up to ``limit`` groups of our own by name, behind the name ``after``, as ``user`` may see them."""
    rows = tx.rows(
        "select name, (select count(*) from members where conversation_id = conversations.id),"
        " password <> '',"
        " exists (select 1 from members where conversation_id = conversations.id and user_id = $1)"
        " from conversations where kind = 'group' and name_key > $2"
        " and not exists (select 1 from copies where copies.conversation_id = conversations.id)"
        " order by name_key limit $3",
        (user, name_key(after), limit),
    )
    return [Listed(name, members, bool(password), bool(member)) for name, members, password, member in rows]


# --- members ------------------------------------------------------------------------------------


def add_member(tx: Transaction, conversation: int, user: int, now: int) -> bool:
    """Add a member who has read everything so far; False when they are one already."""
    row = tx.row(
        "insert into members (conversation_id, user_id, read_seq, own_unread, joined_at)"
        " select id, $1, last_seq, 0, $2 from conversations where id = $3"
        " on conflict (conversation_id, user_id) do nothing returning user_id",
        (user, now, conversation),
    )
    tx.run("delete from departures where user_id = $1 and conversation_id = $2", (user, conversation))
    return row is not None


def join_broadcast(tx: Transaction, user: int, now: int) -> None:
    """Make a new user a member of the conversation that everyone is in."""
    tx.run(
        "insert into members (conversation_id, user_id, read_seq, own_unread, joined_at)"
        " select id, $1, last_seq, 0, $2 from conversations where kind = 'broadcast'",
        (user, now),
    )


def remove_member(tx: Transaction, group: int, user: int) -> bool:
    """Take a member out, and remember that they were one; False when they are none."""
    row = tx.row(
        "delete from members where conversation_id = $1 and user_id = $2 returning user_id", (group, user)
    )
    if row is None:
        return False
    tx.run(
        "insert into departures (user_id, conversation_id) values ($1, $2) on conflict do nothing",
        (user, group),
    )
    return True


def departed(tx: Transaction, group: int, user: int) -> bool:
    """Whether the user ceased to be a member, of a group that may be deleted by now."""
    row = tx.row("select 1 from departures where user_id = $1 and conversation_id = $2", (user, group))
    return row is not None


def is_member(tx: Transaction, group: int, user: int) -> bool:
    """Whether the user is a member."""
    row = tx.row("select 1 from members where conversation_id = $1 and user_id = $2", (group, user))
    return row is not None


def count_members(tx: Transaction, group: int) -> int:
    """How many members the group has."""
    row = tx.row("select count(*) from members where conversation_id = $1", (group,))
    return int(row[0]) if row else 0


def longest_standing(tx: Transaction, group: int) -> int | None:
    """The member who joined first; None when nobody is left."""
    row = tx.row(
        "select user_id from members where conversation_id = $1 order by joined_at, user_id limit 1", (group,)
    )
    return row[0] if row else None


class Place(NamedTuple):
    """Where a member stands in the order of joining."""

    joined_at: int
    user_id: int


FIRST = Place(-1, 0)
"""Before every member."""


def place(tx: Transaction, group: int, user: str) -> Place | None:
    """The place of the member of this name; None when nobody of that name is one."""
    row = tx.row(
        "select joined_at, user_id from members where conversation_id = $1"
        " and user_id = (select id from users where name_key = $2)",
        (group, name_key(user)),
    )
    return Place(*row) if row else None


class Member(NamedTuple):
    """A member as the others see them."""

    user_id: int
    name: str
    online: bool
    joined_at: int


def members(tx: Transaction, group: int, after: Place, limit: int) -> list[Member]:
    """Up to ``limit`` members behind the place ``after``, longest-standing first."""
    rows = tx.rows(
        "select users.id, users.name, exists (select 1 from presence where presence.user_id = users.id),"
        " members.joined_at from members join users on users.id = members.user_id"
        " where conversation_id = $1 and (members.joined_at, members.user_id) > ($2, $3)"
        " order by members.joined_at, members.user_id limit $4",
        (group, after.joined_at, after.user_id, limit),
    )
    return [Member(user, name, bool(online), joined_at) for user, name, online, joined_at in rows]


# --- topics -------------------------------------------------------------------------------------


def set_topic(tx: Transaction, conversation: int, topic: bytes) -> None:
    """Replace a conversation's topic."""
    tx.run("update conversations set topic = $1 where id = $2", (topic, conversation))


_HEARD_BY = (
    "select id, topic from conversations where kind <> 'direct'"
    " and id in (select conversation_id from members where user_id = $1) order by id"
)


def heard_by(tx: Transaction, user: int) -> list[tuple[int, bytes]]:
    """(conversation, topic) of everything with a topic that the user is a member of, locked by number."""
    rows = tx.rows(_HEARD_BY + tx.for_update, (user,))
    return [(conversation, topic) for conversation, topic in rows]


def member_topics(tx: Transaction, group: int, limit: int) -> list[bytes]:
    """User topics of the users of ours in a group, at most ``limit``, those online first."""
    rows = tx.rows(
        "select users.topic from members join users on users.id = members.user_id and users.realm = ''"
        " where conversation_id = $1"
        " order by exists (select 1 from presence where presence.user_id = users.id) desc, users.id limit $2",
        (group, limit),
    )
    return [row[0] for row in rows]


def companion_topics(tx: Transaction, user: int, limit: int) -> list[bytes]:
    """User topics of all else of ours in a group of the user's, at most ``limit``, those online first."""
    rows = tx.rows(
        "select topic from users where id <> $1 and realm = ''"
        " and id in (select theirs.user_id from members theirs"
        " join conversations on conversations.id = theirs.conversation_id and conversations.kind = 'group'"
        " join members mine on mine.conversation_id = theirs.conversation_id and mine.user_id = $1)"
        " order by exists (select 1 from presence where presence.user_id = users.id) desc, id limit $2",
        (user, limit),
    )
    return [row[0] for row in rows]
