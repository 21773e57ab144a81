"""What several dialects ask about people, and who bears a name.

Belongs here: questions to the system in terms of the system. Sentences are the dialects'.
"""

from __future__ import annotations

from client import Chat
from protocol import addresses
from protocol.addresses import checked_name
from protocol.commands import FoundReply
from protocol.errors import Forbidden, Invalid


def is_name(word: str) -> bool:
    """Whether a word could be the name of a user or a group, as it stands."""
    try:
        return checked_name(word) == word
    except Invalid:
        return False


def address(word: str, here: str = "") -> str:
    """A name that may have a realm behind it, as the system takes it; '' if it could be nobody's.

    ``here`` is our own realm, which is left out where it is known: ``budi@Here`` is ``budi``.
    """
    name, at, realm = word.partition("@")
    if not at or not is_name(name):
        return word if is_name(word) else ""
    realm = realm.lower()
    try:
        addresses.parse(f"{name}@{realm}")
    except Invalid:
        return ""
    return name if realm == here else f"{name}@{realm}"


def apart(name: str, here: str) -> tuple[str, str]:
    """A name as the system shows it, and its realm: ``budi@b`` is ``budi`` of ``b``, ``ani`` one of ours.

    What another realm alone ascribes to somebody of ours is shown as ``ani@here``, and stays so: that is not
    known to be ``ani``.
    """
    bare, _, realm = name.partition("@")
    return (name, here) if realm == here else (bare, realm or here)


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
