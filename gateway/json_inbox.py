"""Messages as the ``json`` dialect shows them: gathered, bounded, said to be read.

A reply has at most ``gateway_messages_shown`` messages of a conversation and ``MOST_BYTES`` in all; the
newest are kept, and stand last. Who asks for a conversation has read it: its marker moves to what was shown.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from client import ClientError, Failure
from gateway import json_shapes
from gateway.digest import Digest
from protocol.addresses import BROADCAST
from protocol.commands import ConversationInfo, Message
from protocol.errors import NotFound
from protocol.limits import HISTORY_MAX_MESSAGES

if TYPE_CHECKING:
    from gateway.json import Json

MOST_BYTES: Final = 1_000_000
"""A reply's messages, as JSON. Less than may wait for a visitor who does not read."""

Wanted = Callable[[Message], bool]
Fields = dict[str, Any]
Receiver = Callable[[Message], Fields]
"""The fields that say who a message is to."""


async def received(json: Json) -> list[bytes]:
    """What others said to the caller alone, and to everyone since the caller is here."""
    chat = json.chat
    rows = [row for row in await chat.conversations() if row.last_seq and not row.name.startswith("#")]
    since = (await chat.whoami()).created_at if any(row.name == BROADCAST for row in rows) else 0
    shown = Shown(json)
    for row in sorted(rows, key=lambda row: row.last_at, reverse=True):
        await shown.walk(row.conversation, *_to_caller(json, row, since if row.name == BROADCAST else 0))
    return await shown.items()


def _to_caller(json: Json, row: ConversationInfo, since: int) -> tuple[Receiver, Wanted]:
    """How a conversation's messages to the caller are shown, and which they are."""
    user = json.chat.user
    fields = {"receiver": BROADCAST if row.name == BROADCAST else user, "receiver_realm": json.here}
    if row.name == user:
        return lambda message: fields, lambda message: True
    return lambda message: fields, lambda message: message.sender != user and message.sent_at >= since


async def private(json: Json, other: str) -> list[bytes]:
    """Both sides of a conversation; of one that is none, with somebody who may be nobody, nothing."""
    user, here = json.chat.user, json.here
    shown = Shown(json)
    if other:
        with contextlib.suppress(NotFound):
            await shown.walk(
                other,
                lambda message: {
                    "receiver": other if message.sender == user else user,
                    "receiver_realm": here,
                },
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
        self._digest = Digest(MOST_BYTES, newest=True)
        self._newest: dict[int, int] = {}
        """Conversations in which something new was said to the caller, and the newest seq of that."""

    async def walk(
        self, target: int | str, receiver: Receiver, wanted: Wanted = lambda message: True
    ) -> None:
        """Take up what is wanted of a conversation, from its newest message back."""
        chat, left = self._json.chat, self._json.visitor.settings.gateway_messages_shown
        before: int | None = None
        while left:
            page = await chat.history(target, before=before, limit=min(left, HISTORY_MAX_MESSAGES))
            for message in reversed(page.messages):
                if not wanted(message):
                    continue
                if not self._digest.add(page.conversation, message, self._item(message, receiver(message))):
                    return
                if message.seq > page.read_seq and message.sender != chat.user:
                    self._newest.setdefault(page.conversation, message.seq)
            left -= len(page.messages)
            before = page.first
            if before <= 1:
                return

    async def items(self) -> list[bytes]:
        """The messages, from the oldest to the newest. Those of others are now read."""
        items = self._digest.lines()
        kept = self._digest.reached()
        for conversation, seq in self._newest.items():
            if conversation in kept:
                # What could not be marked is shown again as new elsewhere, and is shown here all the same.
                with contextlib.suppress(ClientError, Failure):
                    await self._json.chat.read(conversation, seq)
        return items

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
