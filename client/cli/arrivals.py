"""Waiting until another realm has what was sent: ``pesan send --wait``.

Belongs here: how that is found out. Events wake us and may be lost, so it is looked up as well.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from client.cli.exits import OTHER, TIMEOUT, Mistake
from client.cli.realms import queued, realm_of
from client.errors import ClientError
from protocol.commands import SendReply
from protocol.events import DeliveredEvent, MessageEvent, UndeliveredEvent

if TYPE_CHECKING:
    from client.chat import Chat

LOOK_EVERY: Final = 2.0
"""Seconds after which we look even if nothing was heard."""
LOOKED_BACK: Final = 100
"""The newest messages of a group, among which a post is sought that has come back unheard."""


class Arrival:
    """One message that our server has to pass on."""

    def __init__(self, chat: Chat, to: str, id: bytes) -> None:
        self._chat = chat
        self._to = to
        self._id = id
        self._seq = 0
        """Of a post that has come back."""
        self._refusal = ""
        self._news = asyncio.Event()

    async def expect(self) -> None:
        """Begin to hear, before it is sent: that a post is refused is said once, and stands in no history."""
        with suppress(ClientError):  # looking tells most of it
            await self._chat.listen()

    async def awaited(self, reply: SendReply, patience: float) -> SendReply:
        """The reply once the other realm has it. Raises ``Mistake``: it refuses, or it takes too long."""
        listening = asyncio.ensure_future(self._listen())
        try:
            async with asyncio.timeout(patience):
                while not await self._there(reply):
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._news.wait(), LOOK_EVERY)
                    self._news.clear()
        except TimeoutError:
            raise Mistake(
                f"{await queued(self._chat, self._to)}; it goes there by itself.", TIMEOUT
            ) from None
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        if self._refusal:
            raise Mistake(f"refused by realm {realm_of(self._to)}: {self._refusal}", OTHER)
        return replace(reply, seq=reply.seq or self._seq, queued=False, away=False)

    async def _listen(self) -> None:
        with suppress(ClientError):  # looking tells then
            async for event in self._chat.events():
                if isinstance(event, UndeliveredEvent) and event.id == self._id:
                    self._refusal = event.message
                elif isinstance(event, MessageEvent) and event.id == self._id:
                    self._seq = event.seq
                elif not isinstance(event, DeliveredEvent):
                    continue
                self._news.set()

    async def _there(self, reply: SendReply) -> bool:
        """Whether it is settled."""
        if self._refusal:
            return True
        if self._to.startswith("#"):
            return reply.seq > 0 or await self._came_back(reply)
        page = await self._chat.history(reply.conversation, after=reply.seq - 1, limit=1)
        self._refusal = next((one.undelivered for one in page.messages if one.seq == reply.seq), "")
        return bool(self._refusal) or page.delivered_seq >= reply.seq

    async def _came_back(self, reply: SendReply) -> bool:
        """Whether a post has its number."""
        if not self._seq:
            page = await self._chat.history(reply.conversation, limit=LOOKED_BACK)
            self._seq = next((one.seq for one in page.messages if one.id == self._id), 0)
        return self._seq > 0
