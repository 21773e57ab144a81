"""A message as a line of the ``bracket`` dialect: ``2026/01/31 08:15:00 ops:budi text``.

Belongs here: the form, for what is pushed as for what is asked for. A message is one line whatever its text
holds, and nothing in it is acted upon by a terminal or taken for another line by a program.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Final

from gateway.text import one_line
from protocol.addresses import BROADCAST
from protocol.commands import ConversationInfo, Message
from protocol.events import MessageEvent

CACHED_LINES: Final = 512
CACHED_BYTES: Final = 262_144
"""Lines that are kept for the next visitor, at most; and their bytes, the last one aside."""


class Lines:
    """Lines of events that many are told of: each gets dozens at a time, then the next one gets the same."""

    def __init__(self) -> None:
        self._lines: dict[int, tuple[MessageEvent, bytes]] = {}
        """By identity; the event is kept with it, so that no other takes its place in memory."""
        self._bytes = 0

    def of(self, event: MessageEvent) -> bytes:
        """The line of an event."""
        known = self._lines.get(id(event))
        if known is not None:
            return known[1]
        line = _line(event, event.to)
        if event.to[:1] in ("#", BROADCAST):
            if len(self._lines) >= CACHED_LINES or self._bytes > CACHED_BYTES:
                self._lines.clear()
                self._bytes = 0
            self._lines[id(event)] = event, line
            self._bytes += len(line)
        return line


line_of_event: Final = Lines().of
"""What is pushed, with its end."""


def line_of_message(row: ConversationInfo, message: Message) -> bytes:
    """What is shown of a conversation, with its end."""
    return _line(message, row.name)


def _line(message: Message | MessageEvent, place: str) -> bytes:
    sender = message.sender
    if place[:1] == "#":
        sender = f"{place[1:]}:{sender}"
    elif place == BROADCAST:
        sender = f"broadcast:{sender}"
    text = one_line(message.body)
    if message.file is not None:
        shown = f"[file {one_line(message.file.name)}]"
        text = shown if message.body == message.file.name else f"{text} {shown}"
    return f"{_local_time(message.sent_at // 1_000_000)} {sender} {text}\n".encode()


@lru_cache(256)
def _local_time(seconds: int) -> str:
    return time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(seconds))
