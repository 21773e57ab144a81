"""What a client has been handed out, kept on disk: a mark for each message, and where a reader stopped.

Belongs here: the file and what is in it. What to make of it when the server says something else is
``client.cli.verifying``'s; when marks are written, ``client.recording``'s.

A mark is 16 bytes of a hash over everything that a message is: number, id, sender, time and text. It
tells whether a message is still what it was, and nothing of what that was. The first mark of a number
stays; what comes later under the same number is the server's second word.

One SQLite file for each profile, readable by its owner alone. SQLite sees to whole writes and to several
processes at once; with its ordinary journal, for home folders may be on a network.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import msgpack

from config.folders import private_folder
from protocol.commands import Message
from protocol.events import MessageEvent

Ranges = list[tuple[int, int]]

MARK_BYTES: Final = 16
UNREAD_MARK: Final = b""
"""In place of a mark: the number was told us as taken, and not what is stored under it."""
WAIT: Final = 10.0
"""Seconds that another process of the same profile may keep us waiting."""
FORMAT: Final = 1

_TABLES: Final = (
    "create table places (id integer primary key, server text not null, user text not null,"
    " unique (server, user))",
    "create table names (place integer, conversation integer, name text not null,"
    " primary key (place, conversation)) without rowid",
    "create table marks (place integer, conversation integer, seq integer, mark blob not null,"
    " primary key (place, conversation, seq)) without rowid",
    "create table stops (place integer, reader text, conversation integer, seq integer not null,"
    " primary key (place, reader, conversation)) without rowid",
    f"pragma user_version = {FORMAT}",
)


class RecordUnavailable(Exception):
    """The file cannot be read or written; the text says which and why."""


def mark(message: Message | MessageEvent) -> bytes:
    """What is kept of a message."""
    whole = [message.seq, message.id, message.sender, message.sent_at, message.body]
    return hashlib.blake2b(msgpack.packb(whole), digest_size=MARK_BYTES).digest()


class Extent(NamedTuple):
    """What was seen of one conversation: the highest number, and how many messages."""

    top: int
    messages: int


class Record:
    """The record of ``user`` at ``server`` (whatever names it for good) in ``file``.

    Every method raises ``RecordUnavailable``. The file is opened on first use, and again after ``close``.
    """

    def __init__(self, file: Path, server: str, user: str) -> None:
        self.file = file
        self.user = user
        """As the server writes it."""
        self._server = server
        self._place = 0
        self._connection: sqlite3.Connection | None = None

    @property
    def owner(self) -> str:
        """Whose record it is, in a few words that are the same each time."""
        return f"{self._server} {self.user.lower()}"

    # --- what was handed out --------------------------------------------------------------------

    def keep(self, marks: Iterable[tuple[int, int, bytes]], names: Iterable[tuple[int, str]] = ()) -> None:
        """Add (conversation, seq, mark), and (conversation, address) of who is named.

        A mark that is known stays, unless nothing but its number was known.
        """
        with self._writing() as run:
            run.executemany(
                "insert into marks values (?, ?, ?, ?) on conflict do update set mark = excluded.mark"
                " where mark = x''",
                ((self._place, *each) for each in marks),
            )
            run.executemany(
                "insert into names values (?, ?, ?) on conflict do update set name = excluded.name",
                ((self._place, *each) for each in names),
            )

    def names(self) -> dict[int, str]:
        """Conversations of which something was seen, with their addresses ('' where nobody knows)."""
        with self._reading() as run:
            return dict(
                run.execute(
                    "select conversation, coalesce(name, '') from"
                    " (select distinct place, conversation from marks where place = ?)"
                    " left join names using (place, conversation)",
                    (self._place,),
                )
            )

    def extents(self) -> dict[int, Extent]:
        """How much was seen of each conversation."""
        with self._reading() as run:
            rows = run.execute(
                "select conversation, max(seq), count(*) from marks where place = ? group by conversation",
                (self._place,),
            )
            return {conversation: Extent(top, count) for conversation, top, count in rows}

    def marks(self, conversation: int, first: int, last: int) -> dict[int, bytes]:
        """Marks of the numbers from ``first`` to ``last``, by number."""
        with self._reading() as run:
            return dict(
                run.execute(
                    "select seq, mark from marks"
                    " where place = ? and conversation = ? and seq between ? and ?",
                    (self._place, conversation, first, last),
                )
            )

    def seen(self, conversation: int, first: int, last: int) -> Ranges:
        """Ranges of numbers seen from ``first`` to ``last``, ascending. Takes the room of the ranges."""
        found: Ranges = []
        with self._reading() as run:
            for (seq,) in run.execute(
                "select seq from marks where place = ? and conversation = ? and seq between ? and ?"
                " order by seq",
                (self._place, conversation, first, last),
            ):
                if found and found[-1][1] == seq - 1:
                    found[-1] = (found[-1][0], seq)
                else:
                    found.append((seq, seq))
        return found

    def forget(self, conversation: int, first: int, last: int) -> None:
        """Forget what was seen from ``first`` to ``last``."""
        with self._writing() as run:
            run.execute(
                "delete from marks where place = ? and conversation = ? and seq between ? and ?",
                (self._place, conversation, first, last),
            )

    # --- where readers stopped ------------------------------------------------------------------

    def stops(self, reader: str) -> dict[int, int]:
        """Conversation → number of the last message that this reader is done with; empty before its first."""
        with self._reading() as run:
            return dict(
                run.execute(
                    "select conversation, seq from stops where place = ? and reader = ?",
                    (self._place, reader),
                )
            )

    def stop(self, reader: str, stops: dict[int, int]) -> None:
        """Move a reader's stops."""
        with self._writing() as run:
            run.executemany(
                "insert or replace into stops values (?, ?, ?, ?)",
                ((self._place, reader, conversation, seq) for conversation, seq in stops.items()),
            )

    # --- the file -------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._opened()
        except (sqlite3.Error, OSError) as error:
            raise self._unavailable(error) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._opened()
            connection.execute("begin immediate")
            try:
                yield connection
                connection.execute("commit")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("rollback")
                raise
        except (sqlite3.Error, OSError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> RecordUnavailable:
        why = error.strerror if isinstance(error, OSError) else error
        return RecordUnavailable(f"{self.file}, the record of what was seen: {why}")

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            private_folder(self.file.parent)
            # Made by us, because SQLite would let others read it; its journal takes over the mode.
            os.close(os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = sqlite3.connect(self.file, timeout=WAIT, isolation_level=None)
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Tables where there are none, and our own number in them."""
        who = (self._server, self.user.lower())
        if _format(connection) != FORMAT:
            connection.execute("begin exclusive")
            if _format(connection) == 0:
                for statement in _TABLES:
                    connection.execute(statement)
            connection.execute("commit")
        if _format(connection) != FORMAT:
            raise sqlite3.DatabaseError("it was made by a newer pesan")
        if _number(connection, who) == 0:
            connection.execute("insert or ignore into places (server, user) values (?, ?)", who)
        self._place = _number(connection, who)


def _format(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])


def _number(connection: sqlite3.Connection, who: tuple[str, str]) -> int:
    row = connection.execute("select id from places where server = ? and user = ?", who).fetchone()
    return int(row[0]) if row else 0
