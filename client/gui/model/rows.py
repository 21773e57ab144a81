"""The rows of a room, as values that never change: whoever draws compares them and redraws what differs.

Belongs here: what a row holds, and making rows of messages: day lines, the ``new`` line, who is named, how
far what we said has come. Which messages there are is ``pages``'.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from client.gui.model.markup import Block, blocks
from protocol.addresses import Kind, name_key
from protocol.commands import Message
from protocol.events import MessageEvent
from protocol.files import FileInfo

RUN: Final = 5 * 60 * 1_000_000
"""Microseconds between two messages of one sender, above which the second one is named again."""
QUARTER: Final = 15 * 60 * 1_000_000
"""Microseconds; in every time zone a day begins with one."""
_LATEST: Final = 281_523_072
"""Quarters of an hour since 1970 up to which a calendar goes in every time zone."""


class Mark(IntEnum):
    """How far a message of ours has come; greater is further."""

    NONE = 0
    """Not ours."""
    REFUSED = 1
    """It will not be stored, or another realm will not take it: ``Said.refusal`` says why."""
    WAITING = 2
    """It waits for our server."""
    SENT = 3
    """It is on our server's disk."""
    DELIVERED = 4
    """In a direct conversation: it is on the other one's server, which may be ours."""
    READ = 5
    """Somebody else has read it."""


class Said(Struct, frozen=True):
    """A message. ``seq`` is 0 while it has none (``Mark.WAITING``, ``REFUSED``).

    ``head``: it begins a run of one sender, so that their name stands above it. ``sent_at`` in microseconds.
    """

    key: str
    seq: int
    id: bytes
    sender: str
    body: str
    blocks: tuple[Block, ...]
    sent_at: int
    own: bool
    head: bool
    mark: Mark = Mark.NONE
    file: FileInfo | None = None
    refusal: str = ""


class DayLine(Struct, frozen=True):
    """What follows was said on this day, as the reader's clock has it."""

    key: str
    day: date


class NewLine(Struct, frozen=True):
    """What follows was not read when the room was opened."""

    key: str


class Happened(Struct, frozen=True):
    """Somebody joined, left, or was removed by ``by``; seen live only. ``change`` as in its event."""

    key: str
    user: str
    change: str
    by: str = ""


Row = Said | DayLine | NewLine | Happened


class Before(NamedTuple):
    """What stands in front of a row: who said it ('' = nobody), and when, in microseconds."""

    sender: str
    sent_at: int


@dataclass
class Scribe:
    """Writes the rows of one conversation for one reader.

    ``kind`` as in ``Kind``; ``abroad``: it is with another realm. ``delivered`` and ``seen``: how far what we
    said has come. ``new_at``: seq of the first message that was not read.
    """

    user: str
    zone: tzinfo | None = None
    kind: str = Kind.DIRECT
    abroad: bool = False
    delivered: int = 0
    seen: int = 0
    new_at: int = 0

    def rows(self, message: Message | MessageEvent, before: Before | None) -> list[Row]:
        """A message's row, and the lines that stand above it. ``before``: None when nothing is."""
        refusal = message.undelivered if isinstance(message, Message) else ""
        own = name_key(message.sender) == name_key(self.user)
        found = self._lines(message, before)
        said = Said(
            key=f"m{message.seq}",
            seq=message.seq,
            id=message.id,
            sender=message.sender,
            body=message.body,
            blocks=blocks(message.body),
            sent_at=message.sent_at,
            own=own,
            head=bool(found) or begins_run(before, message.sender, message.sent_at),
            mark=self.mark(message.seq, refusal) if own else Mark.NONE,
            file=message.file,
            refusal=refusal if own else "",
        )
        return [*found, said]

    def _lines(self, message: Message | MessageEvent, before: Before | None) -> list[Row]:
        found: list[Row] = []
        line = self.day_line(before, message.sent_at, f"d{message.seq}")
        if line is not None:
            found.append(line)
        if message.seq == self.new_at:
            found.append(NewLine("new"))
        return found

    def day_line(self, before: Before | None, at: int, key: str) -> DayLine | None:
        """The line above what was said ``at`` (microseconds); None when it was said on the day before it."""
        day = self.day(at)
        if before is not None and self.day(before.sent_at) == day:
            return None
        return DayLine(key, day)

    def day(self, at: int) -> date:
        """The day of ``at`` (microseconds) as the reader's clock has it."""
        return _day(self.zone, min(max(at // QUARTER, 96), _LATEST))

    def moved(self, seen: int = 0, delivered: int = 0) -> int | None:
        """Marks stand here now; they never go back. Behind which message that changes any; None: nowhere."""
        before = [old for old, new in ((self.seen, seen), (self.delivered, delivered)) if new > old]
        self.seen, self.delivered = max(self.seen, seen), max(self.delivered, delivered)
        return min(before, default=None)

    def cut(self, seq: int) -> None:
        """There is nothing behind this message any more."""
        self.seen, self.delivered = min(self.seen, seq), min(self.delivered, seq)

    def mark(self, seq: int, refusal: str = "") -> Mark:
        """How far a message of ours has come."""
        if refusal:
            return Mark.REFUSED
        if seq <= self.seen:
            return Mark.READ
        if self.kind == Kind.DIRECT and (not self.abroad or seq <= self.delivered):
            return Mark.DELIVERED
        return Mark.SENT

    def marked(self, row: Row) -> Row:
        """The row as it is now that marks have moved; itself when nothing changed."""
        if not isinstance(row, Said) or not row.own or not row.seq:
            return row
        mark = self.mark(row.seq, row.refusal)
        return row if mark == row.mark else replace(row, mark=mark)


@lru_cache(maxsize=2_000)
def _day(zone: tzinfo | None, quarter: int) -> date:
    return datetime.fromtimestamp(quarter * (QUARTER // 1_000_000), UTC).astimezone(zone).date()


def begins_run(before: Before | None, sender: str, at: int) -> bool:
    """Whether the sender's name stands above a message."""
    return before is None or before.sender != sender or not 0 <= at - before.sent_at <= RUN
