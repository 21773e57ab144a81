"""Presence across realms: our users' coming and going, told to peers.

Belongs here: who of us a peer hears of. Not here: what becomes of what a peer says (``visitors``), how
brokers find out who is online (``services.auth.presence``), who shares a conversation with whom
(``services.storage.acquaintances``).

A peer hears of those who share a conversation with somebody of it, and of nobody else; and in which groups of
ours that is, for only we know who is in them. It is told everything when a line to it begins, changes as they
come, and once in a while what was lost or came about otherwise: a hint that went astray, somebody who met the
first one there.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from protocol.errors import OK
from protocol.realms import GROUPS_MAX, PeerPresence, Presences
from services import hints
from services.realm.house import House, Peer
from services.realm.line import LOST, Answer
from services.storage import acquaintances
from services.storage.acquaintances import Acquainted

AT_ONCE: Final = 5000
"""Names in one request, of users and groups; what there is more follows when that was answered."""

ANEW: Final = 30.0
"""Seconds between two looks at everybody, for what hints did not say."""

SOON: Final = 1.0
"""Seconds until the next of them when somebody has just met somebody there."""

LEAST: Final = 5.0
"""Seconds between two of them at least, or who sends us one stranger after the other would keep us busy."""

AGAIN: Final = 5.0
"""Seconds after which a peer that would not hear it is told everything again."""


class Told(NamedTuple):
    """Somebody whom the peer takes for online, and the groups in which they are with somebody of it."""

    name: str
    groups: list[str]


class PresencePart:
    """What one peer has been told of our users, and what it has yet to be told."""

    def __init__(self, house: House, peer: Peer) -> None:
        self._house = house
        self._peer = peer
        self._online: dict[int, Told] = {}
        """Whom the peer takes for online, once all of ``_news`` is told."""
        self._hinted: set[int] = set()
        self._news: list[PeerPresence] = []
        self._whole = True
        """``_news`` begins with everybody, and whoever is not in it is offline."""
        self._asking = False
        self._next_look = 0.0
        self._looked_at = 0.0

    def hinted(self, hint: hints.Hint) -> None:
        """Somebody of ours came or went."""
        if isinstance(hint, hints.Presence):
            self._hinted.update(hint.users)

    def changed(self, up: bool) -> None:
        """A line that is new knows nothing."""
        self._begin_anew(0.0)

    def nudge(self) -> None:
        """Somebody of us and somebody of the peer's may share a conversation now who shared none."""
        if not self._whole:
            soon = max(self._house.now + SOON, self._looked_at + LEAST)
            self._next_look = min(self._next_look, soon)

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
                self._looked_at = self._house.now
                self._next_look = self._house.now + ANEW
                users.update(self._online, acquaintances.online(tx, self._peer.realm))
            found = acquaintances.among(tx, self._peer.realm, sorted(users))
            groups = acquaintances.groups_with(tx, self._peer.realm, [each.id for each in found])
        self._compare(users, found, groups)
        return self._whole or bool(self._news)

    def _compare(self, users: set[int], found: list[Acquainted], groups: dict[int, list[str]]) -> None:
        online = self._online
        for user, name, here, last_seen in found:
            told = Told(name, groups.get(user, [])[:GROUPS_MAX])
            if here and online.get(user) != told:
                online[user] = told
                self._news.append(PeerPresence(name, True, self._house.wall, told.groups))
            elif not here and online.pop(user, None) is not None:
                self._news.append(PeerPresence(name, False, last_seen, told.groups))
        for user in users.difference(each.id for each in found):
            # Nothing is shared with them any more, so it is none of the peer's business since when.
            gone = online.pop(user, None)
            if gone is not None:
                self._news.append(PeerPresence(gone.name, False, 0))

    def _tell(self) -> None:
        count = _fitting(self._news)
        self._asking = True
        if not self._peer.ask("presence", Presences(self._news[:count], all=self._whole), self._told):
            self._begin_anew(self._house.now + AGAIN)
            return
        del self._news[:count]
        self._whole = False

    def _told(self, answer: Answer) -> None:
        self._asking = False
        if answer is LOST:
            return  # the line is down, and all begins anew with the next one
        if answer.status != OK:
            self._begin_anew(self._house.now + AGAIN)
        elif self._news:
            self._house.stir()


def _fitting(news: list[PeerPresence]) -> int:
    """How many of them fit into one request: ``AT_ONCE`` names at most, of users and of their groups."""
    names = 0
    for count, each in enumerate(news):
        names += 1 + len(each.groups)
        if count and names > AT_ONCE:
            return count
    return len(news)


def nudge(house: House, realm: str) -> None:
    """People here and in this realm may have become acquainted."""
    peer = house.peers.get(realm)
    for part in peer.parts if peer is not None else []:
        if isinstance(part, PresencePart):
            part.nudge()
