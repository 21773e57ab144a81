"""The store on PostgreSQL: one connection per process, opened again when it is lost.

Here: how this engine is connected, spoken to, and how its errors read. Not here: SQL about our nouns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg import errors
from psycopg.types.array import ListBinaryDumper
from psycopg.types.numeric import Int8BinaryDumper
from psycopg.types.string import BytesBinaryDumper, StrBinaryDumper

from services.storage.engine import Bulk, Duplicate, Row, StoreBusy, StoreUnavailable, Transaction

CONNECT_SECONDS: Final = 3

STATEMENTS: Final = 500
"""Prepared statements kept."""

MIGRATION_LOCK: Final = 0x50657361
"""Number of the advisory lock that migrations take."""

# Limits, so that a process that was stopped or cut off does not keep the rows it locked. And an answer
# means "on disk", whatever the server's configuration would make of it.
_SESSION: Final = """
select set_config('lock_timeout', '5s', false),
    set_config('statement_timeout', '15s', false),
    set_config('idle_in_transaction_session_timeout', '15s', false),
    case when current_setting('synchronous_commit') = 'off'
        then set_config('synchronous_commit', 'on', false) end
"""

_PATIENT: Final = """
select set_config('default_transaction_read_only', 'on', false),
    set_config('statement_timeout', '0', false),
    set_config('idle_in_transaction_session_timeout', '60s', false)
"""
"""Instead of ``_SESSION`` for who looks at everything and locks nothing."""

_BUSY: Final = (errors.DeadlockDetected, errors.LockNotAvailable, errors.SerializationFailure)


def _translated(error: psycopg.Error) -> Exception:
    """The same in the words of ``services.storage.engine``; a fault in our SQL stays what it is."""
    if isinstance(error, errors.UniqueViolation):
        return Duplicate(str(error.diag.constraint_name))
    if isinstance(error, _BUSY):
        return StoreBusy(_sentence(error))
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return StoreUnavailable(_sentence(error))
    return error


def _sentence(error: psycopg.Error) -> str:
    """What PostgreSQL says, in one line. Its detail is left out: that may quote what was stored."""
    return "PostgreSQL: " + " ".join((error.diag.message_primary or str(error)).split())


class PostgresTransaction:
    """A transaction on the one connection of this process."""

    for_update = " for no key update"

    def __init__(self, cursor: psycopg.RawCursor[Row]) -> None:
        self._cursor = cursor

    def wait_in_line(self, line: int) -> None:
        """By an advisory lock, which the end of the transaction opens."""
        self._run("select pg_advisory_xact_lock($1)", (line,))

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Every row."""
        cursor = self._run(sql, parameters)
        return cursor.fetchall() if cursor.description else []

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row, if any."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement; how many rows it changed."""
        return max(self._run(sql, parameters).rowcount, 0)

    def bulk(self, statement: Bulk, rows: Sequence[Sequence[Any]]) -> list[Row]:
        """Run ``statement.arrays`` once, with one array per column."""
        if not rows:
            return []
        return self.rows(statement.arrays, [list(column) for column in zip(*rows, strict=True)])

    def script(self, sql: str) -> None:
        """Several statements."""
        try:
            psycopg.Cursor(self._cursor.connection).execute(sql)
        except psycopg.Error as error:
            raise _translated(error) from error

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part that is undone alone."""
        self._run("savepoint part")
        try:
            yield
        except BaseException:
            self._run("rollback to part")
            self._run("release part")
            raise
        self._run("release part")

    def _run(self, sql: str, parameters: Sequence[Any] = ()) -> psycopg.RawCursor[Row]:
        try:
            return self._cursor.execute(sql, parameters or None)
        except psycopg.Error as error:
            raise _translated(error) from error


class PostgresStore:
    """A database named by ``postgresql://…``. Raises ``StoreUnavailable`` when it cannot be reached."""

    dialect = "postgres"
    _session = _SESSION

    def __init__(self, address: str) -> None:
        self._address = address
        self._cursor: psycopg.RawCursor[Row] | None = None
        self._connected()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that sees one moment and changes nothing."""
        with self._transaction("begin isolation level repeatable read, read only") as transaction:
            yield transaction

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is on disk when its block ends. Each statement sees what others committed."""
        with self._transaction("begin isolation level read committed, read write") as transaction:
            yield transaction

    @contextmanager
    def exclusive(self) -> Iterator[Transaction]:
        """A write transaction that waits for every other exclusive one."""
        with self.write() as transaction:
            transaction.wait_in_line(MIGRATION_LOCK)
            yield transaction

    def close(self) -> None:
        """Hang up."""
        if self._cursor is not None:
            connection, self._cursor = self._cursor.connection, None
            with suppress(psycopg.Error):
                connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Transaction]:
        transaction = PostgresTransaction(self._connected())
        try:
            transaction.rows(begin)
            yield transaction
            transaction.rows("commit")
        except BaseException as error:
            self._undo(transaction, error)
            raise

    def _undo(self, transaction: PostgresTransaction, error: BaseException) -> None:
        """Roll back; if that fails, or the connection is suspect, connect anew next time."""
        try:
            transaction.rows("rollback")
        except (StoreUnavailable, psycopg.Error):
            self.close()
        if isinstance(error, StoreUnavailable) and not isinstance(error, StoreBusy):
            self.close()

    def _connected(self) -> psycopg.RawCursor[Row]:
        if self._cursor is None:
            self._cursor = self._connect()
        return self._cursor

    def _connect(self) -> psycopg.RawCursor[Row]:
        try:
            connection = psycopg.connect(
                self._address,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                application_name="pesan",
                prepare_threshold=2,
            )
        except psycopg.Error as error:
            raise StoreUnavailable(_sentence(error)) from error
        connection.prepared_max = STATEMENTS
        # One type for each kind of value, or every mix of large and small numbers would be a plan of its own.
        connection.adapters.register_dumper(int, Int8BinaryDumper)
        connection.adapters.register_dumper(str, StrBinaryDumper)
        connection.adapters.register_dumper(bytes, BytesBinaryDumper)
        # The textual one would call an array smallint after the first array of small numbers it met.
        connection.adapters.register_dumper(list, ListBinaryDumper)
        cursor = psycopg.RawCursor(connection)
        cursor.format = psycopg.pq.Format.BINARY
        try:
            cursor.execute(self._session)
        except psycopg.Error as error:
            connection.close()
            raise StoreUnavailable(_sentence(error)) from error
        return cursor


class PostgresReader(PostgresStore):
    """The same for looking only."""

    _session = _PATIENT
