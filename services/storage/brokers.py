"""Brokers: which ones report who is online, and when each was last heard of.

Here: SQL on the table ``brokers``. Not here: what they reported (``presence``).
"""

from __future__ import annotations

from services.storage.engine import Transaction


def heard(tx: Transaction, broker: bytes, now: int) -> None:
    """This broker reported now."""
    tx.run(
        "insert into brokers (name, heard_at) values ($1, $2)"
        " on conflict (name) do update set heard_at = excluded.heard_at",
        (broker, now),
    )


def silent(tx: Transaction, since: int) -> list[bytes]:
    """Brokers of which nothing was heard since that time, in microseconds."""
    rows = tx.rows("select name from brokers where heard_at < $1 order by name", (since,))
    return [bytes(row[0]) for row in rows]


def forget(tx: Transaction, broker: bytes) -> None:
    """This broker is gone."""
    tx.run("delete from brokers where name = $1", (broker,))
