"""The older protocols as doors, and what can be said at each.

``SAYS`` of a door has that: a command, what it is about, and the relations for which there is no word. How it
is said, and what an answer means, is in ``seats``. Not here: any expectation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from tests.authorisation.doors import Door
from tests.authorisation.seats import BracketSeat, FtpSeat, JsonSeat, LineSeat, SignupSeat
from tests.authorisation.table import SESSION_ENDED, Case


class Line(Door):
    """A dialect's port."""

    PORT: ClassVar[int]
    SEAT: ClassVar[type[LineSeat]]
    SAYS: ClassVar[Mapping[tuple[str, str], frozenset[str]]]

    def __init__(self, port_base: int) -> None:
        self._port = port_base + self.PORT
        self._seats: list[LineSeat] = []

    @classmethod
    def expresses(cls, case: Case) -> bool:
        """Whether there are words for it. Who logs out and is out already is told that they are out."""
        key = (case.command, case.about)
        out = case.command == "auth.logout" and case.state in SESSION_ENDED
        return key in cls.SAYS and case.relation not in cls.SAYS[key] and not out

    def seat(self) -> LineSeat:
        """See ``Door``."""
        self._seats.append(self.SEAT(self._port))
        return self._seats[-1]

    def close(self) -> None:
        """See ``Door``."""
        for seat in self._seats:
            seat.close()


ALL: Final = frozenset[str]()
"""There are words for every relation."""
_ACCOUNTS: Final = {
    ("auth.register", "a free name"): ALL,
    ("auth.register", "a name that is taken"): ALL,
    ("auth.login", "the right password"): ALL,
    ("auth.login", "a wrong password"): ALL,
    ("auth.login", "a name of nobody"): ALL,
    ("auth.logout", "-"): ALL,
}
_GROUPS: Final = {
    ("message.send", "to a group"): ALL,
    ("group.create", "a free name"): ALL,
    ("group.create", "a name that is taken"): ALL,
}
_OPEN_GROUPS: Final = {
    ("group.join", "without its password"): ALL,
    ("group.join", "one without a password"): ALL,
    ("message.history", "with a group"): ALL,
    ("file.begin", "to a group"): ALL,
}
ONESELF: Final = frozenset({"self"})


class Bracket(Line):
    """``[OK]`` and ``[ERR]``."""

    name, PORT, SEAT = "bracket", 11, BracketSeat
    SAYS: ClassVar = {
        **_ACCOUNTS,
        **_GROUPS,
        ("user.whoami", "-"): ALL,
        ("user.online", "-"): ALL,
        ("message.send", "to a user"): ALL,
        ("message.broadcast", "to everyone"): ALL,
        ("conversation.list", "-"): ALL,
        ("group.join", "with its password"): ALL,
        ("group.join", "with a wrong password"): ALL,
        ("group.leave", "a group"): ALL,
    }
    commands = frozenset(command for command, _ in SAYS)


class Signup(Line):
    """Nobody talks to themselves here."""

    name, PORT, SEAT = "signup", 10, SignupSeat
    SAYS: ClassVar = {
        **_ACCOUNTS,
        **_GROUPS,
        **_OPEN_GROUPS,
        ("message.send", "to a user"): ONESELF,
        ("message.history", "with a user"): ONESELF,
        ("group.leave", "a group"): ALL,
        ("file.begin", "to a user"): ONESELF,
    }
    commands = frozenset(command for command, _ in SAYS)


class Json(Line):
    """``status`` and ``data``. Who is nobody has said nothing: that is an empty inbox."""

    name, PORT, SEAT = "json", 13, JsonSeat
    SAYS: ClassVar = {
        **_ACCOUNTS,
        **_GROUPS,
        **_OPEN_GROUPS,
        ("user.list", "-"): ALL,
        ("message.send", "to a user"): ALL,
        ("message.send", "to another realm"): ALL,
        ("message.history", "with a user"): frozenset({"nothing"}),
        ("file.begin", "to a user"): ALL,
    }
    commands = frozenset(command for command, _ in SAYS)


class Ftp(Line):
    """One's own files. Who leaves hangs up."""

    name, PORT, SEAT = "ftp", 12, FtpSeat
    SAYS: ClassVar = {
        ("auth.login", "the right password"): ALL,
        ("auth.login", "a wrong password"): ALL,
        ("auth.login", "a name of nobody"): ALL,
        ("file.begin", "in one's own space"): ALL,
        ("file.list", "one's own folder"): ALL,
        ("file.stat", "a path"): ALL,
        ("file.delete", "a path"): ALL,
    }
    commands = frozenset(command for command, _ in SAYS)


DIALECTS: Final[dict[str, type[Line]]] = {door.name: door for door in (Signup, Bracket, Ftp, Json)}
