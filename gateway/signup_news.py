"""What a visitor of the ``signup`` dialect is told unasked: who wrote, and what others have.

Belongs here: what is told, in which words, and that a message is announced once. When, and in which string
it travels, is ``signup``'s. No socket, and nothing here is kept longer than a login.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.signup_lines import LAST_READ
from protocol.addresses import BROADCAST
from protocol.commands import ConversationInfo
from protocol.events import MessageEvent

BROADCAST_NAME: Final = "broadcast"
"""What the conversation of everyone is called here, where ``*`` is no name."""
READERS_MOST: Final = 100
"""Of so many others it is kept what they have, for who does not ask; the latest."""


def called(address: str) -> str:
    """A conversation's name in this dialect, from its address."""
    return BROADCAST_NAME if address == BROADCAST else address.removeprefix("#")


_NEVER: Final = ("", 2**63)


class News:
    """What one login was told of and is yet to be told of."""

    __slots__ = ("_reads", "_told", "_waiting")

    def __init__(self) -> None:
        self._told: dict[int, int] = {}
        """Conversation → seq up to which its messages were announced or shown."""
        self._waiting: dict[int, tuple[str, int]] = {}
        """Conversation → its name and newest seq, heard of during a request."""
        self._reads: dict[str, int] = {}
        """Name → which index they said last, to be told with the next reply."""

    # --- with a reply ---------------------------------------------------------------------------

    def with_reply(self, rows: Iterable[ConversationInfo]) -> str:
        """Who wrote what is not read yet, and what others have: lines, or ''."""
        lines = []
        for row in rows:
            if row.unread:
                lines.append(f"New message(s) from {called(row.name)}\n")
                self.shown(row.conversation, row.last_seq)
            if row.last_seq >= self._waiting.get(row.conversation, _NEVER)[1]:
                del self._waiting[row.conversation]
        reads, self._reads = self._reads, {}
        return "".join(lines) + "".join(map(LAST_READ.format, reads.values()))

    def shown(self, conversation: int, seq: int) -> None:
        """They know of the messages up to this one."""
        if seq > self._told.get(conversation, 0):
            self._told[conversation] = seq

    def read(self, reader: str, seq: int) -> None:
        """This is the last message that ``reader`` has: to be told with the next reply."""
        self._reads.pop(reader, None)
        self._reads[reader] = seq
        if len(self._reads) > READERS_MOST:
            del self._reads[next(iter(self._reads))]

    # --- at once --------------------------------------------------------------------------------

    def message(self, event: MessageEvent, user: str) -> None:
        """Somebody wrote: ``waiting`` tells it unless a reply does before."""
        group = event.to[:1] in ("#", BROADCAST)
        if event.sender != user:
            name = called(event.to) if group else event.sender
            self._waiting[event.conversation] = (name, event.seq)

    def waiting(self) -> str:
        """Who wrote what was announced neither by a reply nor by this: lines, or ''."""
        waiting, self._waiting = self._waiting, {}
        lines = []
        for conversation, (name, seq) in waiting.items():
            if seq > self._told.get(conversation, 0):
                self._told[conversation] = seq
                lines.append(f"New message(s) from {name}\n")
        return "".join(lines)
