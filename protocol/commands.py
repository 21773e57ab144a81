"""Every command there is: the typed shape of its request and reply, and the table of preconditions.

The broker reads only the table ``COMMANDS``; a service turns a body into the request struct with
``read``; a client builds the same struct. To add a command: write its two structs here, give it a
row in the table, write its handler in the service the row names, and describe it in
docs/PROTOCOL.md (a test compares the two). Structs about files are in ``files``.

Field conventions: names of people and groups are str, ids of messages and topics are bin 16, times
are microseconds since the epoch in UTC (uint), ``conversation`` is a uint, ``seq`` counts from 1.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, NamedTuple

from msgspec import Meta, field

from protocol import files, limits
from protocol.body import (
    Address,
    Device,
    GatewaySecret,
    HistoryLimit,
    Id,
    ListLimit,
    MessageId,
    Name,
    OnlineLimit,
    Password,
    Seq,
    Token,
)
from protocol.body import Body as Body
from protocol.body import Empty as Empty
from protocol.body import body_of as body_of
from protocol.body import convert as convert
from protocol.envelope import unpack_body
from protocol.files import FileInfo

# --- server and session -------------------------------------------------------------------------


class HelloReply(Body, frozen=True, omit_defaults=False):
    """What a client may know before login: ports of the events socket and of the one for chunks of files."""

    version: str
    protocol: int
    realm: str
    events_port: int
    bulk_port: int
    now: int
    services: list[str]
    """Services with at least one live worker."""
    limits: dict[str, int]


class PingReply(Body, frozen=True, omit_defaults=False):
    """``events_epoch``: when it differs from the last one heard, subscribe anew and catch up."""

    events_epoch: int
    now: int


class IntroduceGateway(Body, frozen=True):
    """Be trusted to say where those come from for whom this connection speaks.

    ``secret`` is in a file of the server's data folder. Fails with ``invalid_credentials``.
    """

    secret: GatewaySecret


# --- auth ---------------------------------------------------------------------------------------


class Register(Body, frozen=True):
    """Create a user. Fails with ``conflict`` when the name is taken (compared without case)."""

    username: Name
    password: Password


class RegisterReply(Body, frozen=True):
    """``user``: the name as it will be shown."""

    user: str


class Login(Body, frozen=True):
    """Open a session. ``device`` is shown in the list of sessions."""

    username: Name
    password: Password
    device: Device = ""


class Resume(Body, frozen=True):
    """Make the session of this token known to the broker again; no password needed."""

    token: Token


class LoginReply(Body, frozen=True):
    """``token`` goes into every later request; ``topic`` is the user's own, to subscribe to."""

    user: str
    token: bytes
    session: int
    topic: bytes


class SessionInfo(Body, frozen=True, omit_defaults=False):
    """One logged-in device. Times in microseconds."""

    session: int
    device: str
    created_at: int
    seen_at: int
    current: bool


class SessionsReply(Body, frozen=True):
    """The caller's own sessions, newest first."""

    sessions: list[SessionInfo]


class Revoke(Body, frozen=True):
    """End one of the caller's own sessions, at once."""

    session: Id


class ChangePassword(Body, frozen=True):
    """Set a new password; ends every other session of the caller."""

    old: Password
    new: Password


# --- for gateways -------------------------------------------------------------------------------


class FindUser(Body, frozen=True):
    """Ask whether there is a user of this name, or a group, before anyone has logged in."""

    user: Name


class FoundReply(Body, frozen=True, omit_defaults=False):
    """Whether there is such a user, and such a group."""

    found: bool
    group: bool


# --- users --------------------------------------------------------------------------------------


class WhoamiReply(Body, frozen=True, omit_defaults=False):
    """The caller: name, this session, and the user topic as it is now."""

    user: str
    session: int
    device: str
    topic: bytes
    created_at: int


class ListOnline(Body, frozen=True):
    """Who is online, by name; ``after`` is the last name of the page before."""

    after: Annotated[str, Meta(max_length=limits.NAME_MAX_LENGTH)] = ""
    limit: OnlineLimit = limits.ONLINE_MAX_NAMES


class OnlineReply(Body, frozen=True):
    """Names of everyone online, sorted. ``more``: ask again with ``after`` set to the last name."""

    users: list[str]
    more: bool = False


class GetUser(Body, frozen=True):
    """Ask about one user, also of another realm."""

    user: Address


class UserInfo(Body, frozen=True, omit_defaults=False):
    """One user. ``last_seen`` is 0 when never seen; it counts up to now while ``online``."""

    user: str
    online: bool
    last_seen: int


class ListUsers(Body, frozen=True):
    """All users, by name; ``after`` is the last name of the page before."""

    after: Annotated[str, Meta(max_length=limits.NAME_MAX_LENGTH)] = ""
    limit: ListLimit = limits.LIST_MAX_ITEMS


class UsersReply(Body, frozen=True, omit_defaults=False):
    """One page. ``more``: ask again with ``after`` set to the last name."""

    users: list[UserInfo]
    more: bool


# --- messages -----------------------------------------------------------------------------------


class Send(Body, frozen=True):
    """Post a message.

    ``id`` makes a retry harmless. ``after`` is the id of the caller's message to the same address
    that was sent before this one and is not yet acknowledged: the server then stores this one only
    if that one is stored, else answers ``conflict``, so a lost frame cannot swap two messages.
    """

    to: Address
    body: str
    id: MessageId
    after: MessageId | None = None


class Broadcast(Body, frozen=True):
    """Post a message to everyone. Fields as in ``Send``."""

    body: str
    id: MessageId
    after: MessageId | None = None


class Deliver(Body, frozen=True):
    """A message of a user of another realm, whom the call names, to one of ours; asked by the realm process.

    Fields as in ``Send``; ``sent_at`` is when it was sent there, ``file`` what came with it.
    """

    to: Name
    body: str
    id: MessageId
    sent_at: Seq
    file: FileInfo | None = None
    after: MessageId | None = None


class SendReply(Body, frozen=True):
    """The message is on disk. ``duplicate``: it already was, from an earlier try with this id.

    ``queued``: it still has to go to another realm, and ``away``: that does not answer at present. A message
    to another realm's group gets its number there, so ``seq`` is 0 until it has come back.
    """

    conversation: int
    seq: int
    sent_at: int
    duplicate: bool
    queued: bool = False
    away: bool = False


class Message(Body, frozen=True):
    """One stored message, as history shows it."""

    seq: int
    sender: str = field(name="from")
    body: str
    sent_at: int
    id: bytes
    file: FileInfo | None = None
    """What was sent with it; its ``body`` is then the file's name, or the text that came with it."""
    undelivered: str = ""
    """Why the realm that it was meant for refused it: a sentence."""


class History(Body, frozen=True):
    """Messages of one conversation, named by number or by address (``with``), oldest first.

    ``after`` and ``before`` are exclusive. With ``after``: the earliest ones behind it. Without:
    the latest ones (before ``before``).
    """

    conversation: Id | None = None
    address: Address | None = field(name="with", default=None)
    after: Seq | None = None
    before: Seq | None = None
    limit: HistoryLimit = 100


class HistoryReply(Body, frozen=True, omit_defaults=False):
    """``messages`` is complete from ``first`` to ``last``; first > last when the range is empty.

    ``last_seq`` is the conversation's newest, ``read_seq`` the caller's own read marker. In a direct one
    the other's server has everything up to ``delivered_seq``, and they have read up to ``seen_seq``.
    """

    conversation: int
    messages: list[Message]
    first: int
    last: int
    last_seq: int
    read_seq: int
    delivered_seq: int = 0
    seen_seq: int = 0


class Read(Body, frozen=True):
    """Move the caller's read marker forward to ``seq`` (never back)."""

    seq: Seq
    conversation: Id | None = None
    address: Address | None = field(name="with", default=None)


class ReadReply(Body, frozen=True, omit_defaults=False):
    """The marker as it is now, and how many messages of others lie behind it."""

    conversation: int
    seq: int
    unread: int


class Typing(Body, frozen=True):
    """Tell the other members that the caller is typing. Stored nowhere."""

    to: Address


# --- conversations ------------------------------------------------------------------------------


class ListConversations(Body, frozen=True):
    """The caller's conversations by number; ``after`` is the last number of the page before."""

    after: Seq = 0
    limit: ListLimit = limits.LIST_MAX_ITEMS


class ConversationInfo(Body, frozen=True, omit_defaults=False):
    """One conversation as one member sees it.

    ``name`` is its address (``bob``, ``#ops``, ``*``); ``topic`` is empty for a direct one, whose
    events come on the user's own topic. ``unread`` counts messages of others behind ``read_seq``.
    ``last_at`` is when the newest message was sent, 0 when there is none.
    """

    conversation: int
    kind: str
    name: str
    topic: bytes
    last_seq: int
    read_seq: int
    unread: int
    last_at: int


class ConversationsReply(Body, frozen=True, omit_defaults=False):
    """One page. ``more``: ask again with ``after`` set to the last number."""

    conversations: list[ConversationInfo]
    more: bool


class Verify(Body, frozen=True):
    """Count what the server holds of one conversation."""

    conversation: Id | None = None
    address: Address | None = field(name="with", default=None)


class VerifyReply(Body, frozen=True, omit_defaults=False):
    """``complete`` when exactly 1..last_seq are stored; else ``missing`` lists [first, last] ranges."""

    conversation: int
    last_seq: int
    count: int
    complete: bool
    missing: list[tuple[int, int]]


# --- groups -------------------------------------------------------------------------------------


class CreateGroup(Body, frozen=True):
    """Create a group and become its creator and first member. ``group`` with or without ``#``."""

    group: Name
    password: Password = ""


class JoinGroup(Body, frozen=True):
    """Become a member."""

    group: Address
    password: Password = ""


class GroupReply(Body, frozen=True, omit_defaults=False):
    """``topic`` is told only to members; ``last_seq`` is where the caller's live events begin."""

    conversation: int
    topic: bytes
    last_seq: int


class NameGroup(Body, frozen=True):
    """A command about one group."""

    group: Address


class MemberInfo(Body, frozen=True, omit_defaults=False):
    """One member of a group."""

    user: str
    creator: bool
    online: bool
    joined_at: int


class ListMembers(Body, frozen=True):
    """Members of one group, longest-standing first; ``after`` is the last name of the page before."""

    group: Address
    after: Annotated[str, Meta(max_length=limits.ADDRESS_MAX_LENGTH)] = ""
    limit: ListLimit = limits.LIST_MAX_ITEMS


class MembersReply(Body, frozen=True):
    """One page. ``more``: ask again with ``after`` set to the last name."""

    members: list[MemberInfo]
    more: bool = False


class ListGroups(Body, frozen=True):
    """All groups by name; ``after`` is the last name of the page before."""

    after: Annotated[str, Meta(max_length=limits.NAME_MAX_LENGTH)] = ""
    limit: ListLimit = limits.LIST_MAX_ITEMS


class GroupInfo(Body, frozen=True, omit_defaults=False):
    """One group, as anyone may see it. ``password``: one is needed to join."""

    group: str
    members: int
    password: bool
    member: bool


class GroupsReply(Body, frozen=True, omit_defaults=False):
    """One page of groups."""

    groups: list[GroupInfo]
    more: bool


class RemoveMember(Body, frozen=True):
    """Remove a member; only the group's creator may. They may join again if they can."""

    group: Address
    user: Address


# --- realms -------------------------------------------------------------------------------------


class RealmInfo(Body, frozen=True, omit_defaults=False):
    """Another realm, as anyone here may see it.

    ``state``: ``paired``, or ``blocked``: nothing goes there or comes from there. ``away_since``:
    microseconds, 0 while it answers. ``waiting``: how many messages and the like wait to go there.
    """

    realm: str
    state: str
    away_since: int
    waiting: int


class RealmsReply(Body, frozen=True, omit_defaults=False):
    """The realms that this one is paired with, by name."""

    realms: list[RealmInfo]


# --- from the server itself ---------------------------------------------------------------------


class PresenceReport(Body, frozen=True):
    """Sent by a broker to the auth service, never by a client.

    ``broker`` is that broker's own name, the same at every start; ``restart`` says that it has just
    begun, so nobody it reported before is still online. Users by number. ``sessions``: numbers of those
    heard of just now, of which the store was last told some minutes ago.
    """

    broker: bytes
    online: list[Id] = field(default_factory=list)
    offline: list[Id] = field(default_factory=list)
    sessions: list[Id] = field(default_factory=list)
    restart: bool = False


# --- the table ----------------------------------------------------------------------------------


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


def read(command: Command, body: bytes) -> Any:
    """The typed request of ``command`` from packed ``body``.

    Raises ``Invalid`` with a sentence that names the field.
    """
    return convert(unpack_body(body), command.request)
