"""Folders in one's own space: made, moved, deleted; and files deleted wherever they are."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.errors import Busy, Conflict, Forbidden, Invalid, NotFound, TooLarge
from protocol.limits import FOLDERS_MAX_DEPTH, PATH_MAX_LENGTH
from services.file import tree
from tests.services.file.share import Share, sha

# --- mkdir --------------------------------------------------------------------------------------


def test_a_folder_is_made_where_its_folder_is(share: Share) -> None:
    with pytest.raises(NotFound, match="no folder 'a'"):
        share.do("ani", "file.mkdir", path="a/b")
    share.do("ani", "file.mkdir", path="/a/")
    share.do("ani", "file.mkdir", path="a/b")
    assert share.tree("ani") == ["a/", "a/b/"]
    assert (share.tree("budi"), share.usage("ani")) == ([], (2, 0))
    with pytest.raises(Conflict, match="already a folder 'a/b'"):
        share.do("ani", "file.mkdir", path="a/b")


def test_with_parents_those_above_are_made_too_and_it_may_exist(share: Share) -> None:
    for path in ("a/b/c", "a/b/c", "a/d"):
        share.do("ani", "file.mkdir", path=path, parents=True)
    assert share.tree("ani") == ["a/", "a/b/", "a/b/c/", "a/d/"]
    assert share.usage("ani") == (4, 0)


@pytest.mark.parametrize("parents", [False, True])
def test_no_folder_is_made_where_a_file_is_nor_in_one(share: Share, parents: bool) -> None:
    share.put("ani", "a")
    with pytest.raises(Conflict, match="'a' is a file"):
        share.do("ani", "file.mkdir", path="a", parents=parents)
    with pytest.raises((Conflict, NotFound)):
        share.do("ani", "file.mkdir", path="a/b", parents=parents)
    assert share.tree("ani") == ["a"]


@pytest.mark.parametrize(
    "path", ["", "/", ".", "a/..", "a//b", "a\0", "a\n", "/".join("a" * 33), "a/" + "x" * 256]
)
def test_names_that_there_may_not_be_are_invalid(share: Share, path: str) -> None:
    for command, fields in (
        ("file.mkdir", {}),
        ("file.delete", {}),
        ("file.stat", {}),
        ("file.move", {"to": "b"}),
    ):
        with pytest.raises(Invalid):
            share.do("ani", command, path=path, **fields)


# --- move ---------------------------------------------------------------------------------------


def test_a_file_is_moved_and_stays_the_same(share: Share) -> None:
    file = share.put("ani", "a.txt")
    share.do("ani", "file.mkdir", path="surat")
    share.do("ani", "file.move", path="a.txt", to="surat/b.txt")
    found = share.do("ani", "file.stat", file=file)
    assert (found["path"], found["name"], found["sha256"]) == ("surat/b.txt", "b.txt", sha(b"isi"))
    assert share.tree("ani") == ["surat/", "surat/b.txt"]


def test_a_folder_is_moved_with_all_that_is_beneath_it_and_nothing_else(share: Share) -> None:
    for path in ("a/b/c", "a.b", "ab", "a0", "x"):
        share.do("ani", "file.mkdir", path=path, parents=True)
    for path in ("a/1", "a/b/2", "a/b/c/3", "a.b/4", "ab/5", "a0/6"):
        share.put("ani", path)
    share.do("budi", "file.mkdir", path="a/b", parents=True)
    share.do("ani", "file.move", path="a", to="x/y")
    moved = ["x/", "x/y/", "x/y/1", "x/y/b/", "x/y/b/2", "x/y/b/c/", "x/y/b/c/3"]
    assert share.tree("ani") == sorted(["a.b/", "a.b/4", "a0/", "a0/6", "ab/", "ab/5", *moved])
    assert share.tree("budi") == ["a/", "a/b/"]
    share.do("ani", "file.move", path="x/y/b", to="b")
    assert share.do("ani", "file.stat", path="b/c/3")["size"] == 3
    assert share.usage("ani") == (13, 18)


def test_a_folder_of_letters_that_take_several_bytes_is_moved_whole(share: Share) -> None:
    share.do("ani", "file.mkdir", path="é𝕏/ü", parents=True)
    share.put("ani", "é𝕏/ü/1")
    share.do("ani", "file.move", path="é𝕏", to="e")
    assert share.tree("ani") == ["e/", "e/ü/", "e/ü/1"]
    share.do("ani", "file.move", path="e", to="𝕏é")
    assert share.tree("ani") == ["𝕏é/", "𝕏é/ü/", "𝕏é/ü/1"]


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"path": "none", "to": "b"}, NotFound),
        ({"path": "a", "to": "none/a"}, NotFound),
        ({"path": "f", "to": "none/a"}, NotFound),
        ({"path": "f", "to": "g"}, Conflict),
        ({"path": "f", "to": "a"}, Conflict),
        ({"path": "f", "to": "a", "replace": True}, Conflict),
        ({"path": "f", "to": "g/x"}, NotFound),
        ({"path": "a", "to": "f"}, Conflict),
        ({"path": "a", "to": "f", "replace": True}, Conflict),
        ({"path": "a", "to": "d"}, Conflict),
        ({"path": "a", "to": "d", "replace": True}, Conflict),
        ({"path": "a", "to": "a/b"}, Invalid),
        ({"path": "a", "to": "a/b/c"}, Invalid),
        ({"path": "a", "to": "a/x"}, Invalid),
    ],
    ids=str,
)
def test_what_cannot_be_moved_stays_where_it_is(
    share: Share, fields: dict[str, Any], refusal: type[Exception]
) -> None:
    for path in ("a/b", "d"):
        share.do("ani", "file.mkdir", path=path, parents=True)
    for path in ("f", "g", "a/h"):
        share.put("ani", path)
    before = share.tree("ani")
    with pytest.raises(refusal):
        share.do("ani", "file.move", **fields)
    assert share.tree("ani") == before


def test_moved_to_where_it_is_it_stays(share: Share) -> None:
    share.put("ani", "a")
    share.do("ani", "file.mkdir", path="b")
    share.do("ani", "file.move", path="a", to="/a", replace=True)
    share.do("ani", "file.move", path="b", to="b")
    assert share.tree("ani") == ["a", "b/"]


def test_a_file_gives_way_to_one_that_is_moved_over_it(share: Share) -> None:
    share.put("ani", "a", b"lama")
    file = share.put("ani", "b", b"baru!")
    share.do("ani", "file.move", path="b", to="a", replace=True)
    assert share.do("ani", "file.stat", path="a")["file"] == file
    assert (share.usage("ani"), share.state(b"lama"), share.state(b"baru!")) == ((1, 5), "going", "stored")


def test_no_move_makes_a_path_too_deep_or_too_long(share: Share) -> None:
    deep = "/".join("d" * (FOLDERS_MAX_DEPTH - 2))
    share.do("ani", "file.mkdir", path=deep, parents=True)
    long = "/".join(["l" * 200] * 5)
    assert len(long) <= PATH_MAX_LENGTH < len(long) + len("s/s/s" * 5)
    share.do("ani", "file.mkdir", path=long, parents=True)
    share.do("ani", "file.mkdir", path="s/" + "s" * 30, parents=True)
    share.put("ani", "s/" + "s" * 30 + "/f")
    for to in (f"{deep}/s", f"{long}/s"):
        with pytest.raises(Invalid, match="would have more"):
            share.do("ani", "file.move", path="s", to=to)
    share.do("ani", "file.delete", path="s/" + "s" * 30 + "/f")
    share.do("ani", "file.move", path="s", to=f"{deep}/s")
    assert f"{deep}/s/{'s' * 30}/" in share.tree("ani", deep)


# --- delete -------------------------------------------------------------------------------------


def test_a_deleted_file_frees_its_bytes_when_nobody_else_has_them(share: Share) -> None:
    mine, _ = share.put("ani", "a"), share.put("budi", "b")
    share.do("ani", "file.delete", file=mine)
    assert (share.state(b"isi"), share.usage("ani"), share.tree("ani")) == ("stored", (0, 0), [])
    share.do("budi", "file.delete", path="/b")
    assert (share.state(b"isi"), share.usage("budi")) == ("going", (0, 0))
    with pytest.raises(NotFound):
        share.do("ani", "file.delete", path="a")


def test_bytes_that_an_upload_waits_to_refer_to_stay(share: Share) -> None:
    share.put("ani", "a")
    upload = share.ready("budi", path="b")
    share.do("ani", "file.delete", path="a")
    assert share.state(b"isi") == "stored"
    share.do("budi", "file.finish", upload=upload)


def test_a_folder_is_deleted_empty_or_with_all_that_is_in_it(share: Share) -> None:
    for path in ("a/b/c", "ab"):
        share.do("ani", "file.mkdir", path=path, parents=True)
    for path, data in (("a/1", b"1"), ("a/b/c/2", b"22"), ("ab/3", b"333"), ("4", b"22")):
        share.put("ani", path, data)
    for path in ("a", "a/b", "a/b/c"):
        with pytest.raises(Conflict, match="not empty"):
            share.do("ani", "file.delete", path=path)
    share.do("ani", "file.delete", path="a", recursive=True)
    assert share.tree("ani") == ["4", "ab/", "ab/3"]
    assert share.usage("ani") == (3, 5)
    assert [share.state(data) for data in (b"1", b"22", b"333")] == ["going", "stored", "stored"]
    share.do("ani", "file.delete", path="ab/3")
    share.do("ani", "file.delete", path="ab")
    assert share.tree("ani") == ["4"]


@pytest.mark.parametrize(
    "fields", [{}, {"file": 1, "path": "a"}, {"path": "", "recursive": True}, {"file": 0}]
)
def test_one_file_is_named_by_number_or_by_path(share: Share, fields: dict[str, Any]) -> None:
    share.put("ani", "a")
    with pytest.raises(Invalid):
        share.do("ani", "file.delete", **fields)
    assert share.tree("ani") == ["a"]


def test_nobody_deletes_what_is_in_anothers_space(share: Share) -> None:
    file = share.put("ani", "a")
    with pytest.raises(NotFound, match=f"no file {file}"):
        share.do("budi", "file.delete", file=file)


# --- in a conversation --------------------------------------------------------------------------


def test_a_file_deleted_from_a_conversation_leaves_its_message_and_what_it_was(share: Share) -> None:
    group = share.group("ops", "ani", "budi")
    file = share.post("ani", "#ops", text="ini")["file"]
    share.do("ani", "file.delete", file=file["file"])
    assert (share.usage("ani"), share.state(b"isi")) == ((0, 0), "going")
    (message,) = share.do("budi", "message.history", conversation=group)["messages"]
    assert message["body"] == "ini"
    assert message["file"] == {**file, "sha256": b"", "gone": True}
    assert share.do("budi", "file.list", conversation=group) == {"files": []}
    for who in ("ani", "budi"):
        with pytest.raises(NotFound):
            share.do(who, "file.stat", file=file["file"])
    with pytest.raises(NotFound):
        share.do("ani", "file.delete", file=file["file"])


def test_finishing_what_was_deleted_since_says_that_it_is_gone(share: Share) -> None:
    upload = share.ready("ani", to="budi", name="a.txt")
    first = share.do("ani", "file.finish", upload=upload)
    share.do("ani", "file.delete", file=first["file"]["file"])
    again = share.do("ani", "file.finish", upload=upload, sha256=sha(b"isi"))
    assert again == {**first, "duplicate": True, "file": {**first["file"], "sha256": b"", "gone": True}}
    assert share.heard("budi", "message")[0]["file"]["gone"] is True
    assert share.usage("ani") == (0, 0)


def test_a_file_in_a_conversation_is_deleted_by_whoever_sent_it_alone(share: Share) -> None:
    group = share.group("ops", "ani", "budi", "citra")
    file = share.post("budi", "#ops")["file"]["file"]
    with pytest.raises(Forbidden, match="Only budi"):
        share.do("ani", "file.delete", file=file)
    with pytest.raises(NotFound):
        share.do("dewi", "file.delete", file=file)
    share.leave(group, "budi")
    assert share.usage("budi") == (1, 3)
    assert share.do("citra", "file.stat", file=file)["from"] == "budi"


def test_who_left_a_group_deletes_what_they_sent_there_by_its_number_and_has_their_bytes_back(
    share: Share,
) -> None:
    group = share.group("ops", "ani", "budi")
    mine, other = (share.post(who, "#ops")["file"]["file"] for who in ("budi", "ani"))
    share.leave(group, "budi")
    for file in (mine, other):
        with pytest.raises(NotFound):
            share.do("budi", "file.stat", file=file)
    share.do("budi", "file.delete", file=mine)
    assert share.usage("budi") == (0, 0)
    assert share.do("ani", "message.history", conversation=group)["messages"][0]["file"]["gone"] is True
    for file in (mine, other):
        with pytest.raises(NotFound):
            share.do("budi", "file.delete", file=file)
    assert share.do("ani", "file.stat", file=other)["size"] == 3


def test_a_deleted_group_gives_all_its_members_their_bytes_back(share: Share) -> None:
    group = share.group("ops", "ani", "budi")
    share.post("ani", "#ops", data=b"satu")
    share.post("budi", "#ops", data=b"dua")
    gone = share.post("budi", "#ops", data=b"tiga")["file"]["file"]
    share.do("budi", "file.delete", file=gone)
    share.put("budi", "simpan", b"dua")
    share.post("ani", "budi", data=b"empat")
    share.do("ani", "group.leave", group="ops")
    assert (share.usage("ani"), share.usage("budi")) == ((2, 9), (2, 6))
    share.do("budi", "group.leave", group="ops")
    assert (share.usage("ani"), share.usage("budi")) == ((1, 5), (1, 3))
    assert share.row("select count(*) from files where conversation_id = $1", group) == (0,)
    assert [share.state(data) for data in (b"satu", b"dua", b"empat")] == ["going", "stored", "stored"]


def many(share: Share, count: int) -> None:
    """So many small files in ani's folder a."""
    owner = share.people["ani"].user_id
    with share.store.write() as tx:
        for number in range(count):
            hash = sha(b"%d" % number)
            tx.run("insert into blobs values ($1, 1, 'stored', 0)", (hash,))
            tx.run(
                "insert into files (owner_id, upload, folder, name, size, type, sha256, created_at)"
                " values ($1, $2, 'a', $3, 1, '', $4, 0)",
                (owner, number.to_bytes(16, "big"), f"{number}", hash),
            )
        tx.run(
            "update usage set files = files + $1, bytes = bytes + $2 where user_id = $3",
            (count, count, owner),
        )


def test_a_thousand_files_are_let_go_of_in_one_breath(share: Share) -> None:
    share.do("ani", "file.mkdir", path="a")
    many(share, 1000)
    share.do("ani", "file.delete", path="a", recursive=True)
    assert share.usage("ani") == (0, 0)
    assert share.row("select count(*) from blobs where state = 'going'") == (1000,)


def test_more_than_one_breath_takes_are_let_go_of_in_several(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "AT_ONCE", 10)
    share.do("ani", "file.mkdir", path="a")
    many(share, 25)
    for left in (16, 6):
        with pytest.raises(Busy, match="10 files and folders were deleted"):
            share.do("ani", "file.delete", path="a", recursive=True)
        assert share.usage("ani") == (left, left - 1)
        share.sound()
    share.do("ani", "file.delete", path="a", recursive=True)
    assert (share.usage("ani"), share.tree("ani")) == ((0, 0), [])


def test_folders_are_deleted_in_several_steps_too_and_never_before_what_is_in_them(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "AT_ONCE", 4)
    for path in ("a/b/c/d", "a/b.x", "a/b0/e", "a.b", "ab"):
        share.do("ani", "file.mkdir", path=path, parents=True)
    share.put("ani", "a/b/1")
    share.put("ani", "a/b/c/2")
    # Two files and six folders are beneath it.
    for left in (4, 0):
        with pytest.raises(Busy, match="4 files and folders"):
            share.do("ani", "file.delete", path="a", recursive=True)
        found = share.tree("ani")  # down from the topmost: a folder whose own is gone would be missing
        assert len([path for path in found if path.startswith("a/")]) == left + 1
        assert share.usage("ani") == (left + 3, 0)
        share.sound()
    share.do("ani", "file.delete", path="a", recursive=True)
    assert share.tree("ani") == ["a.b/", "ab/"]


@pytest.mark.parametrize("kind", ["files", "folders", "both"])
def test_a_folder_with_too_much_in_it_is_not_moved_and_says_how_much_would_be(
    share: Share, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(tree, "MOVED_MOST", 4)
    share.do("ani", "file.mkdir", path="a/b", parents=True)
    for number in range(3):
        if kind == "files" or (kind == "both" and number):
            share.put("ani", f"a/b/{number}")
        else:
            share.do("ani", "file.mkdir", path=f"a/b/{number}")
    share.put("ani", "beside")
    share.do("ani", "file.move", path="a", to="c")
    share.put("ani", "c/b/one more")
    before = share.tree("ani")
    with pytest.raises(TooLarge, match="up to 4 files and folders") as refused:
        share.do("ani", "file.move", path="c", to="a")
    assert refused.value.fields["limit"] == 4
    assert share.tree("ani") == before
    share.do("ani", "file.move", path="c/b", to="b")
