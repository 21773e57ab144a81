"""Files in the ``json`` dialect: whole in a line, whole in a reply, in base64.

A reply has the newest files whose content fits into ``SHARE`` of the bytes that all such lines and replies of
the gateway may hold; ``left_out`` says how many there are beside them.
"""

from __future__ import annotations

import asyncio
import binascii
import re
from typing import TYPE_CHECKING, Final

from gateway import files, json_shapes
from gateway.dialect import Wrong
from protocol.addresses import name_key
from protocol.commands import ConversationInfo
from protocol.errors import Forbidden, Invalid, NotFound
from protocol.file_names import checked_file_name
from protocol.files import StoredFile

if TYPE_CHECKING:
    from gateway.json import Json

SHARE: Final = 4
"""A reply with files has at most the n-th part of what all of them together may have."""

NO_USER: Final = "User Tidak Ditemukan"
BAD_CONTENT: Final = "Isi file tidak benar"
BAD_NAME: Final = "Nama file tidak benar"

SENT: Final = json_shapes.ok("File Sent")

_last_part = re.compile(r"[^/\\]*\Z").search


async def send(json: Json, to: str, content: str, path: str) -> bytes:
    """Make a file of base64 and send it to an address; '' is nobody's."""
    if not to:
        raise Wrong(NO_USER)
    found = _last_part(path)
    try:
        name = checked_file_name(found.group() if found else "")
    except Invalid:
        raise Wrong(BAD_NAME) from None
    chat = json.chat
    try:
        plain = await _decoded(json_shapes.bare(content))
    except ValueError:
        raise Wrong(BAD_CONTENT) from None
    async with json.visitor.transfers.place(chat):
        await files.store(chat, plain, to=to, name=name)
    return SENT


async def receive(json: Json, sender: str | None) -> None:
    """Answer with the files that others sent to the caller; ``sender``: those sent to the caller alone."""
    most = json.visitor.settings.gateway_file_lines_bytes // SHARE
    kept: list[tuple[StoredFile, ConversationInfo]] = []
    size = left_out = 0
    for file, row in sorted(await _listed(json, sender), key=lambda found: -found[0].created_at):
        encoded = (file.size + 2) // 3 * 4
        if size + encoded > most:
            left_out += 1
        else:
            size += encoded
            kept.append((file, row))
    with json.visitor.room.held(size):
        items: list[bytes] = []
        for file, row in reversed(kept):
            try:
                async with json.visitor.transfers.place(json.chat):
                    content = await files.bytes_of(json.chat, file)
            except (NotFound, Forbidden):  # deleted, or the group was left, just now
                continue
            items.append(await _item(json, file, row, content))
        await json.pour(json_shapes.ok_with("content", items, left_out=left_out))


async def _listed(json: Json, sender: str | None) -> list[tuple[StoredFile, ConversationInfo]]:
    """The newest files in the conversations that count, as many of each as a reply shows."""
    chat = json.chat
    found: list[tuple[StoredFile, ConversationInfo]] = []
    for row in await chat.conversations():
        if not row.last_seq or (sender is not None and name_key(sender) != name_key(row.name)):
            continue
        async for file in chat.files.list(conversation=row.conversation):
            if isinstance(file, StoredFile) and (file.owner != chat.user or row.name == chat.user):
                found.append((file, row))
    return found


async def _item(json: Json, file: StoredFile, row: ConversationInfo, content: bytes) -> bytes:
    head = json_shapes.item(
        {
            "sender": file.owner,
            "sender_realm": json.here,
            "receiver": row.name.lstrip("#") if row.name[:1] in "#*" else json.chat.user,
            "file_name": file.name,
            "created_at": json_shapes.local_time(file.created_at),
        }
    )
    return b"".join((head[:-1], b', "file_content": "b\'', *await _encoded(content), b"'\"}"))


async def _encoded(content: bytes) -> list[bytes]:
    """base64, made in parts: others are not held up for long."""
    parts = []
    for at in range(0, len(content), json_shapes.SLICE):
        parts.append(binascii.b2a_base64(content[at : at + json_shapes.SLICE], newline=False))
        await asyncio.sleep(0)
    return parts


async def _decoded(content: str) -> bytes:
    """The reverse. Raises ``ValueError``."""
    step = json_shapes.SLICE // 3 * 4
    parts = []
    for at in range(0, len(content), step):
        parts.append(json_shapes.decoded(content[at : at + step], last=at + step >= len(content)))
        await asyncio.sleep(0)
    return b"".join(parts)
