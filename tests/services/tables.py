"""A schema with every table, lent to one test after the other: making it costs more than most tests.

Handed back, its rows are deleted and its numbers begin at 1 again. A schema that a test changed, filled or
holds on to is dropped instead, and the next test gets a new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from config.settings import Settings
from services.storage import open_store
from services.storage.migrate import migrate
from tests.conftest import empty_schema
from tests.services.world import NOW

MANY = 2000
"""Rows after which a new schema is cheaper than this one with so many dead rows in it."""

_SHAPE = """
with ours as (select oid from pg_class where relnamespace = current_schema()::regnamespace)
select md5(string_agg(line, ';' order by line)) from (
    select concat_ws(' ', attrelid::regclass, attname, format_type(atttypid, atttypmod), attcollation,
        attnotnull, attidentity, atthasdef, attisdropped) as line
    from pg_attribute where attnum > 0 and attrelid in (select oid from ours)
    union all select concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid, indisready)
    from pg_index where indrelid in (select oid from ours)
    union all select concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated)
    from pg_constraint where conrelid in (select oid from ours)
    union all select concat_ws(' ', pg_get_triggerdef(oid), tgenabled)
    from pg_trigger where tgrelid in (select oid from ours)
    union all select concat_ws(' ', relname, relkind, relpersistence, reloptions)
    from pg_class where oid in (select oid from ours)
    union all select concat_ws(' ', proname, oid)
    from pg_proc where pronamespace = current_schema()::regnamespace
    union all select concat_ws(' ', number, name, applied_at) from migrations
) lines
"""
_TABLES = "select tablename from pg_tables where schemaname = current_schema() and tablename <> 'migrations'"
_FROM_ONE = (
    "select setval(quote_ident(sequencename)::regclass, 1, false) from pg_sequences"
    " where schemaname = current_schema()"
)


class Tables:
    """At most one schema at a time, kept between tests."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._kept = ExitStack()
        self._address = ""
        self._connection: psycopg.Connection[Any] | None = None
        self._shape: Any = None

    @contextmanager
    def lend(self, home: Path) -> Iterator[str]:
        """The address of a schema with every table and no row in any but ``migrations``."""
        if not self._address:
            self._make(home)
        yield self._address
        if not self._cleared():
            self.close()

    def close(self) -> None:
        """Drop the schema, if there is one."""
        self._address = ""
        self._kept.close()

    def _make(self, home: Path) -> None:
        self._address = self._kept.enter_context(empty_schema(self._server))
        store = open_store(Settings(home=home, realm="here", database=self._address))
        migrate(store, NOW)
        store.close()
        self._connection = self._kept.enter_context(psycopg.connect(self._address, autocommit=True))
        self._shape = self._connection.execute(_SHAPE).fetchone()
        assert self._cleared()

    def _cleared(self) -> bool:
        """Every row is gone again, and nothing else has changed."""
        connection = self._connection
        assert connection is not None
        try:
            with connection.transaction():
                connection.execute("set local lock_timeout = '1s'")
                if connection.execute(_SHAPE).fetchone() != self._shape:
                    return False
                rows = 0
                for (name,) in connection.execute(_TABLES).fetchall():
                    rows += connection.execute(
                        sql.SQL("delete from {}").format(sql.Identifier(name))
                    ).rowcount
                connection.execute(_FROM_ONE)
                return rows <= MANY
        except psycopg.Error:
            return False
