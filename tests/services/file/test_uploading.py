"""Uploads that are not finished: what they lack, what is held of them, and giving one up."""

from __future__ import annotations

import pytest

from protocol.errors import NotFound
from protocol.limits import FILE_CHUNK_BYTES
from services.file import staging
from services.storage import blobs, transfers
from tests.services.file.share import Share, sha

CHUNK = FILE_CHUNK_BYTES


def test_uploads_say_what_is_held_and_when_they_are_swept(share: Share) -> None:
    share.do("ani", "file.mkdir", path="a")
    first = share.id()
    share.do("ani", "file.begin", id=first, size=3 * CHUNK + 10, to="Budi", name="surat")
    began = share.now
    second = share.begin("ani", b"isi", path="a/b")
    third = share.ready("ani", path="c")
    share.begin("budi", b"isi", path="c")
    share.hold("ani", first, b"\1\0\0\1")
    share.hold("ani", second, b"\0")
    listed = share.do("ani", "file.uploads")["uploads"]
    keep = int(share.settings.upload_keep * 1_000_000)
    assert listed[0] == {
        "upload": first, "name": "surat", "size": 3 * CHUNK + 10, "held": CHUNK + 10, "to": "budi",
        "path": "", "created_at": began, "ends_at": began + keep,
    }  # fmt: skip
    assert [(each["upload"], each["held"], each["to"], each["path"]) for each in listed[1:]] == [
        (second, 0, "", "a/b"), (third, 3, "", "c"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("size", "held", "missing", "count"),
    [
        (0, b"", [], 0),
        (1, b"", [(0, 1)], 0),
        (1, b"\1", [], 1),
        (CHUNK, b"\0", [(0, CHUNK)], 0),
        (CHUNK + 1, b"\1", [(CHUNK, CHUNK + 1)], CHUNK),
        (CHUNK + 1, b"\0\1", [(0, CHUNK)], 1),
        (3 * CHUNK, b"\0\1\0", [(0, CHUNK), (2 * CHUNK, 3 * CHUNK)], CHUNK),
        (4 * CHUNK, b"\1\0\0\1", [(CHUNK, 3 * CHUNK)], 2 * CHUNK),
        (4 * CHUNK, b"\1\0", [(CHUNK, 4 * CHUNK)], CHUNK),
        (2**63 - 1, b"\1", [(CHUNK, 2**63 - 1)], CHUNK),
        (CHUNK, b"\1\1\1", [], CHUNK),
    ],
)
def test_the_map_says_what_is_missing(
    share: Share, size: int, held: bytes, missing: list[tuple[int, int]], count: int
) -> None:
    upload = share.id()
    share.hold("ani", upload, held)
    user = share.people["ani"].user_id
    assert staging.missing(share.settings, user, upload, size, CHUNK) == missing
    assert staging.held_bytes(share.settings, user, upload, size, CHUNK) == count


def test_of_an_upload_full_of_holes_a_thousand_are_named(share: Share) -> None:
    upload = share.id()
    share.hold("ani", upload, b"\0\1" * 3000)
    found = staging.missing(share.settings, share.people["ani"].user_id, upload, 6000 * CHUNK, CHUNK)
    assert found == [(2 * hole * CHUNK, (2 * hole + 1) * CHUNK) for hole in range(1000)]


def test_a_client_that_forgot_everything_but_the_id_goes_on(share: Share) -> None:
    upload = share.begin("ani", b"x" * (CHUNK + 1), path="a")
    share.hold("ani", upload, b"\1")
    reply = share.do("ani", "file.resume", upload=upload)
    assert (reply["missing"], reply["chunk_bytes"], reply["finished"]) == ([[CHUNK, CHUNK + 1]], CHUNK, False)
    share.seal("ani", upload, b"x" * (CHUNK + 1))
    assert share.do("ani", "file.resume", upload=upload)["missing"] == []
    share.do("ani", "file.finish", upload=upload)
    reply = share.do("ani", "file.resume", upload=upload)
    assert (reply["size"], reply["missing"], reply["finished"]) == (CHUNK + 1, [], True)
    for who, id in (("budi", upload), ("ani", share.id())):
        with pytest.raises(NotFound):
            share.do(who, "file.resume", upload=id)


def test_a_cancelled_upload_leaves_nothing_behind(share: Share) -> None:
    first, second = share.begin("ani", b"isi", path="a"), share.ready("ani", b"lain", path="b")
    share.hold("ani", first, b"\1")
    for who, id in (("budi", first), ("ani", share.id())):
        with pytest.raises(NotFound):
            share.do(who, "file.cancel", upload=id)
    for upload in (first, second):
        share.do("ani", "file.cancel", upload=upload)
        with pytest.raises(NotFound):
            share.do("ani", "file.resume", upload=upload)
    assert list(staging.folder(share.settings).iterdir()) == []
    assert (share.usage("ani"), share.state(b"lain")) == ((0, 0), "going")


def test_what_is_finished_cannot_be_cancelled(share: Share) -> None:
    upload = share.ready("ani", path="a")
    share.do("ani", "file.finish", upload=upload)
    with pytest.raises(NotFound):
        share.do("ani", "file.cancel", upload=upload)
    assert share.tree("ani") == ["a"]


def test_room_taken_by_staging_is_what_the_disk_gave(share: Share) -> None:
    assert staging.taken_bytes(share.settings) == 0
    upload = share.begin("ani", b"x" * CHUNK, path="a")
    share.hold("ani", upload, b"")
    with staging.data_file(share.settings, share.people["ani"].user_id, upload).open("wb") as file:
        file.truncate(100 * CHUNK)
        file.write(b"x" * 8192)
        file.flush()
    assert 8192 <= staging.taken_bytes(share.settings) < CHUNK


def test_who_gave_an_upload_up_says_nothing_of_bytes_that_another_expects(share: Share) -> None:
    mine, theirs = share.begin("ani", b"isi", path="a"), share.begin("budi", b"isi", path="a")
    ani, budi = (share.people[who].user_id for who in ("ani", "budi"))
    with share.store.write() as tx:
        transfers.seal(tx, ani, mine, sha(b"isi"), "text/plain", 3, share.now)
    share.do("ani", "file.cancel", upload=mine)
    with share.store.write() as tx:
        blobs.gone(tx, sha(b"isi"))
        transfers.seal(tx, budi, theirs, sha(b"isi"), "text/plain", 3, share.now)
        assert transfers.sealed(tx, ani, mine, sha(b"isi"), share.now) is False
    assert share.state(b"isi") == "coming"
    with share.store.write() as tx:
        assert transfers.sealed(tx, budi, theirs, sha(b"isi"), share.now) is True
    assert share.state(b"isi") == "stored"
