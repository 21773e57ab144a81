"""Chats at a server of values in this process, for tests of the window's model.

Belongs here: ``client.Chat`` method by method (mypy compares them), over the dicts of ``fake_server``. What a
test wants to go wrong it says: ``server.fail("send", Offline(""))``, ``server.hold("history")``,
``server.away = True``. Every call is written down in ``server.calls`` by its method's name. Not here: how
lines break and requests are repeated; that is the library's, and tested there.

    server = FakeServer()
    server.add("ani", "budi")
    model = Model(Forgetful(), server=SERVER, chats=server.connect)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from client.chat import NEWEST, Chat, Event, Target
from client.errors import Closed, LoggedOut
from protocol import commands
from protocol.addresses import Kind, name_key
from protocol.commands import ConversationInfo, GroupReply, HistoryReply, SendReply
from protocol.errors import Conflict, Forbidden, InvalidCredentials, NotFound, RateLimited
from protocol.events import MembershipEvent, ReadEvent
from tests.client.gui.fake_server import House, Place

SERVER: Final = "pesan://127.0.0.1:7700"


class FakeChat(Chat):
    """One client at a server."""

    def __init__(self, server: House, token: bytes) -> None:
        self.server = server
        self._files = None
        self._token = token
        self._user = ""
        self._over = False
        self._is_closed = False
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._paused: Callable[[RateLimited], object] = lambda refusal: None

    def push(self, event: Event) -> None:
        """It hears this."""
        self._queue.put_nowait(event)

    def end(self) -> None:
        """Its session is over."""
        self._over = True
        self._token = b""
        self._queue.put_nowait(None)

    def pause(self, refusal: RateLimited) -> None:
        """The library waits because of this."""
        self._paused(refusal)

    async def __aenter__(self) -> FakeChat:
        return self

    async def close(self) -> None:
        self._is_closed = True
        self._queue.put_nowait(None)

    @property
    def closed(self) -> bool:
        return self._is_closed

    @property
    def user(self) -> str:
        return self._user

    @property
    def token(self) -> bytes:
        return self._token

    @property
    def session(self) -> int:
        return self.server.sessions[self._token][0] if self._token in self.server.sessions else 0

    @property
    def reached(self) -> bool:
        return not self.server.away

    def on_pause(self, tell: Callable[[RateLimited], object]) -> None:
        self._paused = tell

    async def _call(self, method: str, *arguments: Any) -> str:
        """A call that needs a session; who asks."""
        await self._plain(method, *arguments)
        if self._over or self._token not in self.server.sessions:
            raise LoggedOut("The session has ended; log in again.")
        self._user = self.server.sessions[self._token][1]
        return self._user

    async def _plain(self, method: str, *arguments: Any) -> None:
        if self._is_closed:
            raise Closed("The connection is closed.")
        await self.server.arrive(method, *arguments)
        if self._is_closed:
            raise Closed("The connection was closed.")

    # --- accounts -------------------------------------------------------------------------------

    async def hello(self) -> commands.HelloReply:
        await self._plain("hello")
        return commands.HelloReply("1", 1, self.server.realm, 7701, 7702, 0, [], {"password_min_length": 1})

    async def register(self, username: str, password: str) -> str:
        await self._plain("register", username)
        if self.server.user_named(username) is not None:
            raise Conflict(f"There is already a user {username}.")
        self.server.add(username, password=password)
        return username

    async def login(self, username: str, password: str, device: str = "") -> commands.LoginReply:
        await self._plain("login", username, device)
        user = self.server.user_named(username)
        if user is None or self.server.users[user] != password:
            raise InvalidCredentials("User name and password do not fit.")
        self._token, self._user, self._over = self.server.admit(user, device), user, False
        return commands.LoginReply(user, self._token, self.session, b"")

    async def logout(self) -> None:
        await self._plain("logout")
        self.server.sessions.pop(self._token, None)
        self.end()

    async def whoami(self) -> commands.WhoamiReply:
        user = await self._call("whoami")
        return commands.WhoamiReply(user, self.session, self.server.sessions[self._token][2], b"", 0)

    async def sessions(self) -> list[commands.SessionInfo]:
        user = await self._call("sessions")
        found = [(number, device) for number, who, device in self.server.sessions.values() if who == user]
        return [
            commands.SessionInfo(number, device, 0, 0, number == self.session)
            for number, device in sorted(found, reverse=True)
        ]

    async def revoke(self, session: int) -> None:
        await self._call("revoke", session)
        for token in [token for token, known in self.server.sessions.items() if known[0] == session]:
            del self.server.sessions[token]
            for chat in [chat for chat in self.server.chats if chat.token == token]:
                chat.end()

    async def change_password(self, old: str, new: str) -> None:
        user = await self._call("change_password")
        if self.server.users[user] != old:
            raise InvalidCredentials("The password does not fit.")
        self.server.users[user] = new

    # --- people, groups -------------------------------------------------------------------------

    async def get_user(self, name: str) -> commands.UserInfo:
        await self._call("get_user", name)
        user = self.server.user_named(name)
        if user is None:
            raise NotFound(f"There is no user {name}.")
        return commands.UserInfo(user, user in self.server.online, 0)

    async def users(self) -> list[commands.UserInfo]:
        await self._call("users")
        return [
            commands.UserInfo(user, user in self.server.online, 0)
            for user in sorted(self.server.users)
            if "@" not in user
        ]

    async def groups(self) -> list[commands.GroupInfo]:
        user = await self._call("groups")
        places = sorted(
            (place for place in self.server.places.values() if place.name), key=lambda one: one.name
        )
        return [
            commands.GroupInfo(place.name, len(place.users), bool(place.password), user in place.users)
            for place in places
        ]

    async def create_group(self, name: str, password: str = "") -> GroupReply:
        user = await self._call("create_group", name)
        if any(name_key(place.name) == name_key(name) for place in self.server.places.values()):
            raise Conflict(f"There is already a group #{name}; choose another name, or join it.")
        return GroupReply(self.server.group(name, user, password=password).id, b"", 0)

    async def join_group(self, name: str, password: str = "") -> GroupReply:
        user = await self._call("join_group", name)
        place = self.server.group_named(name)
        if user not in place.users:
            if place.password != password:
                raise InvalidCredentials(f"#{place.name} needs a password.")
            place.users.append(user)
            place.read[user] = len(place.messages)
            self.server.tell(MembershipEvent(place.id, place.name, user, "joined"), *place.users)
        return GroupReply(place.id, b"", len(place.messages))

    async def leave_group(self, name: str) -> None:
        user = await self._call("leave_group", name)
        self._drop(self.server.group_named(name), user, "left", "")

    async def remove_member(self, group: str, user: str) -> None:
        by = await self._call("remove_member", group, user)
        self._drop(self.server.group_named(group), user, "removed", by)

    def _drop(self, place: Place, user: str, change: str, by: str) -> None:
        if user not in place.users:
            raise NotFound(f"{user} is not a member of #{place.name}.")
        event = MembershipEvent(place.id, place.name, user, change, by)
        self.server.tell(event, *place.users)
        place.users.remove(user)

    async def group_members(self, name: str) -> list[commands.MemberInfo]:
        user = await self._call("group_members", name)
        place = self.server.group_named(name)
        if user not in place.users:
            raise Forbidden(f"You are not a member of #{place.name}.")
        return [
            commands.MemberInfo(one, one == place.users[0], one in self.server.online, number)
            for number, one in enumerate(place.users)
        ]

    # --- messages -------------------------------------------------------------------------------

    async def send(self, to: str, body: str, *, id: bytes | None = None) -> SendReply:
        user = await self._call("send", to, body, id)
        id = id or self.server.next_number().to_bytes(16, "big")
        posted = self.server.post(user, to, id)
        if posted is not None:
            return SendReply(posted.id, 0, 0, False, queued=True)
        known = self.server.stored(id)
        message = self.server.store(user, to, body, id)
        place = self.server.place(user, to)
        assert place is not None
        return SendReply(place.id, message.seq, message.sent_at, known)

    async def history(
        self, target: Target, *, after: int | None = None, before: int | None = None, limit: int = 100
    ) -> HistoryReply:
        user = await self._call("history", target, after, before, limit)
        place = self.server.place(user, target)
        if place is None:
            return HistoryReply(0, [], 1, 0, 0, 0)
        last_seq = len(place.messages)
        first, end = (after or 0) + 1, min(before or last_seq + 1, last_seq + 1)
        if after is None:
            first = max(first, end - limit, min(place.begins + 1, end))
        found = place.messages[first - 1 : min(end - 1, first - 1 + limit)]
        seen = max((seq for who, seq in place.read.items() if who != user), default=0)
        direct = place.kind == Kind.DIRECT
        return HistoryReply(
            place.id,
            found,
            first,
            first + len(found) - 1,
            last_seq,
            place.read.get(user, 0),
            last_seq if direct else 0,
            seen if direct else 0,
            list(place.refused) if first + len(found) > last_seq else [],
        )

    async def read(self, target: Target, seq: int | None = None) -> commands.ReadReply:
        user = await self._call("read", target, seq)
        place = self.server.place(user, target)
        if place is None:
            return commands.ReadReply(0, 0, 0)
        newest = min(NEWEST if seq is None else seq, len(place.messages))
        if newest > place.read.get(user, 0):
            place.read[user] = newest
            self.server.tell(ReadEvent(place.id, user, newest), *place.users)
        return commands.ReadReply(place.id, place.read.get(user, 0), self._unread(place, user))

    async def typing(self, to: str) -> None:
        await self._call("typing", to)

    async def conversations(self) -> list[ConversationInfo]:
        user = await self._call("conversations")
        return [
            ConversationInfo(
                place.id,
                place.kind,
                place.called_by(user),
                b"",
                len(place.messages),
                place.read.get(user, 0),
                self._unread(place, user),
                place.messages[-1].sent_at if place.messages else 0,
            )
            for place in sorted(self.server.places.values(), key=lambda one: one.id)
            if user in place.users
        ]

    @staticmethod
    def _unread(place: Place, user: str) -> int:
        behind = place.messages[place.read.get(user, 0) :]
        return sum(message.sender != user for message in behind)

    # --- events ---------------------------------------------------------------------------------

    async def listen(self) -> None:
        await self._call("listen")

    async def events(self) -> AsyncIterator[Event]:
        while not self._is_closed:
            event = await self._queue.get()
            if event is not None:
                yield event
            elif self._over and not self._is_closed:
                raise LoggedOut("The session has ended; log in again.")


class FakeServer(House):
    """A server, and the way to it."""

    def connect(self, server: str, **how: Any) -> FakeChat:
        """``Chat.connect``: what a model takes as ``chats``."""
        chat = FakeChat(self, how.get("token", b""))
        self.chats.append(chat)
        return chat
