"""What a row about files asks for, as ``aims`` does for the others.

What a case may spend is made anew for each case that might succeed; the others share what is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.authorisation.doors import WireSeat
from tests.authorisation.shelf import SIZE, Files, message_id
from tests.authorisation.stage import Scene
from tests.authorisation.table import LOGGED_IN, Case

NO_FILE: Final = 10**12
"""No file has this number."""
NOWHERE: Final = "nowhere/x.txt"
"""No path of anybody's."""


def kept(scene: Scene, case: Case, what: str, make: Callable[[], Any]) -> Any:
    """Something made for this case, or, where whatever it is can only be refused, once for the scene."""
    if case.state in LOGGED_IN:
        return make()
    shared = scene.shared
    if what not in shared:
        shared[what] = make()
    return shared[what]


def files(scene: Scene) -> Files:
    """Those in the group."""
    assert scene.files is not None
    return scene.files


def owner(scene: Scene, relation: str) -> WireSeat:
    """Ani, someone they have talked with, someone they have not."""
    return {"self": scene.keeper, "member": scene.citra, "stranger": scene.stranger()}[relation]


def upload(scene: Scene, case: Case) -> bytes:
    """An upload to its owner's own space, as far as the command needs it."""
    if case.relation == "nothing":
        return message_id()
    shelf, who = scene.stage.shelf, owner(scene, case.relation)
    step = {"chunk.seal": shelf.put, "file.finish": shelf.seal}.get(case.command, shelf.begin)
    path = f"u{scene.stage.number()}"
    return bytes(kept(scene, case, f"{case.command} {case.relation}", lambda: step(who, path=path)))


def group_upload(scene: Scene, case: Case) -> bytes:
    """An upload to the group, begun while ani was in it."""
    if case.relation == "nothing":
        return message_id()
    if case.command == "file.cancel" and case.relation in ("creator", "member"):
        place = {"to": f"#{scene.locked}", "name": "x.txt"}
        return bytes(kept(scene, case, "cancel", lambda: scene.stage.shelf.begin(scene.keeper, **place)))
    there = files(scene)
    if case.command == "file.cancel":
        return there.spare.pop() if case.state in LOGGED_IN else there.begun
    return {"chunk.seal": there.put, "file.finish": there.sealed}.get(case.command, there.begun)


def own_path(scene: Scene, case: Case) -> str:
    """The path of a file in ani's own space, or of none."""
    if case.relation == "nothing":
        return NOWHERE
    path = f"f{scene.stage.number()}.txt"

    def make() -> str:
        scene.stage.shelf.make(scene.keeper, path=path)
        return path

    return str(kept(scene, case, "path", make))


def own_file(scene: Scene, case: Case) -> int:
    """A file in ani's own space, or in that of another."""
    if case.relation == "nothing":
        return NO_FILE
    who, path = owner(scene, case.relation), f"f{scene.stage.number()}.txt"
    make = lambda: scene.stage.shelf.make(who, path=path)  # noqa: E731
    return int(kept(scene, case, f"file {case.relation}", make))


def direct_file(scene: Scene, case: Case) -> int:
    """A file among ani's notes, one from citra to ani, one from citra to budi."""
    pairs = {
        "self": (scene.keeper, scene.ani),
        "member": (scene.citra, scene.ani),
        "stranger": (scene.citra, scene.budi.name),
    }
    if case.relation not in pairs:
        return NO_FILE
    who, to = pairs[case.relation]
    make = lambda: scene.stage.shelf.make(who, to=to, name="x.txt")  # noqa: E731
    return int(kept(scene, case, f"direct {case.relation}", make))


def public_file(scene: Scene, case: Case) -> int:
    """A file to everyone, of ani's or of another's."""
    if case.relation == "nothing":
        return NO_FILE
    who = owner(scene, case.relation)
    make = lambda: scene.stage.shelf.make(who, to="*", name="x.txt")  # noqa: E731
    return int(kept(scene, case, f"public {case.relation}", make))


def group_file(scene: Scene, case: Case) -> int:
    """A file of citra's in the group."""
    return NO_FILE if case.relation == "nothing" else files(scene).from_citra


def own_group_file(scene: Scene, case: Case) -> int:
    """A file of ani's in the group."""
    there = files(scene)
    if case.command == "file.delete" and case.state in LOGGED_IN:
        return there.to_delete.pop()
    return there.from_ani


Aim = Callable[[Scene, Case], dict[str, Any]]

ABOUT: Final[dict[str, Aim]] = {
    "in one's own space": lambda scene, case: {
        "path": NOWHERE if case.relation == "nothing" else f"n{scene.stage.number()}.txt"
    },
    "one's own folder": lambda scene, case: {"path": "nowhere" if case.relation == "nothing" else ""},
    "an upload": lambda scene, case: {"upload": upload(scene, case)},
    "an upload to a group": lambda scene, case: {"upload": group_upload(scene, case)},
    "a path": lambda scene, case: {"path": own_path(scene, case)},
    "a file in someone's space": lambda scene, case: {"file": own_file(scene, case)},
    "a file between two": lambda scene, case: {"file": direct_file(scene, case)},
    "a file to everyone": lambda scene, case: {"file": public_file(scene, case)},
    "someone's file in a group": lambda scene, case: {"file": group_file(scene, case)},
    "one's own file in a group": lambda scene, case: {"file": own_group_file(scene, case)},
}
"""Fields by what a row is about."""

SPECIAL: Final[dict[tuple[str, str], Aim]] = {
    ("file.mkdir", "a path"): lambda scene, case: {
        "path": NOWHERE if case.relation == "nothing" else f"d{scene.stage.number()}"
    },
}
"""The same where it depends on the command."""


def more(scene: Scene, case: Case, found: dict[str, Any]) -> dict[str, Any]:
    """What the command needs beside what the row is about."""
    match case.command:
        case "file.begin":
            name = {} if "path" in found else {"name": "x.txt"}
            return {"id": message_id(), "size": SIZE, **name}
        case "file.move":
            return {"to": f"m{scene.stage.number()}.txt"}
        case "chunk.put":
            return {"offset": 0, "data": found["upload"]}
        case "chunk.get":
            return {"offset": 0, "length": SIZE}
    return {}
