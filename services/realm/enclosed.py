"""Files that go with what is delivered: as their messages show them, with our numbers.

Here: from entries of the outbox to their files. Not here: bytes, which the other realm fetches if anybody
there wants them (``serving``).
"""

from __future__ import annotations

from collections.abc import Sequence

from protocol.files import FileInfo
from services.messaging import attached
from services.storage import files
from services.storage.engine import Transaction
from services.storage.outbox import Waiting


def enclosed(tx: Transaction, batch: Sequence[Waiting]) -> dict[int, FileInfo]:
    """Files of these entries, by ``n``."""
    spans: dict[int, tuple[int, int]] = {}
    for entry in batch:
        if entry.kind == "message":
            first, _ = spans.get(entry.conversation, (entry.seq, 0))
            spans[entry.conversation] = first, entry.seq
    found = {where: attached.in_range(tx, where, *span) for where, span in spans.items()}
    posts = {(entry.user_id, entry.message_id): entry.n for entry in batch if entry.kind == "post"}
    posted = files.posted(tx, [(user, id) for user, id in posts if id is not None])
    return {
        entry.n: file
        for entry in batch
        if entry.kind == "message" and (file := found[entry.conversation].get(entry.seq)) is not None
    } | {posts[file.owner_id, file.upload]: attached.info(file) for file in posted}
