"""A peer: a realm that we are paired with, our line to it, and what we do for it by ourselves.

Belongs here: what is kept for each peer, and what its coming and going means here. Not here: all of them
together (``house``), what is said on the line (the parts, one file a noun).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from protocol import realms as language
from protocol.body import Body
from services import hints
from services.realm.line import Answer, Dial, Line
from services.realm.pace import Pace
from services.realm.people import People
from services.storage import realms
from services.storage.engine import StoreUnavailable
from services.storage.realms import Realm

if TYPE_CHECKING:
    from services.realm.house import House

CONTACT: Final = 30_000_000
"""Microseconds after which it is noted once more that a realm answers."""


class Part(Protocol):
    """What we do for one peer by ourselves: deliver, push, …"""

    def turn(self) -> None:
        """Something may have changed: see whether there is anything to ask. Cheap when there is not."""

    def changed(self, up: bool) -> None:
        """The line went up or down."""


@runtime_checkable
class Hinted(Protocol):
    """A part that is told, too, who of ours comes, goes or types."""

    def hinted(self, hint: hints.Hint) -> None:
        """Somebody did. Only to be noted; what there is to ask is asked in the part's turn."""


class Peer:
    """A paired realm, and our line to it."""

    def __init__(self, house: House, realm: Realm, dial: Dial) -> None:
        self.house = house
        self.realm = realm
        self.dial = dial
        self.start = 0
        """The number of the process that last said hello to us."""
        self.people = People(house, realm.name)
        self.pace = Pace(house.times.answer)
        self.taken = 0
        """The last of that process's items that we took."""
        self.line = Line(dial, house.times, house.hello, self._heard, self._changed, house.rng)
        self.parts: list[Part] = [make(house, self) for make in house.parts]

    @property
    def name(self) -> str:
        """Its name."""
        return self.realm.name

    def ask(self, kind: str, body: Body, then: Callable[[Answer], None]) -> bool:
        """Ask it something; False, and nothing is asked, while it is away."""
        return self.line.ask(self.house.now, kind, body, partial(self._answered, kind, then))

    def _answered(self, kind: str, then: Callable[[Answer], None], answer: Answer) -> None:
        """Hand an answer over; whatever it does there, nobody else's answer is lost by it."""
        log = self.house.log
        try:
            then(answer)
        except ValueError:
            log.warning("not an answer", realm=self.name, kind=kind)
        except StoreUnavailable as error:
            log.warning("store unavailable", realm=self.name, reason=str(error))
        except Exception as error:
            log.fault("realm", kind, error)

    def _heard(self, answer: Answer) -> str:
        try:
            reply = language.read_reply(language.HelloReply, answer.body)
        except ValueError:
            return "It does not answer as a realm would."
        if reply.realm != self.name:
            return f"It says that it is {reply.realm[:64]!r} now."
        if self.line.up and self.house.wall - self.realm.contact_at > CONTACT:
            self._note()
        return ""

    def _note(self) -> None:
        """Have the store know whether it is there."""
        house = self.house
        try:
            with house.store.write() as tx:
                if self.line.up:
                    realms.answered(tx, self.realm.id, house.wall)
                else:
                    realms.silent(tx, self.realm.id, house.wall, self.line.trouble)
        except StoreUnavailable as error:
            house.log.warning("realm state not stored", realm=self.name, reason=str(error))

    def _changed(self, up: bool) -> None:
        house = self.house
        self._note()
        house.log.info("realm answers" if up else "realm is away", realm=self.name, reason=self.line.trouble)
        if not up:
            self.pace.lost()
        self.tell(up)
        house.stir()

    def tell(self, up: bool) -> None:
        """Tell every part that the line is up, or down; one part's trouble is no other's."""
        for part in self.parts:
            try:
                part.changed(up)
            except Exception as error:
                self.house.log.fault("realm", type(part).__name__, error)
