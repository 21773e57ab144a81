"""What other realms fetch from us: bytes of files in conversations that they have a part in, no others.

Belongs here: who may have which bytes. Not here: what we fetch ourselves (``fetching``), reading (``depot``).
"""

from __future__ import annotations

from typing import Any, Final

from protocol.errors import Busy, Failure, Internal, Invalid, NotFound, Unavailable
from protocol.realms import FetchChunk, FetchReply
from services.file import staging
from services.file.blobs import Missing
from services.realm.house import House, Peer, Reply, grant, refuse
from services.storage import fetches

AGAIN: Final = 1.0
"""Seconds after which bytes may be asked for again that are on their way to us."""


def fetch(house: House, peer: Peer, body: FetchChunk, reply: Reply) -> None:
    """The request ``fetch`` of a peer.

    Raises ``NotFound`` for all that it may not have, ``Busy`` while we have to fetch it ourselves.
    """
    with house.store.read() as tx:
        file = fetches.shared(tx, body.file, peer.name)
        ours = fetches.get(tx, body.file) if file is not None and file.sha256 is None else None
    if file is None:
        raise NotFound("There is no such file for you.")
    if body.offset > file.size:
        raise Invalid(f"The file has {file.size} bytes.")
    if file.sha256 is None:
        if ours is not None and ours.to_be_wanted(house.wall):
            with house.store.write() as tx:
                fetches.want(tx, body.file, house.wall)
            house.stir()
        elif ours is not None and ours.state == fetches.State.FAILED:
            raise Unavailable("This file cannot be had at present.", retry_after=AGAIN)
        held = staging.fetched_bytes(house.settings, ours) if ours is not None else 0
        raise Busy("This file is on its way here.", retry_after=AGAIN, held=held)
    length = min(body.size, file.size - body.offset)

    def then(outcome: Any) -> None:
        if isinstance(outcome, bytes):
            grant(reply, FetchReply(outcome))
        else:
            refuse(reply, _trouble(house, outcome))

    house.depot.read(file.sha256, body.offset, length, then)


def _trouble(house: House, error: Any) -> Failure:
    if isinstance(error, Missing):
        house.log.warning("bytes of a file are not in storage: see pesan admin fsck")
        return Internal("The bytes of this file are lost.")
    if isinstance(error, OSError):
        house.log.warning("files cannot be read", error=str(error.strerror))
        return Unavailable("Files cannot be read at present.", retry_after=AGAIN)
    house.log.fault("realm", "fetch", error)
    return Internal("A fault of this realm's; its log says more.")
