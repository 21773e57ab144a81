"""What a visitor of the ``signup`` dialect is told unasked: who wrote, and how far others have read.

Belongs here: what is told, in which words, and that a message is announced once. When, and in which string
it travels, is ``signup``'s. No socket, and nothing here is kept longer than a login.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from protocol.addresses import BROADCAST, Kind
from protocol.commands import ConversationInfo
from protocol.events import MessageEvent, ReadEvent

BROADCAST_NAME: Final = "broadcast"
"""What the conversation of everyone is called here, where ``*`` is no name."""


def called(address: str) -> str:
    """A conversation's name in this dialect, from its address."""
    return BROADCAST_NAME if address == BROADCAST else address.removeprefix("#")


_NEVER: Final = ("", 2**63)


class News:
    """What one login was told of and is yet to be told of."""

    __slots__ = ("_directs", "_reads", "_told", "_waiting", "indexed")

    def __init__(self) -> None:
        self.indexed = False
        """Whether they count messages, as who says ``show X N``: to others ``lastread`` means nothing."""
        self._directs: set[int] = set()
        self._told: dict[int, int] = {}
        """Conversation → seq up to which its messages were announced or shown."""
        self._waiting: dict[int, tuple[str, int]] = {}
        """Conversation → its name and newest seq, heard of during a request."""
        self._reads: dict[int, int] = {}
        """Conversation → how far the other side has read, to be told with the next reply."""

    # --- with a reply ---------------------------------------------------------------------------

    def with_reply(self, rows: Iterable[ConversationInfo]) -> str:
        """Who wrote what is not read yet, and how far others have read: lines, or ''."""
        lines = []
        for row in rows:
            if row.kind == Kind.DIRECT:
                self._directs.add(row.conversation)
            if row.unread:
                lines.append(f"New message(s) from {called(row.name)}\n")
                self.shown(row.conversation, row.last_seq)
            if row.last_seq >= self._waiting.get(row.conversation, _NEVER)[1]:
                del self._waiting[row.conversation]
        reads, self._reads = self._reads, {}
        return "".join(lines) + "".join(f"lastread {seq}\n" for seq in reads.values())

    def shown(self, conversation: int, seq: int) -> None:
        """They know of the messages up to this one."""
        if seq > self._told.get(conversation, 0):
            self._told[conversation] = seq

    def direct(self, conversation: int) -> None:
        """This is a conversation of two."""
        self._directs.add(conversation)

    # --- at once --------------------------------------------------------------------------------

    def message(self, event: MessageEvent, user: str) -> None:
        """Somebody wrote: ``waiting`` tells it unless a reply does before."""
        group = event.to[:1] in ("#", BROADCAST)
        if not group:
            self._directs.add(event.conversation)
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

    def read(self, event: ReadEvent, user: str) -> str:
        """Somebody else has read in a conversation of two: what to say at once, or ''."""
        if event.user == user or event.conversation not in self._directs:
            return ""
        return f"lastread {event.seq}\n"

    def read_later(self, event: ReadEvent, user: str) -> None:
        """The same, to be told with the next reply."""
        if self.indexed and self.read(event, user):
            self._reads[event.conversation] = event.seq
