"""Patience: what one peer asked and has no answer yet, how much of that there may be, and for how long.

Belongs here: requests that are not answered in the moment in which they come, as a join that waits for a
hash. Whoever asked takes us for away when an answer is long in coming, and everything else with it; so what
takes too long is answered by ``busy`` in time. It is done all the same, and found done when asked again.
"""

from __future__ import annotations

from typing import Final

from protocol.errors import Busy
from services.realm.house import House, Peer, Reply, refuse

PART: Final = 0.5
"""Of the time that an answer may take, after which we do not let anybody wait any longer."""

AGAIN: Final = 1.0
"""Seconds after which it may be asked again."""


class Patience:
    """One peer's requests that wait to be done."""

    def __init__(self, house: House, peer: Peer) -> None:
        self._house = house
        self._peer = peer
        self._waiting: dict[int, tuple[float, Reply]] = {}
        self._number = 0

    def wait(self, reply: Reply) -> Reply:
        """What to answer with in place of ``reply``. Raises ``Busy`` when too many wait already."""
        most = self._house.settings.realm_open_requests
        if len(self._waiting) >= most:
            raise Busy(f"{most} requests of yours wait here already.", retry_after=AGAIN)
        self._number += 1
        number = self._number
        self._waiting[number] = self._house.now + self._house.times.answer * PART, reply

        def answer(status: str, body: bytes) -> None:
            waiting = self._waiting.pop(number, None)
            if waiting is not None:
                waiting[1](status, body)

        return answer

    def turn(self) -> None:
        """Let nobody wait any longer whose time is up."""
        late = [number for number, (until, _) in self._waiting.items() if self._house.now >= until]
        for number in late:
            refuse(self._waiting.pop(number)[1], Busy("This takes too long at present.", retry_after=AGAIN))

    def changed(self, up: bool) -> None:
        """Our own line says nothing of theirs, on which they ask."""


def of(peer: Peer) -> Patience:
    """The peer's."""
    return next(part for part in peer.parts if isinstance(part, Patience))
