"""Pairing: how two realms come to know each other's name, address and key, and how that ends.

Belongs here: the rules, on both sides, as plain functions in a transaction. Not here: the string that is
handed over (``invitation``), the talk itself (``joining`` asks, ``asked`` answers), options and sentences of
the command (``program``).

A name belongs to the key that first came with it, also after the realm was removed: only who runs the server
can give it to another one (``replace``), for whoever holds the key then is everybody of that name here.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final, NamedTuple

from protocol.addresses import REALM_PATTERN
from protocol.errors import Conflict, Failure, Forbidden, Invalid, NotFound
from protocol.realms import SECRET_BYTES, Pair, PairReply
from services.realm.house import House, Reply, grant
from services.realm.invitation import Invitation, checked_address
from services.storage import outbox, realms
from services.storage.engine import Duplicate, Transaction
from services.storage.realms import Realm, State

SECOND: Final = 1_000_000
REMEMBERED: Final = 30 * 86_400 * SECOND
"""Microseconds after which an invitation that is over is forgotten."""


class Ourselves(NamedTuple):
    """Our own name and key."""

    name: str
    key: bytes


def invite(
    tx: Transaction, ours: Ourselves, address: str, now: int, seconds: int, replaces: str
) -> Invitation:
    """A new invitation, which may be taken once, for so many seconds."""
    realms.forget_invites(tx, now - REMEMBERED)
    secret = secrets.token_bytes(SECRET_BYTES)
    until = now // SECOND + seconds
    realms.invite(tx, _hashed(secret), now, until * SECOND, replaces)
    return Invitation(ours.name, address, ours.key, secret, until)


def accept(tx: Transaction, ours: Ourselves, key: bytes, asked: Pair, now: int) -> None:
    """Somebody with this key shows an invitation of ours. The same again, by the same, is granted again, with
    another address perhaps.

    Raises ``Forbidden``, ``Conflict`` or ``Invalid``, with a sentence for who runs the other server.
    """
    secret = _hashed(asked.secret)
    found = realms.invited(tx, secret)
    if found is None:
        raise Forbidden(f"{ours.name} does not know this invitation.")
    name, known = asked.realm, realms.named(tx, asked.realm)
    if found.used_by:
        if known is not None and (found.used_by, known.key, known.state) == (name, key, State.PAIRED):
            realms.set_address(tx, known.id, _address(asked.address))
            return
        raise Forbidden("This invitation was used already; ask for another one.")
    if now >= found.expires_at:
        raise Forbidden(
            f"This invitation is over, since {_ago(now - found.expires_at)}; ask for another one."
        )
    if not re.match(REALM_PATTERN, name):
        raise Invalid("A realm's name has a-z, 0-9, dots and dashes, 64 of them at most.")
    address = _address(asked.address)
    may_replace = found.replaces == name
    _check(ours, known, name, key, may_replace, f"pesan realm invite --replace {name}")
    _pair(tx, ours, name, key, address, now)
    realms.used(tx, secret, name, now)


def may_join(tx: Transaction, ours: Ourselves, invitation: Invitation, replace: bool) -> None:
    """Whether we may take this invitation, before anybody is asked. Raises ``Conflict``, ``Forbidden``."""
    known = realms.named(tx, invitation.realm)
    _check(ours, known, invitation.realm, invitation.key, replace, "pesan realm join --replace …")
    other = realms.keyed(tx, invitation.key)
    if other is not None and other.name != invitation.realm and not replace:
        raise Conflict(f"This realm is known here as {other.name}.")


def adopt(tx: Transaction, ours: Ourselves, invitation: Invitation, now: int, replace: bool) -> None:
    """The other side has accepted: they are our peer, too. Raises as ``may_join``."""
    may_join(tx, ours, invitation, replace)
    _pair(tx, ours, invitation.realm, invitation.key, invitation.address, now)


def end(tx: Transaction, name: str, state: State) -> Realm:
    """Block, unblock (``PAIRED``) or remove a realm; as it was. Raises ``NotFound``, ``Conflict``."""
    realm = realms.named(tx, name)
    if realm is None:
        raise NotFound(f"No realm here is called {name}; pesan realm list shows them.")
    if realm.state == State.REMOVED != state:
        raise NotFound(f"{name} was removed; an invitation pairs with it again.")
    if state == State.PAIRED and realm.state != State.BLOCKED:
        raise Conflict(f"{name} is not blocked.")
    realms.set_state(tx, realm.id, state)
    if state == State.REMOVED:
        give_up(tx, realm)
    return realm


def give_up(tx: Transaction, realm: Realm) -> None:
    """What waits for a realm that was removed is refused."""
    removed = f"{realm.name} was removed before it"
    outbox.give_up(tx, realm.id, Forbidden.code, f"{removed} had this.", f"{removed} sent this back.")


def pair(house: House, key: bytes, asked: Pair, reply: Reply) -> None:
    """Answer who shows an invitation; whether they are let in or not is in the log."""
    ours = Ourselves(house.settings.realm, house.key)
    try:
        with house.store.write() as tx:
            accept(tx, ours, key, asked, house.wall)
    except Failure as failure:
        house.log.warning("invitation refused", realm=asked.realm[:64], reason=failure.message)
        raise
    house.log.info("paired", realm=asked.realm)
    house.look()
    peer = house.peers.get(asked.realm)
    grant(reply, PairReply(house.settings.realm, peer is not None and peer.line.up))


def _check(ours: Ourselves, known: Realm | None, name: str, key: bytes, replace: bool, how: str) -> None:
    if key == ours.key:
        raise Conflict(f"That is {ours.name} itself; an invitation is for another server.")
    if name == ours.name:
        raise Conflict(f"Both realms are called {name}; PESAN_REALM gives one of them another name.")
    if known is not None and known.state == State.BLOCKED:
        raise Forbidden(f"{name} is blocked by {ours.name}.")
    if known is not None and known.key != key and not replace:
        raise Conflict(
            f"{ours.name} knows {name} with another key. If it was set up anew: {how} there lets the new one "
            "take its place."
        )


def _pair(tx: Transaction, ours: Ourselves, name: str, key: bytes, address: str, now: int) -> None:
    try:
        with tx.savepoint():
            realms.pair(tx, name, key, address, now)
    except Duplicate:
        raise Conflict(f"{ours.name} knows this server by another name.") from None


def _address(text: str) -> str:
    try:
        return checked_address(text)
    except ValueError as error:
        raise Invalid(str(error)) from None


def _hashed(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def _ago(microseconds: int) -> str:
    minutes = microseconds // (60 * SECOND)
    return f"{minutes} minutes" if minutes > 1 else "a moment ago"
