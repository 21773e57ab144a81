"""What the server holds in the end, from two witnesses: ``message.history`` and the database itself.

The database is read past all of the server's code: by the standard library's SQLite on the file, or by
a plain connection to PostgreSQL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from msgspec import Struct

from client import Chat
from services.storage import SQLITE_FILE

_MEMBERS = """
    select m.conversation_id, u.name from members m join users u on u.id = m.user_id
    order by m.conversation_id, u.name"""
_COUNTERS = "select id, last_seq from conversations where id in ({}) order by id"
_MESSAGES = """
    select m.conversation_id, m.seq, u.name, m.id, m.body from messages m
    join users u on u.id = m.sender_id where m.conversation_id in ({}) order by m.conversation_id, m.seq"""

Ask = Callable[[str], list[Any]]
"""All rows of a query."""


class Stored(Struct, frozen=True):
    """One message as the server has it. ``id`` in hexadecimal."""

    seq: int
    sender: str
    id: str
    body: str


class Evidence(Struct):
    """Per conversation: its messages, its counter, its members."""

    messages: dict[int, list[Stored]]
    counters: dict[int, int]
    members: dict[int, list[str]]


def from_database(home: Path, database: str, people: Collection[str]) -> Evidence:
    """What the tables say about the conversations of ``people``.

    ``database``: a PostgreSQL address, or empty for SQLite in ``home``.
    """
    with asking(home, database) as ask:
        return _evidence(ask, set(people))


@contextmanager
def asking(home: Path, database: str) -> Iterator[Ask]:
    """The database, past all of the server's code; the same arguments."""
    if database:
        with psycopg.connect(database) as connection:
            yield lambda query: connection.execute(query.encode()).fetchall()
    else:
        with closing(sqlite3.connect(f"file:{home / SQLITE_FILE}?mode=ro", uri=True)) as file:
            yield lambda query: file.execute(query).fetchall()


def _evidence(ask: Ask, people: set[str]) -> Evidence:
    found = Evidence({}, {}, {})
    for conversation, name in ask(_MEMBERS):
        found.members.setdefault(int(conversation), []).append(name)
    found.members = {room: names for room, names in found.members.items() if people & set(names)}
    rooms = ", ".join(map(str, sorted(found.members))) or "0"
    found.counters = {int(room): int(last) for room, last in ask(_COUNTERS.format(rooms))}
    for room, seq, sender, identity, body in ask(_MESSAGES.format(rooms)):
        stored = Stored(int(seq), sender, bytes(identity).hex(), body)
        found.messages.setdefault(int(room), []).append(stored)
    return found


async def from_history(server: str, tokens: dict[str, str], members: dict[int, list[str]]) -> Evidence:
    """What the server tells one member of each conversation, page by page."""
    found = Evidence({}, {}, members)
    for conversation, names in members.items():
        if not names:
            continue
        async with Chat.connect(server, token=bytes.fromhex(tokens[names[0]]), timeout=30.0) as chat:
            found.messages[conversation] = [
                Stored(message.seq, message.sender, message.id.hex(), message.body)
                async for message in chat.messages(conversation)
            ]
            found.counters[conversation] = (await chat.history(conversation, limit=1)).last_seq
    return found
