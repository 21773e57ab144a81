"""What the server has at a path or under a number: asked for before something is done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.cli.exits import NOT_FOUND, USAGE, Mistake
from client.cli.files.arguments import Wanted
from protocol.errors import NotFound
from protocol.files import StoredFile

if TYPE_CHECKING:
    from client.chat import Chat


async def find(chat: Chat, one: Wanted) -> StoredFile:
    """The file. Raises ``Mistake`` when it is a folder, ``Failure`` when there is nothing."""
    try:
        return await chat.files.stat(one.target)
    except NotFound:
        if one.path and await is_folder(chat, one.path):
            raise Mistake(f"{one.shown} is a folder: pesan file ls {one.shown}", USAGE) from None
        raise


async def is_folder(chat: Chat, stored: str) -> bool:
    """Whether there is a folder of ours at ``stored``; the topmost one always is."""
    if not stored:
        return True
    try:
        async for _ in chat.files.list(stored):
            break
    except NotFound:
        return False
    return True


def nobody(error: NotFound, word: str) -> Mistake | None:
    """Where nobody is called ``word``: what else may have been meant."""
    if "no user" not in error.message:
        return None
    meant = f"in quotes '#{word}' is a group, and /{word} a path in your own space"
    return Mistake(f"{error.message.rstrip('.')} ({meant})", NOT_FOUND)


async def into(chat: Chat, typed: str, stored: str, names: list[str]) -> list[str]:
    """The paths that things called ``names`` get when they go to ``typed``, as cp and mv have it.

    In a folder they keep their names; one thing may get another path instead. Raises ``NotFound``.
    """
    if await is_folder(chat, stored):
        return ["/".join(filter(None, (stored, name))) for name in names]
    if typed.endswith("/") or len(names) > 1:
        raise NotFound(f"You have no folder {stored!r}.")
    return [stored]
