"""What a row of the table asks for: the fields of its command, in a scene, for a caller of some relation.

Not here: which outcome that should have.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Final

from protocol.limits import GATEWAY_SECRET_BYTES
from tests.authorisation import file_aims
from tests.authorisation.doors import WireSeat
from tests.authorisation.shelf import message_id
from tests.authorisation.stage import PASSWORD, SESAME, Scene
from tests.authorisation.table import Case

NOBODY: Final = "nobody"
"""No user and no group is called so."""
NO_NUMBER: Final = 10**12
"""No conversation and no session has it."""
WRONG: Final = "wrong-password"


def user(scene: Scene, relation: str) -> str:
    """Ani, someone they have talked with, someone they have not, nobody."""
    return {"self": scene.ani, "member": scene.citra.name, "stranger": scene.dewi, "nothing": NOBODY}[
        relation
    ]


def group(scene: Scene, relation: str) -> str:
    """The group to which ani is what the scene made them."""
    return NOBODY if relation == "nothing" else scene.locked


def direct_number(scene: Scene, relation: str) -> int:
    """The notes to oneself, a conversation with citra, one of two others, none."""
    numbers = {"self": scene.notes, "member": scene.ani_citra, "stranger": scene.budi_citra}
    return numbers.get(relation, NO_NUMBER)


def group_number(scene: Scene, relation: str) -> int:
    """The group's number."""
    return NO_NUMBER if relation == "nothing" else scene.locked_number


def session(scene: Scene, case: Case) -> int:
    """The caller's own session, another one of ani's, one of citra's, none."""
    own = scene.numbers.get(case.state, scene.numbers["logged in"])
    numbers = {"self": own, "member": scene.numbers["spare"], "stranger": scene.citra.session}
    return numbers.get(case.relation, NO_NUMBER)


def token(scene: Scene, case: Case) -> bytes:
    """The token that the caller was given; without a session a guessed one."""
    seat = scene.seats[case.state]
    assert isinstance(seat, WireSeat), "only the wire has tokens"
    return seat.token or secrets.token_bytes(16)


Aim = Callable[[Scene, Case], dict[str, Any]]

ABOUT: Final[dict[str, Aim]] = {
    "-": lambda scene, case: {},
    "a user": lambda scene, case: {"user": user(scene, case.relation)},
    "to a user": lambda scene, case: {"to": user(scene, case.relation)},
    "with a user": lambda scene, case: {"with": user(scene, case.relation)},
    "a group": lambda scene, case: {"group": group(scene, case.relation)},
    "to a group": lambda scene, case: {"to": f"#{group(scene, case.relation)}"},
    "with a group": lambda scene, case: {"with": f"#{group(scene, case.relation)}"},
    "to everyone": lambda scene, case: {"to": "*"},
    "with everyone": lambda scene, case: {"with": "*"},
    "in another realm": lambda scene, case: {"user": f"{scene.citra.name}@elsewhere.example"},
    "to another realm": lambda scene, case: {"to": f"{scene.citra.name}@elsewhere.example"},
    "number of a direct one": lambda scene, case: {"conversation": direct_number(scene, case.relation)},
    "number of a group": lambda scene, case: {"conversation": group_number(scene, case.relation)},
    "a session": lambda scene, case: {"session": session(scene, case)},
    "the caller's token": lambda scene, case: {"token": token(scene, case)},
    "a guessed token": lambda scene, case: {"token": secrets.token_bytes(16)},
    "a guessed secret": lambda scene, case: {"secret": secrets.token_bytes(GATEWAY_SECRET_BYTES)},
    "the right old one": lambda scene, case: {"old": scene.password, "new": PASSWORD + "!"},
    "a wrong old one": lambda scene, case: {"old": WRONG, "new": PASSWORD + "!"},
    "with its password": lambda scene, case: {"group": group(scene, case.relation), "password": SESAME},
    "without its password": lambda scene, case: {"group": group(scene, case.relation)},
    "with a wrong password": lambda scene, case: {"group": group(scene, case.relation), "password": WRONG},
    "one without a password": lambda scene, case: {"group": scene.open},
    "a member": lambda scene, case: {"group": group(scene, case.relation), "user": scene.citra.name},
    "who is no member": lambda scene, case: {"group": group(scene, case.relation), "user": scene.dewi},
    "oneself": lambda scene, case: {"group": group(scene, case.relation), "user": scene.ani},
}
"""Fields by what a row is about."""

SPECIAL: Final[dict[tuple[str, str], Aim]] = {
    ("auth.register", "a free name"): lambda scene, case: {
        "username": f"eka{scene.stage.number()}",
        "password": PASSWORD,
    },
    ("auth.register", "a name that is taken"): lambda scene, case: {
        "username": scene.ani.upper(),
        "password": PASSWORD,
    },
    ("auth.login", "the right password"): lambda scene, case: {"username": scene.dewi, "password": PASSWORD},
    # Someone new each time: wrong passwords for the same name would have to wait after some.
    ("auth.login", "a wrong password"): lambda scene, case: {
        "username": scene.stage.registered("dewi"),
        "password": WRONG,
    },
    ("auth.login", "a name of nobody"): lambda scene, case: {
        "username": f"nobody{scene.stage.number()}",
        "password": WRONG,
    },
    ("message.broadcast", "to everyone"): lambda scene, case: {},
    ("group.create", "a free name"): lambda scene, case: {"group": f"new{scene.stage.number()}"},
    ("group.create", "a name that is taken"): lambda scene, case: {"group": scene.locked.upper()},
    ("group.remove", "a name of nobody"): lambda scene, case: {
        "group": group(scene, case.relation),
        "user": NOBODY,
    },
}
"""The same where it depends on the command."""


_ABOUT: Final = {**file_aims.ABOUT, **ABOUT}
_SPECIAL: Final = {**file_aims.SPECIAL, **SPECIAL}


def fields(scene: Scene, case: Case) -> dict[str, Any]:
    """The body of the case's command."""
    aim = _SPECIAL.get((case.command, case.about)) or _ABOUT[case.about]
    found = aim(scene, case)
    found |= file_aims.more(scene, case, found)
    if case.command in ("message.send", "message.broadcast"):
        found |= {"body": "halo", "id": message_id()}
    if case.command == "message.read":
        found["seq"] = 1
    return found
