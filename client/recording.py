"""Writing down what a chat hands out, soon and not too often.

Belongs here: what becomes a mark, and when marks are written. The file is ``record``'s. A message is
written within a quarter of a second, many at once when there are many; a process that is killed has
handed out no more than that without a trace. When the file cannot be written the chat goes on without
it, and ``fault`` says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from client.record import UNREAD_MARK, Record, RecordUnavailable, mark
from protocol.commands import ConversationInfo, HistoryReply, Message, SendReply
from protocol.events import MessageEvent

PAUSE: Final = 0.25
"""Seconds between two writes."""
BUFFERED_MOST: Final = 2_000
"""Marks that wait for the next write."""


class Recording:
    """What one chat hands out. Needs a running loop."""

    def __init__(self, record: Record) -> None:
        self.fault = ""
        """Why nothing more is written."""
        self._record = record
        self._marks: list[tuple[int, int, bytes]] = []
        self._names: dict[int, str] = {}
        self._timer: asyncio.TimerHandle | None = None

    def listed(self, rows: Iterable[ConversationInfo]) -> None:
        """Conversations and their names. Not worth a write of their own."""
        self._names.update((row.conversation, row.name) for row in rows)

    def page(self, page: HistoryReply, address: str) -> None:
        """A page of history; ``address`` '' where it was asked for by number."""
        if page.messages:
            self._add(page.conversation, address, page.messages)

    def heard(self, event: MessageEvent) -> None:
        """An event."""
        user = self._record.user.lower()
        ours = event.sender.lower() == user or event.to[:1] in ("#", "*")
        self._add(event.conversation, event.to if ours else event.sender, [event])

    def sent(self, to: str, body: str, id: bytes, reply: SendReply) -> None:
        """A message of ours that the server says is on its disk.

        Of one that it had before we know for sure that it is there, and not that it is this text: a
        program that chooses ids itself may have sent another one under it.
        """
        if not reply.seq:
            return  # a group of another realm gives the number, and it comes back with that
        if reply.duplicate:
            self._names[reply.conversation] = to
            self._queue([(reply.conversation, reply.seq, UNREAD_MARK)])
            return
        message = Message(reply.seq, self._record.user, body, reply.sent_at, id)
        self._add(reply.conversation, to, [message])

    def left(self, group: str) -> None:
        """We left a group by our own will: what was seen there needs no proof any more."""
        self.write()
        try:
            for conversation, name in self._record.names().items():
                if name.lower() == f"#{group.removeprefix('#')}".lower():
                    self._record.forget(conversation, 0, 1 << 62)
        except RecordUnavailable as error:
            self._failed(error)

    def write(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        marks, self._marks = self._marks, []
        if self.fault or not marks:
            return
        names, self._names = self._names, {}
        try:
            self._record.keep(marks, names.items())
        except RecordUnavailable as error:
            self._failed(error)

    def close(self) -> None:
        """Write what waits, and let go of the file."""
        self.write()
        self._record.close()

    def _add(self, conversation: int, name: str, messages: Iterable[Message | MessageEvent]) -> None:
        if name:
            self._names[conversation] = name
        self._queue([(conversation, message.seq, mark(message)) for message in messages])

    def _queue(self, marks: list[tuple[int, int, bytes]]) -> None:
        if self.fault:
            return
        self._marks.extend(marks)
        if len(self._marks) >= BUFFERED_MOST:
            self.write()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PAUSE, self.write)

    def _failed(self, error: RecordUnavailable) -> None:
        self.fault = self.fault or str(error)
        self._marks.clear()
