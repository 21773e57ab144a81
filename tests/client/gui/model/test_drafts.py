"""What was begun in a conversation and not sent is there when it is opened again."""

from __future__ import annotations

import json

import pytest

from client.gui.model.changes import Part
from client.gui.model.drafts import CHARACTERS_MOST, DRAFTS_MOST
from client.gui.model.keeping import DRAFTS, Forgetful, owned
from client.gui.model.model import Model
from tests.client.gui.fake_chat import SERVER
from tests.client.gui.model.rooms import opened
from tests.client.gui.model.scene import PASSWORD, Scene

NAME = owned(DRAFTS, SERVER, "ani")


async def enter(scene: Scene, keeping: Forgetful | None = None, *, remember: bool = True) -> Model:
    model = scene.window(keeping)
    assert await model.entry.login("ani", PASSWORD, remember=remember)
    return model


async def test_each_conversation_has_its_own(scene: Scene) -> None:
    ani = await enter(scene)
    (await opened(ani, "budi")).typed("for budi")
    (await opened(ani, "citra")).typed("for citra")
    assert (await opened(ani, "BUDI")).draft == "for budi"


async def test_what_is_sent_is_no_draft_any_more(scene: Scene) -> None:
    ani = await enter(scene)
    room = await opened(ani, "budi")
    room.typed("hello")
    ani.changes.take()
    assert room.say(room.draft)
    assert room.draft == "" and Part.COMPOSER in ani.changes.take()


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
async def test_blanks_are_not_sent_and_stay(scene: Scene, text: str) -> None:
    ani = await enter(scene)
    room = await opened(ani, "budi")
    room.typed(text)
    assert not room.say(text)
    assert room.draft == text and ani.outbox.parcels == []


async def test_lines_around_a_message_are_not_sent_and_those_in_it_are(scene: Scene) -> None:
    ani = await enter(scene)
    room = await opened(ani, "budi")
    room.say("\n    indented\n\nnext \n")
    assert [parcel.text for parcel in ani.outbox.parcels] == ["    indented\n\nnext"]


async def test_the_next_window_has_it_too(scene: Scene) -> None:
    ani = await enter(scene)
    (await opened(ani, "budi")).typed("for budi")
    await ani.close()
    again = scene.window()
    await again.start()
    assert (await opened(again, "budi")).draft == "for budi"


async def test_another_user_of_the_same_browser_has_not(scene: Scene) -> None:
    ani = await enter(scene)
    (await opened(ani, "budi")).typed("for budi")
    await ani.close()
    citra = scene.window()
    assert await citra.entry.login("citra", PASSWORD, remember=True)
    assert (await opened(citra, "budi")).draft == ""


async def test_nothing_is_kept_where_one_does_not_stay_logged_in(scene: Scene) -> None:
    ani = await enter(scene, remember=False)
    (await opened(ani, "budi")).typed("for budi")
    await ani.close()
    assert scene.keeping.texts.get(NAME, "") == ""


async def test_who_logs_out_leaves_none_behind(scene: Scene) -> None:
    ani = await enter(scene)
    (await opened(ani, "budi")).typed("for budi")
    await ani.logout()
    await ani.close()
    assert scene.keeping.texts.get(NAME, "") == ""


async def test_so_many_are_kept_and_those_touched_last(scene: Scene) -> None:
    ani = await enter(scene)
    for number in range(DRAFTS_MOST + 5):
        ani.drafts.put(f"user{number}", "x")
    ani.drafts.put("long", "y" * (CHARACTERS_MOST - 10))
    await ani.close()
    kept = json.loads(scene.keeping.texts[NAME])
    assert len(kept) == 11 and list(kept)[-1] == "long"
    assert ani.drafts.get("user0") == ""


@pytest.mark.parametrize("text", ["{", "7", "[]", '{"budi": 7}', "null"])
async def test_what_makes_no_sense_is_as_if_it_had_not_been_kept(scene: Scene, text: str) -> None:
    keeping = Forgetful()
    keeping.texts[NAME] = text
    ani = await enter(scene, keeping)
    assert (await opened(ani, "budi")).draft == ""
