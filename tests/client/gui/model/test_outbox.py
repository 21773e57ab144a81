"""What was typed and has no answer: it waits in order, goes out once, and outlives its window."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from client.errors import Offline, Timeout, WrongServerKey
from client.gui.model.keeping import OUTBOX, Forgetful, owned
from client.gui.model.model import Model
from client.gui.model.outbox import FULL, WAITING_MOST
from client.gui.model.rows import Mark
from client.inbox import Status
from protocol.commands import RefusedPost
from protocol.errors import Busy, Forbidden, TooLarge
from protocol.events import MessageEvent, UndeliveredEvent
from tests.client.gui.fake_chat import SERVER
from tests.client.gui.model.rooms import bodies, opened, said
from tests.client.gui.model.scene import PASSWORD, Scene, settle

NAME = owned(OUTBOX, SERVER, "ani")


async def until(true: Callable[[], object]) -> None:
    """Moments until something is so."""
    for _ in range(1_000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("It never came about.")


def away(scene: Scene, *models: Model) -> None:
    scene.server.away = True
    for model in models:
        model.hear(Status(False, "gone"))


def back(scene: Scene, *models: Model) -> None:
    scene.server.away = False
    for model in models:
        model.hear(Status(True))


def stored(scene: Scene, conversation: int) -> list[str]:
    return [message.body for message in scene.server.places[conversation].messages]


async def enter(scene: Scene, *, remember: bool = True) -> Model:
    """Ani, in the browser that all windows of a test are in."""
    model = scene.window()
    assert await model.entry.login("ani", PASSWORD, remember=remember)
    return model


async def test_what_is_typed_while_the_server_is_away_waits_in_order_and_goes_out_once(scene: Scene) -> None:
    ani = await scene.enter("ani")
    room = await opened(ani, "budi")
    away(scene, ani)
    for text in ("one", "two", "three"):
        room.say(text)
    await settle()
    assert [(row.body, row.mark) for row in said(room)] == [
        ("one", Mark.WAITING),
        ("two", Mark.WAITING),
        ("three", Mark.WAITING),
    ]
    back(scene, ani)
    await until(lambda: not ani.outbox.parcels)
    await settle()
    assert bodies(room) == stored(scene, room.conversation) == ["one", "two", "three"]


async def test_a_message_whose_answer_was_lost_is_sent_again_under_its_id(scene: Scene) -> None:
    ani = await scene.enter("ani")
    room = await opened(ani, "budi")
    scene.server.fail("send", Timeout("No answer."), Busy("Very busy.", retry_after=0.01))
    room.say("hello")
    await until(lambda: not ani.outbox.parcels)
    ids = {id for _, _, id in scene.server.called("send")}
    assert len(ids) == 1 and len(scene.server.called("send")) == 3
    assert stored(scene, room.conversation) == ["hello"]


async def test_one_that_is_heard_before_its_answer_comes_stands_there_once(scene: Scene) -> None:
    ani = await scene.enter("ani")
    room = await opened(ani, "budi")
    scene.server.hold("send")
    room.say("hello")
    await settle()
    (parcel,) = ani.outbox.parcels
    scene.server.store("ani", "budi", parcel.text, parcel.id)
    await settle()
    assert [(row.body, row.seq) for row in said(room)] == [("hello", 1)]
    assert ani.outbox.parcels == []


async def test_nobody_else_can_answer_for_a_message_of_ours(scene: Scene) -> None:
    ani = await scene.enter("ani")
    room = await opened(ani, "budi")
    away(scene, ani)
    room.say("hello")
    (parcel,) = ani.outbox.parcels
    ani.hear(MessageEvent(9, 1, "budi", "ani", "mine now", 0, parcel.id))
    assert ani.outbox.parcels == [parcel]


async def test_a_slow_conversation_holds_no_other_one_up(scene: Scene) -> None:
    ani = await scene.enter("ani")
    scene.server.group("team", "ani")
    scene.server.fail("send", Busy("So much waits for them.", retry_after=60.0))
    ani.outbox.put("budi", "later")
    await settle()
    ani.outbox.put("#team", "now")
    await settle()
    assert [parcel.text for parcel in ani.outbox.parcels] == ["later"]


async def test_what_the_server_refuses_says_why_and_can_be_sent_again_or_removed(scene: Scene) -> None:
    scene.server.group("team", "ani")
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    scene.server.fail("send", TooLarge("It is too long.", limit=10), Forbidden("Not now."))
    for text in ("one", "two", "three"):
        room.say(text)
        await settle()
    assert [(row.body, row.mark, row.refusal) for row in said(room)] == [
        ("three", Mark.SENT, ""),
        ("one", Mark.REFUSED, "It is too long."),
        ("two", Mark.REFUSED, "Not now."),
    ]
    one, two = ani.outbox.parcels
    ani.outbox.drop(one.id)
    ani.outbox.retry(two.id)
    await settle()
    assert bodies(room) == ["three", "two"] and ani.outbox.parcels == []


async def test_only_what_was_refused_can_be_removed_or_sent_again(scene: Scene) -> None:
    ani = await scene.enter("ani")
    away(scene, ani)
    parcel = ani.outbox.put("budi", "hello")
    ani.outbox.drop(parcel.id)
    ani.outbox.retry(parcel.id)
    assert ani.outbox.parcels == [parcel]


async def test_somebody_else_at_the_servers_address_gets_nothing_and_refuses_nothing(scene: Scene) -> None:
    ani = await scene.enter("ani")
    room = await opened(ani, "budi")
    scene.server.fail("send", WrongServerKey())
    room.say("hello")
    await settle()
    assert [row.mark for row in said(room)] == [Mark.WAITING]
    ani.outbox.again()
    await settle()
    assert [row.mark for row in said(room)] == [Mark.DELIVERED]


async def test_so_much_waits_and_no_more(scene: Scene) -> None:
    ani = await scene.enter("ani")
    room = await opened(ani, "budi")
    away(scene, ani)
    for number in range(WAITING_MOST):
        assert room.say(str(number))
    room.typed("one too many")
    assert not room.say("one too many")
    assert room.draft == "one too many"
    assert [notice.problem for notice in ani.notices.rows] == [FULL]


# --- another realm's group --------------------------------------------------------------------------


async def test_a_message_to_another_realms_group_is_sent_until_it_comes_back(scene: Scene) -> None:
    scene.server.group("team@b", "ani")
    ani = await scene.enter("ani")
    room = await opened(ani, "#team@b")
    room.say("hello")
    await settle()
    assert [(row.mark, row.seq) for row in said(room)] == [(Mark.SENT, 0)]
    (parcel,) = ani.outbox.parcels
    scene.server.store("ani", "#team@b", parcel.text, parcel.id)
    await settle()
    assert [(row.mark, row.seq) for row in said(room)] == [(Mark.SENT, 1)]
    assert ani.outbox.parcels == []


async def test_one_that_it_will_not_have_is_refused_here(scene: Scene) -> None:
    scene.server.group("team@b", "ani")
    ani = await scene.enter("ani")
    room = await opened(ani, "#team@b")
    room.say("hello")
    await settle()
    ani.hear(UndeliveredEvent(room.conversation, 0, ani.outbox.parcels[0].id, "forbidden", "Not a member."))
    assert [(row.mark, row.refusal) for row in said(room)] == [(Mark.REFUSED, "Not a member.")]


async def test_what_it_refused_while_nobody_looked_stands_in_the_room(scene: Scene) -> None:
    place = scene.server.group("team@b", "ani")
    place.refused = [RefusedPost(bytes(16), "hello", 1, "forbidden", "Not a member.")]
    ani = await scene.enter("ani")
    room = await opened(ani, "#team@b")
    assert [(row.body, row.mark, row.refusal) for row in said(room)] == [
        ("hello", Mark.REFUSED, "Not a member.")
    ]
    ani.outbox.drop(bytes(16))
    assert said(room) == []
    ani.hear(Status(False, "gone"))
    ani.hear(Status(True))
    await settle()
    assert said(room) == []


async def test_what_it_refused_goes_there_again_under_its_id(scene: Scene) -> None:
    place = scene.server.group("team@b", "ani")
    place.refused = [RefusedPost(bytes(16), "hello", 1, "forbidden", "Not a member.")]
    ani = await scene.enter("ani")
    room = await opened(ani, "#team@b")
    ani.outbox.retry(bytes(16))
    await settle()
    assert [row.mark for row in said(room)] == [Mark.SENT]
    assert place.refused == []


# --- from one window to the next --------------------------------------------------------------------


async def test_what_waits_is_sent_by_the_next_window_under_the_same_ids(scene: Scene) -> None:
    first = await enter(scene)
    away(scene, first)
    ids = [first.outbox.put("budi", text).id for text in ("one", "two")]
    await settle()
    await first.close()
    scene.server.away = False
    second = scene.window()
    await second.start()
    await until(lambda: second.user and not second.outbox.parcels)
    (place,) = [place for place in scene.server.places.values() if place.kind == "direct"]
    assert [(message.body, message.id) for message in place.messages] == [("one", ids[0]), ("two", ids[1])]
    await second.close()
    assert scene.keeping.texts[NAME] == ""


async def test_what_was_stored_but_not_answered_is_not_there_twice(scene: Scene) -> None:
    first = await enter(scene)
    away(scene, first)
    parcel = first.outbox.put("budi", "hello")
    await first.close()
    scene.server.away = False
    scene.server.store("ani", "budi", parcel.text, parcel.id)
    second = scene.window()
    await second.start()
    room = await opened(second, "budi")
    await until(lambda: not second.outbox.parcels)
    await settle()
    assert bodies(room) == ["hello"]


async def test_a_refusal_is_still_there_in_the_next_window(scene: Scene) -> None:
    first = await enter(scene)
    scene.server.fail("send", TooLarge("It is too long."))
    first.outbox.put("budi", "hello")
    await settle()
    await first.close()
    second = scene.window()
    await second.start()
    (parcel,) = second.outbox.parcels
    assert parcel.refusal is not None and parcel.refusal.message == "It is too long."


async def test_two_windows_of_one_browser_lose_nothing_of_each_other(scene: Scene) -> None:
    one, other = await enter(scene), await enter(scene)
    away(scene, one, other)
    one.outbox.put("budi", "from one")
    await until(lambda: "from one" in scene.keeping.texts.get(NAME, ""))
    other.outbox.put("budi", "from the other")
    await until(lambda: "from the other" in scene.keeping.texts[NAME])
    assert [kept["text"] for kept in json.loads(scene.keeping.texts[NAME])] == ["from one", "from the other"]
    back(scene, other)
    await until(lambda: "from the other" not in scene.keeping.texts[NAME])
    assert "from one" in scene.keeping.texts[NAME] or not one.outbox.parcels


async def test_nothing_is_left_where_one_does_not_stay_logged_in(scene: Scene) -> None:
    ani = await enter(scene, remember=False)
    away(scene, ani)
    ani.outbox.put("budi", "hello")
    await settle()
    await ani.close()
    assert scene.keeping.texts.get(NAME, "") == ""


async def test_who_logs_out_leaves_nothing_behind(scene: Scene) -> None:
    ani = await enter(scene)
    away(scene, ani)
    ani.outbox.put("budi", "hello")
    await until(lambda: scene.keeping.texts.get(NAME))
    await ani.logout()
    assert scene.keeping.texts[NAME] == ""


@pytest.mark.parametrize(
    "text",
    ["{", "7", "[7]", '[{"id": "xx"}]', '[{"id": "00", "to": "budi", "text": "x", "put_at": 1}]', "null"],
)
async def test_what_makes_no_sense_is_as_if_it_had_not_been_kept(scene: Scene, text: str) -> None:
    keeping = Forgetful()
    keeping.texts[NAME] = text
    ani = scene.window(keeping)
    assert await ani.entry.login("ani", PASSWORD, remember=True)
    assert ani.outbox.parcels == []
    away(scene, ani)
    ani.outbox.put("budi", "hello")
    await until(lambda: "hello" in keeping.texts[NAME])


async def test_a_window_goes_on_when_the_server_does_not_know_the_session_any_more(scene: Scene) -> None:
    ani = await enter(scene)
    away(scene, ani)
    ani.outbox.put("budi", "hello")
    await until(lambda: "hello" in scene.keeping.texts.get(NAME, ""))
    scene.server.away = False
    scene.server.end_sessions("ani")
    await settle()
    assert ani.user == "" and "hello" in scene.keeping.texts[NAME]
    assert await ani.entry.login("ani", PASSWORD, remember=True)
    await until(lambda: not ani.outbox.parcels)
    assert not isinstance(ani.entry.problem, Offline)
