"""What one message costs the messaging worker: CPU microseconds in the batch engine, by batch size.

    python -m benchmarks.send_path [--profile] [--seconds 3]

Everything but the sockets is included: decoding, SQL with fsync, replies, events, packing, the log. Fifty
people write to fifty others, 100 bytes each. SQLite in a temporary folder; PostgreSQL where
``PESAN_TEST_DATABASE`` names one (in a schema of its own, dropped afterwards).
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from config.log import LogFile, ServerLog
from config.settings import Settings
from protocol.backend import Call, pack_done, pack_work, unpack
from protocol.envelope import pack_body
from protocol.message_id import message_id
from services.batch import Engine
from services.messaging import SERVICE
from services.storage import open_store, sessions
from services.storage.engine import Store
from services.storage.migrate import migrate

PAIRS = 50
BODY = "Selamat pagi! " * 7
SIZES = (1, 32, 256)


def people(store: Store) -> list[tuple[int, str, int]]:
    """Twice ``PAIRS`` users: (number, name, session)."""
    with store.write() as tx:
        rows = [
            tx.row(
                "insert into users (name, name_key, password, topic, created_at)"
                " values ($1, $2, '', $3, 0) returning id, name",
                (f"user{n}", f"user{n}", b"u" + n.to_bytes(15, "big")),
            )
            for n in range(2 * PAIRS)
        ]
        return [
            (row[0], row[1], sessions.add(tx, row[0], row[0].to_bytes(16, "big"), "", 0))
            for row in rows
            if row
        ]


def work(users: list[tuple[int, str, int]], size: int, start: int) -> bytes:
    """A frame of ``size`` sends as the broker would send it."""
    calls = []
    for n in range(size):
        number, name, session = users[(start + n) % PAIRS]
        _, to, _ = users[PAIRS + (start + n) % PAIRS]
        body = pack_body({"to": to, "body": BODY, "id": message_id(time.time_ns() // 1_000_000)})
        calls.append(Call(n, "message.send", number, name, session, False, body))
    return pack_work(calls)


def turn(engine: Engine, log: ServerLog, frame: bytes) -> int:
    """What a worker does with a frame, apart from the sockets; how many were stored."""
    _, listed = unpack(frame)
    now = time.time_ns() // 1000
    done = engine.take([Call(*call) for call in listed], now)
    pack_done(done.replies, done.events, done.effects)
    log.actions(done.actions, now, time.perf_counter_ns())
    return sum(status == "ok" for _, status, _ in done.replies)


def measure(settings: Settings, size: int, seconds: float) -> dict[str, float | int | str]:
    """CPU and wall microseconds per message."""
    store = open_store(settings)
    migrate(store, 0)
    users = people(store)
    log = ServerLog(LogFile(settings.home / "log", 1 << 26, 1), "messaging")
    engine = Engine(SERVICE, store, settings, log)
    cpu = wall = 0.0
    count = start = 0
    warm = time.perf_counter() + seconds / 5
    end = warm + seconds
    while (begun := time.perf_counter()) < end:
        frames = [work(users, size, start + n * size) for n in range(8)]
        start += 8 * size
        cpu_begun, begun = time.process_time(), time.perf_counter()
        stored = sum(turn(engine, log, frame) for frame in frames)
        assert stored == 8 * size
        if begun > warm:
            cpu += time.process_time() - cpu_begun
            wall += time.perf_counter() - begun
            count += stored
    store.close()
    log.close()
    return {
        "engine": store.dialect,
        "batch": size,
        "messages": count,
        "cpu_us": round(cpu / count * 1e6, 1),
        "wall_us": round(wall / count * 1e6, 1),
    }


@contextmanager
def databases() -> Iterator[list[str]]:
    """SQLite, and PostgreSQL in a schema of its own where there is one."""
    address = os.environ.get("PESAN_TEST_DATABASE")
    if not address:
        yield [""]
        return
    import psycopg

    schema = f"bench_{uuid.uuid4().hex}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"create schema {schema}".encode())
        mark = "&" if "?" in address else "?"
        yield ["", f"{address}{mark}options=-csearch_path%3D{schema}"]
        connection.execute(f"drop schema {schema} cascade".encode())


def main() -> None:
    """Print one JSON object per engine and batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--profile", action="store_true", help="where the time goes, at the largest batch")
    options = parser.parse_args()
    with databases() as named:
        for database in named:
            for size in SIZES[-1:] if options.profile else SIZES:
                with tempfile.TemporaryDirectory() as folder:
                    settings = msgspec.structs.replace(
                        Settings(home=Path(folder), realm="here"), database=database
                    )
                    with cProfile.Profile() if options.profile else _nothing() as profile:
                        print(json.dumps(measure(settings, size, options.seconds)), flush=True)
                    if profile is not None:
                        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
                if database:
                    _emptied(database)


@contextmanager
def _nothing() -> Iterator[None]:
    yield None


def _emptied(database: str) -> None:
    """Take the users and messages out again, for the next size."""
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("truncate users, conversations, members, messages")


if __name__ == "__main__":
    main()
