"""Sessions that ended after the broker stamped their call: what was under way is told nothing any more.

The broker forgets a session before anyone hears that it ended. These are the calls that a worker
already had in hand: one of them may not tell the topics that replaced those the session knew.
"""

from __future__ import annotations

from typing import Any

import pytest

from config.settings import Settings
from protocol.commands import COMMANDS
from protocol.errors import OK, Unauthenticated
from services import auth, file, group, messaging, realm
from services.context import Service
from services.ended import FOR_THE_ENDED
from services.storage import sessions
from services.storage.engine import Store
from tests.services.file.share import Share
from tests.services.house import House
from tests.services.world import World, message_id, send

SERVICES: dict[str, Service] = {
    each.SERVICE.name: each.SERVICE for each in (auth, file, group, messaging, realm)
}

BODIES: dict[str, dict[str, Any]] = {
    "auth.revoke": {"session": 1},
    "auth.password": {"old": "12345678", "new": "87654321"},
    "user.get": {"user": "budi"},
    "message.history": {"with": "budi"},
    "message.read": {"with": "budi", "seq": 1},
    "message.send": {"to": "budi", "body": "halo", "id": message_id(1)},
    "message.deliver": {"to": "budi", "body": "halo", "id": message_id(1), "sent_at": 1},
    "message.broadcast": {"body": "halo", "id": message_id(1)},
    "message.typing": {"to": "budi"},
    "conversation.verify": {"with": "budi"},
    "group.create": {"group": "new"},
    "group.join": {"group": "open"},
    "group.leave": {"group": "ops"},
    "group.members": {"group": "ops"},
    "group.remove": {"group": "ops", "user": "budi"},
    "file.begin": {"id": message_id(3), "size": 1, "to": "budi", "name": "new.txt"},
    "file.resume": {"upload": message_id(2)},
    "file.finish": {"upload": message_id(2)},
    "file.cancel": {"upload": message_id(2)},
    "file.stat": {"path": "old.txt"},
    "file.move": {"path": "old.txt", "to": "moved.txt"},
    "file.delete": {"path": "old.txt"},
    "file.mkdir": {"path": "folder"},
}
"""Bodies of the commands that need one."""


def asked_of_the_store() -> list[str]:
    """Commands of a session that reach a service."""
    return [
        name for name, row in COMMANDS.items() if row.session and row.service and name not in FOR_THE_ENDED
    ]


def end(world: World, who: str) -> None:
    """End someone's session behind the back of the worker that has their call in hand."""
    person = world.people[who]
    with world.store.write() as tx:
        assert sessions.end(tx, person.session, person.user_id, world.now)


@pytest.mark.parametrize("command", asked_of_the_store())
def test_a_call_under_way_when_its_session_ends_is_refused(
    settings: Settings, store: Store, command: str
) -> None:
    world = Share(settings, store)
    world.group("ops", "ani", "budi")
    world.group("open", "citra")
    world.say("budi", "ani")
    world.put("ani", "old.txt")
    world.ready("ani", to="budi", name="ready.txt", id=message_id(2))
    engine = world.another(SERVICES[COMMANDS[command].service])
    end(world, "ani")
    (answer,) = world.take([world.call("ani", command, **BODIES.get(command, {}))], engine)
    assert answer.status in ("unauthenticated", "invalid_credentials"), answer
    assert world.events == world.effects == []
    (answer,) = world.take([world.call("budi", "user.whoami")], world.another(auth.SERVICE))
    assert answer.status == OK


def test_a_password_is_not_changed_by_a_session_that_ended_meanwhile(house: House) -> None:
    ani = house.person("ani")
    thief = house.login("ani")
    house.between = lambda: house.do("auth.revoke", ani, session=thief.session)
    with pytest.raises(Unauthenticated):
        house.do("auth.password", thief, old="correct horse", new="stolen horse")
    house.login("ani")


@pytest.mark.parametrize("command", ["group.create", "group.join"])
def test_no_group_is_entered_by_a_session_that_ended_while_its_password_was_hashed(
    house: House, command: str
) -> None:
    ani, budi = house.people("ani", "budi")
    thief = house.login("ani")
    house.do("group.create", budi, group="ops", password="sesame")
    house.between = lambda: house.do("auth.revoke", ani, session=thief.session)
    name = "ops" if command == "group.join" else "mine"
    with pytest.raises(Unauthenticated):
        house.do(command, thief, group=name, password="sesame")
    assert [group["member"] for group in house.do("group.list", ani)["groups"]] == [False]


def test_a_second_try_at_logging_out_hears_that_it_is_done(world: World) -> None:
    engine = world.another(auth.SERVICE)
    calls = [world.call("ani", "auth.logout") for _ in range(2)]
    assert [answer.status for answer in world.take(calls, engine)] == [OK, OK]


def test_a_message_under_way_is_refused_and_its_neighbours_are_stored(world: World) -> None:
    end(world, "ani")
    answers = world.batch(
        ("budi", send("citra", "one", message_id(1))),
        ("ani", send("citra", "two", message_id(2))),
        ("budi", send("citra", "three", message_id(3))),
    )
    assert [answer.status for answer in answers] == [OK, "unauthenticated", OK]
    assert [body for _, _, body in world.stored()] == ["one", "three"]
