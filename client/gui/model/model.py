"""The model of one window: its parts, the session they share, and what is heard.

Belongs here: beginning and ending, which screen there is, who hears which event. What a part knows and does
is in the part's own file.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import tzinfo
from enum import Enum
from typing import Any, Final

from client.chat import Chat
from client.errors import ClientError, Closed, LoggedOut
from client.gui import faults
from client.gui.model.account import Account
from client.gui.model.changes import Changes, Part
from client.gui.model.drafts import Drafts
from client.gui.model.entry import Entry
from client.gui.model.farewell import farewell
from client.gui.model.groups import Groups
from client.gui.model.keeping import Keeping
from client.gui.model.line import Line
from client.gui.model.notices import Notices
from client.gui.model.outbox import Outbox
from client.gui.model.people import People
from client.gui.model.preferences import Preferences
from client.gui.model.problem import NO_ANSWER, NOT_ENDED, Problem, problem
from client.gui.model.room import Room
from client.gui.model.talks import Talks
from client.gui.model.transfers import Transfers
from client.inbox import Event, SetBack, Status
from protocol.addresses import Kind, name_key, parse
from protocol.commands import HelloReply
from protocol.errors import Busy, Failure, Invalid, Unavailable
from protocol.events import (
    DeliveredEvent,
    MembershipEvent,
    MessageEvent,
    PresenceEvent,
    ReadEvent,
    TypingEvent,
    UndeliveredEvent,
)

AWAY: Final = frozenset({NO_ANSWER, Busy.code, Unavailable.code})
"""Codes of problems that mean: not now."""
AGAIN: Final = 1.0
"""Seconds before a room whose messages did not come asks for them once more."""


class Screen(Enum):
    """What is on the window."""

    STARTING = "starting"
    CONNECT = "connect"
    LOGIN = "login"
    REGISTER = "register"
    MAIN = "main"


class Model:
    """One window's state. ``server``: a connection string to begin with, ``fixed``: and no other.

    ``device`` is what the list of sessions shows; ``zone`` is the reader's time zone; ``chats`` makes a chat.
    """

    def __init__(
        self,
        keeping: Keeping,
        *,
        server: str = "",
        fixed: bool = False,
        device: str = "",
        zone: tzinfo | None = None,
        chats: Callable[..., Chat] = Chat.connect,
    ) -> None:
        self.keeping = keeping
        self.device = device
        self.zone = zone
        self.chats = chats
        self.changes = Changes()
        self.screen = Screen.STARTING
        self.visible = True
        """Whether somebody can see the window: what is not seen is not read."""
        self.entry = Entry(self, server, fixed)
        self.line = Line(self.changes)
        self.notices = Notices(self.changes)
        self.preferences = Preferences(self.changes, keeping)
        self.hello: HelloReply | None = None
        """What the server says of itself: its realm, its limits; None while it was not asked."""
        self._chat: Chat | None = None
        self._listening: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self.ending = asyncio.Lock()
        """Held while a session is put away: nobody logs in before it is."""
        self._parts()

    def _parts(self) -> None:
        """The parts that belong to one user's session, new and empty."""
        self.talks = Talks(self)
        self.people = People(self)
        self.groups = Groups(self)
        self.account = Account(self)
        self.outbox = Outbox(self)
        self.drafts = Drafts(self)
        self.transfers = Transfers(self)
        self.room: Room | None = None

    # --- the session ----------------------------------------------------------------------------

    @property
    def chat(self) -> Chat:
        """The session. Raises ``LoggedOut`` while nobody is logged in, like everything that is asked then."""
        if self._chat is None:
            raise LoggedOut("Nobody is logged in.")
        return self._chat

    @property
    def user(self) -> str:
        """Who is logged in; '' while nobody is."""
        return self._chat.user if self._chat is not None else ""

    def took(self, chat: Chat) -> bool:
        """Whether this is the chat of the session that we are in."""
        return self._chat is chat

    async def start(self) -> None:
        """Remember what was before: go on with a session, or show where to begin."""
        await self.preferences.load()
        await self.entry.remembered_server()
        if not await self.entry.resume() and not self._closed:
            self.show_login()

    async def began(self, chat: Chat) -> None:
        """Somebody is logged in with this chat: learn what there is, and listen. Called by ``entry``.

        Raises what asking raises; the chat is then not taken.
        """
        if self._closed:  # while it was found out who was here before
            raise Closed("The window was closed.")
        self._chat = chat
        try:
            await chat.listen()
            await self.talks.load()
            await self.outbox.begin()
            await self.drafts.begin()
            if self._chat is not chat:
                raise Closed("The window was closed.")
        except BaseException:
            if self._chat is chat:
                await self._let_go()
            raise
        self.line.begin()
        self._listening = asyncio.get_running_loop().create_task(self._listen(chat))
        self.show(Screen.MAIN)
        self.spawn(self._ask_hello(chat))
        self.spawn(self.people.load())
        self.spawn(self.groups.load())

    async def logout(self) -> None:
        """End the session on the server, and forget whatever was kept of it."""
        chat = self._chat
        if chat is None or self.ending.locked():
            return
        async with self.ending:
            await self.outbox.forget()
            await self.drafts.forget()
            await self.entry.forget()
            await self._let_go(Screen.LOGIN)
        if not await farewell(chat):
            self.entry.problem = Problem(
                NOT_ENDED, "The server was not reached: there the session goes on until it expires."
            )
            self.changes.mark(Part.ENTRY)
        await chat.close()

    async def close(self) -> None:
        """The window is gone. A session that nobody kept the token of is of no more use: it ends, too."""
        self._closed = True
        chat = self._chat
        await self.entry.give_up()
        if chat is not None and self._chat is chat:
            await self._let_go()
            if not self.entry.remembered:
                await farewell(chat)
            await chat.close()
        await self._cancel_tasks()

    async def _let_go(self, screen: Screen | None = None) -> None:
        """From now on nobody is logged in, and nothing of the session is left here. The chat stays open."""
        listening, outbox, transfers, room = self._listening, self.outbox, self.transfers, self.room
        drafts = self.drafts
        self._chat = self._listening = self.hello = None
        if room is not None:
            room.close()
        self.notices.clear()
        self.line.begin()
        self._parts()
        self.show(screen or self.screen)
        if listening is not None and listening is not asyncio.current_task():
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        await self._cancel_tasks()
        await outbox.close()
        await drafts.close()
        await transfers.close()

    async def _cancel_tasks(self) -> None:
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask_hello(self, chat: Chat) -> None:
        hello = await chat.hello()
        if self._chat is chat:
            self.hello = hello

    # --- screens --------------------------------------------------------------------------------

    def show(self, screen: Screen) -> None:
        """Another screen."""
        self.screen = screen
        self.changes.mark(*Part)

    def show_login(self) -> None:
        """Where one logs in, or names the server if none is known."""
        self.show(Screen.LOGIN if self.entry.server else Screen.CONNECT)

    def here(self, address: str) -> str:
        """An address as somebody typed it, without our own realm's name: ``bob@a`` is ``bob`` in realm a."""
        name, at, realm = address.strip().partition("@")
        own = self.hello is not None and self.hello.realm == realm.lower()
        return name if own else f"{name}{at}{realm.lower()}"

    def address(self, text: str) -> str:
        """What somebody typed as a conversation's address, as it is properly written; '' if it is none."""
        try:
            return str(parse(self.here(text)))
        except Invalid:
            return ""

    async def open(self, address: str) -> Problem | None:
        """Open a conversation: ``bob``, ``#ops``, ``*``. The room is there at once, its messages come.

        While the server does not answer the room stays, and asks for them until it does.
        """
        address = self.here(address)
        if self.room is not None and self.room.is_at(address):
            return None
        self.leave_room()
        room = Room(self, address)
        self.room = room
        self.notices.opened(address)
        if room.kind == Kind.DIRECT:
            self.spawn(self.people.look_up(address))
        self.changes.mark(Part.ROOM, Part.TALKS, Part.COMPOSER, Part.TYPING)
        failed = await room.load()
        while failed is not None and failed.code in AWAY and self.room is room:
            await asyncio.sleep(AGAIN)
            failed = await room.load()
        if failed is not None and self.room is room:
            self.leave_room()
            self.notices.failed(failed)
        return failed

    def leave_room(self) -> None:
        """No conversation is open any more."""
        if self.room is not None:
            self.room.close()
            self.room = None
            self.changes.mark(Part.ROOM, Part.TALKS, Part.COMPOSER, Part.TYPING)

    def left(self, address: str) -> None:
        """We are no member of this group any more."""
        self.talks.left(address)
        self.gone(address)

    def gone(self, address: str) -> None:
        """There is no such conversation of ours any more."""
        if self.room is not None and self.room.is_at(address):
            self.leave_room()

    def seen(self, visible: bool) -> None:
        """Whether somebody can see the window now."""
        self.visible = visible
        if visible and self.room is not None:
            self.room.read()

    # --- what is heard --------------------------------------------------------------------------

    async def _listen(self, chat: Chat) -> None:
        try:
            async for event in chat.events():
                try:
                    self.hear(event)
                except Exception as error:  # a mistake of ours, and no reason to hear nothing more
                    faults.tell("hearing", error)
        except LoggedOut as error:
            if self._chat is chat:
                await self._logged_out(chat, error)

    async def _logged_out(self, chat: Chat, error: LoggedOut) -> None:
        """The session was ended from elsewhere."""
        self.entry.problem = problem(error)
        async with self.ending:
            if await self.entry.forgotten():  # by another window here: nothing is to be left behind
                self.entry.problem = None
                await self.outbox.forget()
                await self.drafts.forget()
            # Before the token is forgotten: what waits in the outbox stays kept for when they log in again.
            await self._let_go(Screen.LOGIN)
            await self.entry.forget()
        await chat.close()

    def hear(self, event: Event) -> None:
        """Whoever it concerns takes it in."""
        if isinstance(event, Status):
            self._status(event)
        elif isinstance(event, MessageEvent):
            self.outbox.heard(event)
            told = self.room is not None and self.room.heard(event)
            self.talks.heard(event, here=told and self.visible)
            self.people.spoke(event.sender)
        elif isinstance(event, PresenceEvent):
            self.people.presence(event)
            self.groups.presence(event)
        elif isinstance(event, MembershipEvent):
            self._membership(event)
        elif isinstance(event, (TypingEvent, ReadEvent, DeliveredEvent, UndeliveredEvent, SetBack)):
            self.talks.hint(event)
            if isinstance(event, TypingEvent):
                self.people.spoke(event.user)
            if isinstance(event, UndeliveredEvent):
                self.outbox.undelivered(event)
            if self.room is not None:
                self.room.hint(event)

    def _membership(self, event: MembershipEvent) -> None:
        self.groups.membership(event)
        self.talks.membership(event)
        if self.room is not None:
            self.room.membership(event)
        if name_key(event.user) == name_key(self.user) and event.change != "joined":
            self.left(f"#{event.group}")
            if event.change == "removed":
                self.notices.done("You were removed from {group}.", group=f"#{event.group}")

    def _status(self, event: Status) -> None:
        back = event.connected and not self.line.connected
        self.line.heard(event)
        if back:
            self.talks.reload()
            self.spawn(self.people.load())
            self.spawn(self.groups.load())
            self.outbox.again()
            self.transfers.again()
            if self.room is not None and not self.room.loading:
                self.spawn(self.room.refresh())
                if self.room.kind == Kind.DIRECT:
                    self.spawn(self.people.look_up(self.room.address))

    # --- for the parts --------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[None]:
        """Do something that nobody waits for; when it cannot be done, nothing is lost.

        It ends with the session, so that nothing of one user is done in the name of the next.
        """

        async def quietly() -> None:
            try:
                await work
            except (Failure, ClientError):
                pass
            except Exception as error:
                faults.tell("working", error)

        task = asyncio.get_running_loop().create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @staticmethod
    def now() -> float:
        """Monotonic seconds."""
        return time.monotonic()
