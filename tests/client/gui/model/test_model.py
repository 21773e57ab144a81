"""A window from its beginning to its end: which screen, who hears what, what is left of it."""

from __future__ import annotations

import asyncio

import pytest

from client.errors import Offline
from client.gui.model import model as model_file
from client.gui.model import reading
from client.gui.model.changes import Part
from client.gui.model.keeping import PREFERENCES
from client.gui.model.model import Model, Screen
from client.gui.model.preferences import Theme
from client.gui.model.problem import NOT_ENDED
from client.inbox import Status
from protocol.events import MessageEvent
from tests.client.gui.model.rooms import opened as entered_room
from tests.client.gui.model.scene import Scene, settle, talk, until


def kept(scene: Scene) -> list[str]:
    return [name for name, text in scene.keeping.texts.items() if text]


def opened(model: Model) -> str:
    return model.room.address if model.room is not None else ""


def bodies(model: Model) -> list[str]:
    assert model.room is not None
    rows = [row for page in model.room.pages for row in page.rows or []]
    return [body for row in rows if (body := getattr(row, "body", ""))]


# --- logging out ------------------------------------------------------------------------------------


async def test_who_logs_out_leaves_nothing_here_and_no_session_there(scene: Scene) -> None:
    model = scene.window()
    await model.start()
    assert await model.entry.login("ani", "secret", remember=True)
    await model.open("budi")
    assert model.room is not None
    model.room.typed("something secret")
    scene.server.fail("send", *[Offline("Away.")] * 5)
    model.room.say("and what waits")
    await settle()
    await model.logout()
    assert (model.screen, model.user) == (Screen.LOGIN, "")
    assert not any([model.talks.rows, model.people.rows, model.outbox.parcels, opened(model)])
    assert kept(scene) == []
    assert scene.server.sessions == {}
    assert all(chat.closed for chat in scene.server.chats)


async def test_that_the_server_could_not_be_told_of_a_logout_is_said(scene: Scene) -> None:
    model = scene.window()
    await model.start()
    assert await model.entry.login("ani", "secret", remember=True)
    scene.server.away = True
    await model.logout()
    assert (model.screen, kept(scene)) == (Screen.LOGIN, [])
    assert model.entry.problem is not None
    assert model.entry.problem.code == NOT_ENDED


async def test_a_second_click_on_logout_does_nothing(scene: Scene) -> None:
    model = await scene.enter("ani")
    await asyncio.gather(model.logout(), model.logout())
    await model.logout()
    assert len(scene.server.called("logout")) == 1


async def test_what_waits_is_kept_for_who_is_logged_out_from_elsewhere(scene: Scene) -> None:
    model = scene.window()
    await model.start()
    assert await model.entry.login("ani", "secret", remember=True)
    scene.server.hold("send")
    await model.open("budi")
    assert model.room is not None
    assert model.room.say("still to be sent")
    await settle()
    scene.server.end_sessions("ani")
    await until(lambda: model.screen is Screen.LOGIN)
    scene.server.hold("send").set()
    assert await model.entry.login("ani", "secret", remember=True)
    await until(lambda: len(scene.server.places) == 2)
    stored = list(scene.server.places.values())[-1].messages
    assert [message.body for message in stored] == ["still to be sent"]


async def test_two_windows_of_one_browser_log_out_together_and_leave_nothing(scene: Scene) -> None:
    first = scene.window()
    await first.start()
    assert await first.entry.login("ani", "secret", remember=True)
    second = scene.window()
    await second.start()
    assert second.user == "ani"
    scene.server.hold("send")
    await second.open("budi")
    assert second.room is not None
    assert second.room.say("still to be sent")
    second.room.typed("a draft")
    await settle()
    await first.logout()
    scene.server.end_sessions("ani")
    for chat in scene.server.chats:
        chat.end()
    await until(lambda: second.screen is Screen.LOGIN)
    await settle()
    assert kept(scene) == []


async def test_what_is_asked_after_the_logout_is_done_in_nobodys_name(scene: Scene) -> None:
    scene.server.group("team", "ani")
    model = await scene.enter("ani")
    talks, groups, people = model.talks, model.groups, model.people
    await model.logout()
    assert not await model.groups.create("other")
    assert not await groups.leave("team")
    await people.load()
    talks.reload()
    assert await model.people.look_up("budi") is not None
    assert await model.open("budi") is not None
    await settle()
    assert scene.server.group_named("team").users == ["ani"]


# --- several windows --------------------------------------------------------------------------------


async def test_windows_of_several_users_never_mix(scene: Scene) -> None:
    scene.server.group("team", "ani", "budi")
    ani, budi = await scene.enter("ani"), await scene.enter("budi")
    await ani.open("#team")
    await budi.open("ani")
    assert ani.room is not None and budi.room is not None
    assert ani.room.say("to the team") and budi.room.say("to ani alone")
    await until(lambda: (ani.talks.unread, budi.talks.unread) == (1, 1))
    await settle()
    assert (bodies(ani), bodies(budi)) == (["to the team"], ["to ani alone"])
    assert [row.message for row in ani.notices.rows] == ["to ani alone"]
    assert [row.message for row in budi.notices.rows] == ["to the team"]
    sent = [message for place in scene.server.places.values() for message in place.messages]
    assert sorted((message.sender, message.body) for message in sent) == [
        ("ani", "to the team"),
        ("budi", "to ani alone"),
    ]


async def test_the_next_user_of_a_window_sees_nothing_of_the_one_before(scene: Scene) -> None:
    scene.server.say("citra", "ani", "for ani")
    model = await scene.enter("ani")
    await model.open("citra")
    held = scene.server.hold("users")
    model.spawn(model.people.load())
    await model.logout()
    held.set()
    assert await model.entry.login("budi", "secret", remember=False)
    await settle()
    assert [row.name for row in model.talks.rows] == ["*"]
    assert [person.user for person in model.people.rows] == ["ani", "citra", "dewi"]
    assert model.room is None


async def test_what_is_typed_late_is_not_taken_for_the_next_users(scene: Scene) -> None:
    model = await scene.enter("ani")
    await model.open("*")
    room = model.room
    assert room is not None
    await model.logout()
    room.typed("nobody's")
    assert await model.entry.login("budi", "secret", remember=False)
    room.typed("ani's")
    assert not room.say("ani's")
    await settle()
    assert (model.drafts.get("*"), scene.server.called("send"), scene.server.called("typing")) == ("", [], [])


async def test_a_window_that_closes_ends_its_connection_and_its_work(scene: Scene) -> None:
    model = await scene.enter("ani", remember=True)
    model.people.watch(True)
    await model.close()
    await settle()
    assert all(chat.closed for chat in scene.server.chats)
    assert len(scene.server.sessions) == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


# --- hearing ----------------------------------------------------------------------------------------


async def test_a_mistake_of_ours_with_one_event_does_not_make_the_window_deaf(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = await scene.enter("ani")
    real = model.talks.heard

    def heard(event: MessageEvent, here: bool) -> None:
        if event.body == "private words":
            raise ZeroDivisionError(event.body)
        real(event, here)

    monkeypatch.setattr(model.talks, "heard", heard)
    scene.server.say("budi", "ani", "private words")
    scene.server.say("budi", "ani", "two")
    await settle()
    assert talk(model, "budi").excerpt == "two"
    assert caplog.text.count("hearing: ZeroDivisionError at model.py") == 1
    assert "private" not in caplog.text


async def test_a_mistake_of_ours_in_what_nobody_waits_for_is_logged_by_its_place(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    model = await scene.enter("ani")

    async def work() -> None:
        raise ZeroDivisionError("private words")

    await model.spawn(work())
    assert "working: ZeroDivisionError at model.py" in caplog.text
    assert "private" not in caplog.text


async def test_the_line_says_that_the_server_is_away_since_when_and_why(scene: Scene) -> None:
    model = await scene.enter("ani")
    model.changes.take()
    model.hear(Status(False, "The connection to the server was lost."))
    assert (model.line.connected, model.line.reason) == (False, "The connection to the server was lost.")
    since = model.line.since
    assert since > 0
    model.hear(Status(False, "The events of the server were lost."))
    assert model.line.since == since
    assert model.changes.take() == {Part.LINE}
    model.hear(Status(True))
    assert (model.line.connected, model.line.reason) == (True, "")


async def test_what_is_not_seen_is_not_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "EVERY", 0.0)
    scene.server.say("budi", "ani", "one")
    model = await scene.enter("ani")
    await entered_room(model, "budi")
    await settle()
    assert talk(model, "budi").unread == 0
    model.seen(False)
    scene.server.say("budi", "ani", "two")
    await settle()
    assert (talk(model, "budi").unread, model.notices.rows) == (1, [])
    model.seen(True)
    await settle()
    assert talk(model, "budi").unread == 0
    await until(lambda: scene.server.places[talk(model, "budi").id].read == {"ani": 2})


# --- rooms ------------------------------------------------------------------------------------------


async def test_a_room_that_there_is_not_is_told_and_not_open(scene: Scene) -> None:
    model = await scene.enter("ani")
    failed = await model.open("nobody")
    assert failed is not None
    assert (failed.code, model.room) == ("not_found", None)
    assert model.notices.rows[-1].problem == failed


async def test_a_room_that_is_opened_while_the_server_is_away_comes_when_it_is_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_file, "AGAIN", 0.0)
    scene.server.say("budi", "ani", "hello")
    model = await scene.enter("ani")
    scene.server.away = True
    opening = asyncio.create_task(model.open("budi"))
    await until(lambda: len(scene.server.called("history")) > 4)
    assert model.room is not None
    assert (model.room.loading, model.notices.rows) == (True, [])
    scene.server.away = False
    assert await opening is None
    assert bodies(model) == ["hello"]


async def test_a_room_that_is_left_while_it_is_asked_for_is_asked_for_no_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_file, "AGAIN", 0.0)
    model = await scene.enter("ani")
    scene.server.away = True
    opening = asyncio.create_task(model.open("*"))
    await settle()
    model.leave_room()
    await opening
    assert model.room is None


async def test_opening_a_room_takes_away_what_was_told_of_it(scene: Scene) -> None:
    model = await scene.enter("ani")
    scene.server.say("budi", "ani", "one")
    scene.server.say("citra", "ani", "two")
    await settle()
    await model.open("Budi")
    assert [row.address for row in model.notices.rows] == ["citra"]


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" budi ", "budi"),
        ("budi@B", "budi@b"),
        ("Budi@a", "Budi"),
        ("#team@A", "#team"),
        ("#team@b", "#team@b"),
        ("*", "*"),
        ("a b", ""),
        ("#", ""),
        ("budi@", ""),
        ("", ""),
    ],
)
async def test_an_address_is_typed_with_a_realm_or_without(scene: Scene, typed: str, address: str) -> None:
    model = await scene.enter("ani")
    assert model.address(typed) == address


# --- choices, notices -------------------------------------------------------------------------------


async def test_choices_are_kept_for_the_next_window(scene: Scene) -> None:
    model = scene.window()
    await model.preferences.choose(theme=Theme.DARK, language="id")
    again = scene.window()
    await again.start()
    assert (again.preferences.theme, again.preferences.language) == ("dark", "id")


@pytest.mark.parametrize("text", ["[]", "{", '{"theme": "pink"}', '{"language": 3}', "3"])
async def test_choices_that_make_no_sense_are_as_if_there_were_none(scene: Scene, text: str) -> None:
    scene.keeping.texts[PREFERENCES] = text
    model = scene.window()
    await model.start()
    assert (model.preferences.theme, model.preferences.language) == (Theme.SYSTEM, "")


async def test_few_notices_are_told_at_once_one_for_each_room(scene: Scene) -> None:
    model = await scene.enter("ani")
    for sender, text in (("budi", "1"), ("citra", "2"), ("budi", "3"), ("dewi", "4")):
        scene.server.say(sender, "ani", text)
    await settle()
    assert [row.message for row in model.notices.rows] == ["2", "3", "4"]
    model.notices.done("Done.")
    model.notices.dismiss(model.notices.rows[0].number)
    assert [row.message or row.done for row in model.notices.rows] == ["4", "Done."]
