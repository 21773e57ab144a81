"""Ways to break a store, at least one for every rule that fsck knows.

Each says which check names it, with the words of its first line, and which other rules the same
damage cannot but break.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import apsw
import psycopg

from config.settings import Settings
from services.storage import SQLITE_FILE
from services.storage.engine import Store
from tests.services.admin.busy import Busy


@dataclass(frozen=True)
class Damage:
    """``sql`` is run as it stands, numbers of ``Busy`` put in; ``loosen`` names a table that first loses
    its constraints; ``do`` is what SQL alone cannot do. ``problems`` is how many are
    counted (0: as many as the engine likes to tell); ``gate``: nothing else is looked at then."""

    check: str
    says: str
    sql: tuple[str, ...] = ()
    also: frozenset[str] = frozenset()
    problems: int = 1
    loosen: str = ""
    do: Callable[[Settings, Store], None] | None = None
    gate: bool = False

    def others(self, dialect: str) -> set[str]:
        """Which other checks fail."""
        # On SQLite a table without its constraints is another table, and has no indexes either.
        lost = self.loosen in ("messages", "members", "sessions") and dialect == "sqlite"
        return {*self.also, *(["schema.objects"] if lost else [])}

    def inflict(self, settings: Settings, store: Store, busy: Busy) -> None:
        """Break the store."""
        with store.exclusive() as tx:
            if self.loosen:
                tx.script(_LOOSE[store.dialect](self.loosen))
            for statement in self.sql:
                tx.run(statement.format(**busy._asdict()))
        if self.do is not None:
            self.do(settings, store)


def _loose_sqlite(table: str) -> str:
    copy = f"create table loose as select * from {table};"
    return f"{copy} drop table {table}; alter table loose rename to {table};"


_CONSTRAINTS = {
    "messages": ["messages_pkey"],
    "members": ["members_pkey"],
    "users": ["users_name_key_key"],
    "conversations": ["conversations_name_key_key", "conversations_user_low_user_high_key"],
    "sessions": ["sessions_token_hash_key"],
}


def _loose_postgres(table: str) -> str:
    return "".join(f"alter table {table} drop constraint {name};" for name in _CONSTRAINTS[table])


_LOOSE = {"sqlite": _loose_sqlite, "postgres": _loose_postgres}


def _also(*names: str) -> frozenset[str]:
    return frozenset(names)


def _empty_an_index(settings: Settings, store: Store) -> None:
    """The file says that an index, which no rule looks into, holds nothing."""
    file = settings.home / SQLITE_FILE
    connection = apsw.Connection(str(file))
    connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    [(page,)] = connection.execute("select rootpage from sqlite_schema where name = 'sessions_of_user'")
    [(size,)] = connection.execute("pragma page_size")
    connection.close()
    with file.open("r+b") as stream:
        stream.seek((page - 1) * size + 3)  # of a page's header: how many cells it has
        stream.write(b"\0\0")


def _half_an_index(settings: Settings, store: Store) -> None:
    """As a build that was broken off leaves it."""
    with psycopg.connect(settings.database, autocommit=True) as connection:
        try:
            connection.execute("create unique index concurrently halved on members (user_id)")
        except psycopg.errors.UniqueViolation:
            return
    raise AssertionError("the index was built")


BOTH = (
    Damage(
        "schema.version",
        "migration 9999 was made by a newer Pesan",
        ("insert into migrations (number, name, applied_at) values (9999, 'later', 0)",),
        gate=True,
    ),
    Damage(
        "schema.version",
        "migration 1 is still to come: start the server once",
        ("delete from migrations where number = 1",),
        gate=True,
    ),
    Damage(
        "schema.version",
        "this database was never used by Pesan: it has no table of migrations",
        ("drop table migrations",),
        gate=True,
    ),
    Damage("schema.objects", "members_of_user is missing", ("drop index members_of_user",)),
    Damage(
        "messages.numbers",
        "conversation {pair} has a message with the number 0",
        ("update messages set seq = 0 where conversation_id = {pair} and seq = 1",),
        also=_also("messages.holes"),
    ),
    Damage(
        "messages.holes",
        "conversation {pair} lacks 3..4",
        ("delete from messages where conversation_id = {pair} and seq in (3, 4)",),
        also=_also("members.unread"),  # one of them was unread, and its sender's own
    ),
    Damage(
        "messages.holes",
        "conversation {pair} lacks 1..1",
        ("delete from messages where conversation_id = {pair} and seq in (1, 3)",),
        problems=2,
    ),
    Damage(
        "messages.doubles",
        "conversation {pair} has 2 messages with the number 2",
        ("update messages set seq = 2 where conversation_id = {pair} and seq = 3",),
        loosen="messages",
        also=_also("messages.holes"),
    ),
    Damage(
        "messages.ids",
        "user {ani} has 2 messages with one id, the first in conversation {pair}",
        (
            "drop index messages_by_id",
            "update messages set id = (select id from messages where conversation_id = {pair} and seq = 1)"
            " where conversation_id = {pair} and seq = 3",
        ),
        also=_also("schema.objects"),
    ),
    Damage(
        "messages.form",
        "message 2 of conversation {pair}",
        (
            "update messages set body = '' where conversation_id = {pair} and seq = 2",
            "update messages set id = substr(id, 2) where conversation_id = {pair} and seq = 4",
        ),
        problems=2,
    ),
    Damage(
        "messages.conversations",
        "messages 1..6 of conversation 99",
        (
            "update messages set conversation_id = 99 where conversation_id = {pair}",
            "update conversations set last_seq = 0, last_at = 0 where id = {pair}",
            "update members set read_seq = 0, own_unread = 0 where conversation_id = {pair}",
        ),
    ),
    Damage(
        "messages.senders",
        "message 4 of conversation {ops} is from user 99",
        ("update messages set sender_id = 99 where conversation_id = {ops} and seq = 4",),
    ),
    Damage(
        "messages.strangers",
        "message 1 of conversation {pair} is from user {citra}",
        ("update messages set sender_id = {citra} where conversation_id = {pair} and seq = 1",),
    ),
    Damage(
        "conversations.last_seq",
        "conversation {notes} counts up to 3, its newest message is 1",
        ("update conversations set last_seq = 3 where id = {notes}",),
    ),
    Damage(
        "conversations.last_seq",
        "conversation {pair} counts up to 6, its newest message is 5",
        ("delete from messages where conversation_id = {pair} and seq = 6",),
        also=_also("conversations.last_at", "members.unread"),
    ),
    Damage(
        "conversations.last_at",
        "conversation {ops}: 7 and not ",
        ("update conversations set last_at = 7 where id = {ops}",),
    ),
    Damage(
        "conversations.broadcast",
        "there are 2",
        (
            "insert into conversations (kind, name_key, topic, created_at)"
            " select 'broadcast', null, topic, 0 from conversations where id = {everyone}",
        ),
        also=_also("conversations.names", "topics.doubles"),
    ),
    Damage(
        "conversations.broadcast",
        "there are 0",
        (
            "delete from messages where conversation_id = {everyone}",
            "delete from members where conversation_id = {everyone}",
            "delete from conversations where id = {everyone}",
        ),
        also=_also("users.everyone"),
    ),
    Damage(
        "conversations.names",
        "conversation {everyone}, broadcast",
        (
            "update conversations set name_key = 'Ops' where id = {ops}",
            "update conversations set name_key = null where id = {everyone}",
            "update conversations set name = 'talk' where id = {pair}",
        ),
        problems=3,
    ),
    Damage(
        "conversations.one_name",
        "conversations {everyone} and {ops}",
        ("update conversations set name_key = '*' where id = {ops}",),
        loosen="conversations",
        also=_also("conversations.names"),
    ),
    Damage(
        "conversations.pairs",
        "conversation {pair}, direct",
        (
            "update conversations set user_low = user_high, user_high = user_low where id = {pair}",
            "update conversations set user_low = {ani}, user_high = {budi} where id = {ops}",
        ),
        problems=2,
    ),
    Damage(
        "conversations.one_pair",
        "conversations {pair} and {notes}",
        ("update conversations set user_low = {ani}, user_high = {budi} where id = {notes}",),
        loosen="conversations",
        also=_also("conversations.company", "messages.strangers"),
    ),
    Damage(
        "conversations.partners",
        "conversation {pair}: users {ani} and 99",
        ("update conversations set user_high = 99 where id = {pair}",),
        also=_also("conversations.company", "messages.strangers"),
    ),
    Damage(
        "conversations.company",
        "conversation {pair} has 1 members, 1 of its users among them",
        (
            "delete from members where conversation_id = {pair} and user_id = {budi}",
            "insert into members (conversation_id, user_id, joined_at) values ({notes}, {citra}, 0)",
        ),
        problems=2,
    ),
    Damage(
        "conversations.topics",
        "conversation {pair}",
        (
            "update conversations set topic = substr(topic, 1, 15) where id = {pair}",
            "update conversations set topic = (select topic from users where id = {ani}) where id = {ops}",
        ),
        problems=2,
        also=_also("topics.doubles"),
    ),
    Damage(
        "groups.members",
        "group {ops}",
        ("delete from members where conversation_id = {ops}",),
        also=_also("groups.creators"),
    ),
    Damage(
        "groups.creators",
        "group {ops}: user {dewi}",
        ("update conversations set creator_id = {dewi} where id = {ops}",),
    ),
    Damage(
        "groups.creators",
        "group {ops}: user 0",
        ("update conversations set creator_id = null where id = {ops}",),
    ),
    Damage(
        "groups.passwords",
        "conversation {pair}",
        (
            "update conversations set password = 'please' where id = {ops}",
            "update conversations set password ="
            " (select password from users where id = {ani}) where id = {pair}",
        ),
        problems=2,
    ),
    Damage(
        "members.conversations",
        "user {ani} in conversation 99",
        ("insert into members (conversation_id, user_id, joined_at) values (99, {ani}, 0)",),
    ),
    Damage(
        "members.users",
        "user 99 in conversation {ops}",
        ("insert into members (conversation_id, user_id, joined_at) values ({ops}, 99, 0)",),
    ),
    Damage(
        "members.doubles",
        "user {ani} in conversation {pair}, 2 times",
        ("insert into members select * from members where conversation_id = {pair} and user_id = {ani}",),
        loosen="members",
        also=_also("conversations.company"),
    ),
    Damage(
        "members.departures",
        "user {ani} in conversation {ops}",
        ("insert into departures (user_id, conversation_id) values ({ani}, {ops})",),
    ),
    Damage(
        "members.read_seq",
        "user {budi} in conversation {pair} has read up to 7 of 6",
        (
            "update members set read_seq = 7, own_unread = 0"
            " where conversation_id = {pair} and user_id = {budi}",
        ),
    ),
    Damage(
        "members.read_seq",
        "user {budi} in conversation {ops} has read up to -1 of 4",
        ("update members set read_seq = -1 where conversation_id = {ops} and user_id = {budi}",),
    ),
    Damage(
        "members.unread",
        "user {ani} in conversation {pair} has 1 of their own behind 4, not 0",
        (
            "update members set own_unread = 0 where conversation_id = {pair} and user_id = {ani}",
            "update members set own_unread = 9 where conversation_id = {ops} and user_id = {budi}",
        ),
        problems=2,
    ),
    Damage("users.names", "user {budi}", ("update users set name_key = 'Budi' where id = {budi}",)),
    Damage(
        "users.one_name",
        "users {ani} and {citra}",
        ("update users set name = 'ani', name_key = 'ani' where id = {citra}",),
        loosen="users",
    ),
    Damage("users.passwords", "user {dewi}", ("update users set password = 'dewi1234' where id = {dewi}",)),
    Damage(
        "users.topics",
        "user {ani}",
        (
            "update users set topic = substr(topic, 1, 15) where id = {ani}",
            "update users set topic = (select topic from conversations where id = {ops}) where id = {budi}",
        ),
        problems=2,
        also=_also("topics.doubles"),
    ),
    Damage(
        "users.everyone",
        "user {citra}",
        ("delete from members where conversation_id = {everyone} and user_id = {citra}",),
    ),
    Damage(
        "topics.doubles",
        "user {ani} and user {dewi}",
        ("update users set topic = (select topic from users where id = {dewi}) where id = {ani}",),
    ),
    Damage(
        "sessions.users",
        "session {session} of user 99",
        ("update sessions set user_id = 99 where id = {session}",),
    ),
    Damage(
        "sessions.tokens",
        "session {session}",
        ("update sessions set token_hash = substr(token_hash, 1, 16) where id = {session}",),
    ),
    Damage(
        "sessions.tokens",
        "session {session}",
        ("update sessions set token_hash = (select token_hash from sessions where id = {session})",),
        loosen="sessions",
    ),
    Damage(
        "presence.users",
        "user 99",
        ("insert into presence (broker, user_id) select broker, 99 from presence where user_id = {ani}",),
    ),
    Damage(
        "known_addresses.users",
        "user 99",
        ("insert into known_addresses (user_id, address, seen_at) values (99, '10.0.0.1', 0)",),
    ),
)
"""On either engine."""

OF_ENGINE: dict[str, tuple[Damage, ...]] = {
    "sqlite": (
        Damage(
            "engine.integrity", "wrong # of entries in index sessions_of_user", do=_empty_an_index, problems=0
        ),
        Damage(
            "engine.foreign_keys",
            "table notebooks refers to a row of users that does not exist",
            (
                "create table notebooks (owner integer references users (id))",
                "insert into notebooks values (99)",
            ),
        ),
    ),
    "postgres": (Damage("engine.indexes", "index halved of members", do=_half_an_index),),
}


def damages(dialect: str) -> list[Damage]:
    """Every way to break a store on one engine."""
    return [*BOTH, *OF_ENGINE[dialect]]


def named(damage: Damage, busy: Busy) -> str:
    """What fsck says first."""
    fields: dict[str, Any] = busy._asdict()
    return damage.says.format(**fields)
