"""The API that people program against: every command as a method, every event as a typed value.

Belongs here: names, arguments, paging. How a request survives a bad line is ``session``'s, how events become
complete is ``listening``'s, sockets are ``connection``'s.

    async with Chat.connect(server, username="ani", password="…") as chat:
        await chat.send("budi", "hello")
        async for event in chat.events():
            ...
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from client.connection import Connection
from client.errors import Closed
from client.inbox import Event, SetBack, Status
from client.record import Record
from client.recording import Recording
from client.targets import Target, which
from protocol import commands, limits
from protocol.addresses import BROADCAST
from protocol.commands import COMMANDS, Body, ConversationInfo, GroupReply, HistoryReply, Message, SendReply
from protocol.errors import RateLimited
from protocol.events import MessageEvent
from protocol.message_id import message_id

if TYPE_CHECKING:
    from client.files.api import Files
    from client.trunk import Trunks

E = TypeVar("E")
Handler = Callable[[Any], Awaitable[object]]

NEWEST: Final = 2**63 - 1
"""A read marker is capped at the newest message, so this means: everything."""


class Chat:
    """A logged-in (or anonymous) client. Make one with ``Chat.connect``.

    Every method raises ``protocol.errors.Failure`` when the server refuses, and ``client.errors.Timeout``,
    ``Offline``, ``WrongServerKey`` or ``LoggedOut`` when there is no answer to have. Requests are repeated by
    themselves until ``timeout`` seconds have passed.
    """

    def __init__(
        self, connection: Connection, login: commands.Login | None, record: Record | None = None
    ) -> None:
        self._connection = connection
        self._login = login
        self._recording = Recording(record) if record is not None else None
        self._handlers: dict[type, list[Handler]] = {}
        self._files: Files | None = None

    @classmethod
    def connect(
        cls,
        server: str,
        *,
        username: str = "",
        password: str = "",
        token: bytes = b"",
        device: str = "",
        timeout: float = 10.0,
        cursors: dict[int, int] | None = None,
        record: Record | None = None,
        trunks: Trunks | None = None,
        origin: str = "",
        hear: Callable[[Event], object] | None = None,
    ) -> Chat:
        """A chat to be entered with ``async with``. ``server`` is a connection string.

        With a user name: logs in on entering. With a token: uses it from the first request on. With neither:
        anonymous, for ``hello``, ``register`` and ``login``. ``timeout`` is how many seconds a call waits for
        its answer. ``cursors`` (conversation → seq already seen, from ``chat.cursors``) says where events go
        on; a conversation that is not in it has begun since. Without them only what is new is heard.
        ``record`` keeps a mark of every message handed out or stored; it is closed with the chat. Raises
        ``ValueError`` for a bad ``server``.

        A program with many sessions has them travel over ``trunks`` to the same server; a gateway's may say
        for whom they speak: ``origin``, a network address. ``hear``: a plain function that is called with
        each event from ``listen`` on, in place of ``events``; with a ``Status`` when the session ends, or a
        mistake of ours has closed the chat (``closed``).
        """
        login = commands.Login(username, password, device) if username else None
        connection = Connection(
            server, token=token, timeout=timeout, cursors=cursors, trunks=trunks, origin=origin, hear=hear
        )
        return cls(connection, login, record)

    async def __aenter__(self) -> Chat:
        self._connection.open()
        try:
            if self._login is not None:
                login, self._login = self._login, None
                await self._connection.call("auth.login", login)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed: by ``close``, with its trunks, or after a mistake of ours."""
        return self._connection.closed

    async def close(self) -> None:
        """Close the sockets; calls under way raise ``Closed``. The session stays: see ``logout``."""
        for part in (self._files, self._connection, self._recording):
            if part is not None:
                part.close()

    # --- who we are -----------------------------------------------------------------------------

    @property
    def user(self) -> str:
        """Our name; '' while anonymous, and before the server was asked when only a token is known."""
        return self._connection.session.user

    @property
    def token(self) -> bytes:
        """What to keep in order to go on without a password: 16 bytes, a secret. Empty: logged out."""
        return self._connection.session.token

    @property
    def session(self) -> int:
        """Number of this session; 0 when not known (see ``user``)."""
        return self._connection.session.number

    @property
    def topic(self) -> bytes:
        """Our own topic, 16 bytes, a secret; empty when not known (see ``user``)."""
        return self._connection.session.topic

    @property
    def reached(self) -> bool:
        """Whether the server was reached since the chat was entered; it may be gone again."""
        return self._connection.reached

    @property
    def cursors(self) -> dict[int, int]:
        """Per conversation the seq up to which every message was handed out; to be kept by the program."""
        return dict(self._connection.cursors)

    @property
    def record_fault(self) -> str:
        """Why the record is not kept any more; '' when it is, or when there is none."""
        return self._recording.fault if self._recording is not None else ""

    def on_pause(self, tell: Callable[[RateLimited], object]) -> None:
        """Have ``tell`` called when something was refused as too often, and waits to be tried again."""
        self._connection.on_pause = tell

    async def hello(self) -> commands.HelloReply:
        """The server's version, limits and services. Needs no login."""
        return await self._ask("server.hello", commands.Empty(), commands.HelloReply)

    async def register(self, username: str, password: str) -> str:
        """Create a user; returns the name as it will be shown. Does not log in."""
        request = commands.Register(username, password)
        return (await self._ask("auth.register", request, commands.RegisterReply)).user

    async def find(self, name: str) -> commands.FoundReply:
        """Whether a user, or a group, has this name; told to gateways alone, others hear ``Forbidden``."""
        return await self._ask("gateway.user", commands.FindUser(name), commands.FoundReply)

    async def login(self, username: str, password: str, device: str = "") -> commands.LoginReply:
        """Open a session and use it from now on."""
        return await self._ask("auth.login", commands.Login(username, password, device), commands.LoginReply)

    async def logout(self) -> None:
        """End this session on the server. An ended one is no error."""
        await self._connection.logout()

    async def whoami(self) -> commands.WhoamiReply:
        """Ask the server who we are."""
        return await self._ask("user.whoami", commands.Empty(), commands.WhoamiReply)

    async def sessions(self) -> list[commands.SessionInfo]:
        """Our logged-in devices, newest first."""
        return (await self._ask("auth.sessions", commands.Empty(), commands.SessionsReply)).sessions

    async def revoke(self, session: int) -> None:
        """End one of our sessions, at once."""
        await self._ask("auth.revoke", commands.Revoke(session), commands.Empty)

    async def change_password(self, old: str, new: str) -> None:
        """Set a new password; ends every other session of ours."""
        await self._ask("auth.password", commands.ChangePassword(old, new), commands.Empty)

    # --- people ---------------------------------------------------------------------------------

    async def online(self) -> list[str]:
        """Names of everyone online, sorted."""
        names: list[str] = []
        page = None
        while page is None or (page.more and page.users):
            request = commands.ListOnline(names[-1] if names else "")
            page = await self._ask("user.online", request, commands.OnlineReply)
            names += page.users
        return names

    async def get_user(self, name: str) -> commands.UserInfo:
        """One user, and when they were last seen."""
        return await self._ask("user.get", commands.GetUser(name), commands.UserInfo)

    async def realms(self) -> list[commands.RealmInfo]:
        """Other realms whose people can be talked to as ``name@realm``, by name."""
        return (await self._ask("realm.list", commands.Empty(), commands.RealmsReply)).realms

    async def users(self) -> list[commands.UserInfo]:
        """Every user, by name."""
        users: list[commands.UserInfo] = []
        page = None
        while page is None or (page.more and page.users):
            request = commands.ListUsers(users[-1].user if users else "")
            page = await self._ask("user.list", request, commands.UsersReply)
            users += page.users
        return users

    # --- messages -------------------------------------------------------------------------------

    async def send(self, to: str, body: str, *, id: bytes | None = None) -> SendReply:
        """Post a message; returns once it is on our server's disk, and goes on to other realms from there.

        Sends to one address are stored in the order of the calls. ``id`` (16 bytes) makes it safe
        to call again after a ``Timeout``: the message is stored once.
        """
        id = id or message_id(time.time_ns() // 1_000_000)
        reply = await self._connection.send(to, body, id)
        if self._recording is not None:
            self._recording.sent(to, body, id, reply)
        return reply

    async def broadcast(self, body: str, *, id: bytes | None = None) -> SendReply:
        """Post a message to everyone."""
        return await self.send(BROADCAST, body, id=id)

    async def history(
        self, target: Target, *, after: int | None = None, before: int | None = None, limit: int = 100
    ) -> HistoryReply:
        """One page of stored messages, oldest first; ``first`` and ``last`` say what it covers.

        With ``after``: the earliest behind it. Without: the latest (before ``before``).
        """
        conversation, address = which(target)
        request = commands.History(conversation, address, after, before, limit)
        page = await self._ask("message.history", request, HistoryReply)
        if self._recording is not None:
            self._recording.page(page, address or "")
        return page

    async def messages(self, target: Target, after: int = 0) -> AsyncIterator[Message]:
        """Every stored message behind ``after``, oldest first, page by page."""
        while True:
            page = await self.history(target, after=after, limit=limits.HISTORY_MAX_MESSAGES)
            for message in page.messages:
                yield message
            if page.last >= page.last_seq or page.last <= after:
                return
            after = page.last

    async def read(self, target: Target, seq: int | None = None) -> commands.ReadReply:
        """Say that we have read up to ``seq``; None: everything."""
        conversation, address = which(target)
        request = commands.Read(NEWEST if seq is None else seq, conversation, address)
        return await self._ask("message.read", request, commands.ReadReply)

    async def typing(self, to: str) -> None:
        """Tell the others there that we are typing."""
        await self._ask("message.typing", commands.Typing(to), commands.Empty)

    async def conversations(self) -> list[ConversationInfo]:
        """Every conversation of ours, by number."""
        found: list[ConversationInfo] = []
        page = None
        while page is None or (page.more and page.conversations):
            request = commands.ListConversations(found[-1].conversation if found else 0)
            page = await self._ask("conversation.list", request, commands.ConversationsReply)
            found += page.conversations
        if self._recording is not None:
            self._recording.listed(found)
        return found

    async def verify(self, target: Target) -> commands.VerifyReply:
        """Let the server count what it holds of a conversation: complete, or which ranges are missing."""
        conversation, address = which(target)
        return await self._ask(
            "conversation.verify", commands.Verify(conversation, address), commands.VerifyReply
        )

    # --- groups, files --------------------------------------------------------------------------

    async def create_group(self, name: str, password: str = "") -> GroupReply:
        """Create a group and become its creator and first member."""
        return await self._ask("group.create", commands.CreateGroup(name, password), GroupReply)

    async def join_group(self, name: str, password: str = "") -> GroupReply:
        """Become a member."""
        return await self._ask("group.join", commands.JoinGroup(name, password), GroupReply)

    async def leave_group(self, name: str) -> None:
        """Leave; the last member to leave deletes the group."""
        await self._ask("group.leave", commands.NameGroup(name), commands.Empty)
        if self._recording is not None:
            self._recording.left(name)

    async def group_members(self, name: str) -> list[commands.MemberInfo]:
        """Members, longest-standing first."""
        members: list[commands.MemberInfo] = []
        page = None
        while page is None or (page.more and page.members):
            request = commands.ListMembers(name, members[-1].user if members else "")
            page = await self._ask("group.members", request, commands.MembersReply)
            members += page.members
        return members

    async def groups(self) -> list[commands.GroupInfo]:
        """Every group, by name."""
        groups: list[commands.GroupInfo] = []
        page = None
        while page is None or (page.more and page.groups):
            request = commands.ListGroups(groups[-1].group if groups else "")
            page = await self._ask("group.list", request, commands.GroupsReply)
            groups += page.groups
        return groups

    async def remove_member(self, group: str, user: str) -> None:
        """Remove a member; only the group's creator may."""
        await self._ask("group.remove", commands.RemoveMember(group, user), commands.Empty)

    @property
    def files(self) -> Files:
        """Files: sent, stored, fetched, listed. Loaded when first used: most programs never do."""
        if self._files is None:
            from client.files.api import Files

            self._files = Files(self._connection, self._recording)
        return self._files

    # --- events ---------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Open the events socket; returns once nothing can be missed any more."""
        await self._connection.listen()

    async def events(self) -> AsyncIterator[Event]:
        """Typed events as they come; opens the events socket at first use.

        ``MessageEvent`` (our own messages included) come without a hole in each conversation, in order, each
        once; so do those missed while the line was down. ``Status`` tells when that happens. Other kinds are
        hints and may be lost. Ends when the chat is closed; raises ``LoggedOut`` when the session ends.
        Several loops over it share one stream: each event goes to one of them.
        """
        await self._connection.listen()
        with contextlib.suppress(Closed):
            while True:
                event = await self._connection.next_event()
                if self._recording is not None and isinstance(event, MessageEvent):
                    self._recording.heard(event)
                yield event

    def on(self, kind: type[E]) -> Callable[[Callable[[E], Awaitable[Any]]], Callable[[E], Awaitable[Any]]]:
        """Register an async function for one kind of event; ``run_forever`` calls it.

        >>> @chat.on(MessageEvent)
        ... async def answer(event): ...
        """

        def register(handler: Callable[[E], Awaitable[Any]]) -> Callable[[E], Awaitable[Any]]:
            self._handlers.setdefault(kind, []).append(handler)
            return handler

        return register

    async def run_forever(self) -> None:
        """Hand every event to the functions for its kind, one by one, until the chat is closed.

        Raises whatever one of them raises, and ``LoggedOut``.
        """
        async for event in self.events():
            for handler in self._handlers.get(type(event), ()):
                await handler(event)

    async def _ask(self, command: str, request: Body, reply: type[E]) -> E:
        answer = await self._connection.call(command, request)
        assert isinstance(answer, reply), (command, COMMANDS[command].reply)
        return answer


__all__ = ["Chat", "Event", "Handler", "SetBack", "Status", "Target"]
