"""fsck and the storage: a bucket as well as a folder, things that change while it looks, what is not read.

Not here: one damage for each rule (``test_fsck``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import obstore
import pytest
from obstore.store import S3Store

from config.settings import Settings
from services.admin.fsck import Found, Scene
from services.admin.program import groups
from services.admin.storage_checks import Kept, Orphans, Whole
from services.file.blobs import open_blobs
from services.storage import open_reader, open_store
from services.storage.engine import Store
from services.storage.migrate import migrate
from tests.services.admin.busy import SECRET, busy
from tests.services.admin.storage_damages import OWN, SENT, STRANGE, place
from tests.services.admin.test_fsck import faulty, look
from tests.services.bulk.s3 import S3, environment
from tests.services.world import NOW

WHAT_WAS_SENT = hashlib.sha256(SECRET.encode() * 2).digest()


def test_reading_every_byte_is_only_done_when_it_is_asked_for() -> None:
    names = {check.name for group in groups("sqlite") for check in group.checks}
    everything = {check.name for group in groups("sqlite", hashes=True) for check in group.checks}
    assert everything - names == {"storage.hashes"}


# --- a bucket -----------------------------------------------------------------------------------


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[tuple[Settings, S3Store]]:
    """A busy store whose files are in a bucket, and the place in the bucket."""
    server = S3()
    name = server.bucket()
    plain = Settings(home=tmp_path, realm="here", file_storage=f"s3://{name}/pesan")
    settings = msgspec.structs.replace(plain, password_memory_kib=8, password_passes=1)
    with environment(server.environment), closing(open_store(settings)) as store:
        migrate(store, NOW)
        busy(settings, store)
        yield settings, S3Store(name, prefix="pesan")
    server.stop()


def test_files_in_a_bucket_are_looked_for_there(bucket: tuple[Settings, S3Store]) -> None:
    settings, objects = bucket
    assert faulty(look(settings)) == {}
    obstore.delete(objects, f"{SENT[:2]}/{SENT}")
    obstore.put(objects, f"{STRANGE[:2]}/{STRANGE}", b"from nowhere")
    obstore.put(objects, f"{OWN[:2]}/{OWN}", SECRET.upper().encode())
    obstore.put(objects, "readme.txt", b"of somebody who looks after the bucket")
    found = {name: result.found.first for name, result in faulty(look(settings)).items()}
    assert found == {
        "storage.whole": [f"blob {SENT} is not in storage: file 3 of user 3"],
        "storage.orphans": [f"blob {STRANGE}, 12 bytes"],
        "storage.hashes": [f"blob {OWN} has another hash: file 1 of user 1"],
    }


def test_a_bucket_that_cannot_be_reached_is_a_problem_and_stops_no_other_check(
    settings: Settings, store: Store
) -> None:
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ALLOW_HTTP": "true", "AWS_REGION": "x"}
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    with environment({**nowhere, **keys}):
        results = look(msgspec.structs.replace(settings, file_storage="s3://none/at-all"))
    assert faulty(results).keys() == {"storage.whole", "storage.orphans"}
    assert not results["storage.whole"].ran
    assert results["storage.staging"].ok


# --- while it looks -----------------------------------------------------------------------------


def test_what_is_deleted_while_fsck_looks_is_no_problem(settings: Settings, store: Store) -> None:
    busy(settings, store)
    kept = Kept()
    with closing(open_reader(settings)) as reader, reader.read() as tx:
        scene = Scene(tx, reader.dialect, settings)
        assert tx.row("select 1 from blobs where sha256 = $1", (WHAT_WAS_SENT,))
        assert kept.sizes(settings)[WHAT_WAS_SENT] == 2 * len(SECRET)
        place(settings, SENT).unlink()
        with store.write() as writer:
            writer.run("delete from blobs where sha256 = $1", (WHAT_WAS_SENT,))
        assert Whole(Kept()).look(scene) == Found(0, [])
        assert Orphans(kept).look(scene) == Found(0, [])


def test_what_comes_while_fsck_looks_is_no_problem(settings: Settings, store: Store, tmp_path: Path) -> None:
    data, sha256 = b"new", hashlib.sha256(b"new").digest()
    (tmp_path / "new").write_bytes(data)
    with closing(open_reader(settings)) as reader, reader.read() as tx:
        scene = Scene(tx, reader.dialect, settings)
        assert tx.row("select count(*) from blobs") == (0,)
        with store.write() as writer:
            writer.run("insert into blobs values ($1, $2, 'stored', 0)", (sha256, len(data)))
        open_blobs(settings).put(sha256, tmp_path / "new")
        assert Orphans(Kept()).look(scene) == Found(0, [])
        assert Whole(Kept()).look(scene) == Found(0, [])
