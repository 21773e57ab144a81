"""The model of one window: its parts, the session they share, and what is heard.

Belongs here: beginning and ending, which screen there is, who hears which event. What a part knows and does
is in the part's own file.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Coroutine
from datetime import tzinfo
from enum import Enum
from typing import Any, Final

from client.chat import Chat
from client.errors import ClientError, LoggedOut
from client.gui.model.account import Account
from client.gui.model.changes import Changes, Part
from client.gui.model.entry import Entry
from client.gui.model.groups import Groups
from client.gui.model.keeping import LOGIN, SERVER, Keeping
from client.gui.model.line import Line
from client.gui.model.notices import Notices
from client.gui.model.outbox import Outbox
from client.gui.model.people import People
from client.gui.model.preferences import Preferences
from client.gui.model.problem import Problem, problem
from client.gui.model.room import Room
from client.gui.model.talks import Talks
from client.gui.model.transfers import Transfers
from client.inbox import Event, SetBack, Status
from protocol.errors import Failure
from protocol.events import (
    DeliveredEvent,
    MembershipEvent,
    MessageEvent,
    PresenceEvent,
    ReadEvent,
    TypingEvent,
    UndeliveredEvent,
)

FAREWELL: Final = 2.0
"""Seconds that ending a session may take when a window closes; one that is not reached expires by itself."""


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
        self._chat: Chat | None = None
        self._listening: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._parts()

    def _parts(self) -> None:
        """The parts that belong to one user's session, new and empty."""
        self.talks = Talks(self)
        self.people = People(self)
        self.groups = Groups(self)
        self.account = Account(self)
        self.outbox = Outbox(self)
        self.transfers = Transfers(self)
        self.room: Room | None = None

    # --- the session ----------------------------------------------------------------------------

    @property
    def chat(self) -> Chat:
        """The session; only while somebody is logged in."""
        assert self._chat is not None
        return self._chat

    @property
    def user(self) -> str:
        """Who is logged in; '' while nobody is."""
        return self._chat.user if self._chat is not None else ""

    async def start(self) -> None:
        """Remember what was before: go on with a session, or show where to begin."""
        await self.preferences.load()
        self.entry.server = self.entry.server or await self.keeping.get(SERVER)
        if not await self.entry.resume():
            self.show(Screen.LOGIN if self.entry.server else Screen.CONNECT)

    async def began(self, chat: Chat) -> None:
        """Somebody is logged in with this chat: learn what there is, and listen. Called by ``entry``.

        Raises what asking raises; the chat is then not taken.
        """
        self._chat = chat
        try:
            await chat.listen()
            await self.talks.load()
        except BaseException:
            self._chat = None
            self._parts()
            raise
        self.line.begin()
        self._listening = asyncio.get_running_loop().create_task(self._listen(chat))
        await self.outbox.begin()
        self.show(Screen.MAIN)
        self.spawn(self.people.load())
        self.spawn(self.groups.load())

    async def logout(self) -> None:
        """End the session on the server, and forget whatever was kept of it."""
        chat = self._chat
        if chat is None:
            return
        await self.outbox.forget()
        await self._end(chat, LogoutOf.THE_SESSION)
        self.show(Screen.LOGIN)

    async def close(self) -> None:
        """The window is gone. A session that nobody kept the token of is of no more use: it ends, too."""
        chat = self._chat
        if chat is not None:
            await self._end(chat, LogoutOf.NOTHING if self.entry.remembered else LogoutOf.THE_SESSION)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _end(self, chat: Chat, what: LogoutOf) -> None:
        self._chat = None
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None
        await self.outbox.close()
        await self.transfers.close()
        if what is LogoutOf.THE_SESSION:
            with contextlib.suppress(Failure, ClientError, TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await chat.logout()
            await self.keeping.put(LOGIN, "")
            self.entry.remembered = False
        await chat.close()
        self.notices.clear()
        self._parts()
        self.changes.mark(*Part)

    async def keep_login(self) -> None:
        """Keep the token, so that the next start goes on with this session."""
        stored = {"server": self.entry.server, "user": self.user, "token": self.chat.token.hex()}
        await self.keeping.put(LOGIN, json.dumps(stored))

    # --- screens --------------------------------------------------------------------------------

    def show(self, screen: Screen) -> None:
        """Another screen."""
        self.screen = screen
        self.changes.mark(*Part)

    async def open(self, address: str) -> Problem | None:
        """Open a conversation: ``bob``, ``#ops``, ``*``. The room is there at once, its messages come."""
        if self.room is not None and self.room.is_at(address):
            return None
        self.leave_room()
        room = Room(self, address)
        self.room = room
        self.notices.opened(address)
        self.changes.mark(Part.ROOM, Part.TALKS, Part.COMPOSER, Part.TYPING)
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

    def seen(self, visible: bool) -> None:
        """Whether somebody can see the window now."""
        self.visible = visible
        if visible and self.room is not None:
            self.room.read()

    # --- what is heard --------------------------------------------------------------------------

    async def _listen(self, chat: Chat) -> None:
        try:
            async for event in chat.events():
                self.hear(event)
        except LoggedOut as error:
            asyncio.get_running_loop().create_task(self._logged_out(chat, error))

    async def _logged_out(self, chat: Chat, error: LoggedOut) -> None:
        """The session was ended from elsewhere."""
        if self._chat is chat:
            await self.keeping.put(LOGIN, "")
            self.entry.remembered = False
            await self._end(chat, LogoutOf.NOTHING)
            self.entry.problem = problem(error)
            self.show(Screen.LOGIN)

    def hear(self, event: Event) -> None:
        """Whoever it concerns takes it in."""
        if isinstance(event, Status):
            self._status(event)
        elif isinstance(event, MessageEvent):
            self.outbox.heard(event)
            told = self.room is not None and self.room.heard(event)
            self.talks.heard(event, here=told and self.visible)
        elif isinstance(event, PresenceEvent):
            self.people.presence(event)
            self.groups.presence(event)
        elif isinstance(event, MembershipEvent):
            self.groups.membership(event)
            self.talks.membership(event)
            if self.room is not None:
                self.room.membership(event)
        elif isinstance(event, (TypingEvent, ReadEvent, DeliveredEvent, UndeliveredEvent, SetBack)):
            self.talks.hint(event)
            if self.room is not None:
                self.room.hint(event)

    def _status(self, event: Status) -> None:
        back = event.connected and not self.line.connected
        self.line.heard(event)
        if back:
            self.spawn(self.talks.load())
            self.spawn(self.people.load())
            self.outbox.again()
            self.transfers.again()
            if self.room is not None:
                self.spawn(self.room.refresh())

    # --- for the parts --------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something that nobody waits for; when it cannot be done, nothing is lost."""

        async def quietly() -> None:
            with contextlib.suppress(Failure, ClientError):
                await work

        task = asyncio.get_running_loop().create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    def now() -> float:
        """Monotonic seconds."""
        return time.monotonic()


class LogoutOf(Enum):
    """What ends with a window."""

    THE_SESSION = "the session"
    NOTHING = "nothing"
