"""The store on SQLite: one file in the data folder, any number of processes.

Here: how this engine is opened, locked and spoken to. Not here: SQL about our nouns.

SQLite has no queue for writers: those who find it busy sleep and try again, and with four writers some
waited 4 seconds. So whoever writes first takes an ``flock`` on a file beside the database, which the
kernel grants in order (35 ms at most, measured the same way). Commits checkpoint under it, too.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import apsw

from services.storage.engine import (
    Bulk,
    Duplicate,
    Row,
    StoreBusy,
    StoreDamaged,
    StoreUnavailable,
    Transaction,
)

BUSY_MS: Final = 5_000
"""How long to wait for someone who does not know our lock file, such as an operator's shell."""

STATEMENTS: Final = 256
"""Prepared statements kept."""

_PRAGMAS: Final = (
    "pragma synchronous = full",
    # Undo information of savepoints stays in memory; it would be a temporary file otherwise.
    "pragma temp_store = memory",
    "pragma cache_size = -32768",
    "pragma journal_size_limit = 67108864",
    "pragma wal_autocheckpoint = 2000",
)

GLANCE_SECONDS: Final = 0.05
"""How long a start may look for damage. Enough for the rows of some ten thousand users."""
GLANCE_STEPS: Final = 1000
"""Steps of SQLite's machine between two looks at the clock."""

_UNIQUE: Final = frozenset(
    (apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_ROWID)
)
_BUSY: Final = (apsw.BusyError, apsw.LockedError)
_DAMAGED: Final = (apsw.CorruptError, apsw.NotADBError)
_ADVICE: Final = (
    "The database is damaged. Stop the server, run `pesan admin fsck` to see how badly, "
    "and restore a backup: see Backup in docs/OPERATIONS.md."
)
_UNAVAILABLE: Final = (
    apsw.FullError,
    apsw.IOError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
    apsw.PermissionsError,
    apsw.NoMemError,
    apsw.ProtocolError,
)


def _translated(error: apsw.Error) -> Exception:
    """The same in the words of ``services.storage.engine``; a fault in our SQL stays what it is."""
    if isinstance(error, apsw.ConstraintError) and getattr(error, "extendedresult", 0) in _UNIQUE:
        return Duplicate(str(error))
    if isinstance(error, _BUSY):
        return StoreBusy(f"SQLite: {error}")
    if isinstance(error, _DAMAGED):
        return StoreDamaged(f"SQLite: {error}")
    if isinstance(error, _UNAVAILABLE):
        return StoreUnavailable(f"SQLite: {error}")
    return error


class SqliteTransaction:
    """A transaction on the one connection of this process."""

    for_update = ""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._executemany = connection.executemany

    def wait_in_line(self, line: int) -> None:
        """Nobody else is in any."""

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Every row."""
        try:
            return self._execute(sql, parameters).fetchall()
        except apsw.Error as error:
            raise _translated(error) from error

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row, if any. The statement runs to its end all the same."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement; how many rows it changed."""
        before = self._connection.total_changes()
        self.rows(sql, parameters)
        return int(self._connection.total_changes() - before)

    def bulk(self, statement: Bulk, rows: Sequence[Sequence[Any]]) -> list[Row]:
        """Run ``statement.each`` for every row."""
        try:
            return self._executemany(statement.each, rows).fetchall()
        except apsw.Error as error:
            raise _translated(error) from error

    def script(self, sql: str) -> None:
        """Several statements."""
        self.rows(sql)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part that is undone alone."""
        self.rows("savepoint part")
        try:
            yield
        except BaseException as error:
            # On a full disk SQLite has undone the whole transaction by itself.
            if not self._connection.in_transaction:
                raise StoreUnavailable("SQLite undid the transaction") from error
            self.rows("rollback to part")
            self.rows("release part")
            raise
        self.rows("release part")


class SqliteStore:
    """The database file. Raises ``StoreUnavailable`` when it cannot be opened."""

    dialect = "sqlite"

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection: apsw.Connection | None = None
        self._alarm: Callable[[str], None] = lambda sentence: None
        try:
            self._lock = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailable(f"{file}: {error.strerror}") from error
        try:
            self._connected()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that sees one moment. Takes no lock that a writer would wait for."""
        with self._transaction(self._connected(), "begin") as transaction:
            yield transaction

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is on disk when its block ends."""
        with self._turn(), self._transaction(self._connected(locked=True), "begin immediate") as transaction:
            yield transaction

    exclusive = write

    def watch(self, alarm: Callable[[str], None]) -> None:
        """Look at the users, without whom nobody is served; then tell ``alarm`` of damage as it is met."""
        deadline = time.monotonic() + GLANCE_SECONDS
        connection = self._connected()
        connection.set_progress_handler(lambda: time.monotonic() > deadline, GLANCE_STEPS)
        try:
            with self.read() as transaction:
                problems = transaction.rows("pragma quick_check('users')")
        except apsw.InterruptError:
            problems = []
        finally:
            with suppress(apsw.ConnectionClosedError):  # because of what was found
                connection.set_progress_handler(None)
        if any(problem != ("ok",) for problem in problems):
            raise self._damaged("the table of users makes no sense")
        self._alarm = alarm

    def close(self) -> None:
        """Close the file; the last process to do so folds the log back into it."""
        if self._lock < 0:
            return
        with self._turn():
            self._disconnect()
        os.close(self._lock)
        self._lock = -1

    @contextmanager
    def _turn(self) -> Iterator[None]:
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    @contextmanager
    def _transaction(self, connection: apsw.Connection, begin: str) -> Iterator[Transaction]:
        transaction = SqliteTransaction(connection)
        try:
            transaction.rows(begin)
            yield transaction
            transaction.rows("commit")
        except BaseException as error:
            self._undo(connection, error)
            if isinstance(error, StoreDamaged):
                raise self._damaged(error) from error
            raise

    def _undo(self, connection: apsw.Connection, error: BaseException) -> None:
        """Roll back; after an error of the file itself, open it anew next time."""
        with suppress(apsw.Error):
            if connection.in_transaction:
                connection.execute("rollback")
        if isinstance(error, StoreUnavailable) and not isinstance(error, StoreBusy):
            self._disconnect()

    def _damaged(self, what: object) -> StoreDamaged:
        """Tell whoever watches, and everyone who reads the error, what to do."""
        sentence = f"{self._file}: {what}. {_ADVICE}"
        self._alarm(sentence)
        return StoreDamaged(sentence)

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(apsw.Error):
                self._connection.close(force=True)
            self._connection = None

    def _connected(self, locked: bool = False) -> apsw.Connection:
        if self._connection is None:
            if locked:
                self._connection = self._open()
            else:
                with self._turn():
                    self._connection = self._open()
        return self._connection

    def _open(self) -> apsw.Connection:
        """Open the file. Under the lock, because going over to WAL needs the file for itself."""
        try:
            connection = apsw.Connection(str(self._file), statementcachesize=STATEMENTS)
            connection.set_busy_timeout(BUSY_MS)
            (mode,) = connection.execute("pragma journal_mode = wal").fetchall()[0]
            if mode != "wal":
                raise StoreUnavailable(f"{self._file}: no write-ahead log possible here ({mode})")
            for pragma in _PRAGMAS:
                connection.execute(pragma).fetchall()
        except _DAMAGED as error:
            raise self._damaged(error) from error
        except apsw.Error as error:
            raise StoreUnavailable(f"{self._file}: {error}") from error
        return connection


class SqliteReader:
    """The database file, for looking only. Takes no lock file: a reader of a WAL hinders no writer."""

    dialect = "sqlite"

    def __init__(self, file: Path) -> None:
        if not file.is_file():
            raise StoreUnavailable(f"{file}: there is no such database")
        try:
            self._connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
            self._connection.set_busy_timeout(BUSY_MS)
            # Looking at everything sorts a lot; that need not be in memory all at once.
            for pragma in ("pragma temp_store = file", "pragma cache_size = -65536"):
                self._connection.execute(pragma).fetchall()
            self._connection.execute("select count(*) from sqlite_schema").fetchall()
        except apsw.Error as error:
            raise StoreUnavailable(f"{file}: {error}") from error

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that sees one moment."""
        transaction = SqliteTransaction(self._connection)
        transaction.rows("begin")
        try:
            yield transaction
        finally:
            with suppress(apsw.Error):
                self._connection.execute("rollback")

    def close(self) -> None:
        """Close the file."""
        self._connection.close(force=True)
