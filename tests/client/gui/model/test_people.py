"""Who there is: ours and those of other realms; who is online first."""

from __future__ import annotations

import pytest

from client.errors import Offline
from client.gui.model import people
from client.gui.model.changes import Part
from client.gui.model.people import Person
from client.inbox import Status
from protocol.events import PresenceEvent, TypingEvent
from tests.client.gui.model.scene import Scene, settle, until


async def test_who_is_online_comes_first_and_we_are_not_among_them(scene: Scene) -> None:
    scene.server.online = {"dewi", "ani"}
    model = await scene.enter("ani")
    assert [person.user for person in model.people.rows] == ["dewi", "budi", "citra"]
    assert [person.user for person in model.people.found("D i")] == ["dewi", "budi"]
    assert (model.people.online("DEWI"), model.people.online("budi"), model.people.online("eka")) == (
        True,
        False,
        None,
    )


async def test_who_comes_moves_up(scene: Scene) -> None:
    model = await scene.enter("ani")
    model.changes.take()
    model.hear(PresenceEvent("citra", True, 5))
    assert model.people.rows[0] == Person("citra", True, 5)
    assert Part.PEOPLE in model.changes.take()
    model.hear(PresenceEvent("citra", False, 6))
    assert [person.user for person in model.people.rows] == ["budi", "citra", "dewi"]


async def test_people_of_other_realms_are_known_and_not_in_the_list(scene: Scene) -> None:
    model = await scene.enter("ani")
    model.hear(PresenceEvent("budi@b", True, 5))
    await model.people.load()
    assert model.people.online("budi@B") is True
    assert all("@" not in person.user for person in model.people.rows)


async def test_asking_about_one_says_who_or_why_not(scene: Scene) -> None:
    model = await scene.enter("ani")
    scene.server.users["eka"] = "pw"
    assert await model.people.look_up("EKA") is None
    assert model.people.get("eka") == Person("eka", False, 0)
    failed = await model.people.look_up("nobody")
    assert failed is not None
    assert failed.code == "not_found"


async def test_who_is_new_is_known_as_soon_as_they_say_something(scene: Scene) -> None:
    model = await scene.enter("ani")
    scene.server.add("eka")
    scene.server.online = {"eka"}
    scene.server.say("eka", "ani", "hello")
    scene.server.say("eka", "ani", "hello?")
    await settle()
    assert scene.server.called("get_user") == [("eka",)]
    assert model.people.rows[0] == Person("eka", True, 0)


async def test_who_is_taken_for_away_and_types_is_asked_about_once(scene: Scene) -> None:
    model = await scene.enter("ani")
    scene.server.online = {"budi"}
    model.hear(TypingEvent(0, "budi"))
    model.hear(TypingEvent(0, "budi"))
    model.hear(TypingEvent(0, "ani"))
    await settle()
    assert model.people.online("budi") is True
    assert scene.server.called("get_user") == [("budi",)]


async def test_of_whom_one_opens_it_is_asked_whether_they_are_there(scene: Scene) -> None:
    model = await scene.enter("ani")
    scene.server.online = {"budi"}
    await model.open("Budi")
    await settle()
    assert model.people.online("budi") is True


async def test_while_somebody_looks_the_list_is_asked_for_again_and_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "EVERY", 0.0)
    model = await scene.enter("ani")
    model.people.watch(True)
    model.people.watch(True)
    asked = len(scene.server.called("users"))
    await until(lambda: len(scene.server.called("users")) > asked + 3)
    model.people.watch(False)
    asked = len(scene.server.called("users"))
    await settle()
    assert len(scene.server.called("users")) == asked


async def test_a_list_that_does_not_come_leaves_what_was_known(scene: Scene) -> None:
    model = await scene.enter("ani")
    scene.server.fail("users", Offline("Away."))
    await model.people.load()
    assert len(model.people.rows) == 3
    scene.server.add("eka")
    model.hear(Status(False, "Away."))
    model.hear(Status(True))
    await until(lambda: len(model.people.rows) == 4)


async def test_nobody_looks_any_more_once_we_are_logged_out(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "EVERY", 0.0)
    model = await scene.enter("ani")
    model.people.watch(True)
    await model.logout()
    asked = len(scene.server.called("users"))
    await settle()
    assert len(scene.server.called("users")) == asked
    assert model.people.rows == []
