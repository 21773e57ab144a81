"""The ways in which somebody's access ends, and what it ends: data for the tests and for the page.

Not here: what is checked after it (``test_endings``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from tests.authorisation.circle import Circle
from tests.authorisation.stage import PASSWORD


class Ending(NamedTuple):
    """``end`` ends it; when it returns, an ``ok`` has been heard. ``title`` is a line in the document.

    ``session``: the device has lost everything. Otherwise all of ani's devices have lost the group.
    """

    title: str
    session: bool
    end: Callable[[Circle], None]


def removed(circle: Circle) -> None:
    """The group's creator removes ani."""
    circle.budi.ask("group.remove", group=circle.group, user=circle.phone.name)


def left(circle: Circle) -> None:
    """Ani leaves the group, on the phone."""
    circle.phone.ask("group.leave", group=circle.group)


def left_elsewhere(circle: Circle) -> None:
    """Ani leaves the group, on the laptop."""
    circle.laptop.ask("group.leave", group=circle.group)


def revoked(circle: Circle) -> None:
    """The laptop ends the phone's session."""
    circle.laptop.ask("auth.revoke", session=circle.phone.session)


def revoked_itself(circle: Circle) -> None:
    """The phone ends its own session by number."""
    circle.phone.ask("auth.revoke", session=circle.phone.session)


def password_changed(circle: Circle) -> None:
    """The laptop changes the password."""
    circle.laptop.ask("auth.password", old=PASSWORD, new="rahasia-lain")


def logged_out(circle: Circle) -> None:
    """The phone logs out, and keeps all that it knew."""
    circle.phone.ask("auth.logout")


def evicted(circle: Circle) -> None:
    """So many devices log in that the phone, silent longest, is ended."""
    circle.laptop.ask("auth.resume", token=circle.laptop.token)
    for _ in range(circle.room_for_sessions):
        circle.stage.login(circle.phone.name)


ENDINGS: Final = {
    "removed": Ending("removed from the group", False, removed),
    "left": Ending("left the group", False, left),
    "left elsewhere": Ending("left the group on another device", False, left_elsewhere),
    "revoked": Ending("session revoked by another device", True, revoked),
    "revoked itself": Ending("session revoked by itself", True, revoked_itself),
    "password changed": Ending("password changed by another device", True, password_changed),
    "logged out": Ending("logged out", True, logged_out),
    "evicted": Ending("ended by `sessions_per_user`", True, evicted),
}
"""By a short name."""
