"""Files that come with messages of other realms: what is known of them while their bytes stay there.

Here: a row for such a file, as the message that it came with shows it. Not here: fetching its bytes (the
realm process), and who may ask for them (the file service).
"""

from __future__ import annotations

import re
from typing import Final

from protocol.errors import Invalid
from protocol.file_names import checked_file_name
from protocol.files import FileInfo
from protocol.limits import SHA256_BYTES
from services.context import Context
from services.messaging.attached import info
from services.storage import fetches, files

TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,40}/[a-z0-9][a-z0-9.+-]{0,80}")
UNKNOWN: Final = "application/octet-stream"
SIZE_MOST: Final = 1 << 48
"""Bytes. No file has more, whatever anybody says."""


def attach(
    ctx: Context, realm: int, conversation: int, seq: int, owner: int, id: bytes, said: FileInfo
) -> FileInfo | None:
    """The file of a new message as it is shown here: message ``id`` of ``owner``, stored as ``seq``.

    ``said`` is what the realm of this number says of it, its numbers being that realm's. If the owner is a
    user of ours, and posted it to a group there, it is the file that we have, which now has its place. None
    when what is said makes no sense: then the message has no file.
    """
    ours = files.uploaded(ctx.tx, owner, id)
    if ours is not None:
        if (ours.conversation, ours.seq) == (conversation, 0):
            files.place(ctx.tx, ours.id, conversation, seq)
        elif (ours.conversation, ours.seq) != (conversation, seq):
            return None
        return info(ours)
    found = _sensible(said)
    if found is None:
        return None
    number = files.add(ctx.tx, owner, id, None, found.name, found.size, found.type, None, ctx.now)
    files.place(ctx.tx, number, conversation, seq)
    if found.gone:
        return FileInfo(number, found.name, found.size, found.type, b"", True)
    fetches.add(ctx.tx, number, realm, found.file, found.sha256, ctx.now)
    return FileInfo(number, found.name, found.size, found.type, found.sha256)


def _sensible(said: FileInfo) -> FileInfo | None:
    """What is said, with a name and a type that may be shown; None if it can be no file."""
    try:
        name = checked_file_name(said.name)
    except Invalid:
        return None
    gone = said.gone or not said.sha256
    if not gone and (len(said.sha256) != SHA256_BYTES or not 0 < said.file < 1 << 63):
        return None
    if not 0 <= said.size <= SIZE_MOST:
        return None
    type = said.type if TYPE.fullmatch(said.type) else UNKNOWN
    return FileInfo(said.file, name, said.size, type, said.sha256, gone)
