"""What several dialects ask about people, and who bears a name.

Belongs here: questions to the system in terms of the system. Sentences are the dialects'.
"""

from __future__ import annotations

from client import Chat
from protocol.addresses import checked_name
from protocol.errors import Invalid


def is_name(word: str) -> bool:
    """Whether a word could be the name of a user or a group, as it stands."""
    try:
        return checked_name(word) == word
    except Invalid:
        return False


async def exists(chat: Chat, name: str) -> bool:
    """Whether there is a user of this name. Answered to a visitor who has not logged in, too."""
    return is_name(name) and (await chat.find(name)).found


async def group_exists(chat: Chat, name: str) -> bool:
    """The same of a group, named without ``#``."""
    return is_name(name) and (await chat.find(name)).group
