"""Commands about other realms."""

from __future__ import annotations

from protocol.body import Body


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
