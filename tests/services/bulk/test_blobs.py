"""Places for blobs: both kinds do the same, on a disk and on a server that speaks S3."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import stat
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from protocol.bulk import SealReply
from protocol.errors import Busy, Unavailable
from services.file.blobs import BlobStore, Missing, open_blobs
from services.file.bulk.sealing import Sealer
from tests.services.bulk.s3 import S3, environment
from tests.services.bulk.test_sealing import DATA, HASH, Killed
from tests.services.bulk.yard import CHUNK, Yard, some_bytes


def source(folder: Path, data: bytes) -> tuple[bytes, Path]:
    """A file on disk and its hash."""
    file = folder / "source"
    file.write_bytes(data)
    return hashlib.sha256(data).digest(), file


def test_what_is_put_can_be_read_in_parts(storage: BlobStore, tmp_path: Path) -> None:
    sha256, file = source(tmp_path, DATA)
    assert storage.size(sha256) is None
    storage.put(sha256, file)
    assert storage.size(sha256) == len(DATA)
    assert storage.read(sha256, 0, len(DATA)) == DATA
    assert storage.read(sha256, CHUNK, 10) == DATA[CHUNK : CHUNK + 10]
    assert storage.read(sha256, len(DATA) - 5, 100) == DATA[-5:]
    assert file.read_bytes() == DATA


def test_what_is_put_again_is_the_same_and_what_is_deleted_again_is_no_error(
    storage: BlobStore, tmp_path: Path
) -> None:
    sha256, file = source(tmp_path, DATA)
    for _ in range(2):
        storage.put(sha256, file)
    assert list(storage.every()) == [(sha256, len(DATA))]
    for _ in range(2):
        storage.delete(sha256)
    assert list(storage.every()) == []


def test_what_is_not_there_is_missing(storage: BlobStore) -> None:
    assert storage.size(HASH) is None
    with pytest.raises(Missing):
        storage.read(HASH, 0, 1)
    assert list(storage.every()) == []


def test_an_empty_blob_is_one(storage: BlobStore, tmp_path: Path) -> None:
    sha256, file = source(tmp_path, b"")
    storage.put(sha256, file)
    assert storage.size(sha256) == 0
    assert list(storage.every()) == [(sha256, 0)]


def test_many_blobs_are_all_listed(storage: BlobStore, tmp_path: Path) -> None:
    put = {}
    for number in range(60):
        sha256, file = source(tmp_path, b"%d" % number)
        storage.put(sha256, file)
        put[sha256] = len(b"%d" % number)
        file.unlink()
    assert dict(storage.every()) == put


def test_several_threads_use_it_at_once(storage: BlobStore, tmp_path: Path) -> None:
    sha256, file = source(tmp_path, DATA)
    storage.put(sha256, file)
    heard: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: heard.append(storage.read(sha256, 0, len(DATA)))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert heard == [DATA] * 8


def test_a_large_blob_travels_in_parts(s3: S3, tmp_path: Path) -> None:
    data = some_bytes(20 << 20)
    sha256, file = source(tmp_path, data)
    with environment(s3.environment):
        storage = open_blobs(Settings(home=tmp_path, file_storage=f"s3://{s3.bucket()}"))
        storage.put(sha256, file)
        assert storage.size(sha256) == len(data)
        assert storage.read(sha256, 10 << 20, 1000) == data[10 << 20 :][:1000]


def test_what_is_no_blob_in_a_folder_is_passed_over(tmp_path: Path) -> None:
    storage = open_blobs(Settings(home=tmp_path))
    sha256, file = source(tmp_path, DATA)
    storage.put(sha256, file)
    folder = tmp_path / "files" / "blobs" / sha256.hex()[:2]
    for name in ("x", "a" * 64 if sha256.hex()[:2] != "aa" else "b" * 64, sha256.hex().upper()):
        (folder / name).write_text("")
    assert list(storage.every()) == [(sha256, len(DATA))]


def test_two_who_copy_the_same_bytes_at_once_do_not_touch_each_others_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_blobs(Settings(home=tmp_path))
    sha256, file = source(tmp_path, DATA)
    real, other = shutil.copyfileobj, threading.Event()
    synced: list[bool] = []

    def no_links(*arguments: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    def meanwhile(original: Any, copy: Any, *arguments: Any) -> None:
        real(original, copy, *arguments)
        if not other.is_set():
            other.set()
            storage.put(sha256, file)  # all of it, while the first one's copy is there

    def sync(handle: int) -> None:
        mode = fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE
        if stat.S_ISREG(os.fstat(handle).st_mode):
            synced.append(mode != os.O_RDONLY)

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    monkeypatch.setattr(shutil, "copyfileobj", meanwhile)
    monkeypatch.setattr(os, "fsync", sync)
    storage.put(sha256, file)
    assert storage.read(sha256, 0, len(DATA)) == DATA
    assert synced == [True, True], "by the handle that wrote"
    assert not list(tmp_path.glob("*.copy"))


@pytest.mark.parametrize("place", ["s3://", "http://x/y", "bucket", "s3:///prefix", "s3://bucket/x?y=z"])
def test_a_place_that_makes_no_sense_is_refused_in_a_sentence(tmp_path: Path, place: str) -> None:
    with pytest.raises(OSError, match="s3://BUCKET/PREFIX"):
        open_blobs(Settings(home=tmp_path, file_storage=place))


# --- the whole way, with a bucket ---------------------------------------------------------------


def test_an_upload_is_sealed_into_a_bucket_and_read_from_there(far_yard: Yard) -> None:
    file = far_yard.file("ani", DATA)
    assert far_yard.read("ani", file, CHUNK, CHUNK) == DATA[CHUNK : 2 * CHUNK]
    assert far_yard.kept() == {HASH: len(DATA)}
    assert (far_yard.states(), far_yard.staged()) == ({HASH: "stored"}, [])


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_around_sending_it_to_a_bucket_harms_nothing(
    far_yard: Yard, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    id = far_yard.upload("ani", DATA)
    real = far_yard.storage.put

    def dies(sha256: bytes, file: Path) -> None:
        if after:
            real(sha256, file)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(far_yard.storage, "put", dies)
        with pytest.raises(Killed):
            far_yard.seal("ani", id)
    far_yard.clean()
    assert far_yard.seal("ani", id, far_yard.another_sealer()) == SealReply(HASH, "text/plain")
    assert far_yard.states() == {HASH: "stored"}


def test_bytes_that_nobody_refers_to_leave_the_bucket(far_yard: Yard) -> None:
    id = far_yard.upload("ani", DATA)
    far_yard.seal("ani", id)
    far_yard.forget("ani", id)
    with pytest.raises(Busy):
        far_yard.seal("budi", far_yard.upload("budi", DATA))
    far_yard.clean()
    assert (far_yard.kept(), far_yard.states()) == ({}, {})


def test_a_bucket_out_of_reach_is_to_be_asked_again_and_costs_nothing(
    settings: Settings, yard: Yard, s3: S3
) -> None:
    id = yard.upload("ani", DATA)
    with environment({**s3.environment, "AWS_ENDPOINT_URL": s3.address}):
        lost = open_blobs(with_storage(settings, "s3://there-is-no-such-bucket"))
        sealer = Sealer(settings, yard.store, lost, lambda: yard.now)
        with pytest.raises(OSError, match="NoSuchBucket") as error:
            sealer.seal(yard.user("ani"), id)
    answer = yard.desk.failed(1, "chunk.seal", error.value)
    assert Unavailable.code.encode() in answer
    assert yard.seal("ani", id).sha256 == HASH


def test_why_a_bucket_cannot_be_reached_is_said_without_addresses(tmp_path: Path, s3: S3) -> None:
    sha256, file = source(tmp_path, DATA)
    with environment({**s3.environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}):
        nowhere = open_blobs(Settings(home=tmp_path, file_storage="s3://bucket"))
        for ask in (partial(nowhere.put, sha256, file), partial(nowhere.size, sha256)):
            with pytest.raises(OSError, match="the object store: HTTP error") as error:
                ask()
            assert "127.0.0.1" not in str(error.value) and "test" not in str(error.value)
    with environment(s3.environment):
        lost = open_blobs(Settings(home=tmp_path, file_storage="s3://there-is-no-such-bucket"))
        with pytest.raises(OSError, match="NoSuchBucket"):
            list(lost.every())


def with_storage(settings: Settings, place: str) -> Settings:
    """The same with files elsewhere."""
    import msgspec

    return msgspec.structs.replace(settings, file_storage=place)
