"""Where an imaginary installation keeps its data: a real store, which may be full.

Here: the store of one realm, and an empty one to copy. Not here: what is done with it (``town``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from config.settings import Settings
from services.storage import SQLITE_FILE, open_store
from services.storage.engine import Store, StoreUnavailable, Transaction
from services.storage.migrate import migrate

BEGUN = 1_700_000_000_000_000
"""When every story begins: microseconds since the epoch."""


@cache
def blank(folder: Path) -> Path:
    """A SQLite file with every table, to be copied: making it costs more than most tests."""
    settings = Settings(home=folder / "blank", realm="blank")
    store = open_store(settings)
    migrate(store, BEGUN)
    store.close()
    return settings.home / SQLITE_FILE


class Disk:
    """A realm's store, which may be full."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.dialect = store.dialect
        self.full = False

    def read(self) -> Any:
        """As the store's own."""
        return self._store.read()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """As the store's own, while there is room."""
        if self.full:
            raise StoreUnavailable("the imaginary disk is full")
        with self._store.write() as tx:
            yield tx

    exclusive = write

    def close(self) -> None:
        """As the store's own."""
        self._store.close()
