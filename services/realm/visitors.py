"""Visitors: people of a peer, as they come and go here.

Belongs here: what becomes of what a peer says of its users. Not here: what we tell it of ours (``presence``).

What a peer says is kept as one more broker's word, ``realm:b``, so whatever asks who is online finds them. It
is taken only while our own line to that peer is up, and all of it is taken back when that line goes down, for
nobody would tell us any more. Of a group of the peer's we have but a copy, which does not know who is in it;
so the peer says in which of its groups somebody comes, and what we told there is remembered, in order that it
can be taken back.
"""

from __future__ import annotations

from typing import Final

from protocol.addresses import name_key
from protocol.commands import Empty
from protocol.errors import Invalid, Unavailable
from protocol.events import PresenceEvent
from protocol.realms import PeerPresence, Presences
from services.context import Context
from services.realm.house import House, Peer, Reply, grant, refuse
from services.realm.people import ForeignSender, own
from services.storage import acquaintances, presence
from services.storage.engine import StoreUnavailable

REMEMBERED: Final = 10_000
"""People of one peer of whom we know in which of its groups they were told to be online."""

AGAIN: Final = 5.0
"""Seconds after which a peer whom we do not reach may say it again."""

GROUPS_REMEMBERED: Final = 200_000
"""Names of groups among them, of all together: whoever is beyond that counts as in none."""

Groups = dict[str, tuple[str, frozenset[str]]]
"""Name and the keys of the groups in which somebody is taken for online, by the key of the name."""


def broker_of(realm: str) -> bytes:
    """The name under which a peer's word is kept; no broker of ours is called so."""
    return b"realm:" + realm.encode()


class Visitors:
    """One peer's people."""

    def __init__(self, house: House, peer: Peer) -> None:
        self._house = house
        self._peer = peer
        self._told: Groups = {}

    def turn(self) -> None:
        """Nothing: it is the peer that speaks."""

    def changed(self, up: bool) -> None:
        """Behind a line that is down nobody is online."""
        if up:
            return
        try:
            self.take(Presences([], all=True))
        except StoreUnavailable as error:
            self._house.log.warning("presence not stored", realm=self._peer.name, reason=str(error))

    def take(self, said: Presences) -> None:
        """Keep what the peer says, and tell those of us whom it concerns. Raises ``StoreUnavailable``."""
        with self._house.write() as ctx:
            keep(ctx, self._peer.name, said)
            told = self._in_groups(ctx, said)
        self._told = told

    def _in_groups(self, ctx: Context, said: Presences) -> Groups:
        """Tell the members of copies; what they take for true afterwards."""
        told = dict(self._told)
        if not told and not any(each.groups for each in said.users):
            return told
        copies = acquaintances.copied(ctx.tx, self._peer.realm)
        gone = self._told.keys() - {name_key(each.user) for each in said.users} if said.all else set()
        for key in sorted(gone):
            name, before = told.pop(key)
            _publish(ctx, copies, before, PresenceEvent(name, False, ctx.now))
        room = GROUPS_REMEMBERED - sum(len(groups) for _, groups in told.values())
        for each in said.users:
            key, name = name_key(each.user), f"{each.user}@{self._peer.name}"
            now = frozenset(name_key(group) for group in each.groups) if each.online else frozenset()
            _, before = told.pop(key, ("", frozenset()))
            room += len(before)
            if now and len(told) < REMEMBERED and len(now) <= room:
                told[key] = name, now
                room -= len(now)
                _publish(ctx, copies, now - before, PresenceEvent(name, True, ctx.now))
            elif not each.online:
                _publish(ctx, copies, before, PresenceEvent(name, False, _last_seen(ctx, each) or ctx.now))
        return told


def _publish(ctx: Context, copies: dict[str, bytes], groups: frozenset[str], event: PresenceEvent) -> None:
    ctx.publish_on([copies[group] for group in sorted(groups) if group in copies], event)


def of(peer: Peer) -> Visitors:
    """The peer's."""
    return next(part for part in peer.parts if isinstance(part, Visitors))


def asked(house: House, peer: Peer, body: Presences, reply: Reply) -> None:
    """The request ``presence``."""
    for each in body.users:
        try:
            own(each.user)
        except ForeignSender:
            peer.people.log_foreign(each.user, len(body.users))
            raise
    if not peer.line.up:
        # Not raised, so not logged: whenever a realm comes back, one of both reaches the other first.
        refuse(reply, Unavailable("We do not reach you ourselves yet.", retry_after=AGAIN))
        return
    if len({name_key(each.user) for each in body.users}) < len(body.users):
        raise Invalid("Somebody is named twice.")
    of(peer).take(body)
    grant(reply, Empty())


def keep(ctx: Context, realm: str, said: Presences) -> None:
    """Keep what a realm says of those whom we have met, and tell who shares a conversation with them here."""
    broker = broker_of(realm)
    met = acquaintances.known(ctx.tx, realm, [each.user for each in said.users])
    state = {met[key]: each for each in said.users if (key := name_key(each.user)) in met}
    online = {user for user, each in state.items() if each.online}
    offline = state.keys() - online
    if said.all:
        offline |= set(presence.of_broker(ctx.tx, broker)) - online
    concerned = sorted(online | offline)
    presence.lock(ctx.tx, concerned)
    before = presence.online_among(ctx.tx, concerned)
    presence.came(ctx.tx, broker, sorted(online))
    presence.went(ctx.tx, broker, sorted(offline))
    changed = sorted(before ^ online)
    seen = {user: _last_seen(ctx, state.get(user)) for user in changed}
    for user in changed:
        if user not in online and seen[user]:
            presence.set_last_seen(ctx.tx, [user], seen[user])
    names = presence.names(ctx.tx, changed)
    for user, topic in presence.listeners(ctx.tx, changed):
        ctx.publish(topic, PresenceEvent(names[user], user in online, seen[user] or ctx.now))


def _last_seen(ctx: Context, said: PeerPresence | None) -> int:
    """Until when somebody was there, never in a time to come; 0 where the peer does not say."""
    return ctx.now if said is None else min(said.last_seen, ctx.now)
