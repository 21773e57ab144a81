"""Typing across realms: said on while somebody types, stored nowhere, never queued.

Belongs here: which peers hear that somebody of ours types, and who of ours hears it of theirs. Of a group
it is said to its home, which tells the other realms. Not here: presence.
"""

from __future__ import annotations

from typing import Final

from protocol import addresses
from protocol.addresses import Address, Kind
from protocol.commands import Empty
from protocol.errors import Forbidden, Invalid, NotFound
from protocol.events import TypingEvent
from protocol.realms import PeerTyping
from services import hints
from services.context import Context
from services.realm.house import House, Peer, Reply, grant
from services.realm.line import Answer
from services.realm.people import ForeignSender, own
from services.storage import acquaintances, conversations, foreigners, groups, users
from services.storage.foreigners import Foreigner

MOST: Final = 64
"""Notices for one peer that wait for its answer, or to be said; what there is more is dropped."""


class TypingPart:
    """What one peer is told of who of ours types."""

    def __init__(self, house: House, peer: Peer) -> None:
        self._house = house
        self._peer = peer
        self._hints: list[hints.Typing] = []
        self._open = 0

    def hinted(self, hint: hints.Hint) -> None:
        """Somebody types."""
        if isinstance(hint, hints.Typing) and len(self._hints) < MOST and hint not in self._hints:
            self._hints.append(hint)

    def changed(self, up: bool) -> None:
        """What was not said by now is not worth it any more."""
        self._hints.clear()
        self._open = 0

    def turn(self) -> None:
        """Say all that there is."""
        waiting, self._hints = self._hints, []
        if not self._peer.line.up:
            return
        for hint in waiting:
            body = self._for_them(hint)
            if body is not None and self._open < MOST and self._peer.ask("typing", body, self._told):
                self._open += 1

    def _told(self, answer: Answer) -> None:
        self._open = max(0, self._open - 1)

    def _for_them(self, hint: hints.Typing) -> PeerTyping | None:
        """What the peer is told; None where it is none of its business."""
        to = addresses.parse(hint.to)
        ours = self._house.settings.realm
        bare = str(to._replace(realm=""))
        if to.realm == self._peer.name:
            return PeerTyping(hint.user, bare) if "@" not in hint.user else None
        if to.kind is not Kind.GROUP or to.realm not in ("", ours):
            return None
        if hint.user.partition("@")[2] == self._peer.name:
            return None  # they know
        with self._house.store.read() as tx:
            group = groups.named(tx, to.name)
            if group is None or not acquaintances.follows(tx, self._peer.realm, group.id):
                return None
        return PeerTyping(hint.user, f"{bare}@{ours}")


# --- what peers say -----------------------------------------------------------------------------


def asked(house: House, peer: Peer, body: PeerTyping, reply: Reply) -> None:
    """The request ``typing``. Refused where the peer's user is not in that conversation."""
    to = addresses.parse(body.to)
    if to.kind is Kind.GROUP and to.realm == peer.name:
        _in_copy(house, peer, body.user, to)
    elif to.realm not in ("", house.settings.realm):
        raise NotFound(f"There is no {body.to} here.")
    else:
        _here(house, _typist(house, peer, body.user), to)
    grant(reply, Empty())


def _typist(house: House, peer: Peer, name: str) -> Foreigner:
    """The peer's own user, whom we know, or they could be in no conversation of ours."""
    try:
        own(name)
    except ForeignSender:
        peer.people.log_foreign(name, 1)
        raise
    with house.store.read() as tx:
        found = foreigners.named(tx, name, peer.name)
    if found is None:
        raise Forbidden(f"{name} is in no conversation here.")
    return found


def _here(house: House, who: Foreigner, to: Address) -> None:
    """In a direct conversation with one of us, or in a group of ours."""
    with house.read() as ctx:
        if to.kind is Kind.DIRECT:
            _to_user(ctx, who, to.name)
        elif to.kind is Kind.GROUP:
            group = groups.named(ctx.tx, to.name)
            if group is None or not groups.is_member(ctx.tx, group.id, who.id):
                raise Forbidden(f"{who.name} is not a member of #{to.name}.")
            ctx.publish(group.topic, TypingEvent(group.id, who.name))
        else:
            raise Invalid("Nobody writes to everyone in another realm.")
    if to.kind is Kind.GROUP:
        house.hint(hints.Typing(who.name, f"#{to.name}"))


def _to_user(ctx: Context, who: Foreigner, name: str) -> None:
    user = users.named(ctx.tx, name)
    found = conversations.between(ctx.tx, who.id, user.id) if user is not None else None
    if user is None or found is None:
        raise Forbidden(f"{who.name} has no conversation with {name}.")
    ctx.publish(user.topic, TypingEvent(found.id, who.name))


def _in_copy(house: House, peer: Peer, user: str, to: Address) -> None:
    """In a group of the peer's, of which we have a copy. Its home may name members of any realm but ours."""
    who = addresses.parse(user)
    if who.kind is not Kind.DIRECT or who.realm == house.settings.realm:
        raise Invalid(f"{user[:128]!r} is nobody of whom you could tell us.")
    name = str(who._replace(realm=who.realm or peer.name))
    with house.read() as ctx:
        copy = conversations.keyed(ctx.tx, f"{to.name}@{peer.name}")
        if copy is None:
            raise NotFound(f"Nobody here is a member of #{to.name}.")
        ctx.publish(copy.topic, TypingEvent(copy.id, name))
