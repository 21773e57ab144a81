"""What a room asks the server for: how its address is properly written, its newest messages, one page.

Belongs here: the questions, and reading the answers. What becomes of them is ``room``'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from client.gui.model.pages import PAGE, Page
from client.gui.model.rows import Before
from protocol.addresses import Kind, name_key, parse
from protocol.commands import HistoryReply, Message
from protocol.errors import Busy, Unavailable

if TYPE_CHECKING:
    from client.chat import Chat
    from client.gui.model.model import Model

OPENING_MOST: Final = 500
"""Messages loaded at once, so that the first unread one is among them; one farther away is scrolled to."""
PATIENCE: Final = 2.0
"""Seconds in which another realm may say who is there; a message to them waits for it all the same."""


async def written(model: Model, address: str) -> str:
    """An address as it is properly written. Raises ``Invalid`` and ``NotFound``."""
    target = parse(address)
    known = model.talks.named(address)
    if known is not None:
        return known.name
    if target.kind is not Kind.DIRECT:
        return address
    if not target.realm:
        return (await model.chat.get_user(address)).user
    with suppress(Busy, Unavailable, TimeoutError):
        async with asyncio.timeout(PATIENCE):
            return (await model.chat.get_user(address)).user
    return address


async def opening(chat: Chat, address: str) -> HistoryReply:
    """The newest messages, and one more in front of those that are shown."""
    reply = await chat.history(address, limit=PAGE + 1)
    unread = reply.last_seq - reply.read_seq
    if reply.messages and reply.first > reply.read_seq and unread + 2 <= OPENING_MOST:
        reply = await chat.history(address, limit=max(unread + 2, PAGE + 1))
    return reply


async def whole(chat: Chat, conversation: int, page: Page) -> list[Message]:
    """All messages of a page, and the one before it. It may grow meanwhile."""
    found: list[Message] = []
    after = max(page.first - 2, 0)
    while True:
        reply = await chat.history(conversation, after=after, before=page.last + 1, limit=PAGE + 1)
        found += reply.messages
        if reply.last >= page.last or reply.last <= after:
            return found
        after = reply.last


def split(reply: HistoryReply) -> tuple[list[Message], Before | None, bool]:
    """Messages to show, what stands before them, and whether there is nothing older.

    The first message is only asked for so that it is known who said it, and when. Our server's copy of
    another realm's group may begin with any number.
    """
    if reply.first <= 1 or len(reply.messages) < 2:
        return reply.messages, None, reply.first <= 1 or not reply.messages
    first, *rest = reply.messages
    return rest, Before(first.sender, first.sent_at), False


def after_read(reply: HistoryReply, messages: Sequence[Message], user: str) -> tuple[int, int]:
    """Seq of the first message of somebody else that is not read, and how many there are; 0, 0 when none is.

    If it lies in front of ``messages``, what stands behind our marker counts as unread.
    """
    if reply.last_seq <= reply.read_seq or not messages:
        return 0, 0
    if messages[0].seq > reply.read_seq + 1:
        return reply.read_seq + 1, reply.last_seq - reply.read_seq
    ours = name_key(user)
    unread = [one.seq for one in messages if one.seq > reply.read_seq and name_key(one.sender) != ours]
    return (unread[0], len(unread)) if unread else (0, 0)


def newest_of_others(reply: HistoryReply, messages: Sequence[Message], user: str) -> int:
    """Seq of the newest message of somebody else, as far as is known; 0 when there is none to be read."""
    found = max((one.seq for one in messages if name_key(one.sender) != name_key(user)), default=0)
    return found or (reply.last_seq if reply.last_seq > reply.read_seq else 0)
