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
from tests.services.house import House
from tests.services.world import NOW, World


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
def house(settings: Settings, store: Store) -> House:
    """The auth, group and file services, and nobody yet."""
    return House(store, settings)
