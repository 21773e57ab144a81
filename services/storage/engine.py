"""What every noun of the storage asks of a database, in the few words that both engines understand.

Belongs here: the shape of a store and of a transaction, and the ways in which they fail.
Does not belong here: SQL (one module per noun beside this one), or anything that knows one engine.

Rules for SQL that must run on both engines:

* Parameters are ``$1, $2, …`` and appear for the first time in ascending order. PostgreSQL reads them
  as numbers; SQLite reads them as names and numbers those by first appearance, which is then the same.
* Ids, times and counts are ``bigint``/``integer``; bytes are ``bytea``/``blob``.
* Where the engines cannot share a text, a ``Bulk`` holds both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol, runtime_checkable

Row = tuple[Any, ...]
"""One row of a result, columns in the order of the select."""


class StoreUnavailable(Exception):
    """The database cannot do it now: disk full, connection lost, out of reach. Nothing was changed.

    After a commit whose answer was lost nobody can know; such a transaction counts as failed, and
    the ids that clients give their messages make the retry harmless.
    """


class StoreDamaged(StoreUnavailable):
    """What is stored makes no sense any more. Trying again will not help; a person must look."""


class StoreBusy(StoreUnavailable):
    """Two transactions stood in each other's way (deadlock, lock timeout); the same again may succeed."""


class Duplicate(Exception):
    """A unique constraint refused the row. Inside a savepoint, the transaction goes on after it."""


class Bulk(NamedTuple):
    """One statement for many rows, said twice because the engines are fast in different ways.

    ``each`` runs once per row on SQLite, its parameters being the row's columns. ``arrays`` runs
    once on PostgreSQL, its parameters being one array per column (``unnest($1::bigint[], …)``).
    """

    each: str
    arrays: str


class Transaction(Protocol):
    """A transaction that is open. Ends with the ``with`` block that gave it."""

    @property
    def for_update(self) -> str:
        """What to append to a select so that it locks its rows: empty where the whole store is locked.

        Lock conversations before members, and several rows of a table in the order of their numbers.
        """

    def wait_in_line(self, line: int) -> None:
        """Wait for every other transaction in the line of this number, and stay in it until the end.

        Nothing where only one writes at a time. Undone with the savepoint in which it was asked.
        """

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Every row of a result."""

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of a result, or nothing."""

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement; how many rows it inserted, updated or deleted.

        Raises ``Duplicate`` when a unique constraint refuses.
        """

    def bulk(self, statement: Bulk, rows: Sequence[Sequence[Any]]) -> list[Row]:
        """Run ``statement`` for every row; whatever it returns, in no promised order.

        Raises ``Duplicate`` when a unique constraint refuses; wrap it in a savepoint to go on then.
        """

    def script(self, sql: str) -> None:
        """Run several statements without parameters (a migration)."""

    def savepoint(self) -> AbstractContextManager[None]:
        """A part that is undone, alone, when an exception leaves its ``with`` block (and goes on)."""


class Store(Protocol):
    """A database, opened by one process and used by one thread of it.

    Both ways of opening a transaction raise ``StoreUnavailable``; the next attempt connects again.
    """

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgres``: the folder that holds its migrations."""

    def read(self) -> AbstractContextManager[Transaction]:
        """A transaction that sees one moment and changes nothing."""

    def write(self) -> AbstractContextManager[Transaction]:
        """A transaction that is on disk when its block ends, or undone when an exception leaves it."""

    def exclusive(self) -> AbstractContextManager[Transaction]:
        """A write transaction that waits for every other exclusive one, of any process (migrations)."""

    def close(self) -> None:
        """Let go of the database. Closing twice is fine."""


@runtime_checkable
class Watchful(Protocol):
    """A store whose damage nobody would tell of but us."""

    def watch(self, alarm: Callable[[str], None]) -> None:
        """Look at what every service needs, for a moment; from now on tell ``alarm`` when damage is met.

        Raises ``StoreDamaged``. Damage elsewhere is met when it is read: this is no ``pesan admin fsck``.
        """


class Reader(Protocol):
    """A database opened for looking only: nothing is made, converted or written, and nobody waits for it.

    No statement of it is given up for taking long, and what it sorts may go through a file.
    """

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgres``."""

    def read(self) -> AbstractContextManager[Transaction]:
        """A transaction that sees one moment."""

    def close(self) -> None:
        """Let go of the database."""
