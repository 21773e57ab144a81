"""The list of conversations: counts, order, excerpts, typists; whichever comes first, list or event."""

from __future__ import annotations

import pytest

from client.errors import Offline
from client.gui.model import talks
from client.gui.model.changes import Part
from client.gui.model.model import Model
from client.gui.model.talk import EXCERPT, excerpt
from client.inbox import SetBack, Status
from protocol.errors import NotFound
from protocol.events import DeliveredEvent, MembershipEvent, ReadEvent, TypingEvent, UndeliveredEvent
from protocol.files import FileInfo
from tests.client.gui.model.scene import Scene, settle, talk, until


def names(model: Model) -> list[str]:
    return [row.name for row in model.talks.rows]


# --- what there is ----------------------------------------------------------------------------------


async def test_conversations_come_newest_first_with_what_was_said_last(scene: Scene) -> None:
    scene.server.say("budi", "ani", "first\nof two lines")
    scene.server.group("team", "ani", "citra")
    scene.server.say("citra", "#team", "hello, team")
    model = await scene.enter("ani")
    assert names(model) == ["#team", "budi", "*"]
    assert [(row.excerpt, row.said_by) for row in model.talks.rows] == [
        ("hello, team", "citra"),
        ("first of two lines", "budi"),
        ("", ""),
    ]
    assert [row.unread for row in model.talks.rows] == [1, 1, 0]
    assert model.talks.unread == 2


async def test_every_word_typed_must_be_in_the_name(scene: Scene) -> None:
    scene.server.group("night-team", "ani")
    scene.server.group("day-team", "ani")
    model = await scene.enter("ani")
    assert [row.name for row in model.talks.found("TEAM ni")] == ["#night-team"]
    assert [row.name for row in model.talks.found("#")] == ["#day-team", "#night-team"]
    assert len(model.talks.found("")) == 3
    assert model.talks.named("#NIGHT-team") is model.talks.found("night")[0]


async def test_of_very_many_only_the_newest_are_asked_what_was_said(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talks, "EXCERPTS", 2)
    for name in ("one", "two", "three"):
        scene.server.group(name, "ani")
        scene.server.say("ani", f"#{name}", f"in {name}")
    model = await scene.enter("ani")
    assert [row.excerpt for row in model.talks.rows] == ["in three", "in two", "", ""]


async def test_what_was_left_meanwhile_is_asked_nothing_and_the_others_are(scene: Scene) -> None:
    scene.server.say("budi", "ani", "hello")
    model = scene.window()
    await model.start()
    scene.server.say("citra", "ani", "hi")
    scene.server.fail("history", NotFound("Gone."))
    assert await model.entry.login("ani", "secret", remember=False)
    await settle()
    assert [row.excerpt for row in model.talks.rows] == ["", "hello", ""]


def test_an_excerpt_is_one_short_line() -> None:
    assert excerpt("  a\n\n\tb  ") == "a b"
    assert len(excerpt("word " * 100_000)) == EXCERPT


# --- messages ---------------------------------------------------------------------------------------


async def test_a_message_moves_its_conversation_up_counts_and_is_told(scene: Scene) -> None:
    scene.server.say("budi", "ani", "old")
    scene.server.say("citra", "ani", "newer")
    model = await scene.enter("ani")
    scene.server.say("budi", "ani", "news")
    await settle()
    assert names(model)[0] == "budi"
    assert (talk(model, "budi").unread, talk(model, "budi").excerpt) == (2, "news")
    assert [(row.address, row.sender, row.message) for row in model.notices.rows] == [
        ("budi", "budi", "news")
    ]


async def test_the_first_message_of_somebody_begins_a_conversation(scene: Scene) -> None:
    model = await scene.enter("ani")
    scene.server.say("dewi", "ani", "hello")
    await settle()
    assert (talk(model, "dewi").unread, talk(model, "dewi").kind) == (1, "direct")


async def test_our_own_message_from_another_device_is_not_unread(scene: Scene) -> None:
    model = await scene.enter("ani")
    scene.server.say("ani", "budi", "hello")
    await settle()
    assert (talk(model, "budi").unread, talk(model, "budi").said_by) == (0, "ani")
    assert not model.notices.rows


async def test_messages_that_the_list_has_counted_are_not_counted_twice(scene: Scene) -> None:
    scene.server.say("budi", "ani", "one")
    model = await scene.enter("ani")
    model.hear(Status(False, "Away."))
    held = scene.server.chats[-1]
    queued: list[object] = []
    held.push = queued.append  # type: ignore[assignment]
    scene.server.say("budi", "ani", "two")
    model.hear(Status(True))
    await settle()
    assert talk(model, "budi").unread == 2
    for event in queued:
        model.hear(event)  # type: ignore[arg-type]
    assert (talk(model, "budi").unread, talk(model, "budi").excerpt) == (2, "two")


async def test_a_list_that_was_asked_for_before_a_message_does_not_take_it_back(scene: Scene) -> None:
    scene.server.say("budi", "ani", "one")
    model = await scene.enter("ani")
    rows = await model.chat.conversations()
    scene.server.say("budi", "ani", "two")
    await settle()
    model.talks._listed(rows, model.talks._lists)
    assert (talk(model, "budi").unread, talk(model, "budi").last_seq) == (2, 2)


async def test_a_file_is_said_by_its_name(scene: Scene) -> None:
    model = await scene.enter("ani")
    scene.server.say("budi", "ani", "plan.pdf", FileInfo(7, "plan.pdf", 10, "application/pdf", b"0" * 32))
    await settle()
    assert (talk(model, "budi").excerpt, talk(model, "budi").with_file) == ("plan.pdf", True)


# --- what is read -----------------------------------------------------------------------------------


async def test_what_is_read_here_counts_no_more_even_if_an_older_list_says_so(scene: Scene) -> None:
    message = scene.server.say("budi", "ani", "one")
    model = await scene.enter("ani")
    rows = await model.chat.conversations()
    known = talk(model, "budi")
    model.talks.read(known.id, message.seq)
    assert (known.unread, model.talks.unread) == (0, 0)
    model.talks._listed(rows, model.talks._lists)
    assert known.unread == 0


async def test_what_is_read_on_another_device_counts_no_more_here(scene: Scene) -> None:
    for text in ("one", "two", "three"):
        scene.server.say("budi", "ani", text)
    model = await scene.enter("ani")
    other = await scene.enter("ani")
    await other.chat.read("budi", 2)
    await settle()
    assert talk(model, "budi").unread == 1
    await other.chat.read("budi")
    await settle()
    assert (talk(model, "budi").unread, talk(model, "budi").readers) == (0, {})


async def test_marks_of_others_only_move_forward(scene: Scene) -> None:
    scene.server.say("ani", "budi", "one")
    model = await scene.enter("ani")
    known = talk(model, "budi")
    for seq in (1, 3, 2):
        model.hear(ReadEvent(known.id, "budi", seq))
        model.hear(DeliveredEvent(known.id, seq))
    assert (known.seen, known.delivered, known.readers) == (3, 3, {"budi": 3})


async def test_a_delivery_that_is_heard_before_its_conversation_is_remembered(scene: Scene) -> None:
    model = await scene.enter("ani")
    model.hear(DeliveredEvent(77, 1))
    assert model.talks.know(77, "budi@b").delivered == 1


async def test_a_message_that_another_realm_refuses_is_told_wherever_one_is(scene: Scene) -> None:
    model = await scene.enter("ani")
    model.talks.know(77, "budi@b")
    model.hear(UndeliveredEvent(77, 1, b"0" * 16, "not_found", "There is no user budi."))
    assert model.notices.rows[-1].done == "Not delivered to {name}: {reason}"
    assert dict(model.notices.rows[-1].values) == {"name": "budi@b", "reason": "There is no user budi"}


async def test_a_server_that_was_set_back_is_believed(scene: Scene) -> None:
    for text in ("one", "two", "three"):
        scene.server.say("budi", "ani", text)
    model = await scene.enter("ani")
    known = talk(model, "budi")
    del scene.server.places[known.id].messages[1:]
    model.hear(SetBack(known.id, "budi", 3, 1))
    await settle()
    assert (known.last_seq, known.unread, known.excerpt) == (1, 1, "one")


# --- typing -----------------------------------------------------------------------------------------


async def test_who_types_is_shown_for_a_while_and_until_they_have_said_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.server.say("budi", "ani", "hello")
    model = await scene.enter("ani")
    known = talk(model, "budi")
    monkeypatch.setattr(type(model), "now", staticmethod(lambda: 100.0))
    model.hear(TypingEvent(known.id, "budi"))
    model.hear(TypingEvent(known.id, "ani"))
    assert model.talks.typists("Budi") == ["budi"]
    monkeypatch.setattr(type(model), "now", staticmethod(lambda: 100.0 + talks.TYPING_SHOWN))
    assert model.talks.typists("budi") == []
    monkeypatch.setattr(type(model), "now", staticmethod(lambda: 101.0))
    scene.server.say("budi", "ani", "there")
    await settle()
    assert model.talks.typists("budi") == []


async def test_that_somebody_types_no_more_is_drawn_although_nothing_is_heard(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talks, "TYPING_SHOWN", -0.05)
    model = await scene.enter("ani")
    model.hear(TypingEvent(1, "budi"))
    assert Part.TYPING in model.changes.take()
    await until(lambda: Part.TYPING in model.changes.take())


async def test_who_types_to_us_for_the_first_time_is_known_by_name(scene: Scene) -> None:
    model = await scene.enter("ani")
    model.hear(TypingEvent(0, "dewi"))
    assert (model.talks.typists("dewi"), model.talks.typists("#dewi")) == (["dewi"], [])


# --- coming and going -------------------------------------------------------------------------------


async def test_a_group_joined_on_another_device_appears_and_one_left_there_goes(scene: Scene) -> None:
    scene.server.group("team", "budi")
    model = await scene.enter("ani")
    other = await scene.enter("ani")
    await other.chat.join_group("team")
    await until(lambda: model.talks.named("#team"))
    assert names(model)[0] == "#team"  # where it is seen, though nothing was said
    await other.chat.leave_group("team")
    await until(lambda: not model.talks.named("#team"))


async def test_that_others_come_and_go_changes_no_list(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    model = await scene.enter("ani")
    model.hear(MembershipEvent(place.id, "team", "budi", "left"))
    assert talk(model, "#team").id == place.id


async def test_what_was_left_while_the_line_was_down_is_gone_when_it_is_back(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    model = await scene.enter("ani")
    model.hear(Status(False, "Away."))
    place.users.remove("ani")
    model.hear(Status(True))
    await until(lambda: not model.talks.named("#team"))
    assert names(model) == ["*"]


async def test_a_conversation_that_begins_while_a_list_is_under_way_stays(scene: Scene) -> None:
    model = await scene.enter("ani")
    rows = await model.chat.conversations()
    model.talks._lists += 1
    model.talks.know(99, "dewi")
    model.talks._listed(rows, model.talks._lists)
    assert model.talks.named("dewi") is not None


async def test_a_list_that_does_not_come_is_asked_for_again_at_the_next_cause(scene: Scene) -> None:
    model = await scene.enter("ani")
    scene.server.fail("conversations", Offline("Away."))
    model.talks.reload()
    model.talks.reload()
    await settle()
    asked = len(scene.server.called("conversations"))
    model.talks.reload()
    await settle()
    assert len(scene.server.called("conversations")) == asked + 1
