"""One open conversation: its messages, what is being typed, how far it was read.

Belongs here: loading pages and letting them go, marks, typing, read markers. What stands on which page is
``pages``', how a row is made ``rows``', the list of all conversations ``talks``'.

Messages are loaded in pages. Whoever draws keeps a page's height; a page that is far from what is seen is let
go (``rows`` is None) and takes its place as that height, until it comes near again. So a room of any length
scrolls, and costs a few pages. While somebody reads older messages (``following`` is false) nothing is added
at the bottom, so that nothing moves under their eyes: ``held`` counts what waits there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from client.errors import ClientError
from client.gui.model.changes import Part
from client.gui.model.fetching import after_read, newest_of_others, opening, split, whole, written
from client.gui.model.holding import Holding
from client.gui.model.keystrokes import Keystrokes
from client.gui.model.outbox import FULL
from client.gui.model.pages import KEPT, PAGE, Page, Pages
from client.gui.model.parcel import Parcel
from client.gui.model.problem import Problem, problem
from client.gui.model.reading import Reading
from client.gui.model.rows import Happened, Row, Scribe
from client.gui.model.talk import address_of, kind_of
from client.gui.model.waiting import Waiting
from client.inbox import SetBack
from protocol.addresses import name_key
from protocol.errors import Failure
from protocol.events import (
    DeliveredEvent,
    MembershipEvent,
    MessageEvent,
    ReadEvent,
    TypingEvent,
    UndeliveredEvent,
)

if TYPE_CHECKING:
    from client.gui.model.model import Model

__all__ = ["KEPT", "PAGE", "Page", "Room"]

AGAIN: Final = 2.0
"""Seconds until messages that a set back room lost, and that did not come, are asked for once more."""
LONG: Final = 100
"""Pages of a room that is open for days; each costs a little, though it is let go."""


class Room:
    """An open conversation. ``loading``: its first messages have not come. ``older_loading``: older ones were
    asked for. ``at_start``: there are no older ones. ``unread_at_opening``: so many messages of others.
    """

    def __init__(self, model: Model, address: str) -> None:
        self.address = address
        self.conversation = 0
        self.loading = True
        self.older_loading = False
        self.at_start = False
        self.following = True
        self.unread_at_opening = 0
        self._model = model
        self._user = model.user
        self._scribe = Scribe(model.user, model.zone, kind_of(address), "@" in address)
        self._pages = Pages(self._scribe)
        self._waiting = Waiting(self._scribe)
        self._behind: list[Row] | None = None
        """What ``waiting`` is, unless that has changed."""
        self.reading = Reading(model)
        self._early: list[MessageEvent] = []
        self._holding = Holding()
        self._others = 0
        """Seq of the newest message of somebody else."""
        self._keystrokes = Keystrokes(model)
        self._comings = 0
        self._filling = False
        self._era = 0
        """Grows when what was asked for before is of no use any more."""
        self._closed = False

    @property
    def kind(self) -> str:
        """As in ``Kind``."""
        return kind_of(self.address)

    @property
    def pages(self) -> list[Page]:
        """Oldest first; the last one grows."""
        return self._pages.list

    @property
    def held(self) -> int:
        """Messages of others that came while somebody read older ones."""
        return self._holding.count

    @property
    def waiting(self) -> list[Row]:
        """Messages of ours behind the last page: those without an answer."""
        if self._behind is None:
            self._behind = self._waiting.rows(self._model.outbox.to(self.address), self._pages.tail)
        return self._behind

    @property
    def new_at(self) -> int:
        """Seq of the first message that was unread when the room was opened; 0 when none was."""
        return self._scribe.new_at

    def is_at(self, address: str) -> bool:
        """Whether this is the conversation with that address, compared without case."""
        return name_key(self.address) == name_key(address)

    # --- messages -------------------------------------------------------------------------------

    async def load(self) -> Problem | None:
        """Its latest messages, enough to have the first unread one among them (if that is not far).

        May be called again when it could not be loaded.
        """
        try:
            await self._load()
        except (Failure, ClientError) as error:
            return problem(error)
        return None

    async def _load(self) -> None:
        chat = self._model.chat
        address = await written(self._model, self.address)
        reply = await opening(chat, address)
        if self._closed or not self.loading:
            return
        self.address = address
        self.conversation = self.reading.conversation = reply.conversation
        self.reading.known(reply.read_seq)
        talk = self._model.talks.get(reply.conversation)
        if talk is not None:
            self._scribe.moved(talk.seen, talk.delivered)
        self._scribe.moved(reply.seen_seq, reply.delivered_seq)
        messages, before, self.at_start = split(reply)
        self._scribe.new_at, unread = after_read(reply, messages, self._model.user)
        self.unread_at_opening = max(unread, talk.unread if talk is not None and self._scribe.new_at else 0)
        self._pages.begin(messages, before, reply.last_seq)
        self._others = newest_of_others(reply, messages, self._model.user)
        self.loading = False
        self.reading.arriving = bool(self._scribe.new_at)
        early, self._early = self._early, []
        self._add(early)
        self._model.outbox.heard(*messages)
        self._model.outbox.refused(self.address, reply.refused)
        self.outbox_changed()
        self._settle()
        self.read()
        self._model.changes.mark(Part.COMPOSER, Part.TALKS)

    async def _reload(self) -> None:
        if await self.load() is not None and not self._closed:
            await asyncio.sleep(AGAIN)
            self._model.spawn(self._reload())

    async def refresh(self) -> None:
        """The server is back: marks that moved meanwhile. Messages come by themselves."""
        if self.loading:
            return
        reply = await self._model.chat.history(self.conversation or self.address, limit=1)
        if self._closed:
            return
        self.reading.known(reply.read_seq)
        self._remark(self._scribe.moved(reply.seen_seq, reply.delivered_seq))
        self._model.outbox.refused(self.address, reply.refused)
        self.outbox_changed()
        self._settle()
        self.read()

    async def older(self) -> None:
        """One page more at the top. Harmless when there is none, or one is under way."""
        if self.older_loading or self.at_start or self.loading or not self._pages.list:
            return
        era, first = self._era, self._pages.first
        self.older_loading = True
        self._changed()
        try:
            reply = await self._model.chat.history(self.conversation, before=first, limit=PAGE + 1)
        except (Failure, ClientError):
            return
        finally:
            self.older_loading = False
            self._changed()
        if self._closed or era != self._era:
            return
        messages, before, self.at_start = split(reply)
        self._model.outbox.heard(*messages)
        if messages:
            self._pages.put_older(messages, before)
            self._settle()

    def near(self, first: int, last: int) -> None:
        """Pages ``first`` to ``last`` (positions in ``pages``) are seen: they and those around hold rows."""
        self._pages.near(first, last)
        self._settle()

    def _settle(self) -> None:
        """Let go of what is far, and ask for what is near."""
        if self._pages.let_go():
            self._changed()
        if self.conversation and not self._filling and self._pages.missing() is not None:
            self._filling = True
            self._model.spawn(self._fill())

    async def _fill(self) -> None:
        """Rows for pages that came near; when the server does not answer, ``refresh`` begins again."""
        try:
            while not self._closed and (page := self._pages.missing()) is not None:
                era = self._era
                messages = await whole(self._model.chat, self.conversation, page)
                self._model.outbox.heard(*messages)
                if era == self._era and not self._closed:
                    self._pages.fill(page, messages)
                    self._changed()
        finally:
            self._filling = False

    def follow(self, following: bool) -> None:
        """Whether the newest messages are seen. When they are again, what was held is added."""
        if following == self.following:
            return
        self.following = following
        self._changed()
        if following:
            self._add(self._holding.release())
            self.outbox_changed()
            self._pages.follow()
            self._settle()
            self.read()

    def _add(self, came: Sequence[MessageEvent | Happened]) -> None:
        for one in came:
            if isinstance(one, Happened):
                self._pages.happened(one)
            elif self._pages.append(one) and not self._ours(one.sender):
                self._others = max(self._others, one.seq)

    def to_newest(self) -> None:
        """Forget what is loaded above, if it is much, and show the newest messages."""
        self.reading.arrived()
        self.follow(True)
        self._forget(KEPT)
        self._settle()
        self.read()
        self._changed()

    def _forget(self, most: int) -> None:
        """Of more pages than that keep the newest; older ones are asked for again by whoever scrolls up."""
        if self._pages.forget_older(most):
            self._era += 1
            self.at_start = False

    def read(self) -> None:
        """What is seen is read: move the marker, now or when the server is back."""
        if self._model.visible and not self.loading:
            self.reading.read(self._others, self.following)

    # --- what is typed --------------------------------------------------------------------------

    @property
    def draft(self) -> str:
        """What was begun here and not sent; kept for each conversation."""
        return self._model.drafts.get(self.address)

    def typed(self, text: str) -> None:
        """The text being typed has changed: keep it as the draft, and tell the others that we are typing."""
        if self._model.user == self._user:  # else it comes late, and whoever is there now did not type it
            self._model.drafts.put(self.address, text)
            self._keystrokes.typed(self.address, text)

    def say(self, text: str) -> bool:
        """Send what was typed; False when it is nothing but blanks. The draft is empty then."""
        text = text.strip("\r\n").rstrip()
        if not text.strip() or self._model.user != self._user:
            return False
        if self._model.outbox.full:
            self._model.notices.failed(FULL)
            return False
        self.to_newest()
        self._model.drafts.put(self.address, "")
        self._keystrokes.said()
        self._model.outbox.put(self.address, text)
        self._model.changes.mark(Part.COMPOSER)
        return True

    @property
    def typists(self) -> list[str]:
        """Who else is typing now, by name."""
        return self._model.talks.typists(self.address)

    # --- what is heard --------------------------------------------------------------------------

    def heard(self, event: MessageEvent) -> bool:
        """A message; whether it is of this conversation, and seen as it comes."""
        if not self._concerns(event):
            return False
        if self.loading:
            self._early.append(event)
            return True
        self.conversation = self.reading.conversation = event.conversation
        if not self.following:
            if event.seq > self._pages.last and self._holding.take(event, self._ours(event.sender)):
                self._model.changes.mark(Part.COMING)
            return False
        if event.seq > self._pages.last:
            self._add([event])
            self._pages.follow()
            self._grown(Part.ROOM if self._ours(event.sender) else Part.COMING)
            self._forget(LONG)
            self._settle()
        self.read()
        return not self.reading.arriving

    def _concerns(self, event: MessageEvent) -> bool:
        if self.conversation:
            return event.conversation == self.conversation
        return self.is_at(address_of(event, self._model.user))

    def hint(self, event: TypingEvent | ReadEvent | DeliveredEvent | UndeliveredEvent | SetBack) -> None:
        """Marks move, somebody types, the server was set back."""
        if not self.conversation or event.conversation != self.conversation:
            return
        if isinstance(event, TypingEvent):
            return  # who types is told by the list
        if isinstance(event, ReadEvent):
            if self._ours(event.user):
                self.reading.known(event.seq)
            else:
                self._remark(self._scribe.moved(seen=event.seq))
        elif isinstance(event, DeliveredEvent):
            self._remark(self._scribe.moved(delivered=event.seq))
        elif isinstance(event, SetBack):
            self._set_back(event)
        elif event.seq:
            self._pages.refuse(event.seq, event.message)
            self._changed()

    def _remark(self, before: int | None) -> None:
        if before is not None and self._pages.remark(before, self._pages.last):
            self._model.changes.mark(Part.COMING)

    def _set_back(self, event: SetBack) -> None:
        """Messages are gone there, and what is said now has their numbers."""
        self._era += 1
        self._early = [one for one in self._early if one.seq <= event.last_seq]
        self._holding.clear()
        self._scribe.cut(event.last_seq)
        self._others = min(self._others, event.last_seq)
        self.reading.cut(event.last_seq)
        self._waiting.cut(event.last_seq)
        self._pages.cut(event.last_seq)
        if not self._pages.list and event.last_seq and not self.loading:
            self.loading = True
            self._model.spawn(self._reload())
        self.outbox_changed()
        self._settle()

    def membership(self, event: MembershipEvent) -> None:
        """Somebody joined or left; if it was us, the room is closed by the model."""
        if self.loading or event.conversation != self.conversation or self._ours(event.user):
            return
        self._comings += 1
        row = Happened(f"h{self._comings}", event.user, event.change, event.by)
        (self._pages if self.following else self._holding).happened(row)
        self._changed()

    def landed(self, parcel: Parcel, seq: int) -> None:
        """A message of ours is stored; until it is heard its row stays where it is."""
        if seq > self._pages.last:
            self._waiting.landed(parcel, seq)

    def outbox_changed(self) -> None:
        """Messages of ours wait, were sent, or were refused: ``waiting`` is another."""
        self._grown(Part.ROOM)

    def _grown(self, part: Part) -> None:
        self._waiting.shown_up_to(self._pages.last)
        self._behind = None
        self._model.changes.mark(part)

    def close(self) -> None:
        """It is not open any more."""
        self._closed = True
        self._era += 1

    def _ours(self, user: str) -> bool:
        return name_key(user) == name_key(self._model.user)

    def _changed(self) -> None:
        self._model.changes.mark(Part.ROOM)
