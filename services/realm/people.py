"""People of a peer as callers: from the bare name that it says to the row that its user has here.

Belongs here: who may be spoken for (a peer's own users, by proper names), and how many of them are known.
Not here: what they ask. A row once made is never deleted and never another person's, so what was found is
remembered.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from protocol.addresses import checked_name, name_key
from protocol.errors import Forbidden
from services.storage import foreigners
from services.storage.foreigners import Foreigner

if TYPE_CHECKING:
    from services.realm.house import House

REMEMBERED: Final = 20_000
"""People of one peer whose rows are remembered; then all are forgotten."""

LINE_SECONDS: Final = 1.0
"""Seconds between two lines in the log about one peer: who floods us does not flood the log."""


class ForeignSender(Forbidden):
    """A peer that speaks for somebody else's user. Refused like anything forbidden, and logged."""


class People:
    """The users of the realm ``realm``, as far as we have met them."""

    def __init__(self, house: House, realm: str) -> None:
        self._house = house
        self._realm = realm
        self._known: dict[str, Foreigner] = {}
        self._foreign = 0
        """How often the peer spoke for others, since that was last logged."""
        self._next_line = 0.0

    def caller(self, name: str) -> Foreigner:
        """One of them, by the bare name that the peer said; met if they were not.

        Raises ``ForeignSender``, ``Invalid`` for what is no name, ``Forbidden`` when there are too many.
        """
        try:
            own(name)
        except ForeignSender:
            self.log_foreign(name, 1)
            raise
        found = self.meet([name]).get(name_key(name))
        if found is None:
            raise self.too_many()
        return found

    def find(self, names: Iterable[str]) -> dict[str, Foreigner]:
        """Those of these proper names whom we have met, by ``name_key``."""
        found, unsure = self._remembered(names)
        if unsure:
            with self._house.store.read() as tx:
                for key in unsure:
                    who = foreigners.named(tx, key, self._realm)
                    if who is not None:
                        found[key] = self._known[key] = who
        return found

    def meet(self, names: Iterable[str]) -> dict[str, Foreigner]:
        """The same, and who is new is met, as far as there is room: who is missing is one too many."""
        found, new = self._remembered(names)
        if new:
            met: dict[str, Foreigner] = {}
            with self._house.store.write() as tx:
                room = self._house.settings.realm_users - foreigners.count(tx, self._realm)
                for key, name in new.items():
                    who = foreigners.named(tx, name, self._realm)
                    if who is None and room > 0:
                        room -= 1
                        who = foreigners.met(tx, name, self._realm, self._house.wall)
                    if who is not None:
                        met[key] = who
            self._known.update(met)  # only now: what was not committed never was
            found.update(met)
        return found

    def _remembered(self, names: Iterable[str]) -> tuple[dict[str, Foreigner], dict[str, str]]:
        """Who of these is remembered, and the names of the others, both by key."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
        found: dict[str, Foreigner] = {}
        others: dict[str, str] = {}
        for name in names:
            key = name_key(name)
            if (who := self._known.get(key)) is not None:
                found[key] = who
            else:
                others.setdefault(key, name)
        return found, others

    def too_many(self) -> Forbidden:
        """What is said of those for whom there is no room."""
        most = self._house.settings.realm_users
        return Forbidden(f"We know {most} users of {self._realm} already, and that is the limit.", limit=most)

    def log_foreign(self, name: str, count: int) -> None:
        """Note that the peer spoke for others, ``count`` times more; ``name`` is one of them."""
        self._foreign += count
        if self._house.now >= self._next_line:
            self._next_line = self._house.now + LINE_SECONDS
            self._house.log.warning("foreign sender", realm=self._realm, user=name[:128], count=self._foreign)
            self._foreign = 0


def own(name: str) -> str:
    """``name`` itself, if it is the bare and proper name of a peer's own user. Raises as ``caller`` does."""
    if "@" in name:
        raise ForeignSender("A realm speaks only for its own users.")
    return checked_name(name)
