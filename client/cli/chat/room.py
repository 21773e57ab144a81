"""What the interactive client knows and what it shows for each event, without any screen.

Belongs here: the conversation that is open, the others with their unread counts, who types, names for
completion, notices held back while a question is open. Does not belong here: asking the server
(``desk``), how lines look (``lines``), reading keys (``terminal``, ``plain``).

``hear`` and the other inputs return the lines to show. What the desk has to do about them gathers in
``to_read`` (read markers to move) and ``stale`` (the list of conversations has to be asked for).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from client.cli.chat import lines
from client.cli.chat.journeys import Journeys
from client.inbox import Event, SetBack, Status
from protocol.addresses import Kind, name_key
from protocol.commands import ConversationInfo, HistoryReply, Message
from protocol.events import (
    DeliveredEvent,
    MembershipEvent,
    MessageEvent,
    PresenceEvent,
    ReadEvent,
    TypingEvent,
    UndeliveredEvent,
)

TYPING_SHOWN: Final = 6.0
"""Seconds for which someone counts as typing after the last notice."""
TYPING_EVERY: Final = 3.0
"""Seconds between two notices that we are typing."""
FILES_KNOWN: Final = 50
"""Files to complete the number of."""


@dataclass
class Talk:
    """One conversation. ``last_seq`` is the newest message counted, ``shown`` the newest on the screen."""

    id: int
    kind: str
    name: str
    last_seq: int = 0
    unread: int = 0
    shown: int = 0
    ours: int = 0
    """Seq of our own newest message."""
    delivered: int = 0
    """How far the server of somebody of another realm has what was said."""
    refused: int = 0
    """Seq of the newest of ours that was refused there."""
    seen: int = 0
    """How far somebody else has read."""
    typists: dict[str, float] = field(default_factory=dict)
    """Who types → until when that counts."""


class Room:
    """The model of one ``pesan chat``. Times (``now``) are monotonic seconds.

    ``user`` is our name, known once the server was asked.
    """

    def __init__(self, user: str = "") -> None:
        self.user = user
        self.here = ""
        """Address of the open conversation, '' before the first."""
        self.talks: dict[int, Talk] = {}
        self.people: set[str] = set()
        self.groups: set[str] = set()
        """Names without ``#``."""
        self.realms: set[str] = set()
        self.connected = True
        self.tell_typing = True
        self.sent: set[bytes] = set()
        """Ids of messages typed here: they are on the screen already."""
        self.journeys = Journeys()
        self.files: dict[int, str] = {}
        """Files that were seen: number → name, the latest last."""
        self.to_read: dict[int, int] = {}
        """Conversation → seq up to which it was read here."""
        self.stale = False
        self._day = ""
        self._held: list[Event] | None = None
        self._typed_at = float("-inf")

    # --- where we are ---------------------------------------------------------------------------

    @property
    def talk(self) -> Talk | None:
        """The open conversation; None when none is, or nothing was ever said in it."""
        return self.named(self.here) if self.here else None

    def named(self, address: str) -> Talk | None:
        """The conversation with this address, compared without case."""
        key = name_key(address)
        return next((talk for talk in self.talks.values() if name_key(talk.name) == key), None)

    def opened(self, address: str, page: HistoryReply) -> list[str]:
        """A conversation was opened, and this is its end: what to show."""
        known = self.talks.get(page.conversation)
        if known is None and page.conversation:
            known = self._see(page.conversation, address)
        self.here = known.name if known else address
        body, self._day = lines.page(page.messages, self.here, page.read_seq, self.user)
        head = [lines.aside(f"{self.here}, nothing said yet" if page.last_seq == 0 else self.here)]
        if known is not None:
            known.shown = max(known.shown, page.last)
            known.last_seq = max(known.last_seq, page.last_seq)
            known.unread = 0
            self.marked(page)
            ours = [message.seq for message in page.messages if message.sender == self.user]
            known.ours = max([known.ours, *ours])
            refused = [message.seq for message in page.messages if message.undelivered]
            known.refused = max([known.refused, *refused])
            if page.last_seq > page.read_seq:
                self.to_read[known.id] = page.last_seq
            self._learn(known.name, *(message.sender for message in page.messages))
        self.learn_files(page.messages)
        if page.first > page.read_seq + 1 and page.messages:
            head.append(lines.aside(f"{page.first - 1 - page.read_seq} earlier messages are new; /history N"))
        return head + body

    def marked(self, page: HistoryReply) -> None:
        """How far what was said in a conversation has come."""
        known = self.talks.get(page.conversation)
        if known is not None:
            known.delivered = max(known.delivered, page.delivered_seq)
            known.seen = max(known.seen, page.seen_seq)

    def stored(self, conversation: int, address: str) -> None:
        """Our message went there; perhaps the first one, so that nothing was known of the conversation."""
        if conversation not in self.talks:
            self._see(conversation, address)

    def passed_on(self, id: bytes, address: str, text: str) -> None:
        """Our message has to go to another realm, which may take long."""
        if id in self.sent or not address.startswith("#"):  # else it has come back already
            self.journeys.began(id, address, lines.excerpt(text))

    def left(self, group: str) -> None:
        """We are no member of this group any more (a bare name)."""
        address = f"#{group}"
        gone = self.named(address)
        if gone is not None:
            del self.talks[gone.id]
        if name_key(self.here) == name_key(address):
            self.here = ""

    def listed(self, rows: Iterable[ConversationInfo]) -> None:
        """The server's list. A conversation about which we have heard more since keeps its counts."""
        rows = list(rows)
        for row in rows:
            known = self._see(row.conversation, row.name, row.kind)
            if row.last_seq >= known.last_seq:
                known.last_seq = row.last_seq
                known.unread = 0 if known is self.talk else row.unread
        present = {row.conversation for row in rows}
        for id in [id for id, talk in self.talks.items() if talk.kind == Kind.GROUP and id not in present]:
            self.left(self.talks[id].name.removeprefix("#"))

    @property
    def unread(self) -> list[Talk]:
        """Other conversations with unread messages, the fullest first."""
        waiting = [talk for talk in self.talks.values() if talk.unread and talk is not self.talk]
        return sorted(waiting, key=lambda talk: (-talk.unread, talk.name))

    # --- what is heard --------------------------------------------------------------------------

    def hold(self) -> None:
        """Show nothing of what is heard until ``release``."""
        if self._held is None:
            self._held = []

    def release(self, now: float) -> list[str]:
        """What was held back."""
        held, self._held = self._held or [], None
        return [line for event in held for line in self.hear(event, now)]

    def hear(self, event: Event, now: float) -> list[str]:
        """What to show for an event."""
        if self._held is not None:
            self._held.append(event)
            return []
        if isinstance(event, MessageEvent):
            return self._message(event)
        if isinstance(event, ReadEvent):
            return self._read(event)
        if isinstance(event, DeliveredEvent):
            return self._delivered(event)
        if isinstance(event, UndeliveredEvent):
            return self._undelivered(event)
        if isinstance(event, TypingEvent):
            return self._typing(event, now)
        if isinstance(event, PresenceEvent):
            return self._presence(event)
        if isinstance(event, MembershipEvent):
            return self._membership(event)
        if isinstance(event, SetBack):
            return self._set_back(event)
        return self._status(event)

    def _message(self, event: MessageEvent) -> list[str]:
        self.learn_files([event])
        address = event.to
        if address[:1] not in ("#", "*") and event.sender != self.user:
            address = event.sender
        talk = self._see(event.conversation, address)
        talk.typists.pop(event.sender, None)
        ours = event.sender == self.user
        if ours:
            talk.ours = max(talk.ours, event.seq)
        else:
            self._learn(event.sender)
        counted = event.seq <= talk.last_seq
        talk.last_seq = max(talk.last_seq, event.seq)
        typed = event.id in self.sent
        self.sent.discard(event.id)
        if talk.kind == Kind.GROUP:
            self.journeys.ended(event.id)
        if talk is self.talk or name_key(talk.name) == name_key(self.here):
            return self._message_here(talk, event, typed)
        if ours:
            return [] if typed else [lines.elsewhere(event, talk.name)]
        if not counted:
            talk.unread += 1
        return [lines.elsewhere(event, talk.name)]

    def _message_here(self, talk: Talk, event: MessageEvent, typed: bool) -> list[str]:
        if event.seq <= talk.shown:
            return []
        talk.shown = event.seq
        self.to_read[talk.id] = event.seq
        heading, found = lines.day(event.sent_at), []
        if heading != self._day and not typed:
            found.append(heading)
        self._day = heading
        return found if typed else [*found, lines.said(event, talk.name)]

    def _read(self, event: ReadEvent) -> list[str]:
        talk = self.talks.get(event.conversation)
        if talk is None:
            return []
        if event.user != self.user:
            talk.seen = max(talk.seen, event.seq)
        elif event.seq >= talk.last_seq:
            talk.unread = 0
        elif talk is not self.talk:
            self.stale = True  # read in part on another device: only the server can count
        return []

    def _delivered(self, event: DeliveredEvent) -> list[str]:
        talk = self.talks.get(event.conversation)
        if talk is None:
            self.journeys.early(event.conversation, event.seq)
            return []
        talk.delivered = max(talk.delivered, event.seq)
        if talk.delivered >= talk.ours:
            self.journeys.arrived(talk.name)
        return []

    def _undelivered(self, event: UndeliveredEvent) -> list[str]:
        """Said wherever we are: it was meant to arrive, and will not."""
        talk = self.talks.get(event.conversation)
        if talk is not None:
            talk.refused = max(talk.refused, event.seq)
        to, beginning = self.journeys.ended(event.id)
        self.sent.discard(event.id)
        to = to or (talk.name if talk is not None else "another realm")
        which = f" ({beginning})" if beginning else ""
        return [lines.aside(f"not delivered to {to}{which}: {event.message.rstrip('.')}")]

    def _typing(self, event: TypingEvent, now: float) -> list[str]:
        talk = self.talks.get(event.conversation)
        if talk is not None and event.user != self.user:
            talk.typists[event.user] = now + TYPING_SHOWN
        return []

    def _presence(self, event: PresenceEvent) -> list[str]:
        self._learn(event.user)
        if name_key(event.user) != name_key(self.here):
            return []
        return [lines.aside(f"{event.user} is {'online' if event.online else 'offline'}")]

    def _membership(self, event: MembershipEvent) -> list[str]:
        address = f"#{event.group}"
        here = name_key(address) == name_key(self.here)
        if event.user != self.user:
            self._learn(event.user, address)
            return [lines.aside(_change(event, event.user, "was"))] if here else []
        self.stale = True
        if event.change == "joined":
            return []
        known = event.conversation in self.talks
        self.left(event.group)
        return [lines.aside(_change(event, "you", "were"))] if known else []

    def _set_back(self, event: SetBack) -> list[str]:
        """What was shown of it is of messages that are gone; what is said now has their numbers."""
        talk = self._see(event.conversation, event.name)
        talk.shown = talk.last_seq = talk.ours = talk.seen = event.last_seq
        self.to_read.pop(talk.id, None)
        self.stale = True
        lost = f"{event.last_seq + 1} to {event.heard} are gone there"
        return [lines.aside(f"{event.name}: the server was set back to an older copy; messages {lost}")]

    def _status(self, event: Status) -> list[str]:
        before, self.connected = self.connected, event.connected
        if before == event.connected:
            return []
        self.stale = self.stale or event.connected
        if event.connected:
            return [lines.aside("connected again")]
        reason = event.reason.rstrip(".") or "the server does not answer"
        return [lines.aside(f"connection lost: {reason}; trying again")]

    # --- typing ---------------------------------------------------------------------------------

    def typed(self, text: str, now: float) -> str:
        """The input line changed: the address to tell that we are typing, '' for nobody now."""
        says = text.strip() and (not text.startswith("/") or text.startswith("//"))
        if not (says and self.tell_typing and self.connected and self.here[:1] not in ("", "*")):
            return ""
        if now - self._typed_at < TYPING_EVERY:
            return ""
        self._typed_at = now
        return self.here

    def typists(self, now: float) -> list[str]:
        """Who is typing in the open conversation."""
        talk = self.talk
        return sorted(user for user, until in talk.typists.items() if until > now) if talk else []

    # --- names ----------------------------------------------------------------------------------

    def _see(self, id: int, name: str, kind: str = "") -> Talk:
        if not kind:
            kind = {"#": Kind.GROUP, "*": Kind.BROADCAST}.get(name[:1], Kind.DIRECT)
        known = self.talks.get(id)
        if known is None:
            known = self.talks[id] = Talk(id, kind, name, delivered=self.journeys.so_far(id))
        if known.name != name and name_key(known.name) == name_key(self.here):
            self.here = name
        known.name = name
        self._learn(name)
        return known

    def _learn(self, *addresses: str) -> None:
        """Names to complete."""
        for address in addresses:
            if address.startswith("#"):
                self.groups.add(address[1:])
            elif address not in ("", "*", self.user):
                self.people.add(address)

    def learn(self, people: Iterable[str] = (), groups: Iterable[str] = ()) -> None:
        """More names to complete, from a listing; groups without ``#``."""
        self._learn(*people, *(f"#{group}" for group in groups))

    def learn_realms(self, realms: Iterable[str]) -> None:
        """Realms to complete names with."""
        self.realms.update(realms)

    def learn_files(self, messages: Iterable[Message | MessageEvent]) -> None:
        """Files that can be fetched."""
        for file in (message.file for message in messages if message.file is not None):
            self.files.pop(file.file, None)
            if not file.gone:
                self.files[file.file] = file.name
        for number in list(self.files)[:-FILES_KNOWN]:
            del self.files[number]


def _change(event: MembershipEvent, who: str, verb: str) -> str:
    if event.change == "removed":
        return f"{who} {verb} removed from #{event.group}" + (f" by {event.by}" if event.by else "")
    return f"{who} {event.change} #{event.group}"
