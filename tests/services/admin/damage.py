"""One way to break a store: what is done to it, and what fsck must then say.

Not here: which ways there are (``damages`` and the files of its nouns).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.settings import Settings
from services.storage.engine import Store, Transaction
from tests.services.admin.busy import Busy


@dataclass(frozen=True)
class Damage:
    """``sql`` is run as it stands, numbers of ``Busy`` put in; ``loosen`` names a table that first loses
    its constraints; ``do`` is what SQL alone cannot do. ``problems`` is how many are
    counted (0: as many as the engine likes to tell); ``gate``: nothing else is looked at then."""

    check: str
    says: str
    sql: tuple[str, ...] = ()
    also: frozenset[str] = frozenset()
    problems: int = 1
    loosen: str = ""
    do: Callable[[Settings, Busy], None] | None = None
    gate: bool = False

    def others(self, dialect: str) -> set[str]:
        """Which other checks fail."""
        # On SQLite a table without its constraints is another table, and has no indexes either.
        lost = self.loosen in ("messages", "members", "sessions", "users") and dialect == "sqlite"
        return {*self.also, *(["schema.objects"] if lost else [])}

    @property
    def of_storage(self) -> bool:
        """Whether files are concerned: then fsck looks a second time, with a reader of its own."""
        return self.do is not None or any(check.startswith("storage.") for check in {self.check, *self.also})

    def inflict(self, settings: Settings, store: Store, busy: Busy) -> None:
        """Break the store."""
        with store.exclusive() as tx:
            self.change(tx, store.dialect, busy)
        if self.do is not None:
            self.do(settings, busy)

    def change(self, tx: Transaction, dialect: str, busy: Busy) -> None:
        """What SQL can do of it."""
        if self.loosen:
            tx.script(_LOOSE[dialect](self.loosen))
        for statement in self.sql:
            tx.run(statement.format(**busy._asdict()))


def _loose_sqlite(table: str) -> str:
    copy = f"create table loose as select * from {table};"
    return f"{copy} drop table {table}; alter table loose rename to {table};"


_CONSTRAINTS = {
    "messages": ["messages_pkey"],
    "members": ["members_pkey"],
    "users": ["users_name_key_key"],
    "conversations": ["conversations_name_key_key", "conversations_user_low_user_high_key"],
    "sessions": ["sessions_token_hash_key"],
}


def _loose_postgres(table: str) -> str:
    return "".join(f"alter table {table} drop constraint {name};" for name in _CONSTRAINTS[table])


_LOOSE = {"sqlite": _loose_sqlite, "postgres": _loose_postgres}


def also(*names: str) -> frozenset[str]:
    """Names of other checks."""
    return frozenset(names)
