"""What several dialects ask about people, and who bears a name.

Belongs here: questions to the system in terms of the system. Sentences are the dialects'.
"""

from __future__ import annotations

from client import Chat
from protocol.addresses import checked_name
from protocol.commands import FoundReply
from protocol.errors import Forbidden, Invalid


def is_name(word: str) -> bool:
    """Whether a word could be the name of a user or a group, as it stands."""
    try:
        return checked_name(word) == word
    except Invalid:
        return False


async def exists(chat: Chat, name: str) -> bool:
    """Whether there is a user of this name. Answered to a visitor who has not logged in, too.

    A gateway that the server does not believe is not told, and takes every name for somebody's: what is then
    said to be wrong is the password.
    """
    return is_name(name) and (await _found(chat, name)).found


async def group_exists(chat: Chat, name: str) -> bool:
    """The same of a group, named without ``#``; to who is not told there is none."""
    return is_name(name) and (await _found(chat, name)).group


async def _found(chat: Chat, name: str) -> FoundReply:
    try:
        return await chat.find(name)
    except Forbidden:
        return FoundReply(found=True, group=False)
