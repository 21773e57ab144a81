"""Groups: which there are, creating, joining, leaving, and who is in one.

Belongs here: that. What is said in one is ``room``'s, and that it is one of ours ``talks``'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client.gui.model.problem import Problem
from protocol.events import MembershipEvent, PresenceEvent

if TYPE_CHECKING:
    from client.gui.model.model import Model


@dataclass(frozen=True)
class GroupRow:
    """A group as anyone may see it; ``name`` without ``#``. ``password``: one is needed to join."""

    name: str
    members: int
    password: bool
    member: bool


@dataclass(frozen=True)
class Member:
    """One member of the group that is looked at. ``joined_at`` in microseconds."""

    user: str
    creator: bool
    online: bool
    joined_at: int


class Groups:
    """``rows``: every group by name. ``of``: the group (without #) whose ``members`` are looked at, or ''.

    ``busy``: something was asked for and is not answered. ``problem``: why the last thing was not done, with
    ``about`` ``name`` or ``password``.
    """

    def __init__(self, model: Model) -> None:
        self.rows: list[GroupRow] = []
        self.loaded = False
        self.of = ""
        self.members: list[Member] = []
        self.busy = False
        self.problem: Problem | None = None
        self._model = model

    def found(self, query: str) -> list[GroupRow]:
        """Those whose name has every word of ``query`` in it, whatever the case; '' = all."""
        raise NotImplementedError

    async def load(self) -> None:
        """Ask which there are."""
        raise NotImplementedError

    async def create(self, name: str, password: str = "") -> bool:
        """Create a group, and open it. ``name`` with or without ``#``."""
        raise NotImplementedError

    async def join(self, name: str, password: str = "") -> bool:
        """Become a member, and open it; ``team@b`` is a group of another realm."""
        raise NotImplementedError

    async def leave(self, name: str) -> bool:
        """Leave; its conversation is gone from the list."""
        raise NotImplementedError

    async def look(self, name: str) -> None:
        """Ask for the members of a group; '' = look at none."""
        raise NotImplementedError

    async def remove(self, name: str, user: str) -> bool:
        """Remove a member; only the group's creator may."""
        raise NotImplementedError

    def clear(self) -> None:
        """Another form is shown, or somebody types: what was wrong is said no more."""
        raise NotImplementedError

    def presence(self, event: PresenceEvent) -> None:
        """A member came or went."""
        raise NotImplementedError

    def membership(self, event: MembershipEvent) -> None:
        """Somebody joined or left."""
        raise NotImplementedError
