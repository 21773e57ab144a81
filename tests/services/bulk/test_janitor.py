"""What is cleared away, when, and by one worker at a time."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import Any

import pytest

from protocol.errors import NotFound
from services.file import staging
from services.file.bulk import janitor
from services.file.bulk.janitor import AGAIN_AFTER, EVERY, FAILURES, ORPHANS_EVERY, STRANGE_MANY, Janitor
from services.storage import blobs, transfers
from services.storage.engine import StoreUnavailable
from tests.services.bulk.test_sealing import DATA, HASH
from tests.services.bulk.yard import CHUNK, Yard

SECOND = 1_000_000


def another(yard: Yard) -> Janitor:
    """Of another worker."""
    return Janitor(yard.settings, yard.store, yard.storage, yard.log, lambda: yard.now)


def test_an_upload_that_nobody_goes_on_with_is_swept_after_its_time(yard: Yard) -> None:
    id = yard.begin("ani", len(DATA))
    yard.put("ani", id, 0, DATA[:CHUNK])
    yard.now += int(yard.settings.upload_keep * SECOND)
    yard.clean()
    assert (yard.uploads(), len(yard.staged())) == (1, 2)
    yard.now += 1
    assert yard.janitor.due(30_000.0)
    yard.janitor.look()
    assert (yard.uploads(), yard.staged(), yard.used("ani")) == (0, [], 0)


def test_an_upload_that_goes_on_is_kept(yard: Yard) -> None:
    id = yard.begin("ani", len(DATA))
    yard.now += int(yard.settings.upload_keep * SECOND)
    yard.put("ani", id, 0, DATA[:CHUNK])
    yard.now += 1
    yard.clean()
    assert yard.uploads() == 1


def test_a_sealed_upload_that_is_swept_takes_its_bytes_with_it(yard: Yard) -> None:
    yard.seal("ani", yard.upload("ani", DATA))
    yard.now += int(yard.settings.upload_keep * SECOND) + 1
    yard.clean()
    assert (yard.uploads(), yard.kept(), yard.states(), yard.used("ani")) == (0, {}, {}, 0)


def test_bytes_that_a_file_refers_to_stay_when_an_upload_of_them_goes(yard: Yard) -> None:
    yard.file("budi", DATA)
    id = yard.upload("ani", DATA)
    yard.seal("ani", id)
    yard.forget("ani", id)
    yard.clean()
    assert (yard.kept(), yard.states()) == ({HASH: len(DATA)}, {HASH: "stored"})


def test_orphans_in_storage_and_leftovers_in_staging_go(yard: Yard) -> None:
    file = yard.settings.home / "orphan"
    file.write_bytes(DATA)
    yard.storage.put(HASH, file)
    id = yard.upload("ani", DATA[:CHUNK])
    with yard.store.write() as tx:
        tx.run("delete from uploads")
    stray = staging.folder(yard.settings) / "stray"
    stray.write_text("")
    yard.now = int(stray.stat().st_mtime * SECOND)
    yard.clean()
    assert (yard.kept(), yard.states()) == ({}, {})
    assert yard.staged() == ["stray"], id.hex()
    yard.now += 3601 * SECOND
    assert yard.janitor.due(2 * 10_000 + 2 * ORPHANS_EVERY)
    yard.janitor.look()
    assert yard.staged() == []


def look(yard: Yard, at: float) -> None:
    """One look, at this time: the first one looks for orphans, too, those within the hour do not."""
    assert yard.janitor.due(at)
    yard.janitor.look()


def test_what_a_late_chunk_of_a_cancelled_upload_makes_anew_goes_with_the_next_look(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(yard, 1.0)
    id = yard.begin("ani", len(DATA))
    real = yard.desk._upload

    def cancelled_then(token: bytes, id: bytes) -> Any:
        found = real(token, id)
        yard.forget("ani", id)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(yard.desk, "_upload", cancelled_then)
        with suppress(NotFound):
            yard.put("ani", id, 0, DATA[:CHUNK])
    wanted = yard.begin("budi", len(DATA))
    yard.put("budi", wanted, 0, DATA[:CHUNK])
    look(yard, 1.0 + EVERY)
    assert {name.partition("-")[2][:32] for name in yard.staged()} == {wanted.hex()}


def test_staging_is_looked_through_a_part_at_a_time(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(janitor, "STAGED_AT_ONCE", 3)
    look(yard, 1.0)
    kept = [yard.upload("ani", DATA[:CHUNK]) for _ in range(3)]
    for _ in range(3):
        yard.upload("budi", DATA[:CHUNK])
    with yard.store.write() as tx:
        tx.run("delete from uploads where user_id = $1", (yard.user("budi"),))
    left = []
    for number in range(1, 6):
        look(yard, 1.0 + number * EVERY)
        left.append(len(yard.staged()))
    assert left[0] >= 12 - 2 * 3
    assert left[-1] == 2 * len(kept)


def test_an_upload_that_begins_while_its_leftovers_are_looked_at_keeps_its_chunks(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = yard.upload("ani", DATA)
    with yard.store.write() as tx:
        tx.run("delete from uploads")

    def then_begun() -> Any:
        monkeypatch.undo()
        yard.begin("ani", len(DATA), id=id)
        return yard.store.write()

    monkeypatch.setattr(yard.store, "write", then_begun)
    look(yard, 1.0)
    assert yard.seal("ani", id).sha256 == HASH


def test_what_is_wanted_is_no_leftover(yard: Yard) -> None:
    id = yard.upload("ani", DATA)
    yard.file("budi", b"something else")
    before = yard.kept(), yard.staged()
    yard.clean()
    assert (yard.kept(), yard.staged()) == before
    assert yard.seal("ani", id).sha256 == HASH


def test_an_orphan_that_becomes_a_blob_meanwhile_stays(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    file = yard.settings.home / "orphan"
    file.write_bytes(DATA)
    yard.storage.put(HASH, file)
    id = yard.upload("ani", DATA)
    real = yard.storage.every

    def meanwhile() -> Any:
        yield from real()

    listed = list(meanwhile())
    yard.seal("ani", id)
    monkeypatch.setattr(yard.storage, "every", lambda: iter(listed))
    yard.clean()
    assert (yard.kept(), yard.states()) == ({HASH: len(DATA)}, {HASH: "stored"})


def test_a_storage_that_belongs_to_another_database_is_left_alone(
    yard: Yard, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(STRANGE_MANY + 1):
        file = yard.settings.home / str(number)
        file.write_bytes(b"%d" % number)
        yard.storage.put(hashlib.sha256(b"%d" % number).digest(), file)
    yard.clean()
    assert len(yard.kept()) == STRANGE_MANY + 1
    assert "Is it the right database?" in capsys.readouterr().err
    for number in range(STRANGE_MANY):
        yard.file("ani", b"%d" % number)
    yard.clean(again=True)
    assert len(yard.kept()) == STRANGE_MANY, "a few leftovers are another matter"


def going(yard: Yard, count: int) -> list[bytes]:
    """So many blobs that nobody wants any more, the one that has been going for longest first."""
    hashes = []
    for number in range(count):
        id = yard.upload("ani", b"%d" % number)
        hashes.append(yard.seal("ani", id).sha256)
        yard.now += 1
        yard.forget("ani", id)
    return hashes


def undeletable(yard: Yard, monkeypatch: pytest.MonkeyPatch, those: list[bytes]) -> list[bytes]:
    """Deleting those fails; returns what was tried."""
    real, tried = yard.storage.delete, []

    def delete(sha256: bytes) -> None:
        tried.append(sha256)
        if sha256 in those:
            raise OSError(5, "Input/output error")
        real(sha256)

    monkeypatch.setattr(yard.storage, "delete", delete)
    return tried


def warnings(yard: Yard) -> list[str]:
    log = (yard.settings.home / "log" / "server.jsonl").read_text()
    return [line for line in log.splitlines() if "could not clear away" in line]


def test_bytes_that_cannot_be_deleted_keep_no_others_and_no_other_work(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = going(yard, 4)
    leftover = yard.upload("ani", DATA)
    with yard.store.write() as tx:
        tx.run("delete from uploads where id = $1", (leftover,))
    tried = undeletable(yard, monkeypatch, hashes[:2])
    look(yard, 1.0)
    assert set(yard.kept()) == set(yard.states()) == set(hashes[:2])
    assert yard.staged() == []
    assert len(warnings(yard)) == 1
    look(yard, 1.0 + EVERY)
    assert tried == hashes, "what failed is left alone for some time"
    yard.now += int(AGAIN_AFTER * SECOND)
    monkeypatch.undo()
    look(yard, 1.0 + 2 * EVERY)
    assert (yard.kept(), yard.states()) == ({}, {})


def test_as_many_as_are_looked_at_may_fail_and_those_behind_them_have_their_turn(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "AT_ONCE", 2)
    monkeypatch.setattr(janitor, "FAILURES", 2)
    hashes = going(yard, 5)
    tried = undeletable(yard, monkeypatch, hashes[:3])
    for number in range(3):
        look(yard, 1.0 + number * EVERY)
    assert tried == hashes
    assert set(yard.kept()) == set(hashes[:3])


def test_a_storage_that_refuses_everything_is_not_asked_two_hundred_times(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = going(yard, FAILURES + 3)
    tried = undeletable(yard, monkeypatch, hashes)
    look(yard, 1.0)
    assert tried == hashes[:FAILURES]


def test_an_upload_that_cannot_be_swept_keeps_no_other_one(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = yard.upload("ani", DATA)
    yard.now += 1
    yard.upload("budi", DATA)
    real = transfers.drop

    def drop(tx: Any, user: int, id: bytes, *arguments: Any, **fields: Any) -> bool:
        if id == first:
            raise OSError(5, "Input/output error")
        return real(tx, user, id, *arguments, **fields)

    monkeypatch.setattr(transfers, "drop", drop)
    yard.now += int(yard.settings.upload_keep * SECOND) + 1
    look(yard, 1.0)
    assert (yard.uploads(), yard.used("budi"), len(warnings(yard))) == (1, 0, 1)


def test_bytes_that_were_put_anew_since_the_look_began_are_not_deleted(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = going(yard, 2)
    real = yard.storage.delete

    def meanwhile(sha256: bytes) -> None:
        monkeypatch.undo()
        real(sha256)
        with yard.store.write() as tx:
            blobs.gone(tx, second)
        yard.file("budi", b"1")

    monkeypatch.setattr(yard.storage, "delete", meanwhile)
    look(yard, 1.0)
    assert first not in yard.kept()
    assert (list(yard.kept()), yard.states()) == ([second], {second: "stored"})


def test_one_janitor_works_at_a_time(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    id = yard.upload("ani", DATA)
    yard.seal("ani", id)
    yard.forget("ani", id)
    second = another(yard)
    real, deleted = yard.storage.delete, []

    def meanwhile(sha256: bytes) -> None:
        deleted.append(sha256)
        assert second.due(1.0)
        second.look()
        real(sha256)

    monkeypatch.setattr(yard.storage, "delete", meanwhile)
    assert yard.janitor.due(1.0)
    yard.janitor.look()
    second.close()
    assert deleted == [HASH]


def test_it_looks_every_few_seconds_and_not_while_it_looks(yard: Yard) -> None:
    assert yard.janitor.due(1.0)
    assert not yard.janitor.due(1.0 + 2 * EVERY)
    yard.janitor.look()
    assert yard.janitor.due(1.0 + 2 * EVERY)


@pytest.mark.parametrize("error", [StoreUnavailable("away"), OSError(5, "broken"), ValueError("a mistake")])
def test_trouble_is_logged_and_it_looks_again_later(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken() -> Any:
        raise error

    monkeypatch.setattr(yard.store, "read", broken)
    assert yard.janitor.due(1.0)
    yard.janitor.look()
    monkeypatch.undo()
    assert yard.janitor.due(1.0 + EVERY)
    log = (yard.settings.home / "log" / "server.jsonl").read_text()
    assert "could not clear away" in log or "fault" in log
    assert os.listdir(yard.settings.home / "files") == ["janitor.lock"]  # noqa: PTH208
