"""Sealing an upload: what comes of it, what it refuses, and that a crash between two steps harms nothing."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import resource
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from protocol.bulk import SealReply
from protocol.errors import Busy, Conflict, Failure, NotFound, TooLarge
from services.file import staging
from services.file.blobs.folder import LocalFolder
from services.file.bulk.desk import Sealing
from services.file.bulk.sealing import Sealer, Tally
from services.file.bulk.staged import Staged
from services.storage import open_store, transfers
from services.storage.engine import Store, StoreUnavailable
from tests.services.bulk.yard import CHUNK, Yard, some_bytes

DATA = some_bytes(5 * CHUNK + 77)
HASH = hashlib.sha256(DATA).digest()


class Killed(BaseException):
    """kill -9, as far as the code can tell: nothing of ours catches it."""


def whole(yard: Yard) -> None:
    """The file is there, once, and nothing else is."""
    assert yard.kept() == {HASH: len(DATA)}
    assert yard.storage.read(HASH, 0, len(DATA)) == DATA
    assert yard.states() == {HASH: "stored"}
    assert yard.staged() == []


def test_a_sealed_upload_is_a_blob_and_its_staging_files_are_gone(yard: Yard) -> None:
    id = yard.upload("ani", DATA)
    assert yard.seal("ani", id) == SealReply(HASH, "text/plain")
    whole(yard)
    assert yard.seal("ani", id) == SealReply(HASH, "text/plain"), "as often as it is asked"
    whole(yard)


def test_an_empty_file_is_one_too(yard: Yard) -> None:
    id = yard.begin("ani", 0)
    reply = yard.seal("ani", id)
    assert reply == SealReply(hashlib.sha256(b"").digest(), "application/octet-stream")
    assert list(yard.kept().values()) == [0]


def test_an_upload_with_a_chunk_missing_is_not_sealed_and_stays(yard: Yard) -> None:
    id = yard.begin("ani", len(DATA))
    for chunk in (0, 1, 3, 4, 5):
        yard.put("ani", id, chunk * CHUNK, DATA[chunk * CHUNK :][:CHUNK])
    with pytest.raises(Conflict):
        yard.seal("ani", id)
    yard.put("ani", id, 2 * CHUNK, DATA[2 * CHUNK : 3 * CHUNK])
    assert yard.seal("ani", id).sha256 == HASH


def test_bytes_that_were_lost_between_hash_and_storage_are_given_up(yard: Yard) -> None:
    id = yard.upload("ani", DATA)
    with yard.store.write() as tx:
        transfers.seal(tx, yard.user("ani"), id, HASH, "text/plain", len(DATA), yard.now)
    staging.remove(yard.settings, yard.user("ani"), id)
    with pytest.raises(Conflict, match="lost"):
        yard.seal("ani", id)
    yard.janitor.look()
    assert (yard.staged(), yard.uploads(), yard.used("ani"), yard.kept()) == ([], 0, 0, {})


def test_nothing_arrived_and_nothing_can_be_sealed(yard: Yard) -> None:
    with pytest.raises(Conflict):
        yard.seal("ani", yard.begin("ani", len(DATA)))


def test_bytes_that_are_not_what_was_said_are_given_up(yard: Yard) -> None:
    id = yard.upload("ani", DATA, claimed=hashlib.sha256(b"other").digest())
    with pytest.raises(Conflict):
        yard.seal("ani", id)
    assert (yard.staged(), yard.uploads(), yard.used("ani"), yard.kept()) == ([], 0, 0, {})


def test_bytes_that_are_what_was_said_are_kept(yard: Yard) -> None:
    yard.seal("ani", yard.upload("ani", DATA, claimed=HASH))
    whole(yard)


def test_the_same_bytes_are_kept_once_whoever_brings_them(yard: Yard) -> None:
    for who in ("ani", "budi", "ani"):
        assert yard.seal(who, yard.upload(who, DATA)).sha256 == HASH
    whole(yard)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: os.truncate(path, 7)])
def test_bytes_that_a_disk_lost_are_put_there_again_by_whoever_brings_them(yard: Yard, damage: Any) -> None:
    file = yard.file("ani", DATA)
    (blob,) = (path for path in (yard.settings.home / "files" / "blobs").rglob("*") if path.is_file())
    damage(blob)
    yard.seal("budi", yard.upload("budi", DATA))
    whole(yard)
    assert yard.read("ani", file) == DATA[:CHUNK]


def test_who_need_not_send_what_is_there_sends_it_when_it_is_lost(yard: Yard) -> None:
    id = yard.upload("ani", DATA)
    yard.seal("ani", id)
    yard.storage.delete(HASH)
    with pytest.raises(Conflict, match="lost"):
        yard.seal("ani", id)
    yard.put_all("ani", id, DATA)
    for _ in range(2):  # the row of what was lost is cleared away first
        with contextlib.suppress(Busy):
            yard.seal("ani", id)
        yard.now += 10_000_000
        yard.janitor.look()
    whole(yard)


def test_what_was_hashed_on_the_way_is_not_read_again(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    id = yard.upload("ani", DATA)
    monkeypatch.setattr(os, "preadv", None)
    assert yard.seal("ani", id).sha256 == HASH


@pytest.mark.parametrize("first", [0, 2, 5])
def test_chunks_out_of_order_are_hashed_all_the_same(yard: Yard, first: int) -> None:
    id = yard.begin("ani", len(DATA))
    for chunk in [first, *(chunk for chunk in range(6) if chunk != first)]:
        yard.put("ani", id, chunk * CHUNK, DATA[chunk * CHUNK :][:CHUNK])
    assert yard.seal("ani", id).sha256 == HASH


def test_a_late_chunk_changes_no_blob(yard: Yard) -> None:
    id = yard.upload("ani", DATA)
    yard.seal("ani", id)
    yard.put("ani", id, 0, b"x" * CHUNK)
    whole(yard)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "image/png"),
        (b"Selamat pagi, ini berkas.\n", "text/plain"),
        ("é".encode() * 1000, "text/plain"),
        (b"a" + "é".encode() * 1000, "text/plain"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
        (b"\0" * 100, "application/octet-stream"),
        (bytes(range(256)), "application/octet-stream"),
        (b"\x93\xfa\x80 of no known kind", "application/octet-stream"),
    ],
)
def test_the_type_is_guessed_from_the_first_bytes(yard: Yard, head: bytes, kind: str) -> None:
    assert yard.seal("ani", yard.upload("ani", head)).type == kind


# --- crashes ------------------------------------------------------------------------------------

STEPS: dict[str, tuple[Any, str]] = {
    "claimed": (Staged, "claim"),
    "on disk": (Staged, "sync"),
    "hashed": (Staged, "sha256"),
    "expected": (Sealer, "_expect"),
    "put": (LocalFolder, "put"),
    "arrived": (Sealer, "_arrived"),
    "removed": (staging, "remove"),
}


def killed(where: Any, name: str, after: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes to this step dies, before it or right after it."""
    real = getattr(where, name)

    def dies(*arguments: Any) -> Any:
        if after:
            real(*arguments)
        raise Killed

    monkeypatch.setattr(where, name, dies)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_who_comes_after_a_crash_at_any_step_goes_on(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    id = yard.upload("ani", DATA)
    with monkeypatch.context() as patched:
        killed(*STEPS[step], after, patched)
        with pytest.raises(Killed):
            yard.seal("ani", id)
    yard.clean()
    assert yard.seal("ani", id, yard.another_sealer()) == SealReply(HASH, "text/plain")
    whole(yard)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_an_upload_given_up_after_a_crash_at_any_step_leaves_nothing(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    id = yard.upload("ani", DATA)
    with monkeypatch.context() as patched:
        killed(*STEPS[step], after, patched)
        with pytest.raises(Killed):
            yard.seal("ani", id)
    yard.forget("ani", id)
    yard.clean()
    assert (yard.kept(), yard.states(), yard.staged(), yard.used("ani")) == ({}, {}, [], 0)


@pytest.mark.parametrize("step", ["expected", "put", "arrived"])
def test_an_upload_cancelled_while_it_is_sealed_leaves_nothing(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    id = yard.upload("ani", DATA)
    where, name = STEPS[step]
    real = getattr(where, name)

    def cancelled(*arguments: Any) -> Any:
        yard.forget("ani", id)
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(where, name, cancelled)
        with pytest.raises((NotFound, FileNotFoundError)):
            yard.seal("ani", id)
    yard.clean()
    assert (yard.kept(), yard.states(), yard.staged(), yard.used("ani")) == ({}, {}, [], 0)


@pytest.mark.parametrize("step", ["on disk", "hashed", "expected", "put", "arrived"])
def test_a_second_worker_is_busy_while_the_first_seals(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    id = yard.upload("ani", DATA)
    where, name = STEPS[step]
    real = getattr(where, name)
    heard: list[str] = []

    def meanwhile(*arguments: Any) -> Any:
        try:
            yard.another_sealer().seal(yard.user("ani"), id)
        except Failure as error:
            heard.append(error.code)
        return real(*arguments)

    monkeypatch.setattr(where, name, meanwhile)
    assert yard.seal("ani", id).sha256 == HASH
    assert heard == ["busy"]
    monkeypatch.undo()
    whole(yard)


def test_workers_that_seal_the_same_bytes_at_once_all_succeed(
    yard: Yard, settings: Settings, store: Store
) -> None:
    asked = []
    for who in ("ani", "budi", "citra", "dewi"):
        id = yard.upload(who, DATA)
        asked.append(yard.ask("chunk.seal", who, upload=id))
    heard: list[bytes] = []

    def seal(sealing: Sealing) -> None:
        mine = open_store(settings)
        sealer = Sealer(settings, mine, yard.storage, lambda: yard.now)
        heard.append(sealer.seal(sealing.user, sealing.upload, sealing.tally).sha256)
        mine.close()

    threads = [threading.Thread(target=seal, args=(each,)) for each in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert heard == [HASH] * 4
    whole(yard)


# --- bytes that are going -----------------------------------------------------------------------


def test_bytes_that_are_being_deleted_are_waited_for(yard: Yard) -> None:
    first = yard.upload("ani", DATA)
    yard.seal("ani", first)
    yard.forget("ani", first)
    assert yard.states() == {HASH: "going"}
    second = yard.upload("budi", DATA)
    with pytest.raises(Busy):
        yard.seal("budi", second)
    yard.clean()
    assert yard.kept() == {}
    assert yard.seal("budi", second).sha256 == HASH
    whole(yard)


def test_a_chunk_hashed_wrongly_long_ago_does_not_count(yard: Yard) -> None:
    id = yard.upload("ani", DATA)
    tally = Tally(hashlib.sha256(DATA[: 2 * CHUNK]), 2 * CHUNK)
    assert yard.sealer.seal(yard.user("ani"), id, tally).sha256 == HASH


# --- a full disk --------------------------------------------------------------------------------


def full(*arguments: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("where", "name"), [(os, "fsync"), (LocalFolder, "put"), (os, "mkdir"), (Path, "hardlink_to")]
)
def test_a_disk_that_is_full_when_it_is_sealed_leaves_nothing(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, where: Any, name: str
) -> None:
    id = yard.upload("ani", DATA)
    with monkeypatch.context() as patched:
        patched.setattr(where, name, full)
        with pytest.raises(TooLarge, match="disk is full"):
            yard.seal("ani", id)
    yard.clean()
    assert (yard.kept(), yard.states(), yard.staged()) == ({}, {}, [])
    assert (yard.uploads(), yard.used("ani")) == (0, 0)
    assert yard.seal("ani", yard.upload("ani", DATA, id=id)).sha256 == HASH


@pytest.mark.parametrize(("free", "refusal"), [(0, TooLarge), (1 << 30, StoreUnavailable)])
def test_a_database_that_is_unavailable_on_a_full_disk_is_full(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, free: int, refusal: type[Exception]
) -> None:
    def unavailable(*arguments: Any) -> Any:
        raise StoreUnavailable("full")

    id = yard.upload("ani", DATA)
    monkeypatch.setattr(Sealer, "_expect", unavailable)
    monkeypatch.setattr(staging, "free_bytes", lambda settings: free)
    with pytest.raises(refusal):
        yard.seal("ani", id)
    assert yard.uploads() == (0 if free == 0 else 1)


def test_a_file_system_without_links_gets_a_copy(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    def unable(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", unable)
    yard.seal("ani", yard.upload("ani", DATA))
    whole(yard)


def test_a_disk_that_is_really_full_leaves_nothing(yard: Yard, tmp_path: Path) -> None:
    """Where this user may mount, a small disk; elsewhere a limit on the size of files does."""
    big = some_bytes(600 * CHUNK)
    (tmp_path / "files").mkdir()
    with SmallDisk(tmp_path / "files", 400 * CHUNK):
        small = yard.upload("budi", DATA)
        id = yard.begin("ani", len(big))
        with pytest.raises(TooLarge, match="disk is full"):
            yard.put_all("ani", id, big)
        assert (yard.used("ani"), yard.uploads()) == (0, 1)
        assert [name for name in yard.staged() if id.hex() in name] == []
        assert yard.seal("budi", small).sha256 == HASH, "there is room again"
        assert yard.storage.read(HASH, 0, len(DATA)) == DATA
        yard.close()


class SmallDisk:
    """``folder`` takes no more than so many bytes."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder = folder
        self._size = size
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def __enter__(self) -> None:
        command = ["mount", "-t", "tmpfs", "-o", f"size={self._size},mode=700", "pesan", str(self._folder)]
        mount = shutil.which("mount")
        self._mounted = bool(mount) and not subprocess.run(command, capture_output=True).returncode
        if not self._mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self._size, self._limits[1]))

    def __exit__(self, *error: object) -> None:
        if self._mounted:
            subprocess.run(["umount", "-l", str(self._folder)], check=True, capture_output=True)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)
