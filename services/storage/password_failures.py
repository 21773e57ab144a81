"""Wrong passwords in a row: for which name or group, and where they came from.

Here: SQL on the table ``password_failures``. Not here: what they lead to (``services.backoff``). A subject
is a name as somebody typed it; whether there is such a user makes no difference here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from services.storage.engine import Transaction

STRANGERS: Final = ""
"""In place of a source: everywhere that is strange to the subject, together."""


class Failures(NamedTuple):
    """How many, the last of them at ``last_at`` (microseconds)."""

    in_a_row: int
    last_at: int


NONE: Final = Failures(0, 0)


def of(tx: Transaction, subject: str, source: str, since: int) -> tuple[Failures, Failures]:
    """Those from ``source``, and those of all strangers together. Forgotten are those before ``since``."""
    rows = tx.rows(
        "select source, failures, last_at from password_failures"
        " where subject = $1 and source in ($2, '') and last_at >= $3",
        (subject, source, since),
    )
    found = {row[0]: Failures(row[1], row[2]) for row in rows}
    return found.get(source, NONE), found.get(STRANGERS, NONE)


def add(tx: Transaction, subject: str, source: str, now: int, since: int) -> None:
    """One more. Starts anew if the one before was before ``since``."""
    tx.run(
        "insert into password_failures (subject, source, failures, last_at) values ($1, $2, 1, $3)"
        " on conflict (subject, source) do update set last_at = excluded.last_at, failures ="
        " case when password_failures.last_at < $4 then 1 else password_failures.failures + 1 end",
        (subject, source, now, since),
    )


def spend(tx: Transaction, subject: str, now: int, interval: int, most: int) -> None:
    """One more of all strangers together, who have one each ``interval`` and may have ``most`` at once.

    ``last_at`` is when all of theirs will be worked off. Where that lies too far ahead the clock has gone
    back, and counting starts anew.
    """
    tx.run(
        "insert into password_failures (subject, source, failures, last_at) values ($1, '', 1, $2 + $3)"
        " on conflict (subject, source) do update set failures = password_failures.failures + 1,"
        " last_at = $3 + case when password_failures.last_at between $2 and $2 + $4"
        " then password_failures.last_at else $2 end",
        (subject, now, interval, most * interval),
    )


def clear(tx: Transaction, subject: str, source: str) -> None:
    """The right password came from there."""
    tx.run("delete from password_failures where subject = $1 and source = $2", (subject, source))


def prune(tx: Transaction, since: int, most: int, lasting: int) -> None:
    """Drop those before ``since``; if more than ``most`` are left, the oldest of few failures, then any.

    Rows with ``lasting`` failures or more go last, so that nobody gets rid of them by trying many names.
    """
    tx.run("delete from password_failures where last_at < $1", (since,))
    row = tx.row("select count(*) from password_failures")
    assert row is not None
    if row[0] > most:
        tx.run(
            "delete from password_failures where (subject, source) in"
            " (select subject, source from password_failures"
            " order by (failures >= $1), last_at limit $2)",
            (lasting, row[0] - most),
        )
