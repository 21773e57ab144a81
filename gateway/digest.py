"""Lines of several conversations in the order of time, within a bound of bytes.

Belongs here: which messages there is room for, and how they are fetched without holding more than that at
once. What a line looks like, and what is said around the lines, is the dialect's.

Conversations are walked one after the other, all in one direction. The lines nearest to where the walk began
are kept; the first one that there was no room for is the edge, and nothing at or behind it is kept of any
conversation. So what is kept of a conversation is never a selection with holes: unread lines that had no room
are the next that are asked for, and marking what was shown as read marks nothing that was not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final, NamedTuple

from client import Chat, ClientError, Failure
from protocol.commands import ConversationInfo, Message

PAGE: Final = 500
"""Messages asked for at a time."""
PROBE: Final = 8
"""Messages asked for first where none of them may have room any more; twice as many each further time."""
STEP: Final = 65_536
"""Bytes that everybody may hold while a digest is made, and by which more are asked for."""
MARKS_AT_ONCE: Final = 32
"""Conversations that are marked as read at the same time."""

Layout = Callable[[ConversationInfo, Message], bytes]
"""A message of a conversation as a line, with its end."""


class Bounds(NamedTuple):
    """What a digest may have."""

    room: int
    """Bytes of its lines."""
    most: int
    """Messages of one conversation."""
    grant: Callable[[int], bool] = lambda count: True
    """Asked for so many bytes to hold meanwhile; below 0 they are given back. False: there are no more."""


class Told(NamedTuple):
    """``lines`` from the oldest to the newest, how many messages they are, and whether there were more."""

    lines: bytes
    messages: int
    more: bool


class Digest:
    """What is kept: as many bytes as there is room for, but one line in any case; twice as many meanwhile.

    ``newest``: walked from the newest back. To be entered with ``with``.
    """

    def __init__(self, bounds: Bounds, *, newest: bool = False) -> None:
        self._room = bounds.room
        self._grant = bounds.grant
        self._granted = STEP
        self._sign = -1 if newest else 1
        self._kept: list[tuple[int, int, int, bytes]] = []
        """(time, conversation, seq, line); the numbers with the sign, so that they grow as we walk."""
        self._size = 0
        self._edge: tuple[int, ...] | None = None
        self._last = (0, 0, 0)

    def __enter__(self) -> Digest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._granted > STEP:
            self._grant(STEP - self._granted)

    @property
    def cut(self) -> bool:
        """Whether something had no room."""
        return self._edge is not None

    def may_want(self, at: int) -> bool:
        """Whether there may be room for lines that the walk comes to from this time on."""
        return self._edge is None or self._sign * at <= self._edge[0]

    def add(self, conversation: int, message: Message, line: bytes) -> bool:
        """The next line of this conversation; False: there is no room for it, nor for those behind it."""
        sign = self._sign
        place = (sign * message.sent_at, sign * conversation, sign * message.seq)
        if self._last[1] == place[1]:
            # A clock may have gone back; the order within a conversation is that of its numbers.
            place = (max(place[0], self._last[0]), place[1], place[2])
        if self._edge is not None and place >= self._edge:
            return False
        self._last = place
        self._kept.append((*place, line))
        self._size += len(line)
        if self._size > 2 * self._room:
            self._prune()
        elif not self._may_hold():
            self._room = self._granted // 2
            self._prune()
        return True

    def _may_hold(self) -> bool:
        """Whether what is kept may be held, or more was granted."""
        while self._granted < self._size:
            if not self._grant(STEP):
                return False
            self._granted += STEP
        return True

    def stop_here(self) -> None:
        """Let nothing be kept, of any conversation, that stands behind the line that was added last."""
        at, conversation, seq = self._last
        edge = (at, conversation, seq + 1)
        self._edge = edge if self._edge is None else min(self._edge, edge)

    def told(self) -> Told:
        """What is kept."""
        lines = self.lines()
        return Told(b"".join(lines), len(lines), self.cut)

    def lines(self) -> list[bytes]:
        """What is kept, from the oldest to the newest."""
        self._prune()
        return [kept[3] for kept in self._kept[:: self._sign]]

    def reached(self) -> dict[int, int]:
        """For each conversation of which something is kept the seq that the walk came to."""
        self._prune()
        return {self._sign * conversation: self._sign * seq for _, conversation, seq, _ in self._kept}

    def _prune(self) -> None:
        self._kept.sort()
        size = 0
        for number, (at, conversation, seq, line) in enumerate(self._kept):
            place = (at, conversation, seq)
            size += len(line)
            if (size > self._room and number) or (self._edge is not None and place >= self._edge):
                self._edge = place if self._edge is None else min(place, self._edge)
                size -= len(line)
                del self._kept[number:]
                break
        self._size = size


async def unread(chat: Chat, bounds: Bounds, layout: Layout) -> tuple[Told, dict[int, int]]:
    """What others said and we have not read, the oldest first, marked as read as far as it is told.

    The rest stays unread. With it, for each conversation, the seq up to which it was marked.
    """
    ends: dict[int, tuple[int, int]] = {}
    with Digest(bounds) as digest:
        for row in [row for row in await chat.conversations() if row.unread]:
            last = await _walk_unread(chat, digest, row, bounds.most, layout)
            if last is not None:
                ends[row.conversation] = (last, row.last_seq)
        marks = digest.reached()
        for conversation, (last, newest) in ends.items():
            if marks.get(conversation) == last:
                marks[conversation] = newest  # what is behind it is our own
        await mark(chat, marks)
        return digest.told(), marks


async def _walk_unread(
    chat: Chat, digest: Digest, row: ConversationInfo, most: int, layout: Layout
) -> int | None:
    """The seq of the last line, when there is none behind it."""
    count, after, last = 0, row.read_seq, 0
    limit = PROBE if digest.cut else PAGE
    while after < row.last_seq:
        page = await chat.history(row.conversation, after=after, limit=limit)
        limit = min(2 * limit, PAGE)
        for message in page.messages:
            if message.sender == chat.user or message.seq > row.last_seq:
                continue
            if count == most:
                digest.stop_here()
                return None
            if not digest.add(row.conversation, message, layout(row, message)):
                return None
            count, last = count + 1, message.seq
        if page.last <= after:
            break
        after = page.last
    return last


async def mark(chat: Chat, marks: dict[int, int]) -> None:
    """Say what was read. Where that fails it stays unread, and is told once more."""
    waiting = list(marks.items())
    while waiting:
        now, waiting = waiting[:MARKS_AT_ONCE], waiting[MARKS_AT_ONCE:]
        reads = [chat.read(conversation, seq) for conversation, seq in now]
        for outcome in await asyncio.gather(*reads, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, (Failure, ClientError)):
                raise outcome


async def earlier(chat: Chat, bounds: Bounds, layout: Layout) -> Told:
    """What we have read or said ourselves: the newest of it, the oldest of that first."""
    more = False
    with Digest(bounds, newest=True) as digest:
        for row in sorted(await chat.conversations(), key=lambda row: -row.last_at):
            if not digest.may_want(row.last_at):
                break
            more |= await _walk_back(chat, digest, row, bounds.most, layout)
        told = digest.told()
        return told._replace(more=told.more or more)


async def _walk_back(chat: Chat, digest: Digest, row: ConversationInfo, most: int, layout: Layout) -> bool:
    """Whether there is more than ``most``."""
    count = 0
    own_unread = row.last_seq - row.read_seq - row.unread
    before = row.last_seq + 1 if own_unread else row.read_seq + 1
    limit = PROBE if digest.cut else PAGE
    while before > 1:
        page = await chat.history(row.conversation, before=before, limit=min(limit, most + 1))
        limit = min(2 * limit, PAGE)
        for message in reversed(page.messages):
            if message.seq > row.read_seq and message.sender != chat.user:
                continue
            if count == most:
                return True
            if not digest.add(row.conversation, message, layout(row, message)):
                return False
            count += 1
        if not page.messages:
            break
        before = page.first
    return False
