"""The table: a row for every command, who does it and what must hold before anyone looks at its body."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from protocol import files, limits
from protocol.body import Body, Empty
from protocol.commands.accounts import (
    ChangePassword,
    FindUser,
    FoundReply,
    Login,
    LoginReply,
    Register,
    RegisterReply,
    Resume,
    Revoke,
    SessionsReply,
)
from protocol.commands.groups import (
    CreateGroup,
    GroupReply,
    GroupsReply,
    JoinGroup,
    ListGroups,
    ListMembers,
    MembersReply,
    NameGroup,
    RemoveMember,
)
from protocol.commands.messages import (
    Broadcast,
    ConversationsReply,
    Deliver,
    History,
    HistoryReply,
    ListConversations,
    Read,
    ReadReply,
    Send,
    SendReply,
    Typing,
    Verify,
    VerifyReply,
)
from protocol.commands.realms import RealmsReply
from protocol.commands.server import HelloReply, IntroduceGateway, PingReply, PresenceReport
from protocol.commands.users import (
    GetUser,
    ListOnline,
    ListUsers,
    OnlineReply,
    UserInfo,
    UsersReply,
    WhoamiReply,
)


class Rate(StrEnum):
    """Which token bucket a command draws from; ``BY_ADDRESS`` says by what it is counted."""

    HELLO = "hello"
    ENTRY = "entry"
    RESUME = "resume"
    GROUP = "group"
    PING = "ping"
    SEND = "send"
    CALL = "call"
    TYPING = "typing"
    REFUSAL = "refusal"
    """No command's: what the broker refuses draws from it, and beyond it hears nothing."""


BY_ADDRESS: Final = frozenset((Rate.HELLO, Rate.ENTRY, Rate.RESUME, Rate.GROUP, Rate.REFUSAL))
"""Counted by network address; the rest by session."""


class Command(NamedTuple):
    """One row: who does it and what must hold before anyone looks at the body.

    ``service`` '' means that the broker answers itself. ``session``: needs a logged-in caller.
    ``retry``: may be handed to another worker when the first one died over it. ``limit``: largest
    body in bytes. ``writes``: needs the write transaction. ``internal``: from the server's own processes
    only. ``gateway``: from gateways only. ``visitors``: in place of ``rate``, in a session that only a
    gateway uses.
    """

    name: str
    service: str
    request: type[Body]
    reply: type[Body]
    session: bool = True
    retry: bool = True
    limit: int = 1024
    rate: Rate = Rate.CALL
    writes: bool = True
    internal: bool = False
    gateway: bool = False
    visitors: Rate | None = None


_PASSWORD_LIMIT = 2 * 4 * limits.PASSWORD_MAX_LENGTH + 1024
_MESSAGE_LIMIT: Final = limits.REQUEST_MAX_BYTES - 1024

_ROWS = (
    Command("server.hello", "", Empty, HelloReply, session=False, rate=Rate.HELLO, writes=False),
    Command("session.ping", "", Empty, PingReply, rate=Rate.PING, writes=False),
    Command(
        "gateway.introduce",
        "",
        IntroduceGateway,
        Empty,
        session=False,
        limit=128,
        rate=Rate.HELLO,
        writes=False,
    ),
    Command(
        "gateway.user",
        "auth",
        FindUser,
        FoundReply,
        session=False,
        rate=Rate.ENTRY,
        writes=False,
        gateway=True,
    ),
    Command(
        "auth.register",
        "auth",
        Register,
        RegisterReply,
        session=False,
        retry=False,
        limit=_PASSWORD_LIMIT,
        rate=Rate.ENTRY,
    ),
    Command("auth.login", "auth", Login, LoginReply, session=False, limit=_PASSWORD_LIMIT, rate=Rate.ENTRY),
    Command("auth.resume", "auth", Resume, LoginReply, session=False, rate=Rate.RESUME),
    # Connections to a gateway drop all the time, many behind one address; and it replaces no topics there.
    Command("auth.logout", "auth", Empty, Empty, rate=Rate.ENTRY, visitors=Rate.CALL),
    Command("auth.sessions", "auth", Empty, SessionsReply, writes=False),
    Command("auth.revoke", "auth", Revoke, Empty, rate=Rate.ENTRY),
    Command("auth.password", "auth", ChangePassword, Empty, limit=_PASSWORD_LIMIT, rate=Rate.ENTRY),
    Command("user.whoami", "auth", Empty, WhoamiReply, writes=False),
    Command("user.online", "auth", ListOnline, OnlineReply, writes=False),
    Command("user.get", "auth", GetUser, UserInfo, writes=False),
    Command("user.list", "auth", ListUsers, UsersReply, writes=False),
    Command("message.send", "messaging", Send, SendReply, limit=_MESSAGE_LIMIT, rate=Rate.SEND),
    Command("message.broadcast", "messaging", Broadcast, SendReply, limit=_MESSAGE_LIMIT, rate=Rate.SEND),
    Command("message.history", "messaging", History, HistoryReply, writes=False),
    Command("message.read", "messaging", Read, ReadReply),
    Command("message.typing", "messaging", Typing, Empty, rate=Rate.TYPING, writes=False),
    Command("conversation.list", "messaging", ListConversations, ConversationsReply, writes=False),
    Command("conversation.verify", "messaging", Verify, VerifyReply, writes=False),
    Command(
        "group.create",
        "group",
        CreateGroup,
        GroupReply,
        retry=False,
        limit=_PASSWORD_LIMIT,
        rate=Rate.GROUP,
    ),
    Command("group.join", "group", JoinGroup, GroupReply, limit=_PASSWORD_LIMIT, rate=Rate.GROUP),
    Command("group.leave", "group", NameGroup, Empty, retry=False),
    Command("group.members", "group", ListMembers, MembersReply, writes=False),
    Command("group.list", "group", ListGroups, GroupsReply, writes=False),
    Command("group.remove", "group", RemoveMember, Empty, retry=False),
    Command("file.begin", "file", files.BeginUpload, files.UploadReply, limit=_MESSAGE_LIMIT),
    Command("file.resume", "file", files.NameUpload, files.UploadReply, writes=False),
    Command("file.finish", "file", files.FinishUpload, files.FinishReply, rate=Rate.SEND),
    Command("file.cancel", "file", files.NameUpload, Empty),
    Command("file.uploads", "file", files.ListUploads, files.UploadsReply, writes=False),
    Command("file.list", "file", files.ListFiles, files.FilesReply, limit=8192, writes=False),
    Command("file.stat", "file", files.NameFile, files.StoredFile, limit=8192, writes=False),
    Command("file.usage", "file", Empty, files.UsageReply, writes=False),
    Command("file.move", "file", files.MoveFile, Empty, limit=16384, retry=False),
    Command("file.delete", "file", files.DeleteFile, Empty, limit=8192, retry=False),
    Command("file.mkdir", "file", files.MakeFolder, Empty, limit=8192, retry=False),
    Command("message.deliver", "messaging", Deliver, SendReply, limit=_MESSAGE_LIMIT, internal=True),
    Command("realm.list", "realm", Empty, RealmsReply, writes=False),
    Command("presence.report", "auth", PresenceReport, Empty, session=False, limit=1 << 20, internal=True),
)

COMMANDS: Final[dict[str, Command]] = {row.name: row for row in _ROWS}
"""Every command by name."""

SERVICES: Final = tuple(sorted({row.service for row in _ROWS if row.service}))
"""Every service that has a worker process of its own."""
