"""Commands about messages and conversations: send, history, read, typing, list, verify."""

from __future__ import annotations

from msgspec import field

from protocol import limits
from protocol.body import Address, Body, HistoryLimit, Id, ListLimit, MessageId, Name, Seq
from protocol.files import FileInfo


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


class RefusedPost(Body, frozen=True):
    """A message of the caller's to another realm's group that its home will not store, and why."""

    id: bytes
    body: str
    sent_at: int
    code: str
    reason: str


class HistoryReply(Body, frozen=True, omit_defaults=False):
    """``messages`` is complete from ``first`` to ``last``; first > last when the range is empty.

    ``last_seq`` is the conversation's newest, ``read_seq`` the caller's own read marker. In a direct one
    the other's server has everything up to ``delivered_seq``, and they have read up to ``seen_seq``. Of a
    group of another realm ``refused`` has what that realm refused of the caller's, oldest first, if the range
    reaches the newest message.
    """

    conversation: int
    messages: list[Message]
    first: int
    last: int
    last_seq: int
    read_seq: int
    delivered_seq: int = 0
    seen_seq: int = 0
    refused: list[RefusedPost] = field(default_factory=list)


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
