"""Numbered migrations: ``migrations/<engine>/NNNN_name.sql``, each applied once, all in one transaction.

Every worker calls this at its start; they wait for each other, and the first one does the work.
A migration that has been released is never edited; the next one changes what it made.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from protocol.addresses import BROADCAST, TopicKind, new_topic
from services.storage.engine import Store, StoreUnavailable, Transaction


class Migration(NamedTuple):
    """One file."""

    number: int
    name: str
    sql: str


def migrations(dialect: str) -> list[Migration]:
    """Every migration of one engine, by number."""
    folder = Path(__file__).parent / "migrations" / dialect
    found = []
    for file in folder.iterdir():
        if file.name.endswith(".sql"):
            number, name = file.name.removesuffix(".sql").split("_", 1)
            found.append(Migration(int(number), name, file.read_text(encoding="utf-8")))
    return sorted(found)


def migrate(store: Store, now: int) -> list[int]:
    """Apply what is missing; the numbers applied. ``now`` in microseconds.

    Raises ``StoreUnavailable`` when the database was made by a newer release.
    """
    known = migrations(store.dialect)
    with store.exclusive() as tx:
        done = _done(tx)
        if unknown := done - {each.number for each in known}:
            raise StoreUnavailable(f"The database has migration {max(unknown)}, made by a newer Pesan.")
        missing = [each for each in known if each.number not in done]
        for each in missing:
            _apply(tx, each)
            tx.run(
                "insert into migrations (number, name, applied_at) values ($1, $2, $3)",
                (each.number, each.name, now),
            )
        _ensure_broadcast(tx, now)
    return [each.number for each in missing]


def _apply(tx: Transaction, migration: Migration) -> None:
    try:
        tx.script(migration.sql)
    except StoreUnavailable:
        raise
    except Exception as error:
        # Each engine has errors of its own for what is there already, or is not.
        raise StoreUnavailable(
            f"Migration {migration.number} does not fit what is in the database ({error}). "
            "Is it another program's, or was it changed by hand?"
        ) from error


def _done(tx: Transaction) -> set[int]:
    tx.script(
        "create table if not exists migrations"
        " (number bigint primary key, name text not null, applied_at bigint not null)"
    )
    return {row[0] for row in tx.rows("select number from migrations")}


def _ensure_broadcast(tx: Transaction, now: int) -> None:
    """The conversation that everyone is in. Made here, not in SQL, because its topic is a secret."""
    if tx.row("select 1 from conversations where kind = 'broadcast'") is None:
        tx.run(
            "insert into conversations (kind, name, name_key, topic, created_at)"
            " values ('broadcast', '', $1, $2, $3)",
            (BROADCAST, new_topic(TopicKind.CONVERSATION), now),
        )
