"""Commands about people: who am I, who is there, who is online."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from protocol import limits
from protocol.body import Address, Body, ListLimit, OnlineLimit


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
