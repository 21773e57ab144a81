"""Presence across realms: our users' coming and going told to peers, theirs told to ours.

Belongs here: who of us a peer hears of, and what becomes of what a peer says. Not here: how brokers find out
who is online (``services.auth.presence``), who is acquainted with whom (``services.storage.acquaintances``).

A peer hears of those who share a conversation with somebody of it, and of nobody else. It is told everything
when a line to it begins, changes as they come, and once in a while what was lost or came about otherwise: a
hint that went astray, somebody who met the first one there. What a peer says of its users is kept as one more
broker's word, ``realm:b``. It is taken only while our own line to that peer is up, and all of it is taken
back when that line goes down, for nobody would tell us any more.
"""

from __future__ import annotations

from typing import Final

from protocol.commands import Empty
from protocol.errors import OK, Invalid, Unavailable
from protocol.events import PresenceEvent
from protocol.realms import PeerPresence, Presences
from services import hints
from services.context import Context
from services.realm.house import House, Peer, Reply, grant
from services.realm.line import LOST, Answer
from services.realm.people import ForeignSender, own
from services.storage import acquaintances, presence
from services.storage.acquaintances import Acquainted
from services.storage.engine import StoreUnavailable

AT_ONCE: Final = 5000
"""Users in one request; what there is more follows when that was answered."""

ANEW: Final = 60.0
"""Seconds between two looks at everybody, for what hints did not say."""

AGAIN: Final = 5.0
"""Seconds after which a peer that would not hear it is told everything again."""


def broker_of(realm: str) -> bytes:
    """The name under which a peer's word is kept; no broker of ours is called so."""
    return b"realm:" + realm.encode()


class PresencePart:
    """What one peer has been told of our users, and what it has yet to be told."""

    def __init__(self, house: House, peer: Peer) -> None:
        self._house = house
        self._peer = peer
        self._online: dict[int, str] = {}
        """Whom the peer takes for online, once all of ``_news`` is told."""
        self._hinted: set[int] = set()
        self._news: list[PeerPresence] = []
        self._whole = True
        """``_news`` begins with everybody, and whoever is not in it is offline."""
        self._asking = False
        self._next_look = 0.0

    def hinted(self, hint: hints.Hint) -> None:
        """Somebody of ours came or went."""
        if isinstance(hint, hints.Presence):
            self._hinted.update(hint.users)

    def changed(self, up: bool) -> None:
        """A line that is new knows nothing; behind one that is down nobody is online."""
        self._begin_anew(0.0)
        if not up:
            try:
                with self._house.write() as ctx:
                    take(ctx, self._peer.name, Presences([], all=True))
            except StoreUnavailable as error:
                self._house.log.warning("presence not stored", realm=self._peer.name, reason=str(error))

    def _begin_anew(self, at: float) -> None:
        self._online.clear()
        self._hinted.clear()
        self._news.clear()
        self._whole = True
        self._asking = False
        self._next_look = at

    def turn(self) -> None:
        """Tell what there is to tell, one request after the other."""
        if self._asking or not self._peer.line.up:
            return
        if self._news or self._looked():
            self._tell()

    # --- what is new ----------------------------------------------------------------------------

    def _looked(self) -> bool:
        """Find what the peer does not know yet, if it is time to; whether there is anything to say."""
        due = self._house.now >= self._next_look
        if not due and (self._whole or not self._hinted):
            return False
        users, self._hinted = self._hinted, set()
        with self._house.store.read() as tx:
            if due:
                self._next_look = self._house.now + ANEW
                users.update(self._online, acquaintances.online(tx, self._peer.realm))
            self._compare(users, acquaintances.among(tx, self._peer.realm, sorted(users)))
        return self._whole or bool(self._news)

    def _compare(self, users: set[int], found: list[Acquainted]) -> None:
        online = self._online
        for user, name, here, last_seen in found:
            if here and user not in online:
                online[user] = name
                self._news.append(PeerPresence(name, online=True, last_seen=self._house.wall))
            elif not here and online.pop(user, ""):
                self._news.append(PeerPresence(name, online=False, last_seen=last_seen))
        for user in users.difference(each.id for each in found):
            # Nothing is shared with them any more, so it is none of the peer's business since when.
            if name := online.pop(user, ""):
                self._news.append(PeerPresence(name, online=False, last_seen=0))

    def _tell(self) -> None:
        told = self._news[:AT_ONCE]
        self._asking = True
        if not self._peer.ask("presence", Presences(told, all=self._whole), self._told):
            self._begin_anew(self._house.now + AGAIN)
            return
        del self._news[:AT_ONCE]
        self._whole = False

    def _told(self, answer: Answer) -> None:
        self._asking = False
        if answer is LOST:
            return  # the line is down, and all begins anew with the next one
        if answer.status != OK:
            self._begin_anew(self._house.now + AGAIN)
        elif self._news:
            self._house.stir()


# --- what peers say -----------------------------------------------------------------------------


def asked(house: House, peer: Peer, body: Presences, reply: Reply) -> None:
    """The request ``presence``."""
    for each in body.users:
        try:
            own(each.user)
        except ForeignSender:
            peer.people.log_foreign(each.user, len(body.users))
            raise
    if not peer.line.up:
        raise Unavailable("We do not reach you ourselves yet.", retry_after=AGAIN)
    if len({each.user.lower() for each in body.users}) < len(body.users):
        raise Invalid("Somebody is named twice.")
    with house.write() as ctx:
        take(ctx, peer.name, body)
    grant(reply, Empty())


def take(ctx: Context, realm: str, said: Presences) -> None:
    """Keep what a realm says of its users, and tell those of ours whom it concerns.

    People whom we have never met concern nobody, and are passed over.
    """
    broker = broker_of(realm)
    met = acquaintances.known(ctx.tx, realm, [each.user for each in said.users])
    state = {met[key]: each for each in said.users if (key := each.user.lower()) in met}
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
