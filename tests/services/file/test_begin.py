"""``file.begin``: everything is refused before a byte moves, and asking again goes on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from protocol import limits
from protocol.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge
from services.file import begin, staging
from tests.services.file.share import Share, sha

CHUNK = limits.FILE_CHUNK_BYTES
HUGE = 2**63 - 1


def test_the_answer_says_how_to_send_the_bytes(share: Share) -> None:
    upload = share.id()
    assert share.do("ani", "file.begin", id=upload, size=CHUNK + 1, to="budi", name="surat.txt") == {
        "upload": upload,
        "size": CHUNK + 1,
        "chunk_bytes": CHUNK,
        "window": limits.FILE_WINDOW,
        "missing": [[0, CHUNK + 1]],
        "finished": False,
    }
    assert share.usage("ani") == (0, CHUNK + 1)


def test_an_empty_file_lacks_nothing(share: Share) -> None:
    assert share.do("ani", "file.begin", id=share.id(), size=0, path="kosong")["missing"] == []


def test_asking_again_says_what_is_missing_by_now(share: Share) -> None:
    upload = share.id()
    asked = {"id": upload, "size": 5 * CHUNK + 7, "to": "Budi", "name": "surat.txt"}
    share.do("ani", "file.begin", **asked)
    share.hold("ani", upload, b"\1\0\1\1")
    again = share.do("ani", "file.begin", **asked)
    assert again["missing"] == [[CHUNK, 2 * CHUNK], [4 * CHUNK, 5 * CHUNK + 7]]
    assert share.usage("ani") == (0, asked["size"])


def test_who_is_meant_may_be_written_in_another_way(share: Share) -> None:
    asked = {"id": share.id(), "size": 3, "name": "surat.txt"}
    share.do("ani", "file.begin", to="budi", **asked)
    assert share.do("ani", "file.begin", to="BUDI@here", **asked)["missing"] == [[0, 3]]


@pytest.mark.parametrize(
    "other",
    [{"size": 4}, {"to": "citra"}, {"name": "b.txt"}, {"text": "lain"}, {"sha256": sha(b"lain")}],
    ids=str,
)
def test_the_same_id_for_something_else_is_a_conflict(share: Share, other: dict[str, Any]) -> None:
    asked = {"id": share.id(), "size": 3, "to": "budi", "name": "a.txt", "sha256": sha(b"isi")}
    share.do("ani", "file.begin", **asked)
    with pytest.raises(Conflict, match="another upload"):
        share.do("ani", "file.begin", **{**asked, **other})
    assert share.usage("ani") == (0, 3)


def test_two_people_may_choose_the_same_id(share: Share) -> None:
    asked = {"id": share.id(), "size": 3, "to": "budi", "name": "a.txt"}
    share.do("ani", "file.begin", **asked)
    share.do("citra", "file.begin", **{**asked, "size": 4})
    assert (share.usage("ani"), share.usage("citra")) == ((0, 3), (0, 4))


def test_the_id_of_a_message_is_a_conflict(share: Share) -> None:
    said = share.id()
    share.say("ani", "budi", id=said)
    with pytest.raises(Conflict, match="belongs to a message"):
        share.begin("ani", b"isi", id=said, to="budi", name="a.txt")


# --- where to -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"to": "budi", "path": "a.txt"},
        {"to": "budi"},
        {"to": "budi", "name": "a.txt", "replace": True},
        {"path": "a.txt", "name": "a.txt"},
        {"path": "a.txt", "text": "ini"},
        {"path": ""},
        {"path": "//"},
        {"path": "../a.txt"},
        {"path": "a/../b"},
        {"path": "a//b"},
        {"path": "a\0b"},
        {"path": "a" * 256},
        {"path": "/".join("a" * 40)},
        {"path": "/".join(["x" * 100] * 11)},
        {"to": "budi", "name": "a/b"},
        {"to": "budi", "name": ".."},
        {"to": "budi", "name": "\u202egnp.exe"},
        {"to": "budi", "name": "a\nb"},
        {"to": "budi", "name": "a.txt", "text": "a\0b"},
        {"to": "#", "name": "a.txt"},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_invalid(share: Share, where: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        share.begin("ani", b"isi", **where)


def test_only_where_one_may_send_a_message(share: Share) -> None:
    share.group("ops", "budi")
    for to, refusal in (
        ("#ops", Forbidden),
        ("#none", NotFound),
        ("eko", NotFound),
        ("budi@there", NotFound),
    ):
        with pytest.raises(refusal):
            share.begin("ani", b"isi", to=to, name="a.txt")
    share.set(message_max_bytes=10)
    with pytest.raises(TooLarge):
        share.begin("ani", b"isi", to="budi", name="a.txt", text="x" * 11)


def test_a_path_must_be_free_and_its_folder_there(share: Share) -> None:
    share.put("ani", "a.txt")
    share.do("ani", "file.mkdir", path="surat")
    with pytest.raises(Conflict, match="already a file"):
        share.begin("ani", b"isi", path="/a.txt")
    with pytest.raises(Conflict, match="is a folder"):
        share.begin("ani", b"isi", path="surat", replace=True)
    with pytest.raises(NotFound, match="no folder 'gambar'"):
        share.begin("ani", b"isi", path="gambar/a.png")
    share.begin("ani", b"isi", path="a.txt", replace=True)
    share.begin("budi", b"isi", path="a.txt")


# --- how much -----------------------------------------------------------------------------------


def test_a_file_larger_than_any_may_be_is_refused(share: Share) -> None:
    share.set(file_max_bytes=10)
    share.begin("ani", b"x" * 10, path="a")
    for size in (11, HUGE):
        with pytest.raises(TooLarge) as refused:
            share.do("ani", "file.begin", id=share.id(), size=size, path="b")
        assert refused.value.fields["limit"] == 10


@pytest.mark.parametrize("size", [2**63, -1, 1.5, "3"])
def test_a_size_that_is_none_is_invalid(share: Share, size: Any) -> None:
    with pytest.raises(Invalid):
        share.do("ani", "file.begin", id=share.id(), size=size, path="b")


def test_the_quota_counts_files_and_what_is_unfinished_to_the_byte(share: Share) -> None:
    share.set(file_quota_bytes=10)
    share.put("ani", "a", b"1234")
    share.begin("ani", b"12345", path="b")
    with pytest.raises(TooLarge) as refused:
        share.begin("ani", b"12", path="c")
    assert (refused.value.fields["limit"], refused.value.fields["used"]) == (10, 9)
    share.begin("ani", b"1", path="c")
    share.begin("ani", b"", path="d")
    assert share.do("ani", "file.usage") == {"files": 1, "bytes": 10, "quota": 10}


def test_no_size_is_so_large_that_it_fits_again(share: Share) -> None:
    share.set(file_quota_bytes=HUGE, file_max_bytes=HUGE)
    share.put("ani", "a", b"1")
    with pytest.raises(TooLarge, match="take 1 of"):
        share.do("ani", "file.begin", id=share.id(), size=HUGE, path="b")
    with pytest.raises(TooLarge, match="disk"):
        share.do("budi", "file.begin", id=share.id(), size=HUGE, path="b")


def test_somebody_has_so_many_unfinished_uploads_at_most(share: Share) -> None:
    share.set(uploads_per_user=2)
    first = share.begin("ani", b"1", path="a")
    share.begin("ani", b"1", path="b")
    with pytest.raises(TooLarge) as refused:
        share.begin("ani", b"1", path="c")
    assert refused.value.fields["limit"] == 2
    share.begin("ani", b"1", id=first, path="a")
    share.begin("budi", b"1", path="c")


def test_somebody_has_so_many_files_and_folders_at_most(share: Share) -> None:
    share.set(files_per_user=3)
    share.do("ani", "file.mkdir", path="a")
    share.put("ani", "a/b")
    share.begin("ani", b"1", to="budi", name="c")
    for act in (
        lambda: share.begin("ani", b"1", path="d"),
        lambda: share.do("ani", "file.mkdir", path="d"),
    ):
        with pytest.raises(TooLarge) as refused:
            act()
        assert refused.value.fields["limit"] == 3


# --- the disk -----------------------------------------------------------------------------------


def test_the_disk_keeps_its_reserve_and_what_others_are_still_to_send(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    share.set(file_disk_reserve_bytes=1000)
    monkeypatch.setattr(staging, "free_bytes", lambda settings: 1000 + 100)
    share.begin("budi", b"x" * 60, path="a")
    with pytest.raises(TooLarge, match="disk") as refused:
        share.begin("ani", b"x" * 41, path="a")
    assert refused.value.fields == {}
    share.begin("ani", b"x" * 40, path="a")
    share.begin("ani", b"", path="b")


def test_what_others_have_sent_already_is_not_awaited_any_more(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    share.set(file_disk_reserve_bytes=0)
    monkeypatch.setattr(staging, "free_bytes", lambda settings: 100)
    monkeypatch.setattr(staging, "taken_bytes", lambda settings: 60)
    share.begin("budi", b"x" * 60, path="a")
    share.begin("ani", b"x" * 100, path="a")


def test_staging_is_looked_through_only_where_it_matters_and_once_in_some_seconds(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    taken = 60

    def look(settings: object) -> int:
        looks.append(taken)
        return taken

    share.set(file_disk_reserve_bytes=0)
    monkeypatch.setattr(staging, "free_bytes", lambda settings: 100)
    monkeypatch.setattr(staging, "taken_bytes", look)
    share.begin("budi", b"x" * 60, path="a")
    share.begin("ani", b"x" * 40, path="a")
    assert looks == []  # all that is awaited would fit
    taken = 100
    share.begin("ani", b"x" * 60, path="b")
    with pytest.raises(TooLarge, match="disk"):
        share.begin("ani", b"x" * 100, path="c")
    assert looks == [100]
    taken = 160
    share.now += begin.TAKEN_KEPT
    share.begin("ani", b"x" * 100, path="c")
    assert looks == [100, 160]


def test_a_disk_without_room_refuses_with_nothing_left_of_it(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "free_bytes", lambda settings: 0)
    with pytest.raises(TooLarge, match="disk"):
        share.begin("ani", b"x", path="a")
    assert share.do("ani", "file.uploads") == {"uploads": []}
    assert share.usage("ani") == (0, 0)


def test_room_on_the_disk_is_what_the_system_says(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def statvfs(path: object) -> SimpleNamespace:
        asked.append(str(path))
        return SimpleNamespace(f_bavail=3, f_frsize=4096)

    monkeypatch.setattr("services.file.staging.os.statvfs", statvfs)
    assert staging.free_bytes(share.settings) == 3 * 4096
    staging.folder(share.settings).mkdir(parents=True)
    staging.free_bytes(share.settings)
    assert asked == [str(share.settings.home), str(staging.folder(share.settings))]


# --- bytes that are there already ---------------------------------------------------------------


def test_who_may_read_the_bytes_anyway_need_not_send_them(share: Share) -> None:
    share.group("ops", "ani", "budi")
    share.post("ani", "#ops", data=b"sama")
    for who in ("ani", "budi"):
        upload = share.id()
        asked = {"id": upload, "size": 4, "path": "salin", "sha256": sha(b"sama")}
        assert share.do(who, "file.begin", **asked)["missing"] == []
        assert share.do(who, "file.begin", **asked)["missing"] == []
        file = share.do(who, "file.finish", upload=upload, sha256=sha(b"sama"))["file"]
        assert (file["type"], file["sha256"]) == ("text/plain", sha(b"sama"))
    assert share.row("select count(*) from blobs") == (1,)


def test_a_copy_needs_no_room_on_the_disk(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    share.put("ani", "a", b"sama")
    monkeypatch.setattr(staging, "free_bytes", lambda settings: 0)
    share.begin("ani", b"sama", path="b", sha256=sha(b"sama"))
    assert share.usage("ani") == (1, 8)


def test_who_only_knows_the_hash_must_send_the_bytes(share: Share) -> None:
    group = share.group("ops", "ani", "budi")
    share.post("ani", "#ops", data=b"rahasia")
    share.put("ani", "simpan", b"sendiri")
    share.leave(group, "budi")
    for who, data in (("budi", b"rahasia"), ("citra", b"rahasia"), ("budi", b"sendiri"), ("ani", b"lain")):
        asked = {"id": share.id(), "size": len(data), "path": data.decode(), "sha256": sha(data)}
        assert share.do(who, "file.begin", **asked)["missing"] == [[0, len(data)]]


def test_who_left_the_group_must_send_even_their_own_bytes_anew(share: Share) -> None:
    group = share.group("ops", "ani", "budi")
    share.post("budi", "#ops", data=b"rahasia")
    share.leave(group, "budi")
    asked = {"id": share.id(), "size": 7, "path": "lagi", "sha256": sha(b"rahasia")}
    assert share.do("budi", "file.begin", **asked)["missing"] == [[0, 7]]


def test_a_hash_with_another_size_is_taken_for_unknown(share: Share) -> None:
    share.put("ani", "a", b"sama")
    asked = {"id": share.id(), "size": 5, "path": "b", "sha256": sha(b"sama")}
    assert share.do("ani", "file.begin", **asked)["missing"] == [[0, 5]]


def test_bytes_on_their_way_in_or_out_are_sent_again(share: Share) -> None:
    share.put("ani", "a", b"sama")
    for state in ("coming", "going"):
        with share.store.write() as tx:
            tx.run("update blobs set state = $1", (state,))
        asked = {"id": share.id(), "size": 4, "path": state, "sha256": sha(b"sama")}
        assert share.do("ani", "file.begin", **asked)["missing"] == [[0, 4]]
    with share.store.write() as tx:
        tx.run("update blobs set state = 'stored'")


# --- what is finished already -------------------------------------------------------------------


def test_an_upload_that_is_a_file_says_so(share: Share) -> None:
    sent: dict[str, Any] = {"id": share.id(), "size": 3, "to": "budi", "name": "a.txt"}
    kept: dict[str, Any] = {"id": share.id(), "size": 3, "path": "a.txt"}
    for asked in (sent, kept):
        share.do("ani", "file.begin", **asked)
        share.seal("ani", asked["id"], b"isi")
        share.do("ani", "file.finish", upload=asked["id"])
        reply = share.do("ani", "file.begin", **asked)
        assert (reply["finished"], reply["missing"]) == (True, [])
        with pytest.raises(Conflict):
            share.do("ani", "file.begin", **{**asked, "size": 4})
    with pytest.raises(Conflict):
        share.do("ani", "file.begin", **{**sent, "name": "b.txt"})
    with pytest.raises(Conflict):
        share.do("ani", "file.begin", id=sent["id"], size=3, path="b.txt")
    group = share.group("ops", "ani", "budi")
    gone = {"id": share.id(), "size": 3, "to": "#ops", "name": "a.txt"}
    share.seal("ani", share.begin("ani", b"isi", **gone), b"isi")
    share.do("ani", "file.finish", upload=gone["id"])
    share.leave(group, "ani")
    assert share.do("ani", "file.begin", **gone)["finished"] is True
    share.do("ani", "file.move", path="a.txt", to="b.txt")
    assert share.do("ani", "file.begin", **kept)["finished"] is True
    assert share.usage("ani") == (3, 9)


@pytest.mark.parametrize("place", [{"to": "budi", "name": "a"}, {"path": "a"}], ids=str)
def test_what_is_a_file_by_now_is_not_said_to_be_other_bytes_of_the_same_size(
    share: Share, place: dict[str, Any]
) -> None:
    asked = {"id": share.ready("ani", b"isi", **place), "size": 3, **place}
    file = share.do("ani", "file.finish", upload=asked["id"])["file"]["file"]
    for known in ({}, {"sha256": sha(b"isi")}):
        assert share.do("ani", "file.begin", **asked, **known)["finished"] is True
    with pytest.raises(Conflict, match="another upload"):
        share.do("ani", "file.begin", **asked, sha256=sha(b"isu"))
    if "to" in place:
        share.do("ani", "file.delete", file=file)
        with pytest.raises(Conflict, match="another upload"):
            share.do("ani", "file.begin", **asked, sha256=sha(b"isi"))
