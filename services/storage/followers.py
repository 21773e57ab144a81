"""Followers: realms whose users are members of groups of ours, and how far each of them has what was said.

Here: SQL on ``followers``. Not here: groups of other realms (``copies``), and what goes the other way.

A follower stays until it has been told that none of its users is a member any more, even where the group
itself is gone: then its row bears the name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from protocol.addresses import name_key
from services.storage.engine import Bulk, Transaction


def changed(tx: Transaction, conversation: int, realm: int) -> None:
    """Somebody of this realm became a member of the group, or ceased to be one."""
    tx.run(
        "insert into followers (conversation_id, realm_id) values ($1, $2)"
        " on conflict (conversation_id, realm_id)"
        " do update set members_changed = followers.members_changed + 1",
        (conversation, realm),
    )


def doubt(tx: Transaction, realm: int) -> None:
    """Whatever this realm knows about members may be old: it is to be told of all its groups anew."""
    tx.run("update followers set members_changed = members_changed + 1 where realm_id = $1", (realm,))


class Follower(NamedTuple):
    """A group and how far one realm has it. ``members_changed``: how often since it was told of its members.

    ``gone``: the group is no more; then ``last_seq`` is 0.
    """

    conversation: int
    name: str
    sent_seq: int
    last_seq: int
    members_changed: int
    gone: bool


_BEHIND = (
    "select f.conversation_id, coalesce(c.name, f.name), f.sent_seq, coalesce(c.last_seq, 0),"
    " f.members_changed, c.id is null"
    " from followers f left join conversations c on c.id = f.conversation_id"
    " where f.realm_id = $1 and (f.members_changed > 0 or c.last_seq > f.sent_seq)"
)


def behind(tx: Transaction, realm: int) -> list[Follower]:
    """Every group of which this realm lacks something, by number."""
    rows = tx.rows(f"{_BEHIND} order by f.conversation_id", (realm,))
    return [Follower._make((*row[:5], bool(row[5]))) for row in rows]


def told(tx: Transaction, conversation: int, realm: int, have: int, changes: int) -> None:
    """The realm has the group up to ``have``, and heard of members after so many ``changes`` (0: did not)."""
    tx.run(
        "update followers set sent_seq = $1,"
        " members_changed = case when members_changed = $2 then 0 else members_changed end"
        " where conversation_id = $3 and realm_id = $4",
        (have, changes, conversation, realm),
    )


def remove_idle(tx: Transaction, conversation: int, realm: int, name: str) -> None:
    """The realm, called ``name``, follows the group no longer, if it knows that it has no members in it."""
    tx.run(
        "delete from followers where conversation_id = $1 and realm_id = $2 and members_changed = 0"
        " and not exists (select 1 from members join users on users.id = members.user_id"
        " where members.conversation_id = followers.conversation_id and users.realm = $3)",
        (conversation, realm, name),
    )


def bereave(tx: Transaction, conversation: int, name: str) -> None:
    """The group is about to be deleted: those stay that have yet to hear that it has no members of theirs."""
    tx.run("delete from followers where conversation_id = $1 and members_changed = 0", (conversation,))
    tx.run("update followers set name = $1 where conversation_id = $2", (name_key(name), conversation))


def forget_namesakes(tx: Transaction, name: str, realm: int) -> None:
    """A group of this name has members there again: that an older one is gone need not be told any more."""
    tx.run("delete from followers where name = $1 and realm_id = $2", (name_key(name), realm))


_FOLLOWED = Bulk(
    each="select distinct conversation_id from followers where conversation_id = $1",
    arrays="select distinct conversation_id from followers where conversation_id = any($1::bigint[])",
)


def followed(tx: Transaction, conversations: Iterable[int]) -> set[int]:
    """Those of the conversations that any other realm follows."""
    return {row[0] for row in tx.bulk(_FOLLOWED, [(conversation,) for conversation in conversations])}


def members(tx: Transaction, conversation: int, realm: str) -> list[str]:
    """Bare names of this realm's users who are members, longest-standing first."""
    rows = tx.rows(
        "select users.name from members join users on users.id = members.user_id"
        " where conversation_id = $1 and users.realm = $2 order by members.joined_at, users.id",
        (conversation, realm),
    )
    return [row[0].partition("@")[0] for row in rows]


def memberships(tx: Transaction, realm: str, limit: int) -> list[tuple[int, int]]:
    """Up to ``limit`` (conversation, user) of this realm's users in groups of ours."""
    rows = tx.rows(
        "select members.conversation_id, members.user_id from members"
        " join users on users.id = members.user_id and users.realm = $1"
        " join conversations on conversations.id = members.conversation_id and conversations.kind = 'group'"
        " order by members.conversation_id, members.user_id limit $2",
        (realm, limit),
    )
    return [(conversation, user) for conversation, user in rows]
