"""Foreigners: users of other realms, as far as we have met them.

Here: SQL on those rows of ``users`` whose ``realm`` is not ''. They are named ``name@realm``, which no
account of ours can be called; they own messages, memberships and conversations like anybody else, but
have no password, no session, and a topic that nobody is told.
"""

from __future__ import annotations

from typing import NamedTuple

from protocol.addresses import TopicKind, name_key, new_topic
from services.storage.engine import Transaction


class Foreigner(NamedTuple):
    """A user of another realm; ``name`` is ``name@realm``."""

    id: int
    name: str
    realm: str


def named(tx: Transaction, name: str, realm: str) -> Foreigner | None:
    """The user ``name`` of this realm, if they are known here."""
    row = tx.row("select id, name, realm from users where name_key = $1", (f"{name_key(name)}@{realm}",))
    return Foreigner(*row) if row else None


def met(tx: Transaction, name: str, realm: str, now: int) -> Foreigner:
    """The same, known from now on if they were not."""
    found = named(tx, name, realm)
    if found is not None:
        return found
    tx.run(
        "insert into users (name, name_key, password, topic, created_at, realm)"
        " values ($1, $2, '', $3, $4, $5) on conflict (name_key) do nothing",
        (f"{name}@{realm}", f"{name_key(name)}@{realm}", new_topic(TopicKind.USER), now, realm),
    )
    found = named(tx, name, realm)
    assert found is not None
    return found


def numbered(tx: Transaction, user: int) -> Foreigner | None:
    """The user of this number, if they are of another realm."""
    row = tx.row("select id, name, realm from users where id = $1 and realm <> ''", (user,))
    return Foreigner(*row) if row else None


def count(tx: Transaction, realm: str) -> int:
    """How many of this realm are known."""
    row = tx.row("select count(*) from users where realm = $1", (realm,))
    assert row is not None
    return int(row[0])
