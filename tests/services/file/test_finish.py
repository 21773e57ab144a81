"""``file.finish``: a sealed upload becomes a file, and in a conversation a message like any other."""

from __future__ import annotations

import pytest

from protocol.errors import OK, Conflict, Forbidden, Invalid, NotFound, TooLarge
from tests.services.file.share import Share, sha


def shown(file: int, name: str = "surat.txt", data: bytes = b"isi", **fields: object) -> dict[str, object]:
    """A file as its message shows it."""
    return {
        "file": file, "name": name, "size": len(data), "type": "text/plain", "sha256": sha(data), **fields
    }  # fmt: skip


# --- in a conversation --------------------------------------------------------------------------


def test_a_file_is_a_message_with_a_seq_an_event_and_a_place_in_history(share: Share) -> None:
    group = share.group("ops", "ani", "budi")
    share.say("budi", "#ops", "kirim, ya")
    upload = share.ready("ani", to="#ops", name="surat.txt", text="ini dia")
    reply = share.do("ani", "file.finish", upload=upload, sha256=sha(b"isi"))
    file = shown(reply["file"]["file"])
    sent_at = share.now
    assert reply == {"file": file, "conversation": group, "seq": 2, "sent_at": sent_at, "duplicate": False}
    message = {"seq": 2, "from": "ani", "body": "ini dia", "sent_at": sent_at, "id": upload, "file": file}
    assert share.on(share.topic_of(group), "message") == [{**message, "conversation": group, "to": "#ops"}]
    assert share.do("budi", "message.history", conversation=group)["messages"][1] == message
    assert share.usage("ani") == (1, 3)
    assert share.do("ani", "file.uploads") == {"uploads": []}
    assert share.inbox("budi")["#ops"]["unread"] == 1


def test_without_a_text_the_message_says_the_files_name(share: Share) -> None:
    share.post("ani", "budi", "surat.txt")
    (heard,) = share.heard("budi", "message")
    assert (heard["body"], heard["to"], heard["file"]["name"]) == ("surat.txt", "budi", "surat.txt")


def test_a_file_begins_a_direct_conversation(share: Share) -> None:
    reply = share.post("ani", "budi")
    assert (reply["seq"], share.inbox("budi")["ani"]["unread"]) == (1, 1)
    assert share.post("budi", "ani")["conversation"] == reply["conversation"]


def test_other_devices_of_the_sender_hear_of_a_file(share: Share) -> None:
    upload = share.ready("ani", to="budi", name="surat.txt")
    share.do("ani", "file.finish", upload=upload, devices=True)
    assert share.heard("ani", "message") == share.heard("budi", "message") != []


def test_everyone_hears_of_a_file_for_everyone(share: Share) -> None:
    reply = share.post("ani", "*")
    (heard,) = share.on(share.topic_of(reply["conversation"]), "message")
    assert (heard["to"], heard["file"]["name"]) == ("*", "surat.txt")
    assert share.do("dewi", "file.stat", file=reply["file"]["file"])["from"] == "ani"


def test_a_file_is_a_message_that_another_can_come_after(share: Share) -> None:
    upload = share.ready("ani", to="budi", name="surat.txt")
    with pytest.raises(Conflict):
        share.say("ani", "budi", "sudah?", after=upload)
    share.do("ani", "file.finish", upload=upload)
    assert share.say("ani", "budi", "sudah?", after=upload)["seq"] == 2


def test_finishing_again_says_the_same_and_publishes_it_once_more(share: Share) -> None:
    share.group("ops", "ani", "budi")
    for to in ("#ops", "budi", "*", "ani"):
        upload = share.ready("ani", to=to, name="surat.txt", text="ini")
        first = share.do("ani", "file.finish", upload=upload)
        said = share.events
        again = share.do("ani", "file.finish", upload=upload)
        assert again == {**first, "duplicate": True}
        assert share.events == said != []
    assert share.usage("ani") == (4, 12)


def test_twice_in_one_batch_makes_one_file(share: Share) -> None:
    upload = share.ready("ani", to="budi", name="surat.txt")
    first, second = share.files(*[("ani", "file.finish", {"upload": upload})] * 2)
    assert second == (OK, {**first.body, "duplicate": True})
    assert share.row("select count(*) from messages") == (1,)


def test_a_message_retried_with_a_files_id_shows_its_file(share: Share) -> None:
    group = share.group("ops", "ani", "budi")
    for to in ("#ops", "budi"):
        upload = share.ready("ani", to=to, name="surat.txt")
        share.do("ani", "file.finish", upload=upload)
        said = share.events
        assert share.say("ani", to, "surat.txt", id=upload)["duplicate"] is True
        assert share.events == said
    share.do("ani", "file.delete", file=1)
    share.say("ani", "#ops", "surat.txt", id=share.row("select upload from files where id = 1")[0])
    (heard,) = share.on(share.topic_of(group), "message")
    assert heard["file"] == shown(1, gone=True) | {"sha256": b""}


def test_a_message_whose_id_is_that_of_a_file_elsewhere_shows_none(share: Share) -> None:
    upload = share.ready("ani", path="surat.txt")
    share.do("ani", "file.finish", upload=upload)
    for _ in range(2):
        share.say("ani", "budi", "surat.txt", id=upload)
        assert ["file" in heard for heard in share.heard("budi", "message")] == [False]


def test_an_id_that_became_a_messages_meanwhile_is_a_conflict(share: Share) -> None:
    upload = share.ready("ani", to="budi", name="surat.txt")
    share.say("ani", "budi", "surat.txt", id=upload)
    with pytest.raises(Conflict, match="belongs to a message"):
        share.do("ani", "file.finish", upload=upload)
    share.do("ani", "file.cancel", upload=upload)


def test_who_was_removed_meanwhile_sends_nothing_and_keeps_the_upload(share: Share) -> None:
    group = share.group("ops", "ani", "budi")
    upload = share.ready("budi", to="#ops", name="surat.txt")
    share.leave(group, "budi")
    with pytest.raises(Forbidden):
        share.do("budi", "file.finish", upload=upload)
    assert (share.events, share.stored()) == ([], [])
    assert share.usage("budi") == (0, 3)
    share.do("budi", "file.cancel", upload=upload)
    assert (share.usage("budi"), share.state(b"isi")) == ((0, 0), "going")


def test_who_was_removed_since_hears_that_it_was_sent_and_nobody_else_hears_it_again(share: Share) -> None:
    group = share.group("ops", "ani", "budi")
    upload = share.ready("budi", to="#ops", name="surat.txt")
    first = share.do("budi", "file.finish", upload=upload)
    share.leave(group, "budi")
    assert share.do("budi", "file.finish", upload=upload) == {**first, "duplicate": True}
    assert share.events == []


def test_a_group_that_is_gone_by_then_is_not_found(share: Share) -> None:
    share.group("ops", "ani")
    upload = share.ready("ani", to="#ops", name="surat.txt")
    share.do("ani", "group.leave", group="ops")
    with pytest.raises(NotFound):
        share.do("ani", "file.finish", upload=upload)


def test_a_refusal_spoils_no_neighbour(share: Share) -> None:
    share.group("ops", "budi")
    good, bad = share.ready("ani", to="budi", name="a"), share.begin("ani", b"isi", to="budi", name="b")
    taken = share.ready("ani", path="c")
    share.put("ani", "c", b"lain")
    answers = share.files(
        ("ani", "file.finish", {"upload": bad}),
        ("ani", "file.finish", {"upload": good}),
        ("budi", "file.finish", {"upload": good}),
        ("ani", "file.finish", {"upload": taken}),
    )
    assert [answer.status for answer in answers] == ["conflict", OK, "not_found", "conflict"]
    assert len(share.heard("budi", "message")) == 1


# --- what is there to finish --------------------------------------------------------------------


def test_only_ones_own_upload_is_there(share: Share) -> None:
    upload = share.ready("ani", path="a.txt")
    for who, id in (("budi", upload), ("ani", share.id())):
        with pytest.raises(NotFound, match="no such upload"):
            share.do(who, "file.finish", upload=id)
    with pytest.raises(Invalid):
        share.do("ani", "file.finish", upload=b"short")


def test_an_upload_that_is_not_sealed_or_not_in_storage_is_a_conflict(share: Share) -> None:
    upload = share.begin("ani", b"isi", path="a.txt")
    with pytest.raises(Conflict, match="not sealed"):
        share.do("ani", "file.finish", upload=upload)
    share.seal("ani", upload, b"isi")
    with share.store.write() as tx:
        tx.run("update blobs set state = 'coming'")
    with pytest.raises(Conflict, match="not sealed"):
        share.do("ani", "file.finish", upload=upload)


def test_bytes_that_are_not_the_callers_are_a_conflict(share: Share) -> None:
    upload = share.ready("ani", path="a.txt")
    with pytest.raises(Conflict, match="not yours"):
        share.do("ani", "file.finish", upload=upload, sha256=sha(b"lain"))
    share.do("ani", "file.finish", upload=upload, sha256=sha(b"isi"))
    with pytest.raises(Conflict, match="not yours"):
        share.do("ani", "file.finish", upload=upload, sha256=sha(b"lain"))
    assert share.usage("ani") == (1, 3)


# --- in one's own space -------------------------------------------------------------------------


def test_a_file_in_ones_own_space_is_no_message(share: Share) -> None:
    upload = share.ready("ani", path="a.txt")
    reply = share.do("ani", "file.finish", upload=upload)
    file = reply.pop("file")
    assert file == shown(file["file"], "a.txt")
    assert reply == {"conversation": 0, "seq": 0, "sent_at": 0, "duplicate": False}
    assert (share.events, share.stored()) == ([], [])
    assert share.do("ani", "file.finish", upload=upload) == {**reply, "file": file, "duplicate": True}
    assert share.usage("ani") == (1, 3)


def test_an_empty_file_is_a_file(share: Share) -> None:
    share.put("ani", "kosong", b"")
    assert share.usage("ani") == (1, 0)
    assert share.post("ani", "budi", data=b"")["file"]["size"] == 0


def test_what_gives_way_frees_its_bytes_at_once(share: Share) -> None:
    old = share.put("ani", "a.txt", b"yang lama")
    upload = share.ready("ani", b"yang baru!", path="a.txt", replace=True)
    assert share.usage("ani") == (1, 19)
    new = share.do("ani", "file.finish", upload=upload)["file"]["file"]
    assert share.usage("ani") == (1, 10)
    assert (share.state(b"yang lama"), share.state(b"yang baru!")) == ("going", "stored")
    assert share.do("ani", "file.stat", path="a.txt")["file"] == new != old
    with pytest.raises(NotFound):
        share.do("ani", "file.stat", file=old)
    assert share.do("ani", "file.finish", upload=upload)["duplicate"] is True


def test_the_same_bytes_giving_way_to_themselves_stay(share: Share) -> None:
    share.put("ani", "a.txt")
    share.put("ani", "a.txt", replace=True)
    assert (share.usage("ani"), share.state(b"isi")) == ((1, 3), "stored")


def test_what_was_free_when_it_began_may_be_taken_by_then(share: Share) -> None:
    share.do("ani", "file.mkdir", path="surat")
    first, second = (share.ready("ani", path="surat/a.txt") for _ in range(2))
    over = share.ready("ani", path="surat/b", replace=True)
    lost = share.ready("ani", path="surat/c")
    share.do("ani", "file.finish", upload=first)
    share.do("ani", "file.mkdir", path="surat/b")
    for upload, refusal in ((second, "already a file"), (over, "is a folder")):
        with pytest.raises(Conflict, match=refusal):
            share.do("ani", "file.finish", upload=upload)
    share.do("ani", "file.delete", path="surat", recursive=True)
    with pytest.raises(NotFound, match="no folder"):
        share.do("ani", "file.finish", upload=lost)
    assert share.usage("ani") == (0, 9)


def test_names_are_compared_exactly(share: Share) -> None:
    for name in ("Surat", "surat", "sürat", "surat ".strip() + "."):
        share.put("ani", name)
    share.put("ani", "kopi e\u0301", b"1")
    with pytest.raises(Conflict):
        share.put("ani", "kopi \u00e9", b"1")
    assert share.tree("ani") == sorted(["Surat", "surat", "sürat", "surat.", "kopi \u00e9"])


def test_a_message_limit_lowered_since_refuses_no_finished_upload(share: Share) -> None:
    upload = share.ready("ani", to="budi", name="a.txt", text="x" * 50)
    share.set(message_max_bytes=10, file_quota_bytes=1, files_per_user=1, file_max_bytes=1)
    assert share.do("ani", "file.finish", upload=upload)["seq"] == 1
    with pytest.raises(TooLarge):
        share.begin("ani", b"isi", path="b.txt")
