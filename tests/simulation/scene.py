"""Where a run takes place: the server's settings, and a database with every user and nothing said."""

from __future__ import annotations

import random
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final
from unittest.mock import patch

from msgspec.structs import replace

from broker import sessions
from config.settings import RateLimits, Settings
from protocol.addresses import TopicKind, new_topic
from services.passwords import passwords
from services.storage import groups, realms, users
from services.storage.migrate import migrate
from services.storage.sqlite import SqliteStore
from tests.simulation.plan import PEOPLE, Plan

PASSWORD: Final = "a password to begin with"
ENDED_KEPT: Final = 6
"""Ended sessions that the broker remembers in a run: so few that it forgets some."""

METERED: Final = RateLimits(
    hello_rate=5.0,
    hello_burst=10,
    entry_rate=1.0,
    entry_burst=8,
    resume_rate=1.0,
    resume_burst=4,
    ping_rate=0.5,
    ping_burst=5,
    send_rate=40.0,
    send_burst=80,
    call_rate=5.0,
    call_burst=30,
    typing_rate=1.0,
    typing_burst=2,
    refusal_rate=100.0,
    refusal_burst=200,
)
"""Limits that people and programs of a run do reach."""


def settings(folder: Path, plan: Plan | None = None, realm: str = "here") -> Settings:
    """Of the server that ``plan`` takes place on: with room for everybody and no limits, or not."""
    plain = Settings(home=folder, realm=realm, rate_limits=False, password_memory_kib=8, password_passes=1)
    plain = replace(plain, topics_per_connection=100)
    if plan is not None and plan.metered:
        plain = replace(plain, rate_limits=True, rates=METERED)
    if plan is not None and plan.tight:
        plain = replace(plain, session_open_requests=40, worker_capacity=30, worker_capacity_bytes=4096)
        plain = replace(plain, slow_capacity=3, slow_queue=2, batch_size=16)
        plain = replace(plain, connections=4, sessions=4, sessions_per_user=4)
    return plain


def introduced(file: Path, realm: str, key: bytes) -> None:
    """The other realm is a peer from the beginning."""
    store = SqliteStore(file)
    with store.write() as tx:
        realms.pair(tx, realm, key, "there:7704", 1)
    store.close()


@contextmanager
def staged(seed: int) -> Iterator[None]:
    """Topics and tokens from the seed: they are compared and sorted, so they must come again."""
    rng = random.Random(seed)
    with (
        patch.object(secrets, "token_bytes", rng.randbytes),
        patch.object(sessions, "ENDED_KEPT", ENDED_KEPT),
    ):
        yield


@cache
def template(without_ids: bool) -> Path:
    """The database file that every run begins with a copy of, made once per process."""
    folder = Path(tempfile.mkdtemp(prefix="pesan-simulation-"))
    plain = settings(folder)
    store = SqliteStore(folder / "pesan.db")
    with staged(0):
        migrate(store, 1)
        hashed = passwords(plain).hash(PASSWORD)
        with store.write() as tx:
            for name in PEOPLE:
                user = users.add(tx, name, hashed, new_topic(TopicKind.USER), 1)
                assert user is not None
                groups.join_broadcast(tx, user, 1)
            if without_ids:
                tx.script("drop index messages_by_id")
    store.close()
    return folder / "pesan.db"
