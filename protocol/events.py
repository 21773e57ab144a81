"""Every kind of event that a client may hear, with its typed body.

An event is a hint that may be lost; whatever matters can be fetched again. Adding one: a struct
here, a row in ``EVENTS``, a paragraph in docs/PROTOCOL.md (a test compares the two).
"""

from __future__ import annotations

from typing import Final

from msgspec import field

from protocol.commands import Body, body_of
from protocol.envelope import pack_body, pack_event
from protocol.files import FileInfo


class Welcome(Body, frozen=True, omit_defaults=False):
    """Answer to a subscription to a user topic: every subscription made before it is in force.

    Heard by everyone on that topic. A client may invent a user topic of its own just to get one.
    """

    events_epoch: int


class MessageEvent(Body, frozen=True):
    """A message was stored.

    ``to`` is the address as written by members: the recipient's name, ``#group`` or ``*``.
    """

    conversation: int
    seq: int
    sender: str = field(name="from")
    to: str
    body: str
    sent_at: int
    id: bytes
    file: FileInfo | None = None


class DeliveredEvent(Body, frozen=True, omit_defaults=False):
    """What was said up to ``seq`` is stored on the other one's server; told to who said it."""

    conversation: int
    seq: int


class UndeliveredEvent(Body, frozen=True, omit_defaults=False):
    """Another realm refused a message for good; ``code`` and ``message`` as in an error. Told to its sender.

    ``seq`` is 0 for one to a group of that realm, which never got a number.
    """

    conversation: int
    seq: int
    id: bytes
    code: str
    message: str


class ReadEvent(Body, frozen=True, omit_defaults=False):
    """``user`` has read up to ``seq``.

    Told to those whose messages were read, and to the reader's own devices.
    """

    conversation: int
    user: str
    seq: int


class TypingEvent(Body, frozen=True, omit_defaults=False):
    """``user`` is typing in a conversation."""

    conversation: int
    user: str


class PresenceEvent(Body, frozen=True, omit_defaults=False):
    """``user`` came online or went offline; ``last_seen`` in microseconds."""

    user: str
    online: bool
    last_seen: int


class MembershipEvent(Body, frozen=True, omit_defaults=False):
    """``user`` joined, left, or was removed by ``by`` (else '')."""

    conversation: int
    group: str
    user: str
    change: str
    """``joined``, ``left`` or ``removed``."""
    by: str = ""


class TopicsEvent(Body, frozen=True, omit_defaults=False):
    """Topics have changed: ask ``user.whoami`` and ``conversation.list``. Never says the new ones."""

    conversation: int = 0
    """The conversation whose topic was replaced; 0 when it is the user's own, or any."""


EVENTS: Final[dict[str, type[Body]]] = {
    "welcome": Welcome,
    "message": MessageEvent,
    "delivered": DeliveredEvent,
    "undelivered": UndeliveredEvent,
    "read": ReadEvent,
    "typing": TypingEvent,
    "presence": PresenceEvent,
    "membership": MembershipEvent,
    "topics": TopicsEvent,
}
"""Every kind of event with its body."""

_KINDS: Final = {struct: kind for kind, struct in EVENTS.items()}


def event(topic: bytes, body: Body) -> bytes:
    """The event frame that carries ``body`` on ``topic``."""
    return pack_event(topic, _KINDS[type(body)], pack_body(body_of(body)))
