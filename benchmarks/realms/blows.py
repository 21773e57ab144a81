"""What goes wrong between and in realms, as a table. A blow breaks something, waits, and mends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from benchmarks.realms.installation import REALM, Installation
from benchmarks.realms.scene import Scene

Blow = Callable[[Scene], None]

MANY: Final = 60
"""Messages."""
AWAY: Final = 10.0
"""Seconds."""


def _any(scene: Scene) -> Installation:
    return scene.realms[scene.random.choice(sorted(scene.realms))]


def cut_one(scene: Scene) -> None:
    """A realm is cut off for a while."""
    realm = _any(scene).realm
    scene.wires.cut(realm)
    scene.run(scene.random.uniform(0.2, 3.0))
    scene.wires.heal(realm)


def cut_all(scene: Scene) -> None:
    """Nobody reaches anybody for a while."""
    for realm in scene.realms:
        scene.wires.cut(realm)
    scene.run(scene.random.uniform(0.2, 4.0))
    scene.heal()


def drop(scene: Scene) -> None:
    """What is said to a realm falls into nothing, for shorter or longer than its peers' patience."""
    realm = _any(scene).realm
    scene.wires.drop(realm)
    scene.run(scene.random.uniform(0.5, 6.0))
    scene.wires.heal(realm)


def drop_many(scene: Scene) -> None:
    """What is said to ``b`` falls into nothing, until that is a good deal."""
    scene.wires.drop("b")
    scene.until_sent("a", "b", MANY)
    scene.wires.heal("b")


def _killed(scene: Scene, realm: Installation, names: list[str]) -> None:
    realm.kill(names)
    scene.run(scene.random.choice([0.0, scene.random.uniform(0.0, 2.0)]))
    realm.restart(names)


def kill_realm(scene: Scene) -> None:
    """The realm process of one of them."""
    _killed(scene, _any(scene), [REALM])


def kill_broker(scene: Scene) -> None:
    """The broker of one of them."""
    _killed(scene, _any(scene), ["broker"])


def kill_workers(scene: Scene) -> None:
    """All workers of one of them."""
    realm = _any(scene)
    _killed(scene, realm, realm.workers)


def kill_server(scene: Scene) -> None:
    """Every process of one of them."""
    realm = _any(scene)
    _killed(scene, realm, realm.everything)


def away(scene: Scene) -> None:
    """One is down for so long that much waits for it, and that the others seldom try any more."""
    realm = _any(scene)
    names = realm.everything
    realm.kill(names)
    scene.run(AWAY)
    realm.restart(names)


def kill_clients(scene: Scene) -> None:
    """The programs of one realm, which go on from their own notes and send again what had no answer."""
    people = _any(scene).people
    programs = people.programs
    people.kill(*programs)
    people.restart(*programs)


def kill_while_cut(scene: Scene) -> None:
    """One is cut off, another one's processes are killed meanwhile."""
    realm = _any(scene).realm
    scene.wires.cut(realm)
    kill_server(scene)
    scene.wires.heal(realm)


BLOWS: Final[dict[str, Blow]] = {
    "cut one": cut_one,
    "cut all": cut_all,
    "drop": drop,
    "kill realm": kill_realm,
    "kill broker": kill_broker,
    "kill workers": kill_workers,
    "kill server": kill_server,
    "kill while cut": kill_while_cut,
    "away": away,
    "kill clients": kill_clients,
}


def flow(scene: Scene) -> None:
    """None at all: everything works for a moment."""
    scene.flows()


def deal(scene: Scene, name: str) -> None:
    """Let one fall; these and two more. ``flow``: wait until messages arrive everywhere."""
    scene.counts[name] += 1
    {**BLOWS, "flow": flow, "drop many": drop_many}[name](scene)
