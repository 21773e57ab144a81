"""Names, addresses and topics: who a message goes to, and under which 16 bytes it is heard.

An address is ``bob`` (a user), ``#ops`` (a group), ``*`` (everyone: the broadcast conversation),
each optionally with ``@realm``.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

from protocol.errors import Invalid
from protocol.limits import NAME_MAX_LENGTH, TOPIC_BYTES

NAME_PATTERN: Final = r"^[A-Za-z0-9_.-]{1,32}\Z"
REALM_PATTERN: Final = r"^[a-z0-9.-]{1,64}\Z"
BROADCAST: Final = "*"
"""The address of the conversation that everyone is in."""

_name = re.compile(NAME_PATTERN).match
_realm = re.compile(REALM_PATTERN).match


class Kind(StrEnum):
    """The three kinds of conversation."""

    DIRECT = "direct"
    GROUP = "group"
    BROADCAST = "broadcast"


class TopicKind:
    """First byte of a topic."""

    USER: Final = b"u"
    CONVERSATION: Final = b"c"


class Address(NamedTuple):
    """A parsed ``to``: the kind of conversation it names, the bare name, and the realm ('' = ours)."""

    kind: Kind
    name: str
    realm: str = ""

    def __str__(self) -> str:
        mark = {Kind.DIRECT: self.name, Kind.GROUP: f"#{self.name}", Kind.BROADCAST: BROADCAST}
        return mark[self.kind] + (f"@{self.realm}" if self.realm else "")


def parse(text: str) -> Address:
    """Read an address.

    Raises ``Invalid`` with a sentence that says what a name may look like.
    """
    name, at, realm = text.partition("@")
    if at and not _realm(realm):
        raise Invalid(f"{_shown(text)} does not name a realm: a-z, 0-9, dots and dashes after the @.")
    if name == BROADCAST:
        return Address(Kind.BROADCAST, "", realm)
    if name.startswith("#"):
        return Address(Kind.GROUP, checked_name(name[1:]), realm)
    return Address(Kind.DIRECT, checked_name(name), realm)


def checked_name(name: str) -> str:
    """``name`` itself if it is a proper user or group name, else ``Invalid``."""
    if not _name(name):
        raise Invalid(
            f"{_shown(name)} is not a name: use 1 to {NAME_MAX_LENGTH} "
            "letters, digits, dots, dashes or underscores."
        )
    return name


def is_name(text: str) -> bool:
    """Whether this is a proper bare name."""
    return _name(text) is not None


def group_name(text: str) -> str:
    """A group's bare name, from ``ops`` or ``#ops``."""
    return checked_name(text.removeprefix("#"))


def name_key(name: str) -> str:
    """The form in which names are compared: without case (names are ASCII)."""
    return name.lower()


def new_topic(kind: bytes) -> bytes:
    """A fresh topic: the kind's byte and 15 random ones, so that knowing it is the right to listen."""
    import secrets  # here, because every process imports this file and few make topics

    return kind + secrets.token_bytes(TOPIC_BYTES - 1)


def _shown(text: str) -> str:
    """``text`` cut and quoted so that a hostile name cannot spoil a terminal or a log."""
    return repr(text if len(text) <= 40 else text[:40] + "…")
