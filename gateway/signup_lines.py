"""A message as the ``signup`` dialect shows it: ``[2026-1-31 8:05] budi : text``.

Belongs here: layout. Which messages are shown is ``signup``'s. A message is one line whatever its text holds:
nothing in it is taken for another message by a client that files lines.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from gateway.text import one_line
from protocol.commands import Message

ME: Final = "me"
"""What the speaker is called in their own lines: their clients file them so."""
NEW: Final = "---- New Message (s) -----\n"
"""Above what was not read before."""
LAST_READ: Final = "lastread {}\n"
"""To whom they talk with: the index of the last message that they have."""


def line(sent_at: int, name: str, text: str) -> str:
    """One message, with its end. ``sent_at`` in microseconds."""
    when = time.localtime(sent_at // 1_000_000)
    date = f"{when.tm_year}-{when.tm_mon}-{when.tm_mday} {when.tm_hour}:{when.tm_min:02}"
    return f"[{date}] {name} : {one_line(text)}\n"


def lines(messages: Iterable[Message], user: str) -> str:
    """Messages as they come."""
    return "".join(_line(message, user) for message in messages)


def parted(messages: Iterable[Message], user: str, read: int) -> str:
    """Messages, and a mark above the first that somebody else said behind the seq ``read``."""
    shown = []
    marked = False
    for message in messages:
        if not marked and message.seq > read and message.sender != user:
            shown.append(NEW)
            marked = True
        shown.append(_line(message, user))
    return "".join(shown)


def _line(message: Message, user: str) -> str:
    text = message.body
    if message.file is not None:
        file = f"[file {message.file.name}]"
        text = file if text == message.file.name else f"{text} {file}"
    return line(message.sent_at, ME if message.sender == user else message.sender, text)
