"""The stage: people, groups and sessions brought into the states that the table speaks of.

Belongs here: who is who in a scene, and how they became it, by commands on the wire alone. Not here:
expectations (``table``), and what a row asks for (``aims``).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import zmq

from tests.authorisation.doors import DOORS, BulkLine, Door, Seat, Wire, WireSeat
from tests.authorisation.shelf import Files, Shelf, message_id
from tests.authorisation.table import LOGGED_IN, Case

PASSWORD: Final = "rahasialama"
"""Letters alone: some doors take no others."""
CHANGED: Final = "rahasiabaru"
"""Password of a scene's actor: an earlier one was changed."""
SESAME: Final = "sesame"
"""Password of the groups that have one."""

SESSIONS_PER_USER: Final = 4
"""A setting of the stage's server, small, so that it is reached."""

SPENT: Final = frozenset(
    ("auth.logout", "auth.revoke", "auth.password", "group.join", "group.leave", "group.remove")
)
"""Commands after which, if they succeed, a scene is no longer what it was."""


class Stage:
    """One server, everyone's seats, and the scenes that were built so far."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], server: str) -> None:
        self.context = context
        self.server = server
        self.wire = Wire(context, server)
        self.shelf = Shelf(BulkLine(context, server))
        self.doors: dict[str, Door] = {name: door(context, server) for name, door in DOORS.items()}
        self._scenes: dict[tuple[str, str, bool], Scene] = {}
        self._numbers = itertools.count(1)

    def number(self) -> int:
        """One that nobody had before."""
        return next(self._numbers)

    def registered(self, name: str) -> str:
        """Someone who has an account; the name, made unique."""
        unique = f"{name}{self.number()}"
        self.wire.stranger.ask("auth.register", username=unique, password=PASSWORD)
        return unique

    def person(self, name: str) -> WireSeat:
        """Someone new, logged in on the wire."""
        return self.login(self.registered(name))

    def login(self, name: str, password: str = PASSWORD, device: str = "") -> WireSeat:
        """Another device of someone, on the wire."""
        seat = self.wire.seat()
        outcome = seat.login(name, password, device)
        assert outcome.code == "ok", outcome
        return seat

    @contextmanager
    def scene(self, door: str, case: Case) -> Iterator[Scene]:
        """A scene in which the case can be played: a fresh one if playing it would change it."""
        if case.command in SPENT and case.state in LOGGED_IN:
            scene = Scene(self, self.doors[door], case)
            try:
                yield scene
            finally:
                scene.close()
            return
        key = (door, case.relation, about_files(case))
        if key not in self._scenes:
            self._scenes[key] = Scene(self, self.doors[door], case, ended=True)
        yield self._scenes[key]

    def close(self) -> None:
        """Everyone goes home."""
        self.shelf.close()
        for door in (self.wire, *self.doors.values()):
            door.close()


class Scene:
    """Ani, who acts at the door in question and is what ``relation`` says; budi, citra and dewi on the wire.

    Ani's devices are ``seats``, by the state of their session; ``numbers`` are the sessions'. ``locked`` is a
    group with a password, ``open`` one without; ``locked_number`` and the like are numbers of conversations.
    ``files`` are what lies in the locked group, where the scene is about files, and ``shared`` what its cases
    share. Citra is in both groups and has talked with ani and with budi; nobody ever talks with dewi.
    """

    def __init__(self, stage: Stage, door: Door, case: Case, ended: bool = False) -> None:
        self.stage = stage
        self.relation = case.relation
        self.files: Files | None = None
        self.shared: dict[str, Any] = {}
        self._stranger: WireSeat | None = None
        self._door = door
        self.budi, self.citra = stage.person("budi"), stage.person("citra")
        self.dewi = stage.registered("dewi")
        self.ani = stage.registered("ani")
        self.password = PASSWORD
        self.seats: dict[str, Seat] = {"none": door.seat()}
        self.numbers: dict[str, int] = {}
        if ended:
            self._end_sessions()
            self._sit_down("evicted")
        self.keeper = stage.login(self.ani, self.password, "keeper")
        for state in ("logged in", "spare", "other device"):
            self._sit_down(state)
            self.numbers[state] = max(
                each["session"] for each in self.keeper.ask("auth.sessions")["sessions"]
            )
        self._make_groups(self.seats["logged in"], about_files(case))
        self.ani_citra = self._say(self.citra, self.ani)
        self.budi_citra = self._say(self.citra, self.budi.name)
        self.notes = self._say(self.keeper, self.ani)

    def close(self) -> None:
        """Everyone hangs up."""
        for seat in (self.budi, self.citra, self.keeper, *self.seats.values()):
            seat.close()

    def stranger(self) -> WireSeat:
        """Dewi, on the wire."""
        if self._stranger is None:
            self._stranger = self.stage.login(self.dewi)
        return self._stranger

    # --- sessions -------------------------------------------------------------------------------

    def _sit_down(self, state: str) -> Seat:
        """Another device of ani's, at the door."""
        seat = self.seats[state] = self._door.seat()
        outcome = seat.login(self.ani, self.password, state)
        assert outcome.code == "ok", outcome
        return seat

    def _end_sessions(self) -> None:
        """Sessions that ended in each of the ways there are, but for the one that is evicted last."""
        keeper = self.stage.login(self.ani, self.password)
        self._sit_down("password changed")
        keeper.ask("auth.password", old=PASSWORD, new=CHANGED)
        self.password = CHANGED
        act(self._sit_down("logged out"), "auth.logout")
        self._sit_down("revoked")
        newest = max(each["session"] for each in keeper.ask("auth.sessions")["sessions"])
        keeper.ask("auth.revoke", session=newest)
        keeper.ask("auth.logout")

    # --- groups and conversations ---------------------------------------------------------------

    def _make_groups(self, ani: Seat, files: bool) -> None:
        """A device does what makes ani what they are to the groups, and leaves ``files`` there."""
        number = self.stage.number()
        self.locked, self.open = f"locked{number}", f"open{number}"
        for group, password in ((self.locked, SESAME), (self.open, "")):
            creator = ani if self.relation == "creator" else self.budi
            act(creator, "group.create", group=group, password=password)
            self.citra.ask("group.join", group=group, password=password)
            if self.relation in ("member", "removed", "left"):
                act(ani, "group.join", group=group, password=password)
            if files and group == self.locked:
                self.files = Files(self.stage.shelf, self)
            if self.relation == "removed":
                self.budi.ask("group.remove", group=group, user=self.ani)
            if self.relation == "left":
                act(ani, "group.leave", group=group)
        self.locked_number = self._say(self.citra, f"#{self.locked}")

    @staticmethod
    def _say(who: WireSeat, to: str) -> int:
        return int(who.ask("message.send", to=to, body="halo", id=message_id())["conversation"])


def about_files(case: Case) -> bool:
    """Whether the scene needs files."""
    return case.command.startswith(("file.", "chunk."))


def act(who: Seat, command: str, **fields: Any) -> None:
    """What must succeed, at whatever door."""
    outcome = who.do(command, **fields)
    assert outcome.code == "ok", f"{command}: {outcome}"
