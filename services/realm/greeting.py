"""Hello: what a peer says first, and every few seconds on a quiet line. Here: our answer to it."""

from __future__ import annotations

from typing import Any

from config.version import VERSION
from protocol import realms as language
from protocol.errors import Forbidden
from services.realm.house import House, Reply, grant
from services.realm.invitation import checked_address
from services.realm.peer import Peer
from services.storage import realms


def hello(house: House, peer: Peer, body: Any, reply: Reply) -> None:
    """A peer says that it is there; if we took it for away, we try it at once."""
    if body.realm != peer.name:
        raise Forbidden(f"By its key this is {peer.name}, and not {body.realm[:64]!r}.")
    came_back = peer.start not in (0, body.start)
    peer.start = body.start
    if came_back:
        peer.taken = 0
    grant(reply, language.HelloReply(house.settings.realm, house.start, house.wall, VERSION))
    _moved(house, peer, body.address)
    peer.line.announced(house.now, came_back)


def _moved(house: House, peer: Peer, address: str) -> None:
    """A peer says where it is reached now. We go there with the next look, and trust its key alone."""
    if address in ("", peer.realm.address):
        return
    try:
        said = checked_address(address)
    except ValueError:
        house.gate.count(peer.name, "address")
        return
    if said != peer.realm.address:
        with house.store.write() as tx:
            realms.set_address(tx, peer.realm.id, said)
        house.log.info("realm has moved", realm=peer.name, address=said)
