"""Brokers: which ones report who is online, and when each was last heard of.

Here: SQL on the table ``brokers``. Not here: what they reported (``presence``).
"""

from __future__ import annotations

from services.storage.engine import Transaction

_HEARD = "select name from brokers where heard_at < $1 or name = $2 order by name"


def heard(tx: Transaction, broker: bytes, now: int, since: int) -> list[bytes]:
    """This broker reported now; the others of which nothing was heard since ``since``, in microseconds.

    All of them stay locked until the transaction ends, in the order of their names: two reports of which each
    takes the other's broker for gone would else wait for each other.
    """
    rows = tx.rows(_HEARD + tx.for_update, (since, broker))
    tx.run(
        "insert into brokers (name, heard_at) values ($1, $2)"
        " on conflict (name) do update set heard_at = excluded.heard_at",
        (broker, now),
    )
    return [bytes(row[0]) for row in rows if row[0] != broker]


def forget(tx: Transaction, broker: bytes) -> None:
    """This broker is gone."""
    tx.run("delete from brokers where name = $1", (broker,))
