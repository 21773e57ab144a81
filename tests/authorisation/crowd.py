"""A scene in which ani is everything at once, for doors at which every case is played by one test.

What a case changes is put right behind it, so that one scene does for all: a scene costs a dozen logins.
"""

from __future__ import annotations

import time

from tests.authorisation.aims import fields
from tests.authorisation.dialects import Line
from tests.authorisation.doors import PATIENCE, Outcome, Seat
from tests.authorisation.stage import SESSIONS_PER_USER, Scene, Stage
from tests.authorisation.table import LOGGED_IN, SESSION_ENDED, Case, cases

TO_GROUPS = ("creator", "member", "stranger", "removed", "left")


class Crowd(Scene):
    """Ani at a dialect's door. Each relation has a pair of groups; ``becomes`` says which is meant."""

    def __init__(self, stage: Stage, door: Line) -> None:
        self._groups: dict[str, tuple[str, str, int]] = {}
        super().__init__(stage, door, Case("-", "-", "-", "self", "-"), ended=True)

    def _make_groups(self, ani: Seat, files: bool) -> None:
        for relation in TO_GROUPS:
            self._make_group(relation)

    def _make_group(self, relation: str) -> None:
        """Groups to which ani is that, made natively: not every door has all the words."""
        self.relation = relation
        super()._make_groups(self.keeper, files=False)
        self._groups[relation] = (self.locked, self.open, self.locked_number)

    def becomes(self, relation: str) -> None:
        """Ani is that to the groups that are spoken of now."""
        self.relation = relation
        if relation in self._groups:
            self.locked, self.open, self.locked_number = self._groups[relation]

    def play(self, case: Case) -> Outcome:
        """One case; afterwards all is as it was."""
        self.becomes(case.relation)
        outcome = self.seats[case.state].do(case.command, **fields(self, case))
        if outcome.code == "ok" and case.command in ("group.join", "group.leave"):
            self._make_group(case.relation)
        if case.command in ("auth.login", "auth.logout"):
            self._restore(case.state)
        return outcome

    def _restore(self, state: str) -> None:
        """Whoever sits there now, it was somebody who is logged in as ani, or nobody."""
        if state in LOGGED_IN:
            self.seats[state].close()
            self._until_gone()
            self._sit_down(state)
        elif state == "none":
            self.seats[state].close()
            self.seats[state] = self._door.seat()

    def _until_gone(self) -> None:
        """A gateway ends the session of who has gone some moments later: until then it counts."""
        deadline = time.monotonic() + PATIENCE / 1000
        while len(self.keeper.ask("auth.sessions")["sessions"]) >= SESSIONS_PER_USER:
            assert time.monotonic() < deadline


def cases_at(door: type[Line]) -> list[Case]:
    """All for which there are words. Those come last that log in where a session has ended: it stays so."""
    found = [case for case in cases() if door.expresses(case)]
    return sorted(found, key=lambda case: (case.command, case.state in SESSION_ENDED) == ("auth.login", True))
