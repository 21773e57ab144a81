"""``realm.list``: which realms there are to write to."""

from __future__ import annotations

from protocol.commands import Empty, RealmInfo, RealmsReply
from services.context import Caller, Context
from services.storage import realms
from services.storage.realms import State


def list_realms(ctx: Context, caller: Caller, command: Empty) -> RealmsReply:
    """Every realm that we are paired with, or were until somebody blocked it, by name."""
    return RealmsReply(
        [
            RealmInfo(realm.name, realm.state, realm.away_since, realm.waiting)
            for realm in realms.every(ctx.tx)
            if realm.state != State.REMOVED
        ]
    )
