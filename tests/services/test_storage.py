"""What every engine promises: transactions, savepoints, bulk statements, and three ways to fail."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import apsw
import msgspec
import psycopg
import pytest

from config.settings import Settings
from services.storage import SQLITE_FILE, migrate, open_store, sqlite
from services.storage.engine import Bulk, Duplicate, Store, StoreBusy, StoreDamaged, StoreUnavailable
from services.storage.sqlite import SqliteStore

INSERT = "insert into presence (broker, user_id) values ($1, $2)"
COUNT = "select count(*) from presence"
BULK = Bulk(
    each=INSERT + " returning user_id",
    arrays="insert into presence (broker, user_id)"
    " select * from unnest($1::bytea[], $2::bigint[]) returning user_id",
)


def count(store: Store) -> int:
    with store.read() as tx:
        return int(tx.rows(COUNT)[0][0])


def test_what_a_write_block_did_is_there_after_it_in_a_new_connection(
    store: Store, settings: Settings
) -> None:
    with store.write() as tx:
        assert tx.run(INSERT, (b"x", 1)) == 1
    store.close()
    again = open_store(settings)
    assert count(again) == 1
    again.close()


def test_an_exception_undoes_a_write_block_and_goes_on(store: Store) -> None:
    with pytest.raises(KeyError), store.write() as tx:
        tx.run(INSERT, (b"x", 1))
        raise KeyError
    assert count(store) == 0


def test_a_savepoint_is_undone_alone(store: Store) -> None:
    with store.write() as tx:
        tx.run(INSERT, (b"x", 1))
        with pytest.raises(Duplicate), tx.savepoint():
            tx.run(INSERT, (b"x", 2))
            tx.run(INSERT, (b"x", 1))
        with tx.savepoint():
            tx.run(INSERT, (b"x", 3))
            with pytest.raises(KeyError), tx.savepoint():
                tx.run(INSERT, (b"x", 4))
                raise KeyError
    with store.read() as tx:
        assert tx.rows("select user_id from presence order by 1") == [(1,), (3,)]


def test_a_bulk_statement_runs_for_every_row_and_returns_what_each_returned(store: Store) -> None:
    with store.write() as tx:
        assert sorted(tx.bulk(BULK, [(b"x", n) for n in range(300)])) == [(n,) for n in range(300)]
        assert tx.bulk(BULK, []) == []
        with pytest.raises(Duplicate), tx.savepoint():
            tx.bulk(BULK, [(b"y", 1), (b"x", 7)])
    assert count(store) == 300


def test_run_counts_the_rows_it_changed(store: Store) -> None:
    with store.write() as tx:
        tx.bulk(BULK, [(b"x", n) for n in range(5)])
        assert tx.run("update presence set user_id = user_id + 10 where user_id >= $1", (3,)) == 2
        assert tx.run("delete from presence where user_id < $1", (0,)) == 0
        assert tx.row("select 1 from presence where user_id = $1", (99,)) is None


def test_a_read_sees_one_moment(store: Store, settings: Settings) -> None:
    other = open_store(settings)
    with store.read() as tx:
        assert tx.rows(COUNT) == [(0,)]
        with other.write() as writing:
            writing.run(INSERT, (b"x", 1))
        assert tx.rows(COUNT) == [(0,)]
    assert count(store) == 1
    other.close()


def test_every_kind_of_value_comes_back_as_it_was_stored(store: Store) -> None:
    topic, name, big = bytes(range(16)), "Ünïcødé 🌶️ '\"$1%s", 2**63 - 1
    with store.write() as tx:
        tx.run(
            "insert into users (name, name_key, password, topic, created_at) values ($1, $2, $1, $3, $4)",
            (name, "key", topic, big),
        )
    with store.read() as tx:
        row = tx.row("select name, password, topic, created_at, last_seen_at from users")
    assert row == (name, name, topic, big, 0)


def test_names_are_ordered_byte_by_byte_on_every_engine(store: Store) -> None:
    keys = ["_x", "a", "a-b", "a.b", "ab", "b", "0"]
    with store.write() as tx:
        for key in keys:
            tx.run(
                "insert into users (name, name_key, password, topic, created_at) values ($1, $1, '', $2, 0)",
                (key, b"u" * 16),
            )
    with store.read() as tx:
        assert [row[0] for row in tx.rows("select name from users order by name_key")] == sorted(keys)


def test_migrating_twice_does_nothing_the_second_time(store: Store) -> None:
    assert migrate.migrate(store, 5) == []


def test_a_database_of_a_newer_release_is_refused(store: Store) -> None:
    with store.write() as tx:
        tx.run("insert into migrations (number, name, applied_at) values (99, 'later', 0)")
    with pytest.raises(StoreUnavailable, match="newer"):
        migrate.migrate(store, 5)


def test_a_migration_that_fails_leaves_nothing_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    known = migrate.migrations(store.dialect)
    broken = migrate.Migration(98, "broken", "create table half (id bigint); this is no SQL;")
    monkeypatch.setattr(migrate, "migrations", lambda dialect: [*known, broken])
    with pytest.raises(StoreUnavailable, match="Migration 98 does not fit"):
        migrate.migrate(store, 5)
    monkeypatch.undo()
    assert migrate.migrate(store, 5) == []
    with pytest.raises((apsw.SQLError, psycopg.errors.UndefinedTable)), store.read() as tx:
        tx.rows("select * from half")


def test_both_engines_have_the_same_migrations_and_the_same_tables(settings: Settings, store: Store) -> None:
    names = [[(each.number, each.name) for each in migrate.migrations(d)] for d in ("sqlite", "postgres")]
    assert names[0] == names[1] != []
    tables = ("users", "sessions", "conversations", "members", "messages", "presence")
    with store.read() as tx:
        assert [tx.rows(f"select count(*) from {table}")[0][0] for table in tables] == [0, 0, 1, 0, 0, 0]


def test_closing_twice_is_fine(store: Store) -> None:
    store.close()
    store.close()


# --- SQLite alone -------------------------------------------------------------------------------


@pytest.fixture
def lite(tmp_path: Path) -> SqliteStore:
    store = SqliteStore(tmp_path / SQLITE_FILE)
    migrate.migrate(store, 0)
    return store


def connection(store: SqliteStore) -> apsw.Connection:
    found = store._connection
    assert found is not None
    return found


def test_sqlite_syncs_its_write_ahead_log_at_every_commit(lite: SqliteStore) -> None:
    assert connection(lite).pragma("journal_mode") == "wal"
    assert connection(lite).pragma("synchronous") == 2
    assert tuple(map(int, apsw.sqlite_lib_version().split("."))) >= (3, 51, 3)
    lite.close()


def test_a_full_disk_is_unavailable_and_the_store_recovers(lite: SqliteStore) -> None:
    pages = connection(lite).pragma("page_count")
    connection(lite).pragma("max_page_count", pages)
    rows = [(b"x" * 1000, n) for n in range(200)]
    with pytest.raises(StoreUnavailable), lite.write() as tx:
        tx.bulk(BULK, rows)
    assert count(lite) == 0
    with lite.write() as tx:  # a new connection, without the limit
        tx.bulk(BULK, rows)
    assert count(lite) == 200
    lite.close()


def test_a_full_disk_inside_a_savepoint_is_unavailable_too(lite: SqliteStore) -> None:
    connection(lite).pragma("max_page_count", connection(lite).pragma("page_count"))
    with pytest.raises(StoreUnavailable), lite.write() as tx, tx.savepoint():
        tx.bulk(BULK, [(b"x" * 1000, n) for n in range(200)])
    assert count(lite) == 0
    lite.close()


def test_a_stranger_who_holds_the_database_makes_it_busy_not_broken(
    lite: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection(lite).set_busy_timeout(1)
    stranger = apsw.Connection(str(tmp_path / SQLITE_FILE))
    stranger.execute("begin immediate")
    with pytest.raises(StoreBusy), lite.write():
        pass
    stranger.execute("rollback")
    stranger.close()
    with lite.write() as tx:
        tx.run(INSERT, (b"x", 1))
    lite.close()


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / SQLITE_FILE).write_bytes(b"not a database" * 100)
    with pytest.raises(StoreUnavailable, match=SQLITE_FILE):
        SqliteStore(tmp_path / SQLITE_FILE)


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        SqliteStore(tmp_path / "no" / SQLITE_FILE)


def test_the_data_folder_is_its_owners_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    store = open_store(Settings(home=home))
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    store.close()


# --- PostgreSQL alone ---------------------------------------------------------------------------


@pytest.mark.postgres
def test_a_lost_connection_is_unavailable_and_made_anew(tmp_path: Path, postgres_schema: str) -> None:
    store = open_store(Settings(home=tmp_path, database=postgres_schema))
    migrate.migrate(store, 0)
    with pytest.raises(StoreUnavailable), store.write() as tx:
        tx.run(INSERT, (b"x", 1))
        row = tx.row("select pg_backend_pid()")
        assert row is not None
        with psycopg.connect(postgres_schema, autocommit=True) as other:
            other.execute("select pg_terminate_backend(%s)", row)
        for _ in range(1000):
            tx.run(INSERT, (b"x", 2))
            tx.run("delete from presence")
    assert count(store) == 0
    store.close()


@pytest.mark.postgres
def test_a_row_that_someone_else_keeps_locked_makes_the_store_busy(
    tmp_path: Path, postgres_schema: str
) -> None:
    store = open_store(Settings(home=tmp_path, database=postgres_schema))
    migrate.migrate(store, 0)
    with store.write() as tx:
        tx.rows("select set_config('lock_timeout', '100ms', false)")
        tx.bulk(BULK, [(b"x", 1), (b"x", 2)])
    update = "update presence set broker = broker where user_id = "
    with psycopg.connect(postgres_schema) as other:
        other.execute(update + "1")
        with pytest.raises(StoreBusy), store.write() as tx:
            tx.run(update + "$1", (1,))
    with store.write() as tx:
        assert tx.run(update + "$1", (1,)) == 1
    store.close()


@pytest.mark.postgres
def test_an_answer_means_on_disk_whatever_the_database_is_set_to(
    tmp_path: Path, postgres_schema: str
) -> None:
    careless = f"{postgres_schema}%20-csynchronous_commit%3Doff"
    with psycopg.connect(careless) as plain:
        assert plain.execute("show synchronous_commit").fetchone() == ("off",)
    store = open_store(Settings(home=tmp_path, database=careless))
    with store.read() as tx:
        assert tx.row("show synchronous_commit") == ("on",)
    store.close()


@pytest.mark.parametrize(
    "database", ["postgresql://nobody@127.0.0.1:1/none", "postgresql://h?no_such_option=1", "not an address"]
)
def test_a_database_that_cannot_be_reached_is_unavailable(tmp_path: Path, database: str) -> None:
    with pytest.raises(StoreUnavailable, match="PostgreSQL"):
        open_store(msgspec.structs.replace(Settings(home=tmp_path), database=database))


# --- damage ---------------------------------------------------------------------------------------


def spoilt(file: Path, table: str) -> None:
    """Overwrite the first page of a table, as a failing disk would."""
    connection = apsw.Connection(str(file))
    connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    page: Any = connection.execute("select rootpage from sqlite_schema where name = ?", (table,)).get
    size: Any = connection.pragma("page_size")
    connection.close()
    with file.open("r+b") as stream:
        stream.seek((page - 1) * size)
        stream.write(b"\xa5" * size)


def test_a_start_finds_that_the_users_are_damaged_and_says_what_to_do(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / SQLITE_FILE)
    migrate.migrate(store, 1)
    store.watch(lambda sentence: pytest.fail(sentence))
    store.close()
    spoilt(tmp_path / SQLITE_FILE, "users")
    store = SqliteStore(tmp_path / SQLITE_FILE)
    with pytest.raises(StoreDamaged, match=r"damaged.*pesan admin fsck.*restore a backup"):
        store.watch(lambda sentence: None)
    store.close()


def test_damage_that_is_met_later_is_told_of(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / SQLITE_FILE)
    migrate.migrate(store, 1)
    store.close()
    spoilt(tmp_path / SQLITE_FILE, "messages")
    store = SqliteStore(tmp_path / SQLITE_FILE)
    told: list[str] = []
    store.watch(told.append)
    for _ in range(2):
        with pytest.raises(StoreDamaged), store.read() as tx:
            tx.rows("select * from messages")
    assert len(told) == 2 and all("pesan admin fsck" in sentence for sentence in told)
    with store.read() as tx:
        assert tx.rows("select count(*) from users") == [(0,)]
    store.close()


def test_a_look_at_more_users_than_there_is_time_for_finds_nothing_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(tmp_path / SQLITE_FILE)
    migrate.migrate(store, 1)
    monkeypatch.setattr(sqlite, "GLANCE_SECONDS", -1.0)
    monkeypatch.setattr(sqlite, "GLANCE_STEPS", 1)
    store.watch(lambda sentence: None)
    with store.write() as tx:  # and what comes after is not interrupted
        assert tx.rows("select count(*) from messages") == [(0,)]
    store.close()
