"""Commands about groups: create, join, leave, members, list, remove."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from protocol import limits
from protocol.body import Address, Body, ListLimit, Name, Password


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
