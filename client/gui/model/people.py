"""Who there is, and who is online.

Belongs here: users of our server. Members of a group are ``groups``'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol.events import PresenceEvent

if TYPE_CHECKING:
    from client.gui.model.model import Model


@dataclass(frozen=True)
class Person:
    """``last_seen`` in microseconds, 0 when never seen."""

    user: str
    online: bool
    last_seen: int


class People:
    """Every user of our server but us; who is online first, then by name."""

    def __init__(self, model: Model) -> None:
        self.rows: list[Person] = []
        self.loaded = False
        self._model = model

    def found(self, query: str) -> list[Person]:
        """Those whose name has every word of ``query`` in it, whatever the case; '' = all."""
        raise NotImplementedError

    def online(self, user: str) -> bool | None:
        """Whether somebody is online; None when it is not known."""
        raise NotImplementedError

    def get(self, user: str) -> Person | None:
        """What is known of somebody, also of another realm."""
        raise NotImplementedError

    async def load(self) -> None:
        """Ask who there is. Asked again by itself while somebody looks: see ``watch``."""
        raise NotImplementedError

    def watch(self, looking: bool) -> None:
        """Whether somebody looks at the list: then it is asked for anew every half minute."""
        raise NotImplementedError

    async def look_up(self, user: str) -> None:
        """Ask about one, e.g. of another realm; ``get`` knows then."""
        raise NotImplementedError

    def presence(self, event: PresenceEvent) -> None:
        """Somebody came or went."""
        raise NotImplementedError
