"""Every way to break a store, one or more for every rule that fsck knows; here those of whole tables.

Each says which check names it, with the words of its first line, and which other rules the same
damage cannot but break. Those of the nouns have files of their own.
"""

from __future__ import annotations

from typing import Any

import apsw
import psycopg

from config.settings import Settings
from services.storage import SQLITE_FILE
from tests.services.admin.busy import Busy
from tests.services.admin.damage import Damage
from tests.services.admin.file_damages import FILES
from tests.services.admin.people_damages import PEOPLE
from tests.services.admin.realm_damages import REALMS
from tests.services.admin.storage_damages import STORAGE
from tests.services.admin.talk_damages import TALK


def _empty_an_index(settings: Settings, busy: Busy) -> None:
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


def _half_an_index(settings: Settings, busy: Busy) -> None:
    """As a build that was broken off leaves it."""
    with psycopg.connect(settings.database, autocommit=True) as connection:
        try:
            connection.execute("create unique index concurrently halved on members (user_id)")
        except psycopg.errors.UniqueViolation:
            return
    raise AssertionError("the index was built")


SCHEMA = (
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
)

BOTH = (*SCHEMA, *TALK, *PEOPLE, *FILES, *STORAGE, *REALMS)
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
