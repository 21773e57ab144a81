"""One conversation as the list shows it: counts, marks, what was said last.

Belongs here: its values and how they move. Which conversations there are is ``talks``'.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from protocol.addresses import BROADCAST, Kind, name_key
from protocol.commands import ConversationInfo, Message
from protocol.events import MessageEvent

EXCERPT: Final = 120
"""Characters of what was said last."""


@dataclass
class Talk:
    """One conversation. ``name`` is its address (``bob``, ``#ops``, ``*``), ``kind`` as in ``Kind``.

    ``last_at`` in microseconds; ``excerpt`` is the beginning of what was said last, in one line, by
    ``said_by`` ('' while it is not known), ``with_file`` whether a file came with it. ``delivered`` and
    ``seen``: how far the other's server has, and somebody else has read, what was said. ``readers``: by
    user, as far as was heard.
    """

    id: int
    kind: str
    name: str
    last_seq: int = 0
    read_seq: int = 0
    unread: int = 0
    last_at: int = 0
    excerpt: str = ""
    said_by: str = ""
    with_file: bool = False
    delivered: int = 0
    seen: int = 0
    readers: dict[str, int] = field(default_factory=dict)
    typists: dict[str, float] = field(default_factory=dict)
    """Who types → until when (monotonic seconds) that counts."""
    excerpt_seq: int = 0
    """Seq of what was said last, as far as it is known what it was."""
    begun_at: int = 0
    """Microseconds: when it began while we were looking, else 0. A new group stands where it is seen."""
    lists: int = 0
    """How many lists had been asked for when it was first seen: an older one may not know it."""

    @property
    def moved_at(self) -> int:
        """When something happened in it last, in microseconds."""
        return max(self.last_at, self.begun_at)

    def take(self, message: Message | MessageEvent) -> bool:
        """Something was said; whether it is what was said last."""
        if message.seq <= self.excerpt_seq:
            return False
        self.excerpt_seq = message.seq
        self.excerpt, self.said_by = excerpt(message.body), message.sender
        self.with_file = message.file is not None
        self.last_at = max(self.last_at, message.sent_at)
        return True

    def listed(self, row: ConversationInfo) -> None:
        """What the server says of it, unless more was heard since it was asked."""
        self.kind = row.kind
        if row.last_seq < self.last_seq:
            return
        self.last_seq, self.last_at = row.last_seq, max(self.last_at, row.last_at)
        ahead = self.read_seq > row.read_seq  # our marker is on its way there
        self.read_seq = max(self.read_seq, row.read_seq)
        self.unread = min(row.unread, max(0, row.last_seq - self.read_seq)) if ahead else row.unread

    def set_back(self, seq: int) -> None:
        """The server has less of it than was heard: up to ``seq``."""
        self.last_seq = seq
        self.read_seq, self.delivered = min(self.read_seq, seq), min(self.delivered, seq)
        self.seen, self.unread = min(self.seen, seq), 0
        self.readers = {user: min(read, seq) for user, read in self.readers.items()}
        if self.excerpt_seq > seq:
            self.excerpt, self.said_by, self.with_file, self.excerpt_seq = "", "", False, 0


def kind_of(address: str) -> str:
    """As in ``Kind``."""
    if address.startswith("#"):
        return Kind.GROUP
    return Kind.BROADCAST if address == BROADCAST else Kind.DIRECT


def address_of(event: MessageEvent, user: str) -> str:
    """The conversation's address, as ``user`` calls it."""
    direct = event.to[:1] not in ("#", BROADCAST)
    return event.sender if direct and name_key(event.sender) != name_key(user) else event.to


def excerpt(text: str) -> str:
    """The beginning of a text in one line."""
    return " ".join(text[: EXCERPT * 4].split())[:EXCERPT]
