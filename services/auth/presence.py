"""Presence: what brokers report of who came and who went, kept and told to those whom it concerns.

A user is online while any broker says so. A broker's first report after a restart takes back what
it said before, and so does its silence, once another one reports. Reports may come twice; only a real change
is told. A report also says which sessions live, for ``sessions_per_user`` ends the one silent longest.
"""

from __future__ import annotations

from typing import Final

from protocol import backend
from protocol.commands import Empty, PresenceReport
from protocol.events import PresenceEvent
from services import hints
from services.context import Caller, Context
from services.storage import acquaintances, brokers, presence, sessions

SILENT_AFTER: Final = 180 * 1_000_000
"""Microseconds without a report after which a broker counts as gone; a live one reports every minute."""


def report(ctx: Context, caller: Caller, command: PresenceReport) -> Empty:
    """Take a broker's report, by user number. Numbers of nobody are passed over.

    What brokers said of which nothing was heard for long is taken back with it.
    """
    online = set(command.online)
    offline = set(command.offline) - online
    if command.restart:
        offline |= set(presence.of_broker(ctx.tx, command.broker)) - online
    silent = brokers.heard(ctx.tx, command.broker, ctx.now, ctx.now - SILENT_AFTER)
    gone = {broker: presence.of_broker(ctx.tx, broker) for broker in silent}
    told = sorted(online.union(offline, *gone.values()))
    presence.lock(ctx.tx, told)
    before = presence.online_among(ctx.tx, told)
    presence.came(ctx.tx, command.broker, sorted(online))
    presence.went(ctx.tx, command.broker, sorted(offline))
    for broker, users in gone.items():
        presence.went(ctx.tx, broker, users)
        brokers.forget(ctx.tx, broker)
    after = presence.online_among(ctx.tx, told)
    presence.set_last_seen(ctx.tx, sorted(before - after), ctx.now)
    _tell(ctx, sorted(before ^ after), after)
    sessions.lively(ctx.tx, command.sessions, ctx.now)
    return Empty()


def _tell(ctx: Context, changed: list[int], online: set[int]) -> None:
    """Tell the groups of those who changed, those they talk to directly, and the realm process."""
    names = presence.names(ctx.tx, changed)
    for user, topic in presence.listeners(ctx.tx, changed):
        ctx.publish(topic, PresenceEvent(names[user], user in online, ctx.now))
    for hint in hints.presence(acquaintances.abroad(ctx.tx, changed)):
        ctx.effect(backend.TELL, hints.SERVICE, hint)
