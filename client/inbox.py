"""Every conversation that is heard, and the filling of its holes.

Belongs here: from where on a conversation is heard, messages live and fetched, and the hints (read
markers, presence and so on) told once. Which topics to listen to and when to look for what was
missed is ``listening``'s; the arithmetic of one conversation is ``cursors``'.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from client.cursors import Cursor
from protocol.addresses import Kind
from protocol.commands import Body, ConversationInfo, History, HistoryReply, Message, SendReply
from protocol.events import (
    DeliveredEvent,
    MembershipEvent,
    MessageEvent,
    PresenceEvent,
    ReadEvent,
    TypingEvent,
    UndeliveredEvent,
)

if TYPE_CHECKING:
    from client.outbox import Entry
    from client.session import Session

GRACE: Final = 0.03
"""Seconds that a hole may close by itself: our own reply or another worker's event is under way."""
PAGE: Final = 500
"""Messages fetched at a time."""
FETCHES_MOST: Final = 8
"""Conversations being fetched at once."""
HINTS_MOST: Final = 2_000
"""Hints remembered, the newest of each kind and subject. They come over all their topics at about the same
time, so this is for bursts; one that was forgotten too early is told twice."""


class Status(Struct, frozen=True):
    """Local: whether events are being heard. After a break, what was missed comes by itself.

    ``reason`` is a sentence when ``connected`` is false.
    """

    connected: bool
    reason: str = ""


class SetBack(Struct, frozen=True):
    """Local: the server has less of a conversation than was heard, so it was restored from an older copy.

    Messages ``last_seq`` + 1 to ``heard`` are gone there; what is said from now on takes their numbers.
    """

    conversation: int
    name: str
    heard: int
    last_seq: int


Hint = DeliveredEvent | UndeliveredEvent | ReadEvent | TypingEvent | PresenceEvent | MembershipEvent
"""What may be lost, and is told once."""
Event = MessageEvent | Hint | Status | SetBack
"""What a program hears."""


class Conversation:
    """One conversation that is heard. ``name`` is '' while it is not known."""

    __slots__ = ("checking", "cursor", "fetching", "id", "kind", "lists", "name", "topic")

    def __init__(self, id: int, kind: str, name: str, topic: bytes, seq: int, lists: int) -> None:
        self.id = id
        self.kind = kind
        self.name = name
        self.topic = topic
        self.cursor: Cursor[MessageEvent] = Cursor(seq)
        self.lists = lists
        """How many lists had been asked for when it was first seen: an older one may not know it."""
        self.fetching = False
        self.checking = False


class Inbox:
    """What was heard, per conversation. ``stored``: the cursors of an earlier run; None: there was none."""

    def __init__(self, session: Session, stored: dict[int, int] | None) -> None:
        self.conversations: dict[int, Conversation] = {}
        self.begun = False
        """Whether a first list was seen: before it nobody knows where anything begins."""
        self.lists = 0
        """Lists asked for so far."""
        self._session = session
        self._first_run = stored is None
        self._stored = dict(stored or {})
        self._room = True
        self._fetches: list[Conversation] = []
        self._fetching = 0
        self._hints: dict[tuple[object, ...], object] = {}
        """What was told last of each subject, the one told longest ago first."""
        self._heard: dict[int, int] = {}
        """How far each conversation had been heard when the last list was asked for."""

    def topics(self) -> set[bytes]:
        """Topics of every conversation that has one."""
        return {known.topic for known in self.conversations.values() if known.topic}

    # --- which conversations there are ----------------------------------------------------------

    def asking(self) -> None:
        """A list is about to be asked for: whatever was heard by now must be in it."""
        self.lists += 1
        self._heard = {known.id: known.cursor.seq for known in self.conversations.values()}

    def listed(self, rows: Iterable[ConversationInfo]) -> None:
        """A whole list: what is new is heard from now on, what is gone no longer."""
        first, self.begun = not self.begun, True
        present = set()
        for row in rows:
            present.add(row.conversation)
            self._see(row, first)
        for known in list(self.conversations.values()):
            if known.id not in present and known.lists < self.lists:
                del self.conversations[known.id]
                self._session.baselines.append((known.id, None))
        self._heard = {}
        # What an earlier run heard and is in no list any more was left meanwhile.
        self._session.baselines.extend((conversation, None) for conversation in self._stored)
        self._stored.clear()

    def _see(self, row: ConversationInfo, first: bool) -> None:
        known = self.conversations.get(row.conversation)
        if known is None:
            if row.conversation in self._stored:
                seq = self._stored.pop(row.conversation)
                self._heard[row.conversation] = seq
            elif first and self._first_run:
                seq = max(row.last_seq, row.read_seq)
            else:
                # Begun while no run of this program listened, or joined from another device: what was
                # said before joining counts as read.
                seq = 0 if row.kind == Kind.DIRECT else row.read_seq
            known = self.add(row.conversation, row.kind, row.name, row.topic, seq)
        known.kind, known.name, known.topic = row.kind, row.name, row.topic
        # Our server's copy of another realm's group begins empty, when much is read there by having joined.
        filling = row.last_seq < row.read_seq
        if row.last_seq < self._heard.get(row.conversation, 0) and not filling:
            self._set_back(known, row.last_seq)
        known.cursor.exists(row.last_seq)

    def _set_back(self, known: Conversation, seq: int) -> None:
        """A server never counts back by itself: go on from where it is now, and say so."""
        self._session.events.append(SetBack(known.id, known.name, known.cursor.seq, seq))
        known.cursor = Cursor(seq)
        self._session.baselines.append((known.id, seq))

    def add(self, id: int, kind: str, name: str, topic: bytes, seq: int) -> Conversation:
        """A conversation that was not known: it is heard from behind ``seq`` on."""
        known = self.conversations[id] = Conversation(id, kind, name, topic, seq, self.lists)
        self._session.baselines.append((id, seq))
        return known

    # --- what is heard --------------------------------------------------------------------------

    def message(self, now: float, event: MessageEvent) -> bool:
        """A message came as an event; False: nobody knows its conversation, so a list is needed."""
        if not self.begun:
            return True
        known = self.conversations.get(event.conversation)
        if known is None:
            if event.to[:1] in ("#", "*"):
                return False
            other = event.to if event.sender == self._session.user else event.sender
            known = self.add(event.conversation, Kind.DIRECT, other, b"", 0)
        self._offer(now, known, event)
        return True

    def sent(self, now: float, entry: Entry, reply: SendReply) -> bool:
        """Our own message was stored: the server need not tell this device. As for ``message``."""
        if not self.begun:
            return True
        known = self.conversations.get(reply.conversation)
        if known is None or not known.name:
            return False
        if not reply.seq:
            return True  # it has no number yet: it comes by itself as soon as the group's own realm gave one
        if reply.duplicate:
            # Stored by an earlier try, whose text only the server knows for sure.
            return self.exists(now, known.id, reply.seq)
        user = self._session.user
        event = MessageEvent(known.id, reply.seq, user, known.name, entry.body, reply.sent_at, entry.id)
        self._offer(now, known, event)
        return True

    def exists(self, now: float, conversation: int, seq: int) -> bool:
        """There is this message, whatever it says: it will be fetched unless it comes. False: not heard."""
        known = self.conversations.get(conversation)
        if known is not None:
            known.cursor.exists(seq)
            self._look_soon(now, known)
        return known is not None

    def _offer(self, now: float, known: Conversation, event: MessageEvent) -> None:
        self._session.events.extend(known.cursor.offer(event.seq, event))
        self._look_soon(now, known)

    def hint(self, event: Hint) -> None:
        """An event of another kind. One that reaches us over several topics is told once."""
        key: tuple[object, ...]
        news: object = event
        if isinstance(event, ReadEvent):
            key = (ReadEvent, event.conversation, event.user)
        elif isinstance(event, PresenceEvent):
            key, news = (PresenceEvent, event.user), event.online
        elif isinstance(event, MembershipEvent):
            key = (MembershipEvent, event.conversation, event.user)
        else:
            self._session.events.append(event)
            return
        if self._hints.get(key) != news:
            self._hints.pop(key, None)
            self._hints[key] = news
            if len(self._hints) > HINTS_MOST:
                del self._hints[next(iter(self._hints))]
            self._session.events.append(event)

    # --- filling holes --------------------------------------------------------------------------

    def room(self, now: float, room: bool) -> None:
        """Whether the program takes events fast enough for more to be fetched."""
        self._room = room
        self._fetch(now)

    def fill(self, now: float) -> None:
        """Fetch whatever is missing."""
        for known in self.conversations.values():
            self._queue(known)
        self._fetch(now)

    def _look_soon(self, now: float, known: Conversation) -> None:
        if known.cursor.hole() and not known.checking:
            known.checking = True
            self._session.timers.at(now + GRACE, self._look, known)

    def _look(self, now: float, known: Conversation) -> None:
        known.checking = False
        self._queue(known)
        self._fetch(now)

    def _queue(self, known: Conversation) -> None:
        """Without its name what is fetched could not be told; the list brings it."""
        if known.cursor.hole() and known.name and not known.fetching:
            known.fetching = True
            self._fetches.append(known)

    def _fetch(self, now: float) -> None:
        while self._room and self._fetches and self._fetching < FETCHES_MOST:
            known = self._fetches.pop(0)
            if known.cursor.hole() is None or self.conversations.get(known.id) is not known:
                known.fetching = False
                continue
            self._fetching += 1
            request = History(conversation=known.id, after=known.cursor.seq, limit=PAGE)

            def fetched(now: float, answer: Body | Exception, known: Conversation = known) -> None:
                self._fetched(now, known, answer)

            self._session.ask(now, "message.history", request, fetched)

    def _fetched(self, now: float, known: Conversation, answer: Body | Exception) -> None:
        self._fetching -= 1
        known.fetching = False
        if isinstance(answer, HistoryReply) and self.conversations.get(known.id) is known:
            before = known.cursor.seq
            items = [(message.seq, self._as_event(known, message)) for message in answer.messages]
            known.cursor.exists(answer.last_seq)
            self._session.events.extend(known.cursor.fill(answer.first, answer.last, items))
            if known.cursor.seq > before:  # else the next audit tries again
                self._queue(known)
        self._fetch(now)

    def _as_event(self, known: Conversation, message: Message) -> MessageEvent:
        """A stored message as it would have been heard."""
        user = self._session.user
        to = user if known.kind == Kind.DIRECT and message.sender != user else known.name
        return MessageEvent(
            known.id,
            message.seq,
            message.sender,
            to,
            message.body,
            message.sent_at,
            message.id,
            message.file,
        )
