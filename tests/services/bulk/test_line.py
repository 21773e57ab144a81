"""The thread with the socket, behind a real proxy: whole transfers, deaths, crowds, and who is greedy."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections.abc import Iterator

import msgspec
import pytest

from config.settings import Settings
from protocol.envelope import pack_body, pack_request
from protocol.errors import OK, NotFound, Unauthenticated
from protocol.limits import FILE_CHUNK_BYTES
from services.file.bulk import line as module
from services.file.bulk.janitor import Janitor
from services.file.bulk.line import HUNG_AFTER, Line
from services.file.bulk.sealing import Sealer
from services.file.bulk.staged import Staged
from services.storage.engine import Store
from tests.services.bulk.pier import Client, Pier, puts
from tests.services.bulk.yard import CHUNK, Yard, some_bytes

DATA = some_bytes(60 * CHUNK + 9)
HASH = hashlib.sha256(DATA).digest()
REAL_PUT = Sealer._put


class Harbour:
    """A pier, a yard on the same data folder, and lines: each is another worker's."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.pier = Pier(settings)
        self.yard = Yard(settings, store)
        self.yard.now = time.time_ns() // 1000  # the lines' janitors go by the clock on the wall
        self.lines: list[Line] = []
        self.line()

    def line(self) -> Line:
        """Another worker."""
        line = Line(self.pier.settings)
        line.start()
        self.lines.append(line)
        return line

    def end(self) -> None:
        """The first worker ends."""
        self.lines.pop(0).close()

    def client(self, who: str) -> Client:
        """Somebody's connection."""
        return self.pier.client(self.yard.token(who))

    def close(self) -> None:
        while self.lines:
            self.end()
        self.yard.close()
        self.pier.close()


@pytest.fixture
def harbour(settings: Settings, store: Store) -> Iterator[Harbour]:
    made = Harbour(settings, store)
    yield made
    made.close()


def test_a_file_goes_in_and_comes_out_again(harbour: Harbour) -> None:
    ani, id = harbour.client("ani"), harbour.yard.begin("ani", len(DATA))
    ani.send_all(id, DATA, CHUNK)
    assert ani.do("chunk.seal", upload=id) == ({"sha256": HASH, "type": "text/plain"}, b"")
    assert ani.do("chunk.seal", upload=id)[0]["sha256"] == HASH
    file = harbour.yard.file("ani", DATA)
    assert ani.fetch(file, len(DATA), CHUNK) == DATA
    assert ani.do("chunk.get", file=file, offset=len(DATA), length=10) == ({}, b"")


def test_refusals_come_back_and_nothing_is_behind_them(harbour: Harbour) -> None:
    file = harbour.yard.file("ani", DATA)
    with pytest.raises(NotFound):
        harbour.client("budi").do("chunk.get", file=file, offset=0, length=10)
    with pytest.raises(Unauthenticated):
        harbour.client("nobody").do("chunk.get", file=file, offset=0, length=10)


def test_junk_is_passed_over_and_the_next_request_is_answered(harbour: Harbour) -> None:
    file, ani = harbour.yard.file("ani", DATA), harbour.client("ani")
    request = pack_request(1, ani.token, "chunk.get", pack_body({"file": file, "offset": 0, "length": 1}))
    for frames in ([b""], [b"junk"], [b"junk", b"junk"], [request, b"x", b"y"], [request + b"x" * 5000]):
        ani.socket.send_multipart(frames)
    ani.socket.send_multipart([b"x"] * 10_000)
    assert ani.do("chunk.get", file=file, offset=0, length=1) == ({}, DATA[:1])
    with pytest.raises(TimeoutError):
        ani.hear(0.2)


def test_an_upload_goes_on_when_its_worker_ends_and_another_begins(harbour: Harbour) -> None:
    ani, id = harbour.client("ani"), harbour.yard.begin("ani", len(DATA))
    for count, _ in enumerate(ani.flights(puts(id, DATA, CHUNK))):
        if count in (10, 30):
            harbour.end()
            harbour.line()
    assert ani.do("chunk.seal", upload=id)[0]["sha256"] == HASH


def test_two_workers_take_the_chunks_of_one_upload(harbour: Harbour) -> None:
    harbour.line()
    time.sleep(0.2)
    people = {who: (harbour.client(who), harbour.yard.begin(who, len(DATA))) for who in ("ani", "budi")}
    threads = [
        threading.Thread(target=client.send_all, args=(id, DATA, CHUNK)) for client, id in people.values()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for client, id in people.values():
        assert client.do("chunk.seal", upload=id)[0]["sha256"] == HASH


def test_who_asks_for_more_than_a_window_keeps_nobody_waiting(harbour: Harbour) -> None:
    file = harbour.yard.file("ani", some_bytes(3 * FILE_CHUNK_BYTES))
    greedy, modest = harbour.client("ani"), harbour.client("ani")
    modest.do("chunk.get", file=file, offset=0, length=1)
    for _ in range(2000):
        greedy.ask("chunk.get", file=file, offset=0, length=FILE_CHUNK_BYTES)
    for _ in range(20):
        asked = modest.ask("chunk.get", file=file, offset=0, length=1)
        assert modest.hear()[0].request_id == asked


def test_a_slow_seal_keeps_no_chunk_waiting_and_who_asks_again_hears_busy(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard, ani = harbour.yard, harbour.client("ani")
    id = yard.upload("ani", DATA)
    go_on = threading.Event()
    real = Sealer._put

    def slow(self: Sealer, *arguments: object) -> None:
        assert go_on.wait(10)
        real(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Sealer, "_put", slow)
    first = ani.ask("chunk.seal", upload=id)
    second = ani.ask("chunk.seal", upload=id)
    assert ani.hear()[0][1:3] == (second, "busy")
    ani.send_all(yard.begin("ani", len(DATA)), DATA, CHUNK)
    go_on.set()
    assert ani.hear()[0][1:3] == (first, OK)


def test_one_users_seals_hold_up_nobody_elses_and_users_have_turns(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard, go_on = harbour.yard, threading.Event()
    at_work: list[int] = []
    most = 0
    real = Sealer.seal

    def slow(self: Sealer, user: int, *arguments: object) -> object:
        nonlocal most
        if user == yard.user("ani"):
            at_work.append(user)
            most = max(most, len(at_work))
            assert go_on.wait(20)
            at_work.remove(user)
        return real(self, user, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Sealer, "seal", slow)
    ani, budi = harbour.client("ani"), harbour.client("budi")
    try:
        mine = {ani.ask("chunk.seal", upload=yard.upload("ani", b"%d" % number)) for number in range(6)}
        for number in range(3):
            asked = budi.ask("chunk.seal", upload=yard.upload("budi", b"budi %d" % number))
            assert budi.hear(10)[0][1:3] == (asked, OK)
    finally:
        go_on.set()
    replies = [ani.hear()[0] for _ in mine]
    assert {reply.request_id for reply in replies if reply.status == OK} == mine
    assert most == 1


def test_the_janitor_at_work_keeps_no_seal_and_no_touch_waiting(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard, ani = harbour.yard, harbour.client("ani")
    go_on, looks = threading.Event(), threading.Semaphore(0)

    def waits(*arguments: object) -> object:
        looks.release()
        assert go_on.wait(20)
        return None

    monkeypatch.setattr(Sealer, "_put", waits)
    try:
        for number, who in enumerate(("budi", "citra", "dewi")):
            harbour.client(who).ask("chunk.seal", upload=yard.upload(who, b"%d" % number))
        monkeypatch.setattr(Janitor, "_sweep", waits)
        for _ in range(3 + 1):  # the janitor's look is one of them
            assert looks.acquire(timeout=20)
        monkeypatch.setattr(Sealer, "_put", REAL_PUT)
        yard.now = 1_000_000
        id = yard.begin("ani", len(DATA))  # of which nothing seems to have come for long
        ani.send_all(id, DATA, CHUNK)
        deadline = time.monotonic() + 10
        while yard.world.row("select touched_at from uploads where id = $1", id)[0] == yard.now:
            assert time.monotonic() < deadline, "written down while seals and the janitor are at work"
            time.sleep(0.02)
        assert ani.do("chunk.seal", upload=id)[0]["sha256"] == HASH
    finally:
        go_on.set()


def test_bytes_that_are_lost_are_said_to_be_and_are_not_asked_for_again(harbour: Harbour) -> None:
    file, ani = harbour.yard.file("ani", DATA), harbour.client("ani")
    harbour.yard.storage.delete(HASH)
    ani.ask("chunk.get", file=file, offset=0, length=10)
    assert ani.hear()[0].status == "internal"


def test_a_thread_that_fails_ends_its_process_in_good_order(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: told.append(number))
    monkeypatch.setattr(module, "open_store", lambda settings: 1 // 0)
    line = Line(settings)
    line.start()
    line.close()
    assert told == [signal.SIGTERM]
    assert "ZeroDivisionError" in (settings.home / "log" / "server.jsonl").read_text()


def test_the_janitor_keeps_its_lock_until_its_look_has_ended(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    harbour.end()
    events: list[str] = []
    began = threading.Event()
    real = Janitor.close

    def slow(self: Janitor) -> None:
        began.set()
        time.sleep(0.5)
        events.append("looked")

    def close(self: Janitor) -> None:
        events.append("closed")
        real(self)

    monkeypatch.setattr(Janitor, "_sweep", slow)
    monkeypatch.setattr(Janitor, "close", close)
    monkeypatch.setattr(Line, "_let_go", lambda self: None)  # as when the thread fails
    harbour.line()
    assert began.wait(20)
    harbour.end()
    assert events == ["looked", "closed"]


def test_a_line_that_has_no_turn_counts_as_hung(harbour: Harbour) -> None:
    line = harbour.lines[0]
    assert line.lives(time.monotonic())
    assert not line.lives(time.monotonic() + HUNG_AFTER + 1)


# --- far away -----------------------------------------------------------------------------------


def test_files_in_a_bucket_go_in_and_out_as_others_do(s3_settings: Settings, store: Store) -> None:
    harbour = Harbour(s3_settings, store)
    try:
        ani, id = harbour.client("ani"), harbour.yard.begin("ani", len(DATA))
        ani.send_all(id, DATA, CHUNK)
        assert ani.do("chunk.seal", upload=id)[0]["sha256"] == HASH
        file = harbour.yard.file("ani", DATA)
        assert ani.fetch(file, len(DATA), CHUNK) == DATA
    finally:
        harbour.close()


def test_one_slow_answer_from_far_away_holds_up_nobody(
    s3_settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    harbour = Harbour(s3_settings, store)
    try:
        file, ani = harbour.yard.file("ani", DATA), harbour.client("ani")
        storage = harbour.lines[0]._blobs
        go_on = threading.Event()
        real = storage.read

        def slow(sha256: bytes, offset: int, length: int) -> bytes:
            if offset == 0:
                assert go_on.wait(10)
            return real(sha256, offset, length)

        monkeypatch.setattr(storage, "read", slow)
        first = ani.ask("chunk.get", file=file, offset=0, length=10)
        second = ani.ask("chunk.get", file=file, offset=10, length=10)
        reply, part = ani.hear()
        assert (reply.request_id, part) == (second, DATA[10:20])
        go_on.set()
        assert ani.hear()[0].request_id == first
    finally:
        harbour.close()


def test_a_place_that_makes_no_sense_is_refused_before_anything_starts(settings: Settings) -> None:
    with pytest.raises(OSError, match="s3://BUCKET/PREFIX"):
        Line(msgspec.structs.replace(settings, file_storage="nowhere"))


def test_a_process_that_is_told_to_stop_amid_slow_work_ends_all_the_same(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    go_on = threading.Event()

    def slow(self: Sealer, *arguments: object) -> None:
        assert go_on.wait(10)
        raise ConnectionError("cut off")

    def exited(code: int) -> None:
        ended.append(code)
        go_on.set()

    monkeypatch.setattr(Sealer, "_put", slow)
    monkeypatch.setattr(os, "_exit", exited)
    ani, id = harbour.client("ani"), harbour.yard.upload("ani", DATA)
    ani.ask("chunk.seal", upload=id)
    ani.ask("chunk.seal", upload=id)
    assert ani.hear()[0].status == "busy"
    harbour.end()
    assert ended == [0]
    monkeypatch.undo()
    harbour.line()
    assert ani.do("chunk.seal", upload=id)[0]["sha256"] == HASH


def test_what_takes_time_steps_back_and_who_holds_the_databases_lock_does_not(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    priorities: dict[str, int] = {}

    def watch(where: type, name: str) -> None:
        real = getattr(where, name)

        def watched(*arguments: object) -> object:
            priorities[name] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
            return real(*arguments)

        monkeypatch.setattr(where, name, watched)

    watch(Staged, "sha256")
    watch(Sealer, "_expect")
    ani, id = harbour.client("ani"), harbour.yard.upload("ani", DATA)
    ani.do("chunk.seal", upload=id)
    mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    lower = min(19, mine + harbour.pier.settings.transfer_nice)
    assert priorities == {"sha256": lower, "_expect": mine}
