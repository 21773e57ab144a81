"""What the desk makes of each request: who may, what fits, and what is never written twice."""

from __future__ import annotations

import errno
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from config.settings import Settings
from config.writeback import begin_to_write
from protocol.envelope import pack_body, pack_request, unpack_reply
from protocol.errors import Invalid, NotFound, TooLarge, Unauthenticated, Unavailable
from protocol.limits import FILE_CHUNK_BYTES
from services.file import staging
from services.file.bulk import staged
from services.file.bulk.desk import TOUCH_AFTER
from services.storage import sessions
from services.storage.engine import Store, StoreUnavailable
from tests.services.bulk.yard import CHUNK, Yard, some_bytes

DATA = some_bytes(3 * CHUNK + 100)


def held(yard: Yard, id: bytes) -> bytes:
    return staging.data_file(yard.settings, yard.user("ani"), id).read_bytes()


def missing(yard: Yard, id: bytes) -> list[tuple[int, int]]:
    return staging.missing(yard.settings, yard.user("ani"), id, len(DATA), CHUNK)


def test_chunks_may_come_in_any_order_and_the_map_says_which_are_held(yard: Yard) -> None:
    id = yard.begin("ani", len(DATA))
    for chunk in (2, 0):
        yard.put("ani", id, chunk * CHUNK, DATA[chunk * CHUNK :][:CHUNK])
    assert missing(yard, id) == [(CHUNK, 2 * CHUNK), (3 * CHUNK, len(DATA))]
    for chunk in (3, 1):
        yard.put("ani", id, chunk * CHUNK, DATA[chunk * CHUNK :][:CHUNK])
    assert missing(yard, id) == []
    assert held(yard, id) == DATA


def test_a_chunk_that_is_held_is_never_written_again(yard: Yard) -> None:
    id = yard.upload("ani", DATA)
    yard.put("ani", id, CHUNK, b"x" * CHUNK)
    other = yard.another_desk()
    yard.put("ani", id, 0, b"x" * CHUNK, other)
    other.close()
    assert held(yard, id) == DATA


@pytest.mark.parametrize(
    ("offset", "length"),
    [(1, CHUNK), (CHUNK, CHUNK - 1), (CHUNK, CHUNK + 1), (3 * CHUNK, CHUNK), (4 * CHUNK, 0), (2**62, CHUNK)],
)
def test_what_is_no_chunk_of_the_grid_is_invalid(yard: Yard, offset: int, length: int) -> None:
    id = yard.begin("ani", len(DATA))
    with pytest.raises(Invalid):
        yard.put("ani", id, offset, b"x" * length)
    assert yard.staged() == []


def test_a_chunk_without_its_bytes_is_invalid(yard: Yard) -> None:
    id = yard.begin("ani", len(DATA))
    with pytest.raises(Invalid):
        yard.ask("chunk.put", "ani", None, upload=id, offset=0)


def test_another_ones_upload_is_not_to_be_found(yard: Yard) -> None:
    id = yard.begin("ani", len(DATA))
    with pytest.raises(NotFound):
        yard.put("budi", id, 0, DATA[:CHUNK])
    with pytest.raises(NotFound):
        yard.ask("chunk.seal", "budi", upload=id)


def test_who_is_logged_out_gets_nothing_more_from_that_moment_on(yard: Yard) -> None:
    id = yard.begin("ani", len(DATA))
    file = yard.file("ani", DATA)
    yard.put("ani", id, 0, DATA[:CHUNK])
    with yard.store.write() as tx:
        assert sessions.end(tx, yard.world.people["ani"].session, yard.user("ani"), yard.now)
    for command, fields in (
        ("chunk.put", {"upload": id, "offset": CHUNK}),
        ("chunk.seal", {"upload": id}),
        ("chunk.get", {"file": file, "offset": 0, "length": 1}),
    ):
        with pytest.raises(Unauthenticated):
            yard.ask(command, "ani", DATA[:CHUNK], **fields)


@pytest.mark.parametrize("who", ["", "nobody"])
def test_an_unknown_token_is_refused(yard: Yard, who: str) -> None:
    with pytest.raises(Unauthenticated):
        yard.ask("chunk.get", who, file=1, offset=0, length=1)
    for token in (b"", b"x" * 15, b"x" * 10_000):
        answer = yard.desk.answer(
            pack_request(1, token, "chunk.seal", pack_body({"upload": b"u" * 16})), None
        )
        assert isinstance(answer, bytes)
        assert unpack_reply(answer).status == "unauthenticated"


def test_a_file_in_its_owners_own_space_is_read_by_nobody_else(yard: Yard) -> None:
    file = yard.file("ani", DATA)
    assert yard.read("ani", file, CHUNK, CHUNK) == DATA[CHUNK : 2 * CHUNK]
    with pytest.raises(NotFound):
        yard.read("budi", file)


def test_a_file_in_a_group_is_read_by_its_members_of_this_moment(yard: Yard) -> None:
    group = yard.world.group("rt05", "ani", "budi")
    file = yard.file("ani", DATA, group)
    assert yard.read("budi", file) == DATA[:CHUNK]
    with pytest.raises(NotFound, match=f"^There is no file {file} for you: none has this number, it was"):
        yard.read("citra", file)
    yard.world.leave(group, "budi")
    with pytest.raises(NotFound):
        yard.read("budi", file)
    yard.world.leave(group, "ani")
    with pytest.raises(NotFound):
        yard.read("ani", file)


def test_a_deleted_file_is_not_to_be_found(yard: Yard) -> None:
    file = yard.file("ani", DATA, yard.world.group("rt05", "ani"))
    with yard.store.write() as tx:
        tx.run("update files set sha256 = null")
    with pytest.raises(NotFound):
        yard.read("ani", file)


def test_fewer_bytes_come_at_a_files_end_and_none_behind_it(yard: Yard) -> None:
    file = yard.file("ani", DATA)
    assert yard.read("ani", file, 3 * CHUNK, CHUNK) == DATA[3 * CHUNK :]
    assert yard.read("ani", file, len(DATA), CHUNK) == b""
    assert yard.read("ani", file, 2**62, CHUNK) == b""


@pytest.mark.parametrize("length", [0, FILE_CHUNK_BYTES + 1])
def test_a_part_has_a_length_that_an_answer_may_have(yard: Yard, length: int) -> None:
    with pytest.raises(Invalid):
        yard.read("ani", yard.file("ani", DATA), 0, length)


@pytest.mark.parametrize("frame", [b"", b"junk", b"\xc1" * 100, b"\x81\x01\x01"])
def test_what_is_no_request_is_not_answered(yard: Yard, frame: bytes) -> None:
    assert yard.desk.answer(frame, None) is None


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ((2, 1, b"", "chunk.put", b""), "version"),
        ((1, 1, b"", "chunk.eat", b""), "not_found"),
        ((1, 1, b"", "file.list", b""), "not_found"),
        ((1, 1, 5, "chunk.put", b""), "invalid"),
        ((1, 1, b"", "chunk.put", b"\xc1"), "invalid"),
        ((1, 1, b"", "chunk.put", pack_body({"upload": b"short", "offset": 0})), "invalid"),
        ((1, 1, b"", "chunk.get", pack_body({"file": -1, "offset": 0, "length": 1})), "invalid"),
    ],
)
def test_a_wrong_request_hears_why(yard: Yard, fields: tuple[Any, ...], status: str) -> None:
    answer = yard.desk.answer(pack_body(fields), None)
    assert isinstance(answer, bytes)
    assert unpack_reply(answer).status == status


def test_that_something_arrived_is_written_down_once_a_minute(yard: Yard) -> None:
    def touched() -> int:
        return int(yard.world.row("select touched_at from uploads")[0])

    id = yard.begin("ani", len(DATA))
    begun = touched()
    yard.put("ani", id, 0, DATA[:CHUNK])
    assert touched() == begun
    yard.now += TOUCH_AFTER
    yard.put("ani", id, CHUNK, DATA[CHUNK : 2 * CHUNK])
    assert touched() == yard.now


def test_chunks_are_on_their_way_to_the_disk_before_the_seal(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[int, int]] = []

    def begin(handle: int, at: int, length: int) -> None:
        begun.append((at, length))
        begin_to_write(handle, at, length)

    monkeypatch.setattr(staged, "begin_to_write", begin)
    id = yard.begin("ani", len(DATA))
    yard.put("ani", id, CHUNK, DATA[CHUNK : 2 * CHUNK])
    yard.put("ani", id, 0, DATA[:CHUNK])
    assert begun == [(CHUNK, CHUNK), (0, CHUNK)]


def test_where_uploads_are_swept_soon_it_is_written_down_sooner(settings: Settings, store: Store) -> None:
    soon = structs.replace(settings, upload_keep=2.0)
    with closing(Yard(soon, store)) as yard:
        id = yard.begin("ani", len(DATA))
        yard.put("ani", id, 0, DATA[:CHUNK])
        yard.now += 500_000
        yard.put("ani", id, CHUNK, DATA[CHUNK : 2 * CHUNK])
        assert yard.world.row("select touched_at from uploads") == (yard.now,)


def test_a_full_disk_ends_the_upload_and_leaves_nothing_of_it(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = yard.begin("ani", len(DATA))
    yard.put("ani", id, 0, DATA[:CHUNK])
    real = os.pwrite

    def full(handle: int, data: Any, offset: int) -> int:
        if len(data) > 1000:
            return real(handle, data[:1000], offset)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(TooLarge, match="disk is full"):
        yard.put("ani", id, CHUNK, DATA[CHUNK : 2 * CHUNK])
    assert (yard.staged(), yard.uploads(), yard.used("ani")) == ([], 0, 0)
    monkeypatch.undo()
    with pytest.raises(NotFound):
        yard.put("ani", id, 2 * CHUNK, DATA[2 * CHUNK : 3 * CHUNK])
    assert yard.seal("ani", yard.upload("ani", DATA, id=id)).type == "text/plain"


def test_another_trouble_of_the_disk_is_told_and_keeps_what_is_held(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = yard.begin("ani", len(DATA))
    yard.put("ani", id, 0, DATA[:CHUNK])

    def broken(handle: int, data: Any, offset: int) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pwrite", broken)
    with pytest.raises(Unavailable):
        yard.put("ani", id, CHUNK, DATA[CHUNK : 2 * CHUNK])
    monkeypatch.undo()
    assert missing(yard, id) == [(CHUNK, len(DATA))]


def test_without_the_database_a_chunk_is_to_be_sent_again(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = yard.begin("ani", len(DATA))

    def away() -> Any:
        raise StoreUnavailable("away")

    monkeypatch.setattr(yard.store, "read", away)
    with pytest.raises(Unavailable):
        yard.put("ani", id, 0, DATA[:CHUNK])


def test_bytes_whose_map_is_lost_are_thrown_away_and_not_written_into(yard: Yard) -> None:
    id = yard.upload("ani", DATA)
    yard.desk.close()
    data = staging.data_file(yard.settings, yard.user("ani"), id)
    elsewhere = yard.settings.home / "linked"
    elsewhere.hardlink_to(data)
    staging.map_file(yard.settings, yard.user("ani"), id).unlink()
    yard.put("ani", id, 0, b"x" * CHUNK)
    assert elsewhere.read_bytes() == DATA
    assert missing(yard, id) == [(CHUNK, len(DATA))]


def test_files_that_were_removed_meanwhile_are_begun_anew(yard: Yard) -> None:
    id = yard.begin("ani", len(DATA))
    yard.put("ani", id, 0, DATA[:CHUNK])
    staging.remove(yard.settings, yard.user("ani"), id)
    yard.put("ani", id, CHUNK, DATA[CHUNK : 2 * CHUNK])
    assert missing(yard, id) == [(0, CHUNK), (2 * CHUNK, len(DATA))]
    assert held(yard, id)[CHUNK:] == DATA[CHUNK : 2 * CHUNK]


def test_chunks_by_several_workers_make_one_upload(yard: Yard) -> None:
    id = yard.begin("ani", len(DATA))
    others = [yard.another_desk() for _ in range(3)]
    for number, offset in enumerate(range(0, len(DATA), CHUNK)):
        yard.put("ani", id, offset, DATA[offset : offset + CHUNK], others[number % 3])
    for desk in others:
        desk.close()
    assert held(yard, id) == DATA
    assert missing(yard, id) == []


def test_files_that_are_gone_are_closed_so_that_the_disk_has_their_room(yard: Yard) -> None:
    def open_files() -> int:
        return sum(
            ".data" in str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()
        )

    before = open_files()
    id = yard.upload("ani", DATA)
    kept = yard.upload("ani", DATA)
    assert open_files() == before + 2
    yard.forget("ani", id)
    yard.desk.tidy()
    assert open_files() == before + 1
    yard.put("ani", kept, 0, DATA[:CHUNK])


def test_that_something_arrived_need_not_be_written_down_at_once(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> Any:
        raise StoreUnavailable("full")

    id = yard.begin("ani", len(DATA))
    yard.now += TOUCH_AFTER
    with monkeypatch.context() as patched:
        patched.setattr(yard.store, "write", full)
        yard.put("ani", id, 0, DATA[:CHUNK])
    yard.put("ani", id, CHUNK, DATA[CHUNK : 2 * CHUNK])
    assert yard.world.row("select touched_at from uploads") == (yard.now,)
