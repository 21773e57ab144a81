"""The conversations of ours: which there are, what is unread, what was said last; and finding one.

Belongs here: the list. What one conversation holds is ``talk``'s, messages of the open one are ``room``'s.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from client.errors import ClientError
from client.gui.model.changes import Part
from client.gui.model.finding import finder
from client.gui.model.talk import Talk, address_of, excerpt, kind_of
from client.inbox import SetBack
from protocol.addresses import Kind, name_key
from protocol.commands import ConversationInfo, Message
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

TYPING_SHOWN: Final = 6.0
"""Seconds for which someone counts as typing after the last notice."""
EXCERPTS: Final = 60
"""Conversations, the newest, of which it is asked what was said last."""
EARLY_MOST: Final = 100
"""Conversations that were not known yet, of which a mark is remembered."""


class Talks:
    """Every conversation of ours."""

    def __init__(self, model: Model) -> None:
        self.loaded = False
        self._model = model
        self._talks: dict[int, Talk] = {}
        self._names: dict[str, Talk] = {}
        self._sorted: list[Talk] | None = None
        self._lists = 0
        """Lists asked for so far."""
        self._stale = False
        """Whether a list is about to be asked for."""
        self._early: dict[int, int] = {}
        """How far the other's server has what was said in conversations that are not known yet."""
        self._strangers: dict[str, float] = {}
        """Who types to us in a conversation that has not begun → until when that counts."""

    @property
    def rows(self) -> list[Talk]:
        """Newest first; the same list until something changes."""
        if self._sorted is None:
            self._sorted = sorted(
                self._talks.values(), key=lambda talk: (-talk.moved_at, name_key(talk.name))
            )
        return self._sorted

    @property
    def unread(self) -> int:
        """Messages that are not read, in all of them."""
        return sum(talk.unread for talk in self._talks.values())

    def found(self, query: str) -> list[Talk]:
        """Those whose name has every word of ``query`` in it, whatever the case, newest first; '' = all."""
        fits = finder(query)
        return [talk for talk in self.rows if fits(talk.name)]

    def named(self, address: str) -> Talk | None:
        """The conversation with this address, compared without case."""
        return self._names.get(name_key(address))

    def get(self, conversation: int) -> Talk | None:
        """The conversation with this number."""
        return self._talks.get(conversation)

    def know(self, conversation: int, address: str) -> Talk:
        """There is a conversation with this number and address: it has just begun, or is known."""
        known = self._talks.get(conversation)
        if known is None:
            known = self._add(Talk(conversation, kind_of(address), address), begun=True)
            self._changed()
        return known

    def read(self, conversation: int, seq: int) -> None:
        """It was read here up to ``seq``."""
        talk = self._talks.get(conversation)
        if talk is None or seq <= talk.read_seq:
            return
        talk.read_seq = seq
        talk.unread = min(talk.unread, max(0, talk.last_seq - seq))
        self._changed()

    def said(self, conversation: int, message: Message | MessageEvent) -> None:
        """This is in it; if it is the newest, it is what was said last. Nothing is counted."""
        talk = self._talks.get(conversation)
        if talk is not None and talk.take(message):
            self._changed()

    def typists(self, address: str) -> list[str]:
        """Who is typing there now, by name."""
        now, talk = self._model.now(), self.named(address)
        typing = dict(talk.typists) if talk is not None else {}
        if kind_of(address) == Kind.DIRECT:
            typing |= {
                who: until for who, until in self._strangers.items() if name_key(who) == name_key(address)
            }
        return sorted(user for user, until in typing.items() if until > now)

    # --- the server's list ----------------------------------------------------------------------

    async def load(self) -> None:
        """Ask for the list; what was said last in the newest of them comes a little later.

        Raises what asking raises: whoever shows the list need not call it.
        """
        self._stale = False
        self._lists += 1
        number = self._lists
        self._listed(await self._model.chat.conversations(), number)
        self._model.spawn(self._excerpts())

    def _listed(self, rows: list[ConversationInfo], number: int) -> None:
        """A whole list. A conversation about which we have heard more since keeps its counts."""
        for row in rows:
            talk = self._talks.get(row.conversation)
            if talk is None:
                talk = Talk(row.conversation, row.kind, row.name)
                self._add(talk, begun=self.loaded)
            self._name(talk, row.name)
            talk.listed(row)
        present = {row.conversation for row in rows}
        for talk in [talk for talk in self._talks.values() if talk.lists < number and talk.id not in present]:
            self._remove(talk)
            self._model.gone(talk.name)
        self.loaded = True
        self._changed()

    async def _excerpts(self) -> None:
        """What was said last, one conversation after the other."""
        for talk in self.rows[:EXCERPTS]:
            if talk.excerpt_seq < talk.last_seq:
                try:
                    page = await self._model.chat.history(talk.id, limit=1)
                except Failure:
                    continue  # left meanwhile
                for message in page.messages:
                    self.said(talk.id, message)

    def reload(self) -> None:
        """Only the server can say what the list is now: ask soon, once for many causes."""
        if not self._stale:
            self._stale = True
            self._model.spawn(self._reload())

    async def _reload(self) -> None:
        try:
            await self.load()
        except (Failure, ClientError):
            self._stale = False  # the line is down: when it is back the list is asked for anyway

    # --- what is heard --------------------------------------------------------------------------

    def heard(self, event: MessageEvent, here: bool) -> None:
        """A message. ``here``: it is read as it comes; else it counts, and is told if it is not ours."""
        user = self._model.user
        address = address_of(event, user)
        if event.conversation not in self._talks and kind_of(address) != Kind.DIRECT:
            self.reload()  # joined from elsewhere, or left and heard late: the list decides
        talk = self.know(event.conversation, address)
        talk.typists.pop(event.sender, None)
        self._strangers.pop(event.sender, None)
        own = name_key(event.sender) == name_key(user)
        counted = event.seq <= talk.last_seq
        talk.last_seq = max(talk.last_seq, event.seq)
        talk.take(event)
        if not own and not here and not counted and event.seq > talk.read_seq:
            talk.unread += 1
        if not own and not here and event.seq > talk.read_seq:
            self._tell(talk, event)
        self._changed()

    def _tell(self, talk: Talk, event: MessageEvent) -> None:
        """Who has the room open sees it there, however far away it is."""
        room = self._model.room
        if room is None or not room.is_at(talk.name):
            self._model.notices.message(talk.name, event.sender, excerpt(event.body))

    def membership(self, event: MembershipEvent) -> None:
        """Somebody joined or left a group; if it was us, the list changes."""
        if name_key(event.user) != name_key(self._model.user):
            return
        talk = self._talks.get(event.conversation)
        if event.change != "joined" and talk is not None:
            self._remove(talk)
            self._changed()
        self.reload()  # what is heard late may be so no more: the list decides

    def left(self, address: str) -> None:
        """We are no member any more."""
        talk = self.named(address)
        if talk is not None:
            self._remove(talk)
            self._changed()

    def hint(self, event: TypingEvent | ReadEvent | DeliveredEvent | UndeliveredEvent | SetBack) -> None:
        """Marks move, somebody types, the server was set back."""
        talk = self._talks.get(event.conversation)
        if isinstance(event, TypingEvent):
            self._typing(talk, event)
        elif isinstance(event, SetBack):
            self._set_back(talk, event)
        elif isinstance(event, UndeliveredEvent):
            self._undelivered(talk, event)
        elif talk is None:
            if isinstance(event, DeliveredEvent) and len(self._early) < EARLY_MOST:
                self._early[event.conversation] = event.seq
        elif isinstance(event, DeliveredEvent):
            talk.delivered = max(talk.delivered, event.seq)
            self._changed()
        else:
            self._read(talk, event)

    def _read(self, talk: Talk, event: ReadEvent) -> None:
        if name_key(event.user) != name_key(self._model.user):
            talk.readers[event.user] = max(talk.readers.get(event.user, 0), event.seq)
            talk.seen = max(talk.seen, event.seq)
            self._changed()
        elif event.seq > talk.read_seq:  # on another device of ours
            if event.seq < talk.last_seq:
                self.reload()  # in part: only the server can count
            self.read(talk.id, event.seq)

    def _typing(self, talk: Talk | None, event: TypingEvent) -> None:
        if name_key(event.user) == name_key(self._model.user):
            return
        typists = talk.typists if talk is not None else self._strangers
        typists[event.user] = self._model.now() + TYPING_SHOWN
        changes = self._model.changes
        changes.mark(Part.TYPING)
        asyncio.get_running_loop().call_later(TYPING_SHOWN + 0.05, changes.mark, Part.TYPING)

    def _undelivered(self, talk: Talk | None, event: UndeliveredEvent) -> None:
        """Told wherever we are but in the room itself: it was meant to arrive, and will not."""
        room = self._model.room
        if talk is not None and (room is None or not room.is_at(talk.name)):
            reason = event.message.rstrip(".")
            self._model.notices.done("Not delivered to {name}: {reason}", name=talk.name, reason=reason)

    def _set_back(self, talk: Talk | None, event: SetBack) -> None:
        """What was heard of it is gone there; what is said now has the same numbers."""
        if talk is not None:
            talk.set_back(event.last_seq)
            self._changed()
            self._model.notices.done(
                "{name}: the server went back to an older copy; the newest messages are gone.", name=talk.name
            )
        self.reload()

    # --- the table ------------------------------------------------------------------------------

    def _add(self, talk: Talk, begun: bool) -> Talk:
        talk.lists = self._lists
        talk.begun_at = time.time_ns() // 1000 if begun else 0
        talk.delivered = self._early.pop(talk.id, 0)
        self._talks[talk.id] = talk
        self._names[name_key(talk.name)] = talk
        return talk

    def _name(self, talk: Talk, name: str) -> None:
        if talk.name != name:
            self._names.pop(name_key(talk.name), None)
            talk.name = name
        self._names[name_key(name)] = talk

    def _remove(self, talk: Talk) -> None:
        self._talks.pop(talk.id, None)
        if self._names.get(name_key(talk.name)) is talk:
            del self._names[name_key(talk.name)]

    def _changed(self) -> None:
        self._sorted = None
        self._model.changes.mark(Part.TALKS)


__all__ = ["Talk", "Talks"]
