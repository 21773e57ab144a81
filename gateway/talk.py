"""What several dialects ask about messages: what is unread, what was said, and saying that it was read.

Belongs here: questions to the system in terms of the system. Sentences and layout are the dialects'.
"""

from __future__ import annotations

from client import Chat
from protocol.commands import ConversationInfo, Message
from protocol.limits import HISTORY_MAX_MESSAGES


async def unread(chat: Chat) -> list[ConversationInfo]:
    """Conversations of ours in which others said something that we have not read, by number."""
    return [row for row in await chat.conversations() if row.unread]


async def newest(
    chat: Chat, conversation: int | str, after: int, most: int, before: int | None = None
) -> list[Message]:
    """Messages between two seqs, both left out, oldest first; the newest ``most`` of them."""
    found: list[Message] = []
    while len(found) < most:
        limit = min(most - len(found), HISTORY_MAX_MESSAGES)
        page = await chat.history(conversation, before=before, limit=limit)
        found[:0] = [message for message in page.messages if message.seq > after]
        if page.first <= max(after + 1, 1) or not page.messages:
            break
        before = page.first
    return found
