"""Messages as the ``json`` dialect shows them: gathered, bounded, said to be read.

A reply has at most ``gateway_messages_shown`` messages of a conversation and ``MOST_BYTES`` in all; the
newest are kept, and stand last. Who asks for a conversation has read it: its marker moves to what was shown.
Which there is room for is ``digest``'s; whose messages are wanted, and how they look, is said here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from client import Chat
from gateway import json_shapes, people
from gateway.digest import PROBE, Bounds, Digest, mark
from protocol.addresses import BROADCAST
from protocol.commands import ConversationInfo, Message
from protocol.errors import Busy, NotFound

if TYPE_CHECKING:
    from gateway.json import Json

MOST_BYTES: Final = 1_000_000
"""A reply's messages, as JSON. Less than may wait for a visitor who does not read."""

CONVERSATIONS: Final = 200
"""As many of those that were last written in are looked into; a client that polls stays below its rate."""

FIRST: Final = 100
"""Messages of each that are asked for at first, at most: often there is no room for more."""
PAGE: Final = 250
"""Messages that are asked for at a time: an answer with more would hold others up."""
TURN: Final = 64
"""Messages laid out before others have their turn."""

Wanted = Callable[[Message], bool]
Fields = dict[str, Any]
Receiver = Callable[[Message], Fields]
"""The fields that say who a message is to."""


async def here_since(chat: Chat) -> int:
    """When the user registered: what everyone was told before was not for them."""
    return (await chat.whoami()).created_at


def _grant_of(json: Json) -> Callable[[int], bool]:
    """What gives room for so many bytes of what all visitors' requests and replies may hold.

    It knows nothing of who asks: what they gathered is free as soon as they are done, and waits for no round
    of the garbage collector.
    """
    room, user = json.visitor.room, json.chat.user

    def grant(count: int) -> bool:
        if not room.take(count, user):
            raise Busy("There is no room for this at present.")
        return True

    return grant


class Shown:
    """Messages of one reply, the newest that there is room for; ``with`` holds the room for them meanwhile.

    All calls return them from the oldest to the newest, when those of others are said to be read. They raise
    ``Busy`` when there is no room among all the visitors': a shorter reply would be taken for the whole.
    """

    def __init__(self, json: Json) -> None:
        self._json = json
        self._chat = json.chat
        self._user = json.chat.user
        self._most = json.visitor.settings.gateway_messages_shown
        self._kept = Digest(Bounds(MOST_BYTES, self._most, _grant_of(json)), newest=True)
        self._limit = PROBE
        """Messages of the next page: so that it is not much more than what there was room for until then."""
        self._newest: dict[int, int] = {}
        """Conversations in which something new was said to the caller, and the newest seq of that."""

    def __enter__(self) -> Shown:
        self._kept.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.__exit__(kind, error, trace)

    async def received(self) -> list[bytes]:
        """What others said to the caller alone, and to everyone since the caller is here."""
        rows = await self._chat.conversations()
        rows = [row for row in rows if row.last_seq and not row.name.startswith("#")]
        since = await here_since(self._chat) if any(row.name == BROADCAST for row in rows) else 0
        rows.sort(key=lambda row: row.last_at, reverse=True)
        for row in rows[:CONVERSATIONS]:
            if not self._kept.may_want(row.last_at):
                break
            await self._walk(row.conversation, *self._to_caller(row, since if row.name == BROADCAST else 0))
        return await self._items()

    async def private(self, other: str) -> list[bytes]:
        """Both sides of a conversation, which may not have begun. Raises ``NotFound``: it is nobody."""
        if not other:
            raise NotFound("")
        user, here = self._user, self._json.here
        name, realm = people.apart(other, here)
        to_them = {"receiver": name, "receiver_realm": realm}
        to_us = {"receiver": user, "receiver_realm": here}
        await self._walk(other, lambda message: to_them if message.sender == user else to_us)
        return await self._items()

    async def group(self, name: str) -> list[bytes]:
        """What was said in a group. Raises ``NotFound`` and ``Forbidden``."""
        bare, realm = people.apart(name, self._json.here)
        receiver = {"receiver_group": bare, "receiver_realm": realm}
        await self._walk(f"#{name}", lambda message: receiver)
        return await self._items()

    def _to_caller(self, row: ConversationInfo, since: int) -> tuple[Receiver, Wanted]:
        """How a conversation's messages to the caller are shown, and which they are."""
        user = self._user
        fields = {
            "receiver": BROADCAST if row.name == BROADCAST else user,
            "receiver_realm": self._json.here,
        }
        if row.name == user:
            return lambda message: fields, lambda message: True
        return lambda message: fields, lambda message: message.sender != user and message.sent_at >= since

    async def _walk(
        self, target: int | str, receiver: Receiver, wanted: Wanted = lambda message: True
    ) -> None:
        """Take up what is wanted of a conversation, from its newest message back, one page at a time."""
        left, before = self._most, None
        limit = PROBE if self._kept.cut else min(self._limit, FIRST)
        while left > 0:
            page = await self._chat.history(target, before=before, limit=min(left, limit))
            limit = min(2 * limit, PAGE)
            self._limit = max(limit, self._limit)
            for number, message in enumerate(reversed(page.messages), 1):
                if not number % TURN:
                    await asyncio.sleep(0)
                if not wanted(message):
                    continue
                if not self._kept.add(page.conversation, message, self._item(message, receiver(message))):
                    return
                if message.seq > page.read_seq and message.sender != self._user:
                    self._newest.setdefault(page.conversation, message.seq)
            left -= len(page.messages)
            before = page.first
            if before <= 1 or not page.messages:
                return

    async def _items(self) -> list[bytes]:
        """All that is kept. What could not be marked as read is new elsewhere, and shown all the same."""
        items, kept = self._kept.lines(), self._kept.reached()
        await mark(self._chat, {place: seq for place, seq in self._newest.items() if place in kept})
        return items

    def _item(self, message: Message, receiver: Fields) -> bytes:
        sender, realm = people.apart(message.sender, self._json.here)
        return json_shapes.item(
            {
                "sender": sender,
                "sender_realm": realm,
                **receiver,
                "message": message.body,
                "created_at": json_shapes.local_time(message.sent_at),
            }
        )
