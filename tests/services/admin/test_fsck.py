"""fsck finds a busy store clean, and names whatever is broken in it, on both engines."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from _pytest.mark import ParameterSet

from config.settings import Settings
from services.admin import schema
from services.admin.fsck import NAMED, Result, Scene, run
from services.admin.program import groups, line, record
from services.admin.schema import expected, objects
from services.storage import open_reader
from services.storage.engine import Store, StoreUnavailable
from services.storage.migrate import Migration
from tests.services.admin.busy import SECRET, Busy, busy
from tests.services.admin.damage import Damage
from tests.services.admin.damages import damages, named

ENGINES = ("sqlite", "postgres")


def look(settings: Settings) -> dict[str, Result]:
    """Every check's result by name."""
    reader = open_reader(settings)
    try:
        checks = groups(reader.dialect, hashes=True)
        return {result.check.name: result for result in run(reader, settings, checks)}
    finally:
        reader.close()


def faulty(results: dict[str, Result]) -> dict[str, Result]:
    return {name: result for name, result in results.items() if not result.ok}


def cases() -> Iterator[ParameterSet]:
    """(engine, damage) of every way to break a store."""
    for engine in ENGINES:
        marks = [pytest.mark.postgres] if engine == "postgres" else []
        for number, damage in enumerate(damages(engine)):
            yield pytest.param(engine, damage, marks=marks, id=f"{engine}-{damage.check}-{number}")


@pytest.fixture
def sound(settings: Settings, store: Store) -> Busy:
    """A busy store."""
    return busy(settings, store)


def test_an_empty_store_is_clean(settings: Settings, store: Store) -> None:
    assert faulty(look(settings)) == {}


def test_a_busy_store_is_clean(settings: Settings, store: Store, sound: Busy) -> None:
    assert {name: line(result) for name, result in faulty(look(settings)).items()} == {}


@pytest.mark.parametrize(("database", "damage"), list(cases()), indirect=["database"])
def test_a_broken_rule_is_named_with_what_breaks_it(
    settings: Settings, store: Store, sound: Busy, damage: Damage
) -> None:
    damage.inflict(settings, store, sound)
    results = look(settings)
    broken = faulty(results)
    result = broken.pop(damage.check)
    assert result.ran
    assert result.found.problems == damage.problems or not damage.problems
    assert any(problem.startswith(named(damage, sound)) for problem in result.found.first)
    assert "\n" not in line(result)
    if damage.gate:
        assert len(broken) == len(results) - 1
        assert not any(other.ran for other in broken.values())
    else:
        assert broken.keys() == damage.others(store.dialect)
    nothing_secret(store, "".join(f"{line(result)} {record(result)}" for result in results.values()))


def nothing_secret(store: Store, shown: str) -> None:
    """No text of a message, topic or hash."""
    with store.read() as tx:
        secrets = [row[0] for row in tx.rows("select topic from users union select topic from conversations")]
        secrets += [row[0] for row in tx.rows("select token_hash from sessions")]
    assert SECRET not in shown
    assert "argon2" not in shown
    for secret in secrets:
        assert secret.hex() not in shown
        assert repr(secret) not in shown


@pytest.mark.parametrize("engine", ENGINES)
def test_there_is_a_damage_for_every_check(engine: str) -> None:
    names = [check.name for group in groups(engine, hashes=True) for check in group.checks]
    assert len(set(names)) == len(names)
    assert {damage.check for damage in damages(engine)} == set(names)


def test_a_million_problems_are_counted_and_a_few_are_named(settings: Settings, store: Store) -> None:
    with store.write() as tx:
        for user in range(1, 1001):
            tx.run(
                "insert into messages (conversation_id, seq, sender_id, id, body, sent_at)"
                " values (1, $1, 1, $2, 'x', 0)",
                (user * 3, user.to_bytes(16, "big")),
            )
    result = look(settings)["messages.holes"]
    assert (result.found.problems, len(result.found.first)) == (1000, NAMED)
    assert line(result).startswith("messages.holes: 1000 problems: conversation 1 lacks 1..2; ")
    assert line(result).endswith("; …")


def test_a_check_that_cannot_be_done_is_a_problem_and_stops_no_other(
    settings: Settings, store: Store, sound: Busy
) -> None:
    with store.exclusive() as tx:
        tx.script("drop table presence")
    results = look(settings)
    assert faulty(results).keys() == {"schema.objects", "presence.users"}
    result = results["presence.users"]
    assert not result.ran
    assert "could not be looked at: " in line(result)
    assert "presence" in line(result)
    assert record(result)["ran"] is False


def test_fsck_sees_one_moment_and_holds_up_no_writer(settings: Settings, store: Store, sound: Busy) -> None:
    reader = open_reader(settings)
    results = run(reader, settings, groups(reader.dialect))
    first = next(results)
    with store.write() as tx:
        tx.run("delete from messages")
    assert first.ok
    assert all(result.ok for result in results)
    reader.close()
    assert not look(settings)["conversations.last_seq"].ok


def test_fsck_can_write_nothing(settings: Settings, store: Store) -> None:
    reader = open_reader(settings)
    with pytest.raises((StoreUnavailable, psycopg.Error)), reader.read() as tx:
        tx.run("delete from conversations")
    reader.close()
    assert faulty(look(settings)) == {}


def test_every_table_and_index_of_the_migrations_is_expected(settings: Settings, store: Store) -> None:
    with store.read() as tx:
        there = objects(Scene(tx, store.dialect, settings))
    assert expected(store.dialect) <= there
    own = {
        name
        for name in there
        if not name.startswith("sqlite_") and not name.endswith(("_pkey", "_key", "_seq"))
    }
    assert expected(store.dialect) == own - {"migrations"}


def test_what_a_later_migration_drops_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Migration(1, "first", "create table a (b integer); create unique index c on a (b);")
    second = Migration(2, "second", "drop index c; create table d (e integer);")
    monkeypatch.setattr(schema, "migrations", lambda dialect: [first, second])
    assert expected("sqlite") == {"a", "d"}
