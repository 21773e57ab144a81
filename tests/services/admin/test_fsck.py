"""fsck finds a busy store clean, and names whatever is broken in it, on both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import NamedTuple

import psycopg
import pytest
from _pytest.mark import ParameterSet

from config.settings import Settings
from services.admin import schema
from services.admin.fsck import NAMED, Result, Scene, run
from services.admin.program import groups, line, record
from services.admin.schema import expected, objects
from services.storage import open_reader, open_store
from services.storage.engine import Store, StoreUnavailable, Transaction
from services.storage.migrate import Migration, migrate
from tests.conftest import empty_schema
from tests.services.admin.busy import SECRET, Busy, busy
from tests.services.admin.damage import Damage
from tests.services.admin.damages import damages, named
from tests.services.world import NOW

ENGINES = ("sqlite", "postgres")

Lender = Callable[[str], "Kept"]


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


def cases(*, of_storage: bool) -> Iterator[ParameterSet]:
    """(engine, damage) of every way to break a store, with its files or without."""
    for engine in ENGINES:
        marks = [pytest.mark.postgres] if engine == "postgres" else []
        for number, damage in enumerate(damages(engine)):
            if damage.of_storage == of_storage:
                yield pytest.param(engine, damage, marks=marks, id=f"{engine}-{damage.check}-{number}")


class Kept(NamedTuple):
    """A busy store, for one test after the other: each takes back what it did."""

    settings: Settings
    store: Store
    busy: Busy


class Within(NamedTuple):
    """A reader that sees what an open transaction has changed."""

    dialect: str
    tx: Transaction

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        yield self.tx

    def close(self) -> None:
        pass


class TakenBack(Exception):
    """Leaves a transaction, so that nothing of it stays."""


@pytest.fixture(scope="module")
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lender]:
    """The busy store of an engine. To fill one takes longer than to look at it twenty times."""
    with ExitStack() as stack:

        @cache
        def lend(engine: str) -> Kept:
            database = ""
            if engine == "postgres":
                database = stack.enter_context(empty_schema(request.getfixturevalue("postgres_address")))
            home = tmp_path_factory.mktemp(engine)
            settings = Settings(
                home=home, realm="here", database=database, password_memory_kib=8, password_passes=1
            )
            store = open_store(settings)
            stack.callback(store.close)
            migrate(store, NOW)
            return Kept(settings, store, busy(settings, store))

        yield lend


@pytest.fixture
def sound(settings: Settings, store: Store) -> Busy:
    """A busy store."""
    return busy(settings, store)


def test_an_empty_store_is_clean(settings: Settings, store: Store) -> None:
    assert faulty(look(settings)) == {}


def test_a_busy_store_is_clean(settings: Settings, store: Store, sound: Busy) -> None:
    assert {name: line(result) for name, result in faulty(look(settings)).items()} == {}


@pytest.mark.parametrize(("engine", "damage"), list(cases(of_storage=False)))
def test_a_broken_rule_is_named_with_what_breaks_it(kept: Lender, engine: str, damage: Damage) -> None:
    settings, store, sound = kept(engine)
    with pytest.raises(TakenBack), store.exclusive() as tx:
        damage.change(tx, engine, sound)
        found = run(Within(engine, tx), settings, groups(engine, hashes=True))
        names_it(damage, engine, sound, {result.check.name: result for result in found}, secrets(tx))
        raise TakenBack


@pytest.mark.parametrize(("database", "damage"), list(cases(of_storage=True)), indirect=["database"])
def test_what_is_broken_between_the_store_and_its_files_is_named(
    settings: Settings, store: Store, sound: Busy, damage: Damage
) -> None:
    damage.inflict(settings, store, sound)
    with store.read() as tx:
        hidden = secrets(tx)
    names_it(damage, store.dialect, sound, look(settings), hidden)


def test_what_tests_share_is_clean_and_stays_so(kept: Lender, database: str) -> None:
    settings, store, _busy = kept("postgres" if database else "sqlite")
    with pytest.raises(TakenBack), store.exclusive() as tx:
        tx.run("delete from messages")
        raise TakenBack
    assert faulty(look(settings)) == {}


def names_it(
    damage: Damage, dialect: str, sound: Busy, results: dict[str, Result], hidden: list[bytes]
) -> None:
    """What is broken is named, nothing else is, and nothing secret is shown."""
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
        assert broken.keys() == damage.others(dialect)
    shown = "".join(f"{line(result)} {record(result)}" for result in results.values())
    assert SECRET not in shown
    assert "argon2" not in shown
    for secret in hidden:
        assert secret.hex() not in shown
        assert repr(secret) not in shown


def secrets(tx: Transaction) -> list[bytes]:
    """Every topic and every hash of a token."""
    found = tx.rows("select topic from users union select topic from conversations")
    return [row[0] for row in [*found, *tx.rows("select token_hash from sessions")]]


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
