"""Whether the tables themselves are sound: their version, that they are all there, what the engine finds.

Belongs here: checks that differ between the engines or look at the catalogue. Rules about what is in
the tables are ``checks``'.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from services.admin.fsck import NAMED, Found, Query, Scene
from services.storage.migrate import migrations

_MADE: Final = re.compile(r"\bcreate\s+(?:unique\s+)?(?:table|index)\s+(\w+)", re.IGNORECASE)
_DROPPED: Final = re.compile(r"\bdrop\s+(?:table|index)\s+(\w+)", re.IGNORECASE)


class Version(NamedTuple):
    """Every migration of this release was applied, and none of a newer one."""

    name: str = "schema.version"
    sentence: str = "The tables are those of this release."

    def look(self, scene: Scene) -> Found:
        """One problem for each number that is there or missing and should not be."""
        known = {each.number for each in migrations(scene.dialect)}
        if "migrations" not in objects(scene):
            return Found(1, ["this database was never used by Pesan: it has no table of migrations"])
        done = {int(row[0]) for row in scene.tx.rows("select number from migrations")}
        problems = [
            f"migration {number} was made by a newer Pesan"
            if number in done
            else f"migration {number} is still to come: start the server once"
            for number in sorted(known ^ done)
        ]
        return Found(len(problems), problems[:NAMED])


class Objects(NamedTuple):
    """Every table and index that the migrations made is there."""

    name: str = "schema.objects"
    sentence: str = "Every table and index is there."

    def look(self, scene: Scene) -> Found:
        """One problem for each that is missing."""
        missing = sorted(expected(scene.dialect) - objects(scene))
        return Found(len(missing), [f"{name} is missing" for name in missing[:NAMED]])


def expected(dialect: str) -> set[str]:
    """Names of the tables and indexes that are left when every migration was applied."""
    names: set[str] = set()
    for migration in migrations(dialect):
        names -= set(_DROPPED.findall(migration.sql))
        names |= set(_MADE.findall(migration.sql))
    return names


def objects(scene: Scene) -> set[str]:
    """Names of the tables and indexes that there are."""
    return {str(row[0]) for row in scene.tx.rows(_CATALOGUE[scene.dialect])}


_CATALOGUE: Final = {
    "sqlite": "select name from sqlite_schema",
    "postgres": "select relname::text from pg_class where relnamespace = current_schema()::regnamespace",
}

ENGINE: Final = {
    "sqlite": (
        Query(
            "engine.integrity",
            "The file is as SQLite made it: pragma integrity_check.",
            "{}",
            "select integrity_check from pragma_integrity_check where integrity_check <> 'ok'",
        ),
        Query(
            "engine.foreign_keys",
            "Foreign keys lead somewhere: pragma foreign_key_check.",
            "table {} refers to a row of {} that does not exist",
            'select "table", parent from pragma_foreign_key_check order by 1, 2',
        ),
    ),
    "postgres": (
        Query(
            "engine.indexes",
            "Every index is whole and in use.",
            "index {} of {}",
            "select indexrelid::regclass::text, indrelid::regclass::text from pg_index"
            " join pg_class on pg_class.oid = indexrelid"
            " where relnamespace = current_schema()::regnamespace"
            " and not (indisvalid and indisready and indislive) order by 1",
        ),
    ),
}
"""What the engines can find out about themselves."""
