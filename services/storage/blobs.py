"""Blobs: which bytes are in storage, once for each hash, and which are on their way in or out.

Here: SQL on ``blobs``. The bytes themselves are the file service's. They are put and deleted outside of any
transaction, so a row says what is under way, and nobody puts what somebody else is about to delete:

* Whoever has bytes calls ``expect`` in the transaction that refers to them, then puts them, then ``arrived``.
* Whoever drops a reference calls ``release`` in that transaction; then nothing refers to ``going`` bytes, and
  they may be deleted, and after that ``gone``. In between ``expect`` refuses, for a moment.

Lock conversations before users' usage, and both before blobs. A transaction that comes to more than one blob
comes to them in the order of its calls, not of their hashes; so it stands in line (``wait``) before the first
of them, once it has every conversation and every usage that it will need. Of those in that line, one at a
time holds blobs, and it waits only for transactions that lock one blob each, as the last thing for which they
wait; these need not stand in line.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from services.storage.engine import Bulk, Transaction

LINE: Final = 0x626C6F62
"""The line of those who hold several blobs."""


class State(StrEnum):
    """What is true of a blob's bytes."""

    COMING = "coming"
    STORED = "stored"
    GOING = "going"


class Blob(NamedTuple):
    """One blob. ``size`` in bytes, ``changed_at`` in microseconds."""

    sha256: bytes
    size: int
    state: State
    changed_at: int


_BLOB = "select sha256, size, state, changed_at from blobs"


def wait(tx: Transaction) -> None:
    """Wait for whoever else may hold several blobs. Ask when all but blobs is locked."""
    tx.wait_in_line(LINE)


def get(tx: Transaction, sha256: bytes) -> Blob | None:
    """A blob as it is now."""
    row = tx.row(_BLOB + " where sha256 = $1", (sha256,))
    return Blob(row[0], row[1], State(row[2]), row[3]) if row else None


def locked(tx: Transaction, sha256: bytes) -> Blob | None:
    """A blob whose state nobody changes until the transaction ends."""
    row = tx.row(_BLOB + " where sha256 = $1" + tx.for_update, (sha256,))
    return Blob(row[0], row[1], State(row[2]), row[3]) if row else None


def expect(tx: Transaction, sha256: bytes, size: int, now: int) -> State:
    """Refer to bytes. ``COMING``: put them; ``STORED``: they are there; ``GOING``: not now, ask again."""
    tx.run(
        "insert into blobs (sha256, size, state, changed_at) values ($1, $2, 'coming', $3)"
        " on conflict (sha256) do nothing",
        (sha256, size, now),
    )
    found = locked(tx, sha256)
    return State.GOING if found is None else found.state  # None: gone since the insert saw it


def arrived(tx: Transaction, sha256: bytes, now: int) -> None:
    """The bytes are in storage, for good."""
    tx.run(
        "update blobs set state = 'stored', changed_at = $1 where sha256 = $2 and state = 'coming'",
        (now, sha256),
    )


_LOCK = Bulk("", "select 1 from blobs where sha256 = any($1::bytea[]) order by sha256 for no key update")

_RELEASE = Bulk(
    each="update blobs set state = 'going', changed_at = $1 where sha256 = $2"
    " and not exists (select 1 from files where files.sha256 = blobs.sha256)"
    " and not exists (select 1 from uploads where uploads.sha256 = blobs.sha256)",
    arrays="update blobs set state = 'going', changed_at = dropped.at"
    " from unnest($1::bigint[], $2::bytea[]) as dropped (at, hash) where sha256 = dropped.hash"
    " and not exists (select 1 from files where files.sha256 = blobs.sha256)"
    " and not exists (select 1 from uploads where uploads.sha256 = blobs.sha256)",
)


def release(tx: Transaction, hashes: Iterable[bytes], now: int) -> None:
    """References to these were dropped in this transaction; those without another are going."""
    dropped = sorted(set(hashes))
    if tx.for_update:
        # By a statement of its own, so that the next one sees what whoever held them has done.
        tx.bulk(_LOCK, [(sha256,) for sha256 in dropped])
    tx.bulk(_RELEASE, [(now, sha256) for sha256 in dropped])


def in_state(tx: Transaction, state: State, before: int, limit: int) -> list[Blob]:
    """Up to ``limit`` blobs on their way, in this state since before ``before``, the longest first."""
    rows = tx.rows(
        "select sha256, size, state, changed_at from blobs where state <> 'stored' and state = $1"
        " and changed_at < $2 order by changed_at limit $3",
        (state.value, before, limit),
    )
    return [Blob(row[0], row[1], State(row[2]), row[3]) for row in rows]


def unwanted(tx: Transaction, sha256: bytes, size: int, now: int) -> bool:
    """Bytes were found that are no blob: they are going. False when they have become one meanwhile."""
    row = tx.row(
        "insert into blobs (sha256, size, state, changed_at) values ($1, $2, 'going', $3)"
        " on conflict (sha256) do nothing returning size",
        (sha256, size, now),
    )
    return row is not None


def gone(tx: Transaction, sha256: bytes) -> None:
    """The bytes are deleted."""
    tx.run("delete from blobs where sha256 = $1 and state = 'going'", (sha256,))
