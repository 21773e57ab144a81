"""Usage: how many files and folders each user has, and the bytes of those files and of unfinished uploads.

Here: SQL on ``usage``, which moves in the same transaction as what it counts. Not here: what the limits are.

A user's row is also the lock on all that is theirs: whoever changes their files, folders or uploads holds it
from before the first look until the end. Take it after conversations and before blobs, several in the order
of their users.
"""

from __future__ import annotations

from typing import NamedTuple

from services.storage.engine import Transaction


class Used(NamedTuple):
    """``files``: files, not deleted, and folders. ``bytes``: of those files and of unfinished uploads."""

    files: int
    bytes: int


_USED = "select files, bytes from usage where user_id = $1"


def used(tx: Transaction, user: int) -> Used:
    """What a user's files take now."""
    row = tx.row(_USED, (user,))
    return Used(*row) if row else Used(0, 0)


def locked(tx: Transaction, user: int) -> Used:
    """The same, and nobody else changes it, nor what it counts, until the transaction ends."""
    row = tx.row(_USED + tx.for_update, (user,))
    if row is None:
        tx.run("insert into usage (user_id) values ($1) on conflict (user_id) do nothing", (user,))
        row = tx.row(_USED + tx.for_update, (user,))
    assert row is not None
    return Used(*row)


def change(tx: Transaction, user: int, files: int, size: int) -> None:
    """Count so many files and bytes more, or fewer."""
    tx.run("update usage set files = files + $1, bytes = bytes + $2 where user_id = $3", (files, size, user))
