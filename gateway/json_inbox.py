"""Messages as the ``json`` dialect shows them: gathered, bounded, said to be read.

A reply has at most ``gateway_messages_shown`` messages of a conversation and ``MOST_BYTES`` in all; the
newest are kept, and stand last. Who asks for a conversation has read it: its marker moves to what was shown.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from client import Chat, ClientError, Failure
from gateway import json_shapes
from protocol.addresses import BROADCAST
from protocol.commands import ConversationInfo, HistoryReply, Message
from protocol.errors import NotFound

if TYPE_CHECKING:
    from gateway.json import Json

MOST_BYTES: Final = 1_000_000
"""A reply's messages, as JSON. Less than may wait for a visitor who does not read."""

CONVERSATIONS: Final = 200
"""As many of those that were last written in are looked into; a client that polls stays below its rate."""
AT_ONCE: Final = 16
"""Conversations that are asked about at the same time."""

FIRST: Final = 100
"""Messages of each that are asked for at first: often there is no room for more."""
PAGE: Final = 250
"""Messages that are asked for at a time: an answer with more would hold others up."""
NEVER: Final = 2**63
"""A time later than any."""
TURN: Final = 64
"""Messages laid out before others have their turn."""

Wanted = Callable[[Message], bool]
Fields = dict[str, Any]
Receiver = Callable[[Message], Fields]
"""The fields that say who a message is to."""


async def received(json: Json) -> list[bytes]:
    """What others said to the caller alone, and to everyone since the caller is here."""
    chat = json.chat
    rows = [row for row in await chat.conversations() if row.last_seq and not row.name.startswith("#")]
    since = await here_since(chat) if any(row.name == BROADCAST for row in rows) else 0
    shown = Shown(json)
    rows = sorted(rows, key=lambda row: row.last_at, reverse=True)[:CONVERSATIONS]
    for at in range(0, len(rows), AT_ONCE):
        some = rows[at : at + AT_ONCE]
        pages = await asyncio.gather(*(shown.page(row.conversation, left=FIRST) for row in some))
        for row, page in zip(some, pages, strict=True):
            how = _to_caller(json, row, since if row.name == BROADCAST else 0)
            await shown.walk(row.conversation, *how, page=page)
    return await shown.items()


async def here_since(chat: Chat) -> int:
    """When the user registered: what everyone was told before was not for them."""
    return (await chat.whoami()).created_at


def _to_caller(json: Json, row: ConversationInfo, since: int) -> tuple[Receiver, Wanted]:
    """How a conversation's messages to the caller are shown, and which they are."""
    user = json.chat.user
    fields = {"receiver": BROADCAST if row.name == BROADCAST else user, "receiver_realm": json.here}
    if row.name == user:
        return lambda message: fields, lambda message: True
    return lambda message: fields, lambda message: message.sender != user and message.sent_at >= since


async def private(json: Json, other: str) -> list[bytes]:
    """Both sides of a conversation, which may not have begun. Raises ``NotFound``: ``other`` is nobody."""
    if not other:
        raise NotFound("")
    user, here = json.chat.user, json.here
    shown = Shown(json)
    await shown.walk(
        other,
        lambda message: {"receiver": other if message.sender == user else user, "receiver_realm": here},
    )
    return await shown.items()


async def group(json: Json, name: str) -> list[bytes]:
    """What was said in a group. Raises ``NotFound`` and ``Forbidden``."""
    receiver = {"receiver_group": name, "receiver_realm": json.here}
    shown = Shown(json)
    await shown.walk(f"#{name}", lambda message: receiver)
    return await shown.items()


class Shown:
    """Messages of one reply, the newest that there is room for."""

    def __init__(self, json: Json) -> None:
        self._json = json
        self._kept: list[tuple[int, int, int, bytes]] = []
        """(time, conversation, seq, message)"""
        self._size = 0
        self._edge = (0, 0, 0)
        """Nothing at or before it is kept, of any conversation: what is kept of one has no holes."""
        self._newest: dict[int, int] = {}
        """Conversations in which something new was said to the caller, and the newest seq of that."""

    async def walk(
        self,
        target: int | str,
        receiver: Receiver,
        wanted: Wanted = lambda message: True,
        page: HistoryReply | None = None,
    ) -> None:
        """Take up what is wanted of a conversation, from its newest message back; ``page``: the first one."""
        user, left = self._json.chat.user, self._json.visitor.settings.gateway_messages_shown
        before: int | None = None
        time = NEVER
        while left > 0:
            page = page if page is not None and before is None else await self.page(target, before, left)
            for number, message in enumerate(reversed(page.messages), 1):
                if not number % TURN:
                    await asyncio.sleep(0)
                if not wanted(message):
                    continue
                # A clock may have gone back; the order within a conversation is that of its numbers.
                time = min(time, message.sent_at)
                if not self._keep((time, page.conversation, message.seq), receiver(message), message):
                    return
                if message.seq > page.read_seq and message.sender != user:
                    self._newest.setdefault(page.conversation, message.seq)
            left -= len(page.messages)
            before = page.first
            if before <= 1 or not page.messages:
                return

    async def page(self, target: int | str, before: int | None = None, left: int = PAGE) -> HistoryReply:
        """The newest messages of a conversation, or those before a seq."""
        left = min(left, self._json.visitor.settings.gateway_messages_shown, PAGE)
        return await self._json.chat.history(target, before=before, limit=left)

    async def items(self) -> list[bytes]:
        """The messages, from the oldest to the newest. Those of others are now read."""
        self._prune()
        items = [kept[3] for kept in self._kept]
        kept = {kept[1] for kept in self._kept}
        marks = [mark for mark in self._newest.items() if mark[0] in kept]
        for at in range(0, len(marks), AT_ONCE):
            await asyncio.gather(*(self._mark(*mark) for mark in marks[at : at + AT_ONCE]))
        return items

    async def _mark(self, conversation: int, seq: int) -> None:
        # What could not be marked is new elsewhere, and is shown here all the same.
        with contextlib.suppress(ClientError, Failure):
            await self._json.chat.read(conversation, seq)

    def _keep(self, place: tuple[int, int, int], receiver: Fields, message: Message) -> bool:
        """False: there is no room for it, nor for those before it."""
        if place <= self._edge:
            return False
        item = self._item(message, receiver)
        self._kept.append((*place, item))
        self._size += len(item)
        if self._size > 2 * MOST_BYTES:
            self._prune()
        return True

    def _prune(self) -> None:
        """Put what is kept in its order, and let go of the oldest as far as need be."""
        self._kept.sort()
        size = 0
        for number in range(len(self._kept) - 1, -1, -1):
            size += len(self._kept[number][3])
            if size > MOST_BYTES and number < len(self._kept) - 1:
                self._edge = max(self._edge, self._kept[number][:3])
                size -= len(self._kept[number][3])
                del self._kept[: number + 1]
                break
        self._size = size

    def _item(self, message: Message, receiver: Fields) -> bytes:
        return json_shapes.item(
            {
                "sender": message.sender,
                "sender_realm": self._json.here,
                **receiver,
                "message": message.body,
                "created_at": json_shapes.local_time(message.sent_at),
            }
        )
