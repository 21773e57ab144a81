"""Messages on their way out of ``pesan chat``, and what the person is told about those that wait.

They go out one after the other. One that gets no answer is sent again under the same id until it
does, so it is stored once and never overtaken by a later one, however long the server is away.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from client.chat import Chat
from client.cli.chat import lines
from client.cli.chat.front import Front
from client.cli.chat.room import Room
from client.cli.exits import code_of
from client.cli.realms import queued, realm_of
from client.delivering import deliver
from client.errors import ClientError
from protocol.commands import SendReply
from protocol.errors import Failure, Forbidden
from protocol.message_id import message_id

SLOW: Final = 3.0
"""Seconds without an answer after which we say that a message waits."""
QUEUE_MOST: Final = 100
"""Messages waiting to go out; a script that pipes more is slowed down."""


@dataclass
class Parcel:
    """One message. ``waited``: we said that it waits."""

    to: str
    text: str
    id: bytes
    waited: bool = False


class Outgoing:
    """Every message without an answer, in the order in which they were typed."""

    def __init__(self, chat: Chat, room: Room, front: Front) -> None:
        self._chat = chat
        self._room = room
        self._front = front
        self._parcels: deque[Parcel] = deque()
        self._posting: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        """Set when a message was answered."""
        self._away: set[str] = set()
        """Realms of which we said that they are away."""

    def __len__(self) -> int:
        """Messages without an answer."""
        return len(self._parcels)

    async def put(self, to: str, text: str) -> None:
        """Put a message on its way; returns at once unless very many wait already."""
        parcel = Parcel(to, text, message_id(time.time_ns() // 1_000_000))
        self._room.sent.add(parcel.id)
        self._parcels.append(parcel)
        if not self._room.connected or self._parcels[0].waited:
            self._say_that_it_waits(parcel)
        if self._posting is None or self._posting.done():
            self._posting = asyncio.get_running_loop().create_task(self._post())
        while len(self._parcels) > QUEUE_MOST:
            await self.moved()

    async def drained(self) -> None:
        """Wait until every message typed so far was answered."""
        while self._parcels:
            await self.moved()

    async def moved(self) -> None:
        """Wait until one more message was answered, if there is any without an answer."""
        if not self._parcels:
            return
        self._moved.clear()
        await self._moved.wait()

    async def close(self) -> None:
        """Send nothing more."""
        if self._posting is not None:
            self._posting.cancel()
            await asyncio.gather(self._posting, return_exceptions=True)

    async def _post(self) -> None:
        """Send what waits, in order."""
        while self._parcels:
            parcel = self._parcels[0]
            try:
                reply = await self._deliver(parcel)
                if parcel.waited:
                    self._front.show([lines.aside(f"sent: {lines.excerpt(parcel.text)}")])
                if reply.queued:
                    await self._pass_on(parcel, reply)
            except (Failure, ClientError) as error:
                self._room.sent.discard(parcel.id)
                sentence = f"Not sent to {parcel.to}: {error.message}{hint(error)}"
                self._front.complain(sentence, code_of(error))
            self._parcels.popleft()
            self._moved.set()
            self._front.changed()

    async def _pass_on(self, parcel: Parcel, reply: SendReply) -> None:
        """It is on its way to another realm; once when that goes away it is said that it waits."""
        realm = realm_of(parcel.to)
        self._room.passed_on(parcel.id, parcel.to, parcel.text)
        if not reply.away:
            self._away.discard(realm)
        elif realm not in self._away:
            self._away.add(realm)
            self._front.show([lines.aside(await queued(self._chat, parcel.to))])

    async def _deliver(self, parcel: Parcel) -> SendReply:
        """Send one message until it is answered. Raises when the answer is no, or none will ever come."""

        def wait() -> None:
            self._say_that_it_waits(parcel)

        slow = asyncio.get_running_loop().call_later(SLOW, wait)
        try:
            reply = await deliver(self._chat, parcel.to, parcel.text, parcel.id, unanswered=wait)
        finally:
            slow.cancel()
        self._room.stored(reply.conversation, parcel.to)
        return reply

    def _say_that_it_waits(self, parcel: Parcel) -> None:
        if not parcel.waited:
            parcel.waited = True
            waits = f"not sent yet, waits for the server: {lines.excerpt(parcel.text)}"
            self._front.show([lines.aside(waits)])


def hint(error: Failure | ClientError) -> str:
    """What to do about a refusal; '' when its sentence says it all."""
    if isinstance(error, Forbidden) and "not a member of #" in error.message:
        return " (/join GROUP)"
    return ""
