"""Lists, one file, usage: what there is, and who may know."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import COMMANDS
from protocol.errors import Forbidden, Invalid, NotFound
from protocol.limits import FILE_NAME_MAX_BYTES, REPLY_MAX_BYTES
from tests.services.file.share import Share, sha

OUTER = "café/" + "x" * 200

# --- lists --------------------------------------------------------------------------------------


def pages(share: Share, who: str, limit: int, **where: Any) -> list[list[str]]:
    """Names, page by page, as somebody would turn them."""
    found: list[list[str]] = []
    after = ""
    while True:
        page = share.do(who, "file.list", after=after, limit=limit, **where)
        found.append(sorted([*(each["name"] for each in page["files"]), *page.get("folders", [])]))
        if not page.get("more"):
            return found
        after = found[-1][-1]
        assert len(found) < 100


def test_there_is_nothing_at_first(share: Share) -> None:
    assert share.do("ani", "file.list") == {"files": []}
    assert share.do("ani", "file.usage") == {"files": 0, "bytes": 0, "quota": share.settings.file_quota_bytes}
    assert share.do("ani", "file.uploads") == {"uploads": []}


def test_a_folder_lists_files_and_folders_by_name_a_page_at_a_time(share: Share) -> None:
    names = ["a", "B", "c", "ä", "𝕏", "z", "0", "~", "ca"]
    for place, name in enumerate(names):
        if place % 2:
            share.do("ani", "file.mkdir", path=name)
        else:
            share.put("ani", name)
    share.put("ani", "B/a")
    share.put("budi", "milik budi")
    for limit in (1, 2, 3, len(names), 100):
        turned = pages(share, "ani", limit)
        assert [name for page in turned for name in page] == sorted(names)
        assert all(len(page) == limit for page in turned[:-1])
        assert len(turned) == -(-len(names) // limit)
    assert pages(share, "ani", 10, path="/B/") == [["a"]]


def test_a_folder_of_more_than_one_reading_is_listed_whole(share: Share) -> None:
    names = sorted(f"{number:03}" for number in range(300))
    share.set(files_per_user=1000)
    owner = share.people["ani"].user_id
    with share.store.write() as tx:
        for name in names:
            tx.run("insert into folders values ($1, '', $2, 0)", (owner, name))
    share.put("ani", "1000")
    with share.store.write() as tx:
        tx.run("update usage set files = files + 300 where user_id = $1", (owner,))
    assert pages(share, "ani", 1000) == [sorted([*names, "1000"])]


def test_a_page_of_long_names_is_cut_short_to_what_a_client_takes(share: Share) -> None:
    share.do("ani", "file.mkdir", path=OUTER, parents=True)
    owner = share.people["ani"].user_id
    names = [f"{number:03}" + "é" * ((FILE_NAME_MAX_BYTES - 3) // 2) for number in range(600)]
    with share.store.write() as tx:
        tx.run("insert into blobs values ($1, 0, 'stored', 0)", (sha(b""),))
        for number, name in enumerate(names):
            tx.run(
                "insert into files (owner_id, upload, folder, name, size, type, sha256, created_at)"
                " values ($1, $2, $3, $4, 0, 'application/octet-stream', $5, 0)",
                (owner, number.to_bytes(16, "big"), OUTER, name, sha(b"")),
            )
        tx.run("update usage set files = files + 600 where user_id = $1", (owner,))
    turned = pages(share, "ani", 1000, path=OUTER)
    assert [name for page in turned for name in page] == names
    assert len(turned) > 1
    share.do("ani", "file.list", path=OUTER, limit=1000)
    assert all(len(body) < REPLY_MAX_BYTES for _, _, body in share.last.replies)


@pytest.mark.parametrize(
    "fields",
    [
        {"path": "a\0b"},
        {"after": "a\0b"},
        {"after": "a/b"},
        {"path": "/".join("a" * 33)},
        {"path": "a", "conversation": 1},
        {"path": "a", "with": "budi"},
        {"conversation": 1, "with": "budi"},
        {"with": "budi", "after": "x"},
        {"with": "budi", "after": "-1"},
        {"with": "budi", "after": "٣"},
        {"with": "budi", "after": str(2**63)},
        {"with": "budi", "after": "9" * 250},
        {"limit": 0},
        {"limit": 1001},
    ],
    ids=str,
)
def test_a_question_that_makes_no_sense_is_invalid(share: Share, fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        share.do("ani", "file.list", **fields)


def test_a_folder_that_is_not_there_is_not_found(share: Share) -> None:
    share.do("ani", "file.mkdir", path="a")
    share.put("ani", "f")
    for who, path in (("ani", "b"), ("ani", "f"), ("budi", "a")):
        with pytest.raises(NotFound):
            share.do(who, "file.list", path=path)


def test_a_conversation_lists_its_files_by_seq(share: Share) -> None:
    group = share.group("ops", "ani", "budi")
    for number in range(5):
        share.post("ani" if number % 2 else "budi", "#ops", f"{number}")
        share.say("ani", "#ops")
    whole = share.do("budi", "file.list", conversation=group)["files"]
    assert [(each["name"], each["from"], each["seq"]) for each in whole] == [
        ("0", "budi", 1), ("1", "ani", 3), ("2", "budi", 5), ("3", "ani", 7), ("4", "budi", 9),
    ]  # fmt: skip
    assert {each["conversation"] for each in whole} == {group}
    first = share.do("budi", "file.list", **{"with": "#ops"}, limit=2)
    assert (first["files"], first["more"]) == (whole[:2], True)
    rest = share.do("budi", "file.list", conversation=group, after="3")
    assert rest == {"files": whole[2:]}


def test_a_direct_conversation_has_files_once_some_were_sent(share: Share) -> None:
    assert share.do("ani", "file.list", **{"with": "budi"}) == {"files": []}
    share.post("ani", "budi")
    for who, partner in (("ani", "budi"), ("budi", "ani")):
        (file,) = share.do(who, "file.list", **{"with": partner})["files"]
        assert file["from"] == "ani"
    assert share.do("citra", "file.list", **{"with": "budi"}) == {"files": []}


def test_only_members_list_the_files_of_a_conversation(share: Share) -> None:
    group = share.group("ops", "ani", "budi")
    share.post("ani", "#ops")
    share.leave(group, "budi")
    for who in ("budi", "citra"):
        with pytest.raises(Forbidden):
            share.do(who, "file.list", **{"with": "#ops"})
        with pytest.raises(NotFound):
            share.do(who, "file.list", conversation=group)


# --- one file -----------------------------------------------------------------------------------


def test_one_file_says_where_it_is(share: Share) -> None:
    share.do("ani", "file.mkdir", path="a")
    file = share.put("ani", "a/b")
    found = {
        "file": file, "name": "b", "size": 3, "type": "text/plain", "sha256": sha(b"isi"), "from": "ani",
        "created_at": share.now, "path": "a/b",
    }  # fmt: skip
    assert share.do("ani", "file.stat", path="a/b") == share.do("ani", "file.stat", file=file) == found
    sent = share.post("budi", "ani", "b")
    del found["path"]
    assert share.do("ani", "file.stat", file=sent["file"]["file"]) == {
        **found, "file": sent["file"]["file"], "from": "budi", "created_at": sent["sent_at"],
        "conversation": sent["conversation"], "seq": 1,
    }  # fmt: skip


def test_who_may_not_read_a_file_learns_not_even_that_there_is_one(share: Share) -> None:
    group = share.group("ops", "ani", "budi")
    own = share.put("ani", "a")
    shared = share.post("ani", "#ops")["file"]["file"]
    private = share.post("ani", "budi")["file"]["file"]
    share.leave(group, "budi")
    share.leave(group, "ani")
    cases = [
        ("budi", own),
        ("citra", own),
        ("budi", shared),
        ("ani", shared),
        ("citra", private),
        ("ani", 999),
    ]
    for who, file in cases:
        with pytest.raises(NotFound) as refused:
            share.do(who, "file.stat", file=file)
        reasons = "none has this number, it was deleted, or you may not read it"
        assert refused.value.body() == {"message": f"There is no file {file} for you: {reasons}."}


def test_who_comes_back_to_the_group_reads_its_files_again(share: Share) -> None:
    share.group("ops", "ani", "budi")
    file = share.post("ani", "#ops")["file"]["file"]
    share.do("budi", "group.leave", group="ops")
    with pytest.raises(NotFound):
        share.do("budi", "file.stat", file=file)
    share.do("budi", "group.join", group="ops")
    assert share.do("budi", "file.stat", file=file)["file"] == file


@pytest.mark.parametrize(
    "fields", [{}, {"file": 1, "path": "a"}, {"path": ""}, {"file": 2**63}, {"file": -1}]
)
def test_one_file_is_named_in_one_way(share: Share, fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        share.do("ani", "file.stat", **fields)


def test_a_folder_is_no_file(share: Share) -> None:
    share.do("ani", "file.mkdir", path="a")
    for path in ("a", "b"):
        with pytest.raises(NotFound):
            share.do("ani", "file.stat", path=path)


# --- everything ---------------------------------------------------------------------------------


def test_without_a_session_nothing_about_files_is_answered(share: Share) -> None:
    names = [name for name, row in COMMANDS.items() if row.service == "file"]
    calls = [share.call("ani", name)._replace(user_id=0, session=0) for name in names]
    ended = [share.call("ani", name, **_fields(name))._replace(session=999) for name in names]
    for batch in (calls, ended):
        answers = share.take(batch, share.engines["file"])
        assert {answer.status for answer in answers} == {"unauthenticated"}


def _fields(name: str) -> dict[str, Any]:
    """What each command needs to be understood."""
    needed: dict[str, dict[str, Any]] = {
        "file.begin": {"id": bytes(16), "size": 1, "path": "a"},
        "file.move": {"path": "a", "to": "b"},
        "file.mkdir": {"path": "a"},
        **{f"file.{verb}": {"upload": bytes(16)} for verb in ("resume", "finish", "cancel")},
    }
    return needed.get(name, {})
