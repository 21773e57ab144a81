"""Acquaintances: who shares a conversation with whom, as far as it decides what they are told of each other.

Here: SQL on memberships across realms. Not here: who is online (``presence``), the foreigners' rows
(``foreigners``), what is told (``services.realm.presence``).

A user of ours shares a conversation with a realm who talks directly with one of its users, is in a group
of ours that it follows, or in our copy of a group of its own.
"""

# ruff: noqa: S608 - what is formatted into these texts are names of parameters, never values
from __future__ import annotations

from typing import Final, NamedTuple

from protocol.addresses import name_key
from services.storage.engine import Transaction
from services.storage.presence import chunks
from services.storage.realms import Realm


class Acquainted(NamedTuple):
    """A user of ours as a realm may know them. ``last_seen`` as stored, so of no meaning while online."""

    id: int
    name: str
    online: bool
    last_seen: int


# A follower that has not yet confirmed that its last member left is told nothing of who is there.
_STILL_THERE: Final = (
    "exists (select 1 from realms r join users f on f.realm = r.name join members t on t.user_id = f.id"
    " and t.conversation_id = x.conversation_id where r.id = x.realm_id)"
)
_DIRECT: Final = (
    "exists (select 1 from members m join conversations c on c.id = m.conversation_id and c.kind = 'direct'"
    " join users f on f.id = case when c.user_low = u.id then c.user_high else c.user_low end"
    " where m.user_id = u.id and f.realm {realm})"
)
_GROUPS: Final = (
    "exists (select 1 from members m join {table} x on x.conversation_id = m.conversation_id"
    " where m.user_id = u.id {realm})"
)
_WITH_ANY: Final = " or ".join(
    (
        _DIRECT.format(realm="<> ''"),
        _GROUPS.format(table="followers", realm=f"and {_STILL_THERE}"),
        _GROUPS.format(table="copies", realm=""),
    )
)
_WITH_ONE: Final = " or ".join(
    (
        _DIRECT.format(realm="= $1"),
        _GROUPS.format(table="followers", realm=f"and x.realm_id = $2 and {_STILL_THERE}"),
        _GROUPS.format(table="copies", realm="and x.realm_id = $2"),
    )
)
_ONLINE: Final = "exists (select 1 from presence where presence.user_id = u.id)"
_OF_REALM: Final = (
    "select case when c.user_low = f.id then c.user_high else c.user_low end as id"
    " from users f join members m on m.user_id = f.id"
    " join conversations c on c.id = m.conversation_id and c.kind = 'direct' where f.realm = $1"
    " union select m.user_id from followers x join members m on m.conversation_id = x.conversation_id"
    f" where x.realm_id = $2 and {_STILL_THERE}"
    " union select m.user_id from copies x join members m on m.conversation_id = x.conversation_id"
    " where x.realm_id = $2"
)


def abroad(tx: Transaction, users: list[int]) -> list[int]:
    """Those of ``users`` who are ours and share a conversation with anybody in another realm."""
    if tx.row("select 1 from realms where state = 'paired' limit 1") is None:
        return []
    found: list[int] = []
    for ids, marks in chunks(users, 1):
        rows = tx.rows(
            f"select u.id from users u where u.id in ({marks}) and u.realm = '' and ({_WITH_ANY})", ids
        )
        found += [row[0] for row in rows]
    return found


def online(tx: Transaction, realm: Realm) -> list[int]:
    """Users of ours who are online and share a conversation with this realm."""
    rows = tx.rows(
        f"select u.id from users u join ({_OF_REALM}) shared on shared.id = u.id"
        f" where u.realm = '' and {_ONLINE} order by u.id",
        (realm.name, realm.id),
    )
    return [row[0] for row in rows]


def among(tx: Transaction, realm: Realm, users: list[int]) -> list[Acquainted]:
    """Those of ``users`` who are ours and share a conversation with this realm."""
    found: list[Acquainted] = []
    for ids, marks in chunks(users, 3):
        rows = tx.rows(
            f"select u.id, u.name, {_ONLINE}, u.last_seen_at from users u"
            f" where u.realm = '' and ({_WITH_ONE}) and u.id in ({marks})",
            (realm.name, realm.id, *ids),
        )
        found += [Acquainted(user, name, bool(online), seen) for user, name, online, seen in rows]
    return found


def groups_with(tx: Transaction, realm: Realm, users: list[int]) -> dict[int, list[str]]:
    """Names of groups of ours that this realm follows, by those of ``users`` who are in them."""
    found: dict[int, list[str]] = {}
    for ids, marks in chunks(users, 2):
        rows = tx.rows(
            "select m.user_id, c.name from followers x join conversations c on c.id = x.conversation_id"
            " join members m on m.conversation_id = c.id"
            f" where x.realm_id = $1 and {_STILL_THERE} and m.user_id in ({marks}) order by c.name",
            (realm.id, *ids),
        )
        for user, name in rows:
            found.setdefault(user, []).append(name)
    return found


def copied(tx: Transaction, realm: Realm) -> dict[str, bytes]:
    """The topic of every copy of a group of this realm, by the key of its bare name."""
    rows = tx.rows(
        "select c.name_key, c.topic from copies x join conversations c on c.id = x.conversation_id"
        " where x.realm_id = $1",
        (realm.id,),
    )
    return {key.partition("@")[0]: bytes(topic) for key, topic in rows}


def share(tx: Transaction, one: int, other: int) -> bool:
    """Whether two users are in a conversation that not everybody is in."""
    row = tx.row(
        "select 1 from members mine join members theirs on theirs.conversation_id = mine.conversation_id"
        " join conversations c on c.id = mine.conversation_id and c.kind <> 'broadcast'"
        " where mine.user_id = $1 and theirs.user_id = $2 limit 1",
        (one, other),
    )
    return row is not None


def follows(tx: Transaction, realm: Realm, conversation: int) -> bool:
    """Whether this group of ours has members in that realm."""
    row = tx.row(
        "select 1 from members join users on users.id = members.user_id join conversations c"
        " on c.id = members.conversation_id and c.kind = 'group'"
        " where members.conversation_id = $1 and users.realm = $2 limit 1",
        (conversation, realm.name),
    )
    return row is not None


def known(tx: Transaction, realm: str, names: list[str]) -> dict[str, int]:
    """Numbers of the foreigners of this realm whom we have met, by the key of their bare name."""
    found: dict[str, int] = {}
    for start in range(0, len(names), 500):
        keys = [f"{name_key(name)}@{realm}" for name in names[start : start + 500]]
        marks = ", ".join(f"${place}" for place in range(1, len(keys) + 1))
        rows = tx.rows(f"select name_key, id from users where name_key in ({marks}) and realm <> ''", keys)
        found.update((key.partition("@")[0], user) for key, user in rows)
    return found
