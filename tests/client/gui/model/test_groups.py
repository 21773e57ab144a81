"""Groups: the list, creating, joining, leaving, members."""

from __future__ import annotations

import pytest

from client.errors import Timeout
from client.gui.model.groups import GroupRow
from client.gui.model.model import Model
from client.inbox import Status
from protocol.events import MembershipEvent, PresenceEvent
from tests.client.gui.model.scene import Scene, settle, until


def room(model: Model) -> str:
    return model.room.address if model.room is not None else ""


async def test_groups_are_listed_by_name_with_those_of_other_realms_that_we_are_in(scene: Scene) -> None:
    scene.server.group("zoo", "ani", "budi")
    scene.server.group("Ape", "budi", password="pw")
    model = await scene.enter("ani")
    model.talks.know(70, "#team@b")
    assert model.groups.rows == [
        GroupRow("Ape", 1, True, False),
        GroupRow("team@b", 0, False, True),
        GroupRow("zoo", 2, False, True),
    ]
    assert [row.name for row in model.groups.found("#z")] == ["zoo"]


@pytest.mark.parametrize("name", ["team", "#team", "  #team "])
async def test_who_creates_a_group_is_in_its_room(scene: Scene, name: str) -> None:
    model = await scene.enter("ani")
    assert await model.groups.create(name, "pw")
    assert scene.server.group_named("team").password == "pw"
    await until(lambda: room(model) == "#team")
    await settle()
    assert [row.name for row in model.talks.rows] == ["#team", "*"]
    assert [row.name for row in model.groups.rows] == ["team"]


@pytest.mark.parametrize(("name", "code"), [("", "no_name"), ("a b", "invalid"), ("Team", "conflict")])
async def test_why_a_group_was_not_created_is_said_of_its_name(scene: Scene, name: str, code: str) -> None:
    scene.server.group("team", "budi")
    model = await scene.enter("ani")
    assert not await model.groups.create(name)
    assert model.groups.problem is not None
    assert (model.groups.problem.code, model.groups.problem.about) == (code, "name")
    model.groups.clear()
    assert model.groups.problem is None


async def test_joining_asks_for_the_password_that_a_group_needs(scene: Scene) -> None:
    scene.server.group("team", "budi", password="pw")
    model = await scene.enter("ani")
    assert not await model.groups.join("TEAM")
    assert model.groups.problem is not None
    assert (model.groups.problem.code, model.groups.problem.about) == ("invalid_credentials", "password")
    assert await model.groups.join("TEAM", "pw")
    await until(lambda: room(model) == "#team")  # as it is written there
    await settle()
    assert model.groups.rows == [GroupRow("team", 2, True, True)]


async def test_a_group_that_there_is_not_is_said_of_the_name(scene: Scene) -> None:
    model = await scene.enter("ani")
    assert not await model.groups.join("nothing")
    assert model.groups.problem is not None
    assert (model.groups.problem.code, model.groups.problem.about) == ("not_found", "name")
    assert not await model.groups.join("team@B !")
    assert model.groups.problem.about == "name"


async def test_a_group_of_our_own_realm_may_be_called_by_it_and_another_realms_keeps_its_name(
    scene: Scene,
) -> None:
    scene.server.group("team", "budi")
    scene.server.group("team@b", "citra")
    model = await scene.enter("ani")
    assert await model.groups.join("#team@a")
    assert await model.groups.join("#team@B")
    assert scene.server.called("join_group") == [("team",), ("team@b",)]


async def test_who_leaves_a_group_has_its_room_open_no_more(scene: Scene) -> None:
    scene.server.group("team", "ani", "budi")
    model = await scene.enter("ani")
    await model.open("#team")
    await model.groups.look("team")
    assert await model.groups.leave("#Team")
    assert (room(model), model.groups.of, model.talks.named("#team")) == ("", "", None)
    await settle()
    assert model.groups.rows == [GroupRow("team", 1, False, False)]
    assert not model.notices.rows  # it was our own will


async def test_who_is_removed_is_told_and_shown_out(scene: Scene) -> None:
    scene.server.group("team", "budi", "ani")
    model, creator = await scene.enter("ani"), await scene.enter("budi")
    await model.open("#team")
    assert await creator.groups.remove("team", "ani")
    await settle()
    assert (room(model), model.talks.named("#team")) == ("", None)
    assert model.notices.rows[-1].done == "You were removed from {group}."
    assert dict(model.notices.rows[-1].values) == {"group": "#team"}


async def test_the_room_of_a_group_that_was_left_while_the_line_was_down_is_open_no_more(
    scene: Scene,
) -> None:
    place = scene.server.group("team", "ani", "budi")
    model = await scene.enter("ani")
    await model.open("#team")
    model.hear(Status(False, "Away."))
    place.users.remove("ani")
    model.hear(Status(True))
    await until(lambda: room(model) == "")
    assert model.talks.named("#team") is None


async def test_members_are_shown_and_kept_up_while_one_looks(scene: Scene) -> None:
    place = scene.server.group("team", "budi", "ani")
    scene.server.online = {"budi"}
    model = await scene.enter("ani")
    await model.groups.look("#team")
    assert [(one.user, one.creator, one.online) for one in model.groups.members] == [
        ("budi", True, True),
        ("ani", False, False),
    ]
    model.hear(PresenceEvent("Ani", True, 5))
    model.hear(MembershipEvent(place.id, "team", "citra", "joined"))
    model.hear(MembershipEvent(place.id, "team", "citra", "joined"))
    model.hear(MembershipEvent(place.id, "team", "budi", "left"))
    model.hear(MembershipEvent(99, "other", "citra", "left"))
    assert [(one.user, one.online) for one in model.groups.members] == [("ani", True), ("citra", False)]


async def test_members_of_a_group_that_one_looks_at_no_more_come_too_late(scene: Scene) -> None:
    scene.server.group("team", "ani")
    model = await scene.enter("ani")
    held = scene.server.hold("group_members")
    model.spawn(model.groups.look("team"))
    await until(lambda: scene.server.called("group_members"))
    await model.groups.look("")
    held.set()
    await settle()
    assert (model.groups.members, model.groups.members_loaded) == ([], False)


async def test_why_members_are_not_shown_is_said(scene: Scene) -> None:
    scene.server.group("team", "budi")
    model = await scene.enter("ani")
    await model.groups.look("team")
    assert model.groups.problem is not None
    assert model.groups.problem.code == "forbidden"


async def test_what_got_no_answer_can_be_tried_again(scene: Scene) -> None:
    model = await scene.enter("ani")
    scene.server.fail("create_group", Timeout("No answer in time."))
    assert not await model.groups.create("team")
    assert (model.groups.busy, model.groups.problem is not None) == (False, True)
    assert await model.groups.create("team")
    assert model.groups.problem is None
