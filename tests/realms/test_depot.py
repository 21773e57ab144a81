"""The realm process does what is slow about files beside its turns, and nobody waits for it for long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from protocol.bulk import SealReply
from protocol.errors import NotFound
from services.file.blobs import Missing
from services.file.blobs.folder import LocalFolder
from services.realm.depot import PATIENCE, Depot
from tests.realms.desk import Files, sha
from tests.realms.town import Town

SECONDS = 30_000


class FarAway(LocalFolder):
    """A folder that takes its time: nothing is read until ``may`` is set."""

    far = True

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.may = threading.Event()
        self.threads: set[int] = set()

    def read(self, sha256: bytes, offset: int, length: int) -> bytes:
        self.threads.add(threading.get_ident())
        assert self.may.wait(SECONDS)
        return super().read(sha256, offset, length)


class Bench:
    """A depot whose slow work is done by threads, and the poller that hears of it."""

    def __init__(self, town: Town) -> None:
        self.files = Files(town, "a")
        self.poller = zmq.Poller()
        realm = town["a"]
        self.depot = Depot(realm.settings, realm.store, lambda: town.wall)
        self.depot.attach(self.poller)
        self.storage = FarAway(realm.settings.home / "files")
        self.told: list[Any] = []

    def until_told(self, count: int) -> None:
        """Wait for the poller, as the loop does, until so much was told."""
        while len(self.told) < count:
            assert self.poller.poll(SECONDS)
            self.depot.finish(0.0)


@pytest.fixture
def bench(town: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """One in realm a."""
    bench = Bench(town)
    monkeypatch.setattr("services.realm.depot.open_blobs", lambda settings: bench.storage)
    yield bench
    bench.storage.may.set()
    bench.depot.close()


def test_what_is_far_away_is_read_by_another_thread_which_wakes_the_loop(bench: Bench) -> None:
    bench.files.send("ani", "ani", b"satu dua tiga")
    bench.depot.read(sha(b"satu dua tiga"), 5, 3, bench.told.append)
    bench.depot.read(bytes(32), 0, 1, bench.told.append)
    bench.depot.finish(0.0)
    assert bench.told == []
    bench.storage.may.set()
    bench.until_told(2)
    assert b"dua" in bench.told
    assert [type(each) for each in bench.told if each != b"dua"] == [Missing]
    assert threading.get_ident() not in bench.storage.threads


def test_who_waits_for_what_is_far_away_hears_soon_that_it_takes_too_long(bench: Bench) -> None:
    bench.depot.read(bytes(32), 0, 1, bench.told.append)
    bench.depot.finish(10.0)
    bench.depot.finish(10.0 + PATIENCE - 0.1)
    assert bench.told == []
    bench.depot.finish(10.0 + PATIENCE)
    assert [type(each) for each in bench.told] == [TimeoutError]
    bench.storage.may.set()
    bench.depot.close()
    bench.depot.finish(20.0)
    assert len(bench.told) == 1


def test_uploads_are_sealed_by_another_thread_with_a_store_of_its_own(bench: Bench) -> None:
    id = bench.files.hold("ani", "ani", b"isi")
    bench.depot.seal(bench.files.realm.people["ani"].user_id, id, None, bench.told.append)
    bench.until_told(1)
    assert bench.told == [SealReply(sha(b"isi"), "text/plain")]
    bench.depot.seal(99, bytes(16), None, bench.told.append)
    bench.until_told(2)
    assert isinstance(bench.told[1], NotFound)


def test_without_threads_everything_is_done_at_once(town: Town) -> None:
    files = Files(town, "a")
    files.send("ani", "ani", b"isi")
    told: list[Any] = []
    depot = Depot(town["a"].settings, town["a"].store, lambda: town.wall)
    depot.read(sha(b"isi"), 0, 3, told.append)
    assert told == [b"isi"]
    depot.close()
