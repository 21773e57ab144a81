"""What the server holds in the end, from two witnesses: ``message.history`` and the database itself.

The database is read past all of the server's code: by the standard library's SQLite on the file, or by
a plain connection to PostgreSQL.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from msgspec import Struct

from client import Chat
from services.storage import SQLITE_FILE

_MESSAGES = """
    select m.conversation_id, m.seq, u.name, m.id, m.body from messages m
    join users u on u.id = m.sender_id order by m.conversation_id, m.seq"""
_COUNTERS = "select id, last_seq from conversations order by id"
_MEMBERS = """
    select m.conversation_id, u.name from members m join users u on u.id = m.user_id
    order by m.conversation_id, u.name"""


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


def from_database(home: Path, database: str) -> Evidence:
    """What the tables say. ``database``: a PostgreSQL address, or empty for SQLite in ``home``."""
    messages, counters, members = _tables(home, database)
    found = Evidence({}, {int(row[0]): int(row[1]) for row in counters}, {})
    for conversation, seq, sender, identity, body in messages:
        stored = Stored(int(seq), sender, bytes(identity).hex(), body)
        found.messages.setdefault(int(conversation), []).append(stored)
    for conversation, name in members:
        found.members.setdefault(int(conversation), []).append(name)
    return found


def _tables(home: Path, database: str) -> list[list[Any]]:
    queries = (_MESSAGES, _COUNTERS, _MEMBERS)
    if database:
        with psycopg.connect(database) as connection:
            return [connection.execute(query.encode()).fetchall() for query in queries]
    with closing(sqlite3.connect(f"file:{home / SQLITE_FILE}?mode=ro", uri=True)) as file:
        return [file.execute(query).fetchall() for query in queries]


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
