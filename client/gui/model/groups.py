"""Groups: which there are, creating, joining, leaving, and who is in one.

Belongs here: that. What is said in one is ``room``'s, and that it is one of ours ``talks``'.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from client.errors import ClientError
from client.gui.model.changes import Part
from client.gui.model.finding import finder
from client.gui.model.form import Form
from client.gui.model.problem import NO_NAME, Problem, problem
from protocol.addresses import Kind, name_key, parse
from protocol.errors import Conflict, Failure, Invalid, InvalidCredentials, NotFound
from protocol.events import MembershipEvent, PresenceEvent

if TYPE_CHECKING:
    from client.gui.model.model import Model


@dataclass(frozen=True)
class GroupRow:
    """A group as anyone may see it; ``name`` without ``#``. ``password``: one is needed to join.

    Of another realm (``team@b``) only those are known that we are in, and ``members`` is 0: not known.
    """

    name: str
    members: int
    password: bool
    member: bool


@dataclass(frozen=True)
class Member:
    """One member of the group that is looked at. ``joined_at`` in microseconds, 0 when it was just now."""

    user: str
    creator: bool
    online: bool
    joined_at: int


class Groups(Form):
    """``rows``: every group by name. ``of``: the group (without #) whose ``members`` are looked at, or ''.

    ``members_loaded``: whether ``members`` are all of them. What a ``problem`` is ``about``: ``name`` or
    ``password``.
    """

    def __init__(self, model: Model) -> None:
        super().__init__(model.changes, Part.GROUPS)
        self.loaded = False
        self.of = ""
        self.members: list[Member] = []
        self.members_loaded = False
        self._model = model
        self._known: dict[str, GroupRow] = {}

    @property
    def rows(self) -> list[GroupRow]:
        """Every group of our server, and those of others that we are in, by name."""
        ours = {name_key(talk.name[1:]): talk for talk in self._model.talks.rows if talk.kind == Kind.GROUP}
        rows = {
            key: row if row.member == (key in ours) else replace(row, member=key in ours)
            for key, row in self._known.items()
        }
        for key, talk in ours.items():
            if key not in rows:
                rows[key] = GroupRow(talk.name[1:], 0, False, True)
        return [rows[key] for key in sorted(rows)]

    def found(self, query: str) -> list[GroupRow]:
        """Those whose name has every word of ``query`` in it, whatever the case; '' = all."""
        fits = finder(query)
        return [row for row in self.rows if fits(f"#{row.name}")]

    async def load(self) -> None:
        """Ask which there are."""
        try:
            groups = await self._model.chat.groups()
        except (Failure, ClientError):
            return  # what was known stays; it is asked again when the line is back
        self._known = {
            name_key(group.group): GroupRow(group.group, group.members, group.password, group.member)
            for group in groups
        }
        self.loaded = True
        self._changed()

    # --- coming and going -----------------------------------------------------------------------

    async def create(self, name: str, password: str = "") -> bool:
        """Create a group, and open it. ``name`` with or without ``#``."""
        bare = _bare(name)

        async def work() -> None:
            reply = await self._model.chat.create_group(bare, password)
            await self._entered(reply.conversation, f"#{bare}")

        return await self._named(bare, work)

    async def join(self, name: str, password: str = "") -> bool:
        """Become a member, and open it; ``team@b`` is a group of another realm."""
        bare = self._model.here(_bare(name))

        async def work() -> None:
            reply = await self._model.chat.join_group(bare, password)
            known = self._known.get(name_key(bare))
            await self._entered(reply.conversation, f"#{known.name if known else bare}")

        return await self._named(bare, work)

    async def leave(self, name: str) -> bool:
        """Leave; its conversation is gone from the list."""
        bare = _bare(name)

        async def work() -> None:
            await self._model.chat.leave_group(bare)
            self._model.left(f"#{bare}")
            if name_key(self.of) == name_key(bare):
                await self.look("")

        return await self._named(bare, work)

    async def remove(self, name: str, user: str) -> bool:
        """Remove a member; only the group's creator may."""
        bare = _bare(name)

        async def work() -> None:
            await self._model.chat.remove_member(bare, user)
            self._gone(bare, user)

        return await self._named(bare, work)

    async def _entered(self, conversation: int, address: str) -> None:
        self._model.talks.know(conversation, address)
        self._model.spawn(self.load())
        self._model.spawn(self._model.open(address))

    async def _named(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Do something with a group of this name."""
        if self.busy:
            return False
        if not name:
            return self._refuse(Problem(NO_NAME, "Type the group's name.", "name"))
        try:
            parse(f"#{name}")
        except Invalid as error:
            return self._refuse(problem(error, "name"))
        return await self._do(work, _about)

    # --- who is in one --------------------------------------------------------------------------

    async def look(self, name: str) -> None:
        """Ask for the members of a group; '' = look at none."""
        bare = _bare(name)
        if name_key(bare) != name_key(self.of) or not bare:
            self.members, self.members_loaded = [], False
        self.of, self.problem = bare, None
        self._changed()
        if not bare:
            return
        try:
            found = await self._model.chat.group_members(bare)
        except (Failure, ClientError) as error:
            if self.of == bare:
                self._refuse(problem(error))
            return
        if self.of == bare:
            self.members = [Member(one.user, one.creator, one.online, one.joined_at) for one in found]
            self.members_loaded = True
            self._changed()

    # --- what is heard --------------------------------------------------------------------------

    def presence(self, event: PresenceEvent) -> None:
        """A member came or went."""
        key = name_key(event.user)
        if any(name_key(one.user) == key for one in self.members):
            self.members = [
                replace(one, online=event.online) if name_key(one.user) == key else one
                for one in self.members
            ]
            self._changed()

    def membership(self, event: MembershipEvent) -> None:
        """Somebody joined or left."""
        row = self._known.get(name_key(event.group))
        if row is not None:
            change = 1 if event.change == "joined" else -1
            self._known[name_key(event.group)] = replace(row, members=max(0, row.members + change))
        if event.change != "joined":
            self._gone(event.group, event.user)
        elif name_key(event.group) == name_key(self.of) and not self._is_member(event.user):
            online = self._model.people.online(event.user)
            self.members = [*self.members, Member(event.user, False, bool(online), 0)]
        self._changed()

    def _is_member(self, user: str) -> bool:
        return any(name_key(one.user) == name_key(user) for one in self.members)

    def _gone(self, group: str, user: str) -> None:
        if name_key(group) == name_key(self.of):
            self.members = [one for one in self.members if name_key(one.user) != name_key(user)]


def _bare(name: str) -> str:
    return name.strip().removeprefix("#")


def _about(error: Exception) -> str:
    if isinstance(error, InvalidCredentials):
        return "password"
    return "name" if isinstance(error, (Conflict, Invalid, NotFound)) else ""
