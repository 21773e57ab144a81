"""``message.history``: messages show their files, and an answer stays below what a client must take."""

from __future__ import annotations

from protocol.limits import FILE_NAME_MAX_BYTES, HISTORY_MAX_MESSAGES, REPLY_MAX_BYTES
from services.messaging.history import PAGE
from tests.services.file.share import Share, sha


def crowd(share: Share, group: int, count: int, name: str) -> None:
    """So many messages of ani's, each with a file of this name."""
    owner = share.people["ani"].user_id
    with share.store.write() as tx:
        tx.run("insert into blobs values ($1, 0, 'stored', 0)", (sha(b""),))
        for seq in range(1, count + 1):
            id = seq.to_bytes(16, "big")
            tx.run("insert into messages values ($1, $2, $3, $4, 'x', 0)", (group, seq, owner, id))
            tx.run(
                "insert into files"
                " (owner_id, upload, name, size, type, sha256, created_at, conversation_id, seq)"
                " values ($1, $2, $3, 0, 'application/octet-stream', $4, 0, $5, $6)",
                (owner, id, name, sha(b""), group, seq),
            )
        tx.run("update conversations set last_seq = $1 where id = $2", (count, group))
        tx.run("insert into usage values ($1, $2, 0)", (owner, count))


def test_a_page_of_files_with_long_names_is_cut_short(share: Share) -> None:
    group = share.group("ops", "ani", "budi")
    crowd(share, group, HISTORY_MAX_MESSAGES, "é" * (FILE_NAME_MAX_BYTES // 2))
    found: list[int] = []
    while len(found) < HISTORY_MAX_MESSAGES:
        page = share.do(
            "budi", "message.history", conversation=group, after=len(found), limit=HISTORY_MAX_MESSAGES
        )
        assert all(len(body) < REPLY_MAX_BYTES for _, _, body in share.last.replies)
        assert all(message["file"]["name"] for message in page["messages"])
        assert (page["first"], page["last"]) == (len(found) + 1, len(found) + len(page["messages"]))
        found += [message["seq"] for message in page["messages"]]
    assert found == list(range(1, HISTORY_MAX_MESSAGES + 1))
    latest = share.do("budi", "message.history", conversation=group, limit=HISTORY_MAX_MESSAGES)
    assert latest["last"] == HISTORY_MAX_MESSAGES > len(latest["messages"])


def test_each_message_has_its_own_file_or_none_on_every_page(share: Share) -> None:
    group = share.group("ops", "ani", "budi")
    files = {}
    share.post("ani", "budi", "lain")
    for seq in range(1, PAGE + 20):
        if seq % 50 == 3:
            files[seq] = share.post("budi", "#ops", f"{seq}")["file"]
        else:
            share.say("ani", "#ops")
    for fields in ({"after": 0}, {}, {"before": PAGE + 10}):
        page = share.do("ani", "message.history", conversation=group, limit=PAGE + 19, **fields)
        shown = {each["seq"]: each["file"] for each in page["messages"] if "file" in each}
        assert shown == {seq: file for seq, file in files.items() if page["first"] <= seq <= page["last"]}
        assert len(page["messages"]) > PAGE
