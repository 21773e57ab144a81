"""Several processes on one database: they start at once, write at once, and one of them is killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.settings import Settings
from services.storage import open_store
from services.storage.migrate import migrate, migrations
from tests.services.world import PEOPLE, World

ROOT = Path(__file__).parents[2]
SECONDS = 60


@contextmanager
def processes(settings: Settings, *arguments: list[str]) -> Iterator[list[subprocess.Popen[str]]]:
    """Writers, all ended when the block ends."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.services.writer", str(settings.home), settings.database, *each],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for each in arguments
    ]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def test_processes_that_start_at_once_make_the_tables_once(settings: Settings) -> None:
    with processes(settings, *([name, name, "0"] for name in PEOPLE)) as started:
        for process in started:
            out, err = process.communicate(timeout=SECONDS)
            assert (process.returncode, out, err) == (0, "0\n", "")
    store = open_store(settings)
    assert migrate(store, 2) == []
    with store.read() as tx:
        assert tx.rows("select count(*) from migrations") == [(len(migrations(store.dialect)),)]
        assert tx.rows("select count(*) from conversations where kind = 'broadcast'") == [(1,)]
    store.close()


def test_four_writers_lose_nothing_double_nothing_and_leave_no_gap(world: World) -> None:
    world.group("ops", *PEOPLE)
    count = 200
    with processes(world.settings, *([name, "ani", str(count)] for name in PEOPLE)) as started:
        for process in started:
            _, err = process.communicate(timeout=SECONDS)
            assert (process.returncode, err) == (0, "")
    expected = len(PEOPLE) * count // 2 + count // 2
    report = world.do("dewi", "conversation.verify", **{"with": "#ops"})
    assert (report["complete"], report["count"]) == (True, expected)
    for who in PEOPLE:
        own = count // 2 * (2 if who == "ani" else 1)
        assert world.inbox(who)["#ops"]["unread"] == expected - own
        assert own_messages_in_order(world, who)


def own_messages_in_order(world: World, who: str) -> bool:
    """Whether what a process sent under its own name has the order in which it was sent."""
    with world.store.read() as tx:
        rows = tx.rows(
            "select id from messages where sender_id = $1 order by seq", (world.people[who].user_id,)
        )
    own = [int(id.decode().removeprefix(who)) for (id,) in rows if id.decode().startswith(who)]
    return own == sorted(own)


def test_a_writer_killed_at_any_moment_leaves_a_whole_conversation(world: World) -> None:
    world.group("ops", *PEOPLE)
    dice = random.Random(7)
    for round_ in range(3):
        with processes(world.settings, [PEOPLE[round_], "dewi", "5000"]) as (writer,):
            deadline = time.monotonic() + SECONDS
            before = len(world.stored())
            while len(world.stored()) == before and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(dice.random() * 0.1)
            writer.send_signal(signal.SIGKILL)
            writer.wait(SECONDS)
        report = world.do("ani", "conversation.verify", **{"with": "#ops"})
        assert report["complete"] is True and report["count"] > before
        assert world.say("ani", "#ops")["seq"] == report["last_seq"] + 1
