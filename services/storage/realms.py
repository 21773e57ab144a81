"""Realms: the other installations we are paired with, by name and key.

Here: SQL on ``realms`` and ``invites``. Not here: what waits for them (``outbox``), their users
(``foreigners``), groups shared with them (``followers``, ``copies``).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from services.storage.engine import Transaction


class State(StrEnum):
    """What a realm is to us."""

    PAIRED = "paired"
    BLOCKED = "blocked"
    REMOVED = "removed"


class Realm(NamedTuple):
    """One realm. ``key``: CURVE public key, 32 bytes; times in microseconds, 0 for never.

    ``away_since`` is 0 while it answers; ``waiting`` and ``waiting_bytes`` are what its outbox holds.
    """

    id: int
    name: str
    key: bytes
    address: str
    state: str
    paired_at: int
    contact_at: int
    away_since: int
    trouble: str
    last_n: int
    waiting: int
    waiting_bytes: int


_REALM = (
    "select id, name, key, address, state, paired_at, contact_at, away_since, trouble, last_n,"
    " waiting, waiting_bytes from realms"
)


def every(tx: Transaction) -> list[Realm]:
    """All there ever were, by name."""
    return [Realm(*row) for row in tx.rows(f"{_REALM} order by name")]


def named(tx: Transaction, name: str) -> Realm | None:
    """The realm of this name, whatever it is to us."""
    row = tx.row(f"{_REALM} where name = $1", (name,))
    return Realm(*row) if row else None


def numbered(tx: Transaction, realm: int) -> Realm | None:
    """The realm of this number."""
    row = tx.row(f"{_REALM} where id = $1", (realm,))
    return Realm(*row) if row else None


def keyed(tx: Transaction, key: bytes) -> Realm | None:
    """The realm that bears this key, unless it was removed."""
    row = tx.row(f"{_REALM} where key = $1 and state <> 'removed'", (key,))
    return Realm(*row) if row else None


def pair(tx: Transaction, name: str, key: bytes, address: str, now: int) -> int:
    """Make a realm a peer, new or again; its number. Raises ``Duplicate`` when another one has the key."""
    row = tx.row(
        "insert into realms (name, key, address, state, paired_at) values ($1, $2, $3, 'paired', $4)"
        " on conflict (name) do update set key = excluded.key, address = excluded.address,"
        " state = 'paired', paired_at = excluded.paired_at, away_since = 0, trouble = '' returning id",
        (name, key, address, now),
    )
    assert row is not None
    return int(row[0])


def set_state(tx: Transaction, realm: int, state: State) -> None:
    """Block a realm, remove it, or have it as a peer again."""
    tx.run("update realms set state = $1 where id = $2", (state, realm))


def set_address(tx: Transaction, realm: int, address: str) -> None:
    """Where it is reached."""
    tx.run("update realms set address = $1 where id = $2", (address, realm))


def answered(tx: Transaction, realm: int, now: int) -> None:
    """It is there."""
    tx.run("update realms set contact_at = $1, away_since = 0, trouble = '' where id = $2", (now, realm))


def silent(tx: Transaction, realm: int, now: int, trouble: str) -> None:
    """It is not, since now unless that was known before; ``trouble`` is a sentence for the operator."""
    tx.run(
        "update realms set away_since = case when away_since = 0 then $1 else away_since end, trouble = $2"
        " where id = $3",
        (now, trouble, realm),
    )


# --- invitations --------------------------------------------------------------------------------


class Invite(NamedTuple):
    """An invitation. ``used_by``: the realm that joined with it, '' while it is open.

    ``replaces``: a realm that may come with another key than it had, '' for none.
    """

    expires_at: int
    used_by: str
    replaces: str


def invite(tx: Transaction, secret_hash: bytes, now: int, expires_at: int, replaces: str = "") -> None:
    """Remember an invitation."""
    tx.run(
        "insert into invites (secret_hash, created_at, expires_at, replaces) values ($1, $2, $3, $4)",
        (secret_hash, now, expires_at, replaces),
    )


_INVITE = "select expires_at, used_by, replaces from invites where secret_hash = $1"


def invited(tx: Transaction, secret_hash: bytes) -> Invite | None:
    """The invitation of this secret, open or not."""
    row = tx.row(_INVITE + tx.for_update, (secret_hash,))
    return Invite(*row) if row else None


def used(tx: Transaction, secret_hash: bytes, realm: str, now: int) -> None:
    """This invitation has been taken; it ends with that."""
    tx.run(
        "update invites set used_by = $1, expires_at = $2 where secret_hash = $3", (realm, now, secret_hash)
    )


def invites_since(tx: Transaction, moment: int) -> int:
    """How many are open, or ended after this moment."""
    row = tx.row("select count(*) from invites where expires_at > $1", (moment,))
    assert row is not None
    return int(row[0])


def forget_invites(tx: Transaction, before: int) -> None:
    """Delete those that ended before this moment."""
    tx.run("delete from invites where expires_at < $1", (before,))
