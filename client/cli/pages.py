"""Walking through what is stored, page by page.

Belongs here: which pages to ask for. What is done with them is each command's own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from protocol.commands import HistoryReply
from protocol.limits import HISTORY_MAX_MESSAGES

if TYPE_CHECKING:
    from client.chat import Chat


async def forward(chat: Chat, target: str | int, after: int) -> AsyncIterator[HistoryReply]:
    """Every page behind ``after``, oldest first, until there is no more."""
    while True:
        page = await chat.history(target, after=after, limit=HISTORY_MAX_MESSAGES)
        yield page
        if page.last >= page.last_seq or page.last <= after:
            return
        after = page.last


async def latest(chat: Chat, target: str | int, count: int) -> list[HistoryReply]:
    """The pages that hold the newest ``count`` messages, oldest first."""
    found: list[HistoryReply] = []
    before = None
    while count > 0:
        page = await chat.history(target, before=before, limit=min(count, HISTORY_MAX_MESSAGES))
        found.insert(0, page)
        if page.first <= 1 or page.first > page.last:
            break
        count -= page.last - page.first + 1
        before = page.first
    return found
