"""Everything that is stored: two engines behind one small interface, and one module of SQL per noun.

``engine`` says what a noun may ask of a database, ``sqlite`` and ``postgres`` answer it, ``migrate``
makes the tables. Not here: rules about who may do what; those are the services'.
"""

from __future__ import annotations

from config.folders import private_folder
from config.settings import Settings
from services.storage.engine import Reader, Store

SQLITE_FILE = "pesan.db"
"""Name of the database in the data folder."""


def open_store(settings: Settings) -> Store:
    """The store that the settings name, not yet migrated.

    Raises ``StoreUnavailable`` when it cannot be opened or reached.
    """
    # Imported here: a process pays, in time and memory, only for the engine that it uses.
    if settings.database:
        from services.storage.postgres import PostgresStore

        return PostgresStore(settings.database)
    from services.storage.sqlite import SqliteStore

    return SqliteStore(private_folder(settings.home) / SQLITE_FILE)


def open_reader(settings: Settings) -> Reader:
    """The store that the settings name, for looking only; it may be in use or not.

    Raises ``StoreUnavailable`` when there is none.
    """
    if settings.database:
        from services.storage.postgres import PostgresReader

        return PostgresReader(settings.database)
    from services.storage.sqlite import SqliteReader

    return SqliteReader(settings.home / SQLITE_FILE)
