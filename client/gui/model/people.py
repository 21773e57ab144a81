"""Who there is, and who is online.

Belongs here: users of our server, and what was heard or asked about those of others. Members of a group are
``groups``'.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from client.errors import ClientError
from client.gui.model.changes import Part
from client.gui.model.finding import finder
from client.gui.model.problem import Problem, problem
from protocol.addresses import name_key
from protocol.errors import Failure
from protocol.events import PresenceEvent

if TYPE_CHECKING:
    from client.gui.model.model import Model

EVERY: Final = 30.0
"""Seconds between two questions while somebody looks: of strangers no event tells that they come and go."""


@dataclass(frozen=True)
class Person:
    """``last_seen`` in microseconds, 0 when never seen."""

    user: str
    online: bool
    last_seen: int


class People:
    """Every user of our server but us; who is online first, then by name."""

    def __init__(self, model: Model) -> None:
        self.loaded = False
        self._model = model
        self._known: dict[str, Person] = {}
        """By name, also of other realms."""
        self._asked: dict[str, float] = {}
        """Who said something although they seemed to be away → when it was asked about them."""
        self._sorted: list[Person] | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def rows(self) -> list[Person]:
        """Them; the same list until something changes."""
        if self._sorted is None:
            us = name_key(self._model.user)
            ours = [one for key, one in self._known.items() if "@" not in key and key != us]
            self._sorted = sorted(ours, key=lambda one: (not one.online, name_key(one.user)))
        return self._sorted

    def found(self, query: str) -> list[Person]:
        """Those whose name has every word of ``query`` in it, whatever the case; '' = all."""
        fits = finder(query)
        return [person for person in self.rows if fits(person.user)]

    def online(self, user: str) -> bool | None:
        """Whether somebody is online; None when it is not known."""
        known = self.get(user)
        return known.online if known is not None else None

    def get(self, user: str) -> Person | None:
        """What is known of somebody, also of another realm."""
        return self._known.get(name_key(user))

    async def load(self) -> None:
        """Ask who there is. Asked again by itself while somebody looks: see ``watch``."""
        try:
            users = await self._model.chat.users()
        except (Failure, ClientError):
            return  # what was known stays; it is asked again when the line is back
        elsewhere = {key: one for key, one in self._known.items() if "@" in key}
        here = {name_key(user.user): Person(user.user, user.online, user.last_seen) for user in users}
        self.loaded = True
        self._known = here | elsewhere
        self._changed()

    def watch(self, looking: bool) -> None:
        """Whether somebody looks at the list: then it is asked for anew every half minute."""
        if looking == (self._watching is not None):
            return
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        else:
            self._watching = self._model.spawn(self._watch())

    async def _watch(self) -> None:
        while True:
            await self.load()
            await asyncio.sleep(EVERY)

    async def look_up(self, user: str) -> Problem | None:
        """Ask about one, e.g. of another realm; ``get`` knows then. Else why it does not."""
        try:
            found = await self._model.chat.get_user(user)
        except (Failure, ClientError) as error:
            return problem(error)
        self._learn(Person(found.user, found.online, found.last_seen))
        return None

    def spoke(self, user: str) -> None:
        """Somebody said something, or types: if we took them for offline, or do not know them, it is asked.

        No event tells that somebody came whom we had not met; and another realm says so only to who has.
        """
        key, now = name_key(user), self._model.now()
        asked = self._asked.get(key, float("-inf"))
        if (
            self.loaded
            and not self.online(user)
            and key != name_key(self._model.user)
            and now - asked > EVERY
        ):
            self._asked[key] = now
            self._model.spawn(self.look_up(user))

    def presence(self, event: PresenceEvent) -> None:
        """Somebody came or went."""
        self._learn(Person(event.user, event.online, event.last_seen))

    def _learn(self, person: Person) -> None:
        self._known[name_key(person.user)] = person
        self._changed()

    def _changed(self) -> None:
        self._sorted = None
        self._model.changes.mark(Part.PEOPLE)
