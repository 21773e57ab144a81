"""Every test that asks for ``store`` runs on both engines, each with an empty database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from config.settings import Settings
from services.storage import open_store
from services.storage.engine import Store
from services.storage.migrate import migrate
from tests.conftest import empty_schema
from tests.services.house import House
from tests.services.realms import meet, pair
from tests.services.tables import Tables
from tests.services.world import NOW, World


@pytest.fixture(scope="session")
def tables(postgres_address: str) -> Iterator[Tables]:
    """A schema with every table, for one test after the other."""
    tables = Tables(postgres_address)
    yield tables
    tables.close()


@pytest.fixture
def postgres_schema(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty one; who asks for a ``store`` gets one that has its tables already."""
    if "store" in request.fixturenames:
        tables: Tables = request.getfixturevalue("tables")
        schema = tables.lend(tmp_path)
    else:
        schema = empty_schema(request.getfixturevalue("postgres_address"))
    with schema as address:
        yield address


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    """Settings with an empty database, once for each engine; password hashes are cheap."""
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
def abroad(world: World) -> World:
    """The world, paired with the realm b, of which bob is known."""
    pair(world)
    meet(world, "Bob")
    return world


@pytest.fixture
def narrow(settings: Settings, store: Store) -> World:
    """The world, whose outboxes hold three messages, or 1000 bytes."""
    bounds = {"realm_outbox_messages": 3, "realm_outbox_bytes": 1000, "realm_outbox_share": 100}
    tight = msgspec.structs.replace(settings, **bounds)
    world = World(tight, store)
    pair(world)
    meet(world, "bob")
    return world


@pytest.fixture
def house(settings: Settings, store: Store) -> House:
    """The auth, group and file services, and nobody yet."""
    return House(store, settings)
