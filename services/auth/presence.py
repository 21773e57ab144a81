"""Presence: what brokers report of who came and who went, kept and told to those whom it concerns.

A user is online while any broker says so. A broker's first report after a restart takes back what
it said before. Reports may come twice; only a real change is told.
"""

from __future__ import annotations

from protocol.commands import Empty, PresenceReport
from protocol.events import PresenceEvent
from services.context import Caller, Context
from services.storage import presence


def report(ctx: Context, caller: Caller, command: PresenceReport) -> Empty:
    """Take a broker's report, by user number. Numbers of nobody are passed over."""
    online = set(command.online)
    offline = set(command.offline) - online
    if command.restart:
        offline |= set(presence.of_broker(ctx.tx, command.broker)) - online
    told = sorted(online | offline)
    presence.lock(ctx.tx, told)
    before = presence.online_among(ctx.tx, told)
    presence.came(ctx.tx, command.broker, sorted(online))
    presence.went(ctx.tx, command.broker, sorted(offline))
    after = presence.online_among(ctx.tx, told)
    presence.set_last_seen(ctx.tx, sorted(before - after), ctx.now)
    _tell(ctx, sorted(before ^ after), after)
    return Empty()


def _tell(ctx: Context, changed: list[int], online: set[int]) -> None:
    """Tell the groups of those who changed, and those they talk to directly."""
    names = presence.names(ctx.tx, changed)
    for user, topic in presence.listeners(ctx.tx, changed):
        ctx.publish(topic, PresenceEvent(names[user], user in online, ctx.now))
