"""Hearing what is said from now on: tail.

stdout carries messages only, each flushed; what happens to the connection goes to stderr, where the
line ``listening`` means that whatever is said from now on will be printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from client.cli import output
from client.cli.bookmarks import Bookmark
from client.cli.context import Context, shared
from client.cli.exits import AUTH, Mistake
from client.cli.names import ADDRESS
from client.inbox import SetBack, Status
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
    from client.chat import Chat
    from client.inbox import Event, Hint

LISTENING = "listening"
_KINDS = {
    DeliveredEvent: "delivered",
    UndeliveredEvent: "undelivered",
    ReadEvent: "read",
    TypingEvent: "typing",
    PresenceEvent: "presence",
    MembershipEvent: "membership",
}


@click.command(short_help="Print new messages as they come, until Ctrl-C.")
@click.argument("with_", metavar="[WITH]...", nargs=-1, type=ADDRESS)
@click.option(
    "--events",
    is_flag=True,
    help="Also who has read, types, comes, goes, joins, leaves; what has arrived in other realms, what not.",
)
@click.option("--resume", is_flag=True, help="Go on where the last tail --resume of the same WITH stopped.")
@shared
def tail(context: Context, with_: tuple[str, ...], events: bool, resume: bool) -> None:
    """Print new messages as they come, of all conversations or of those named, until Ctrl-C.

    Goes on by itself when the server is restarted, and misses nothing. Says "listening" on stderr once
    it hears; nothing is marked as read.

    With --resume nothing is missed from one run to the next either: the profile remembers, behind each line,
    what was printed. Each message is printed at least once and in the order of its conversation, and twice
    only when tail was killed (-9, power) right after printing: the last 0.05 seconds of lines may then come
    again, under the same "conversation" and "seq". The first run begins with what is new.
    """
    bookmark = Bookmark(context, with_) if resume else None
    cursors = bookmark.cursors if bookmark else None
    try:
        context.run(lambda chat: Tail(context, chat, events, bookmark).follow(with_), cursors=cursors)
    except KeyboardInterrupt:
        return


class Tail:
    """One run of ``tail``."""

    def __init__(self, context: Context, chat: Chat, hints: bool, bookmark: Bookmark | None = None) -> None:
        self._context = context
        self._chat = chat
        self._hints = hints
        self._bookmark = bookmark
        self._wanted: set[str] = set()
        self._names: dict[int, str] = {}
        """Conversations by number, for the hints."""
        self._listening = False
        self._told: set[int] = set()
        """Conversations of which was said at the start that the server was set back."""

    async def follow(self, wanted: tuple[str, ...]) -> None:
        """Print events until cancelled. Raises ``LoggedOut`` when the session ends."""
        rows = await self._chat.conversations()
        self._names = {row.conversation: row.name for row in rows}
        mine = {name.lower() for name in self._names.values()}
        for name in wanted:
            if name.lower() not in mine:
                await self._check(name)
            self._wanted.add(name.lower())
        try:
            await self._go_on()
            async for event in self._chat.events():
                await self._show(event)
        finally:
            if self._bookmark is not None:
                self._bookmark.close()

    async def _go_on(self) -> None:
        """Draw the line between what was printed by an earlier run and what is to come."""
        if self._bookmark is None:
            return
        await self._chat.listen()
        for conversation in self._bookmark.begin(self._chat.cursors):
            self._set_back(self._names.get(conversation, f"conversation {conversation}"))
            self._told.add(conversation)

    @staticmethod
    def _set_back(name: str) -> None:
        line = f"{output.one_line(name)}: the server has less than was printed before"
        output.note(f"{line}; pesan verify says what is lost")

    async def _check(self, name: str) -> None:
        """A conversation that does not exist yet may be waited for, if it can come to be."""
        if name.startswith("#"):
            await self._chat.history(name, limit=1)  # no such group, or no member
            raise Mistake(f"{name} is none of your groups.", AUTH)
        await self._chat.get_user(name)

    async def _show(self, event: Event) -> None:
        if isinstance(event, MessageEvent):
            place = self._place(event)
            if not self._wanted or place.lower() in self._wanted:
                self._message(event, place)
            if self._bookmark is not None:
                self._bookmark.passed(event.conversation, event.seq)
        elif isinstance(event, Status):
            self._status(event)
        elif isinstance(event, SetBack):
            if event.conversation not in self._told:
                self._set_back(event.name)
            self._told.discard(event.conversation)
        elif self._hints:
            await self._hint(event)

    def _place(self, event: MessageEvent) -> str:
        """The conversation as we address it."""
        mine = event.sender.lower() == self._context.user.lower()
        place = event.to if mine or event.to[:1] in ("#", "*") else event.sender
        self._names[event.conversation] = place
        return place

    def _message(self, event: MessageEvent, place: str) -> None:
        if self._context.json:
            record = output.fields(event, event="message", **{"with": place})
            output.out(output.json_line(record), flush=True)
        else:
            alone = len(self._wanted) == 1 or place.lower() == event.sender.lower()
            output.out(output.message_line(event, "" if alone else place), flush=True)

    async def _hint(self, event: Hint) -> None:
        kind = _KINDS[type(event)]
        place = await self._known(getattr(event, "conversation", 0))
        if self._wanted and place.lower() not in self._wanted:
            return
        if self._context.json:
            more = {"with": place} if place else {}
            output.out(output.json_line(output.fields(event, event=kind, **more)), flush=True)
        else:
            output.out(output.dim(f"-- {output.one_line(hint_line(event, place))}"), flush=True)

    async def _known(self, conversation: int) -> str:
        """Name of a conversation; '' when the event is of none, or of one that is gone."""
        if conversation and conversation not in self._names:
            self._names |= {row.conversation: row.name for row in await self._chat.conversations()}
        return self._names.get(conversation, "")

    def _status(self, status: Status) -> None:
        if status.connected and not self._listening:
            output.note(LISTENING)
        elif self._listening and not status.connected:
            output.note(f"{status.reason} Trying again.")
        self._listening = status.connected


def hint_line(event: Hint, place: str) -> str:
    """An event that is no message, as a sentence."""
    if isinstance(event, ReadEvent):
        return f"{event.user} has read {place} up to {event.seq}"
    if isinstance(event, DeliveredEvent):
        return f"delivered to {place} up to {event.seq}"
    if isinstance(event, UndeliveredEvent):
        which = f"message {event.seq}" if event.seq else "a message"
        return f"{which} to {place} was refused there: {event.message}"
    if isinstance(event, TypingEvent):
        return f"{event.user} is typing in {place}"
    if isinstance(event, PresenceEvent):
        return f"{event.user} is {'online' if event.online else 'offline'}"
    by = f" by {event.by}" if event.by else ""
    verb = "was removed from" if event.change == "removed" else event.change
    return f"{event.user} {verb} #{event.group}{by}"
