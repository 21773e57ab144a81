"""Network addresses from which a user has logged in or come back: those are no strangers to them.

Here: SQL on the table ``known_addresses``. Not here: what being known is good for (``services.backoff``).
"""

from __future__ import annotations

from typing import Final

from services.storage.engine import Transaction

MOST: Final = 32
"""Addresses of one user; beyond that the one not seen for longest is forgotten."""

KNOWN_FOR: Final = 90 * 86_400 * 1_000_000
"""Microseconds for which an address stays known without being seen."""

FRESH_FOR: Final = 86_400 * 1_000_000
"""Microseconds within which seeing it again is not worth writing down."""


def knows(tx: Transaction, user_id: int, address: str, now: int) -> bool:
    """Whether the user came from there of late. Takes as long for the number 0, which is nobody's."""
    row = tx.row(
        "select 1 from known_addresses where user_id = $1 and address = $2 and seen_at >= $3",
        (user_id, address, now - KNOWN_FOR),
    )
    return row is not None


def remember(tx: Transaction, user_id: int, address: str, now: int) -> None:
    """The user is there."""
    row = tx.row(
        "select 1 from known_addresses where user_id = $1 and address = $2 and seen_at >= $3",
        (user_id, address, now - FRESH_FOR),
    )
    if row is not None:
        return
    tx.run(
        "insert into known_addresses (user_id, address, seen_at) values ($1, $2, $3)"
        " on conflict (user_id, address) do update set seen_at = excluded.seen_at",
        (user_id, address, now),
    )
    tx.run(
        "delete from known_addresses where user_id = $1 and address in"
        " (select address from known_addresses where user_id = $1"
        " order by seen_at desc, address limit 1000000 offset $2)",
        (user_id, MOST),
    )
