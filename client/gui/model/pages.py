"""The pages of a room: which messages are loaded, in order, each once, and which pages are let go.

Belongs here: adding at both ends, letting go and filling again, marks. It asks nobody for anything: what has
to be fetched is ``missing``, and ``room`` fetches it.

A page that is let go keeps its place: from which message to which it goes, and how high it was drawn. A
stretch of messages that was never loaded, between what is shown and what is newer, is such pages, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from client.gui.model.rows import Before, Happened, Mark, Row, Said, Scribe
from protocol.commands import Message
from protocol.events import MessageEvent

PAGE: Final = 50
"""Messages loaded at a time."""
KEPT: Final = 8
"""Pages around what is seen that hold their rows."""
HAPPENED_MOST: Final = 50
"""Comings and goings that one page shows; a group that changes faster is no reading."""


@dataclass
class Page:
    """Messages ``first`` to ``last`` (seq). ``rows``: None while it is let go.

    ``version`` grows as rows change. ``number`` grows towards the newest and never changes. ``height`` in
    pixels as it was last drawn, 0 when it never was: the view's to keep. ``happened``: comings and goings,
    each behind the message with that seq.
    """

    number: int
    first: int
    last: int
    rows: list[Row] | None = field(default_factory=list)
    version: int = 0
    height: float = 0.0
    happened: list[tuple[int, Happened]] = field(default_factory=list)


class Pages:
    """Those of one room. ``list``: oldest first, the last one grows. ``last``: seq of the newest message."""

    def __init__(self, scribe: Scribe) -> None:
        self.list: list[Page] = []
        self.last = 0
        self.tail: Before | None = None
        """The newest message, or what happened behind it."""
        self.scribe = scribe
        self._near = (0, 0)

    @property
    def first(self) -> int:
        """Seq of the oldest message that was loaded; 0 when none was."""
        return self.list[0].first if self.list else 0

    # --- at both ends ---------------------------------------------------------------------------

    def begin(self, messages: Sequence[Message], before: Before | None, last: int) -> None:
        """These are the newest, and nothing else is known. ``last``: seq of the newest there is."""
        self.list = []
        self.last, self.tail = last, None
        for begin in range(0, len(messages), PAGE):
            part = messages[begin : begin + PAGE]
            page = Page(begin // PAGE, part[0].seq, part[-1].seq)
            before = self._write(page, part, before)
            self.list.append(page)
        self.tail = before if messages else None
        self.follow()

    def put_older(self, messages: Sequence[Message], before: Before | None) -> None:
        """One page more at the top; whoever asked for it looks there."""
        page = Page(self.list[0].number - 1, messages[0].seq, self.list[0].first - 1)
        self._write(page, messages, before)
        self.list.insert(0, page)
        self._near = (page.number, page.number + 1)

    def append(self, message: Message | MessageEvent) -> bool:
        """A newer message; False when it is known. What lies between is there to be fetched."""
        if message.seq <= self.last:
            return False
        if self.list and message.seq > self.last + 1:
            self._skip(self.last + 1, message.seq - 1)
        page = self.list[-1] if self.list else None
        if page is None or message.seq - page.first >= PAGE:
            page = Page(page.number + 1 if page is not None else 0, message.seq, message.seq)
            self.list.append(page)
        page.last = self.last = message.seq
        if page.rows is not None:
            page.rows.extend(self.scribe.rows(message, self.tail))
            page.version += 1
        self.tail = Before(message.sender, message.sent_at)
        return True

    def _skip(self, first: int, last: int) -> None:
        """Messages that were not heard here: pages without rows."""
        for begin in range(first, last + 1, PAGE):
            end = min(begin + PAGE - 1, last)
            self.list.append(Page(self.list[-1].number + 1, begin, end, None))
        self.tail = None

    def happened(self, row: Happened) -> None:
        """Somebody came or went; it stands behind the newest message."""
        if not self.list:
            self.list.append(Page(0, self.last + 1, self.last))
        page = self.list[-1]
        if len(page.happened) >= HAPPENED_MOST:
            return
        page.happened.append((self.last, row))
        if page.rows is not None:
            page.rows.append(row)
            page.version += 1
        if self.tail is not None:
            self.tail = Before("", self.tail.sent_at)

    def forget_older(self, most: int) -> bool:
        """Of more than ``most`` pages keep a few, the newest; whether there were so many."""
        if len(self.list) <= most:
            return False
        del self.list[: -KEPT // 2]
        self.follow()
        return True

    def cut(self, last: int) -> None:
        """There is nothing behind this message any more."""
        while self.list and self.list[-1].first > last:
            self.list.pop()
        self.last = min(self.last, last)
        self.tail = None
        if not self.list:
            return
        page = self.list[-1]
        page.last = min(page.last, last)
        page.happened = [(seq, row) for seq, row in page.happened if seq <= last]
        if page.rows is not None:
            page.rows = _up_to(page.rows, last)
            page.version += 1
            said = next((row for row in reversed(page.rows) if isinstance(row, Said)), None)
            self.tail = Before(said.sender, said.sent_at) if said is not None else None

    # --- letting go, and filling again ------------------------------------------------------------

    def follow(self) -> None:
        """The newest ones are seen."""
        if self.list:
            self._near = (self.list[-1].number - 1, self.list[-1].number)

    def near(self, first: int, last: int) -> None:
        """Pages at these positions are seen."""
        if self.list:
            end = len(self.list) - 1
            first, last = min(max(first, 0), end), min(max(last, 0), end)
            self._near = (self.list[first].number, self.list[max(first, last)].number)

    def _around(self) -> tuple[int, int]:
        """Numbers of the pages that are to hold rows."""
        first, last = self._near
        margin = max((KEPT - (last - first + 1) - 2) // 2, 1)
        return first - margin, last + margin

    def let_go(self) -> bool:
        """Drop the rows of pages that are far from what is seen; whether there were any."""
        first, last = self._around()
        gone = False
        for page in self.list:
            if page.rows is not None and not first - 1 <= page.number <= last + 1:
                page.rows = None
                page.version += 1
                gone = True
        return gone

    def missing(self) -> Page | None:
        """A page that should hold rows and does not, the nearest to what is seen."""
        first, last = self._around()
        seen = sum(self._near) / 2
        empty = [page for page in self.list if page.rows is None and first <= page.number <= last]
        return min(empty, key=lambda page: abs(page.number - seen), default=None)

    def fill(self, page: Page, messages: Iterable[Message]) -> None:
        """Rows for a page that was let go. The message before it may come first: it says who spoke last."""
        before: Before | None = None
        part = []
        for message in messages:
            if message.seq < page.first:
                before = Before(message.sender, message.sent_at)
            elif message.seq <= page.last:
                part.append(message)
        end = self._write(page, part, before)
        if page is self.list[-1]:
            self.tail = end

    def _write(self, page: Page, messages: Iterable[Message], before: Before | None) -> Before | None:
        """Make a page's rows; returns what stands in front of whatever comes behind it."""
        rows: list[Row] = []
        happened = list(page.happened)
        for message in messages:
            while happened and happened[0][0] < message.seq:
                rows.append(happened.pop(0)[1])
                before = Before("", before.sent_at) if before is not None else None
            rows += self.scribe.rows(message, before)
            before = Before(message.sender, message.sent_at)
        rows += [row for _, row in happened]
        if happened and before is not None:
            before = Before("", before.sent_at)
        page.rows = rows
        page.version += 1
        return before

    # --- marks ----------------------------------------------------------------------------------

    def remark(self, after: int, upto: int) -> bool:
        """Marks moved for messages behind ``after``, up to ``upto``; whether any row is another now."""
        changed = False
        for page in self.list:
            if page.rows is not None and page.last > after and page.first <= upto:
                rows = [self.scribe.marked(row) for row in page.rows]
                if any(new is not old for new, old in zip(rows, page.rows, strict=True)):
                    page.rows = rows
                    page.version += 1
                    changed = True
        return changed

    def refuse(self, seq: int, why: str) -> None:
        """Another realm will not take a message of ours."""
        for page in self.list:
            if page.rows is not None and page.first <= seq <= page.last:
                page.rows = [
                    replace(row, mark=Mark.REFUSED, refusal=why)
                    if isinstance(row, Said) and row.seq == seq and row.own
                    else row
                    for row in page.rows
                ]
                page.version += 1


def _up_to(rows: list[Row], last: int) -> list[Row]:
    """Those that end with message ``last``: lines above a message go with it."""
    end = 0
    for position, row in enumerate(rows, start=1):
        if isinstance(row, Said):
            if row.seq > last:
                break
            end = position
    return rows[:end]
