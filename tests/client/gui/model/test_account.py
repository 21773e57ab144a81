"""Our sessions and our password."""

from __future__ import annotations

import pytest

from client.errors import Offline
from client.gui.model.model import Screen
from client.gui.model.problem import PASSWORDS_DIFFER
from protocol.errors import Invalid
from tests.client.gui.model.scene import PASSWORD, Scene, settle, until


async def test_another_session_is_ended_at_once_and_its_window_says_so(scene: Scene) -> None:
    model, other = await scene.enter("ani"), await scene.enter("ani", remember=True)
    await model.account.load()
    assert [one.current for one in model.account.sessions] == [False, True]
    assert await model.account.revoke(model.account.sessions[0].session)
    assert [one.current for one in model.account.sessions] == [True]
    await until(lambda: other.screen is Screen.LOGIN)
    assert other.entry.problem is not None
    assert other.entry.problem.code == "logged_out"
    assert model.screen is Screen.MAIN


async def test_ending_our_own_session_is_a_logout(scene: Scene) -> None:
    model = await scene.enter("ani")
    await model.account.load()
    assert await model.account.revoke(model.account.sessions[0].session)
    assert (model.screen, scene.server.sessions, model.entry.problem) == (Screen.LOGIN, {}, None)


async def test_a_list_that_does_not_come_says_why(scene: Scene) -> None:
    model = await scene.enter("ani")
    scene.server.fail("sessions", Offline("Away."))
    await model.account.load()
    assert (model.account.loaded, model.account.problem is not None) == (False, True)
    model.account.clear()
    assert model.account.problem is None


@pytest.mark.parametrize(
    ("old", "new", "again", "about"),
    [
        ("", "new", "new", "old"),
        ("wrong", "new", "new", "old"),
        (PASSWORD, "", "", "new"),
        (PASSWORD, "a", "b", "new"),
    ],
)
async def test_why_the_password_was_not_changed_is_said_where_it_was_typed(
    scene: Scene, old: str, new: str, again: str, about: str
) -> None:
    model = await scene.enter("ani")
    assert not await model.account.change_password(old, new, again)
    assert model.account.problem is not None
    assert model.account.problem.about == about
    assert scene.server.users["ani"] == PASSWORD


async def test_a_new_password_that_is_too_short_is_said_of_the_new_one(scene: Scene) -> None:
    model = await scene.enter("ani")
    scene.server.fail("change_password", Invalid("A password has at least 8 characters."))
    assert not await model.account.change_password(PASSWORD, "a", "a")
    assert model.account.problem is not None
    assert model.account.problem.about == "new"
    assert not await model.account.change_password(PASSWORD, "a", "b")
    assert model.account.problem.code == PASSWORDS_DIFFER


async def test_a_changed_password_is_told(scene: Scene) -> None:
    model = await scene.enter("ani")
    assert await model.account.change_password(PASSWORD, "new", "new")
    await settle()
    assert scene.server.users["ani"] == "new"
    assert model.notices.rows[-1].done.startswith("The password was changed.")
