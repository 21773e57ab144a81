"""Files in the ``json`` dialect: whole in a line, whole in a reply, in base64.

A line is decoded piece by piece while it goes to the file service, and never copied. A reply has the newest
files whose content fits into what one user may hold; ``left_out`` says how many there are beside them.
"""

from __future__ import annotations

import asyncio
import binascii
from collections import deque
from typing import TYPE_CHECKING, Final

from gateway import files, json_lines, json_shapes, people
from gateway.dialect import Wrong
from gateway.json_inbox import here_since
from protocol.addresses import BROADCAST, name_key
from protocol.commands import ConversationInfo
from protocol.errors import Forbidden, Invalid, NotFound, TooLarge
from protocol.file_names import checked_file_name
from protocol.files import StoredFile
from protocol.limits import PATH_MAX_LENGTH

if TYPE_CHECKING:
    from client import Chat
    from gateway.json import Json

NO_USER: Final = "User Tidak Ditemukan"
BAD_CONTENT: Final = "Isi file tidak benar"
BAD_NAME: Final = "Nama file tidak benar"
TOO_LARGE: Final = "File terlalu besar"
NO_ROOM: Final = "Tidak ada ruang lagi untuk file Anda"

SENT: Final = json_shapes.ok("File Sent")

SLICE: Final = 192 * 1024
"""Bytes encoded or decoded at once; of base64 there are a third more. Others wait for it, a millisecond."""

CONVERSATIONS: Final = 200
"""As many of those that were last written in are looked into."""
LOOKED_BACK: Final = 2000
"""Messages among which files are sought at first,"""
LOOKED_BACK_FURTHER: Final = 8
"""and how many times as many when there are too few."""

Found = tuple[StoredFile, ConversationInfo]
"""A file, and where it was sent."""


async def send(json: Json, to: str, content: memoryview, path: str) -> bytes:
    """Make a file of base64 and send it to an address; '' is nobody's."""
    if not to:
        raise Wrong(NO_USER)
    name = _name_in(path)
    source = Decoding(json_lines.bare(content))
    async with json.visitor.transfers.place(json.visitor, json.chat):
        try:
            await json.chat.files.pour(source.read, source.size, to=to, name=name)
        except TooLarge as error:
            raise Wrong(NO_ROOM if "used" in error.fields else TOO_LARGE) from None
    return SENT


def _name_in(path: str) -> str:
    """The name of a file, of its path as some system writes it. Raises ``Wrong``."""
    try:
        if len(path) > PATH_MAX_LENGTH:
            raise Invalid("")
        return checked_file_name(path.replace("\\", "/").rpartition("/")[2])
    except Invalid:
        raise Wrong(BAD_NAME) from None


class Decoding:
    """The bytes that stand in base64. Raises ``Wrong`` when it is none, or has no whole number of letters."""

    def __init__(self, content: memoryview) -> None:
        if len(content) % 4:
            raise Wrong(BAD_CONTENT)
        end = bytes(content[-2:])
        self.size = len(content) // 4 * 3 - end.count(b"=")
        self._content = content
        self._at = 0
        self._rest = b""

    async def read(self, most: int) -> bytes:
        """The next ones, at least one and at most ``most``. Raises ``Wrong``."""
        if not self._rest:
            await asyncio.sleep(0)
            self._rest = self._next()
        piece, self._rest = self._rest[:most], self._rest[most:]
        return piece

    def _next(self) -> bytes:
        until = self._at + SLICE // 3 * 4
        part = bytes(self._content[self._at : until])
        try:
            plain = binascii.a2b_base64(part, strict_mode=True)
        except ValueError:
            raise Wrong(BAD_CONTENT) from None
        if len(plain) != len(part) // 4 * 3 and until < len(self._content):
            raise Wrong(BAD_CONTENT)  # it ends, and goes on
        self._at = until
        return plain


async def receive(json: Json, found: list[Found]) -> None:
    """Answer with the files that were found, as far as there is room for them."""
    chat, visitor = json.chat, json.visitor
    kept: list[Found] = []
    room, left_out = visitor.room.share, 0
    for file, row in sorted(found, key=lambda found: found[0].created_at, reverse=True):
        size = (file.size + 2) // 3 * 4
        if size > room or len(kept) == visitor.settings.gateway_messages_shown:
            left_out += 1
        else:
            room -= size
            kept.append((file, row))
    with visitor.room.held(visitor.room.share - room, chat.user):
        items: list[bytes] = []
        async with visitor.transfers.place(visitor, chat):
            for file, row in reversed(kept):
                try:
                    content = await files.bytes_of(chat, file)
                except (NotFound, Forbidden):  # deleted, or the group was left, just now
                    left_out += 1
                else:
                    items.append(await _item(json, file, row, content))
        await json.pour(json_shapes.ok_with("content", items, left_out=left_out))


async def listed(json: Json, sender: str | None) -> list[Found]:
    """The newest files of others where they count; those for everyone since the caller is here.

    ``sender``: those sent to the caller alone. Raises ``NotFound``: they have nothing to do with each other.
    """
    chat, found = json.chat, list[Found]()
    rows = sorted(await chat.conversations(), key=lambda row: row.last_at, reverse=True)
    if sender is not None and all(name_key(sender) != name_key(row.name) for row in rows):
        raise NotFound("")
    for row in rows[:CONVERSATIONS]:
        if row.last_seq and (sender is None or name_key(sender) == name_key(row.name)):
            there = await newest(chat, row, json.visitor.settings.gateway_messages_shown)
            since = await here_since(chat) if there and row.name == BROADCAST else 0
            found += ((file, row) for file in there if _is_for(chat.user, file, row, since))
    return found


def _is_for(user: str, file: StoredFile, row: ConversationInfo, since: int) -> bool:
    """Whether somebody else sent it to the user, or they themselves to themselves."""
    return (file.owner != user or row.name == user) and file.created_at >= since


async def newest(chat: Chat, row: ConversationInfo, most: int) -> list[StoredFile]:
    """At most so many files of a conversation. They are listed from the oldest on, so the end is sought."""
    reach = LOOKED_BACK
    while True:
        after = max(row.last_seq - reach, 0)
        newest: deque[StoredFile] = deque(maxlen=most)
        async for file in chat.files.list(conversation=row.conversation, after=str(after)):
            if isinstance(file, StoredFile):
                newest.append(file)
        if len(newest) == most or not after:
            return list(newest)
        reach *= LOOKED_BACK_FURTHER


async def _item(json: Json, file: StoredFile, row: ConversationInfo, content: bytes) -> bytes:
    group = row.name[:1] in ("#", "*")
    sender, realm = people.apart(file.owner, json.here)
    head = json_shapes.item(
        {
            "sender": sender,
            "sender_realm": realm,
            "receiver": row.name.removeprefix("#") if group else json.chat.user,
            "file_name": file.name,
            "created_at": json_shapes.local_time(file.created_at),
        }
    )
    parts = [head[:-1], b', "file_content": "b\'']
    for at in range(0, len(content), SLICE):
        parts.append(binascii.b2a_base64(content[at : at + SLICE], newline=False))
        await asyncio.sleep(0)
    return b"".join((*parts, b"'\"}"))
