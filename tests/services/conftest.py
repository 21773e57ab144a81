"""Every test that asks for ``store`` runs on both engines, each with an empty database of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from config.settings import Settings
from services.storage import open_store
from services.storage.engine import Store
from services.storage.migrate import migrate
from tests.services.house import House
from tests.services.postgres_server import PostgresServer
from tests.services.world import NOW, World


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    """The server in ``PESAN_TEST_DATABASE``, or one of our own."""
    named = os.environ.get("PESAN_TEST_DATABASE")
    if named:
        yield named
        return
    server = PostgresServer()
    yield server.address
    server.stop()


@pytest.fixture
def postgres_schema(postgres_address: str) -> Iterator[str]:
    """A connection string that leads to an empty schema, dropped afterwards."""
    schema = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        connection.execute(f"create schema {schema}".encode())
        mark = "&" if "?" in postgres_address else "?"
        yield f"{postgres_address}{mark}options=-csearch_path%3D{schema}"
        connection.execute(f"drop schema {schema} cascade".encode())


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with an empty database, once for each engine; password hashes are cheap."""
    database = request.getfixturevalue("postgres_schema") if request.param == "postgres" else ""
    plain = Settings(home=tmp_path, realm="here", database=database)
    return msgspec.structs.replace(plain, password_memory_kib=8, password_passes=1)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """An open store with every table and no user."""
    store = open_store(settings)
    migrate(store, NOW)
    yield store
    store.close()


@pytest.fixture
def world(settings: Settings, store: Store) -> World:
    """Ani, Budi, Citra and Dewi, and a messaging service that answers them."""
    return World(settings, store)


@pytest.fixture
def house(settings: Settings, store: Store) -> House:
    """The auth, group and file services, and nobody yet."""
    return House(store, settings)
