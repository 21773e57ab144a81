"""An open room: what is loaded, heard, said, marked and read."""

from __future__ import annotations

import asyncio

from client.errors import Offline
from client.gui.model.changes import Part
from client.gui.model.rows import Mark
from client.inbox import SetBack, Status
from protocol.events import DeliveredEvent, MembershipEvent, ReadEvent, TypingEvent, UndeliveredEvent
from tests.client.gui.model.rooms import bodies, fill, opened, outline, said, seqs
from tests.client.gui.model.scene import Scene, settle, until


async def test_a_conversation_that_has_not_begun_is_empty_and_begins_with_what_is_said(scene: Scene) -> None:
    ani = await scene.enter("ani")
    room = await opened(ani, "BUDI")
    assert (room.address, room.kind, room.loading, room.at_start) == ("budi", "direct", False, True)
    assert room.say("hello")
    assert [row.mark for row in said(room)] == [Mark.WAITING]
    await settle()
    assert [(row.body, row.mark, row.seq) for row in said(room)] == [("hello", Mark.DELIVERED, 1)]
    assert room.conversation == scene.server.called("history")[-1][0] or room.conversation > 1


async def test_whom_nobody_knows_has_no_room(scene: Scene) -> None:
    ani = await scene.enter("ani")
    failed = await ani.open("nobody")
    assert failed is not None and failed.code == "not_found"
    assert ani.room is None


async def test_a_room_is_loaded_when_the_server_is_back(scene: Scene) -> None:
    scene.server.say("budi", "ani", "hello")
    ani = await scene.enter("ani")
    scene.server.fail("history", Offline("The server cannot be reached."))
    opening = asyncio.create_task(ani.open("budi"))
    await settle()
    room = ani.room
    assert room is not None and room.loading
    room.say("are you there?")
    await opening
    await settle()
    assert bodies(room) == ["hello", "are you there?"]


async def test_what_is_said_while_a_room_loads_is_in_it_once(scene: Scene) -> None:
    scene.server.say("budi", "ani", "before")
    ani = await scene.enter("ani")
    gate = scene.server.hold("history")
    opening = asyncio.create_task(ani.open("budi"))
    await settle()
    scene.server.say("budi", "ani", "meanwhile")
    await settle()
    gate.set()
    await opening
    assert ani.room is not None
    assert bodies(ani.room) == ["before", "meanwhile"]
    scene.server.say("budi", "ani", "after")
    await settle()
    assert bodies(ani.room) == ["before", "meanwhile", "after"]


async def test_rows_name_a_sender_once_in_a_run_and_days_where_they_begin(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi", "citra")
    fill(scene.server, place, 2)
    fill(scene.server, place, 1, "citra")
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    scene.server.say("citra", "#team", "three years later")
    await settle()
    day = [word for word in outline(room) if word.startswith("=")]
    assert len(day) == 2
    assert [word for word in outline(room) if word not in day] == [
        "new",
        "budi: message 1",
        "message 2",
        "citra: message 3",
        "citra: three years later",
    ]


async def test_what_is_said_here_is_seen_here(scene: Scene) -> None:
    fill(scene.server, scene.server.group("team", "ani", "budi"), 60)
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    room.follow(False)
    scene.server.say("budi", "#team", "held")
    await settle()
    assert room.say("mine")
    assert room.following
    await settle()
    assert bodies(room)[-2:] == ["held", "mine"]


async def test_a_message_on_its_way_stays_in_its_place_when_somebody_scrolls_up(scene: Scene) -> None:
    fill(scene.server, scene.server.group("team", "ani", "budi"), 60)
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    gate = scene.server.hold("send")
    room.say("mine")
    room.follow(False)
    await settle()
    gate.set()
    await settle()
    assert [(row.body, row.mark) for row in said(room)][-1] == ("mine", Mark.SENT)
    assert len(room.waiting) and room.held == 0
    room.follow(True)
    assert bodies(room).count("mine") == 1 and not room.waiting


# --- marks ----------------------------------------------------------------------------------------


async def test_marks_of_a_direct_conversation_move_as_the_other_one_reads(scene: Scene) -> None:
    ani = await scene.enter("ani")
    room = await opened(ani, "budi")
    room.say("one")
    room.say("two")
    await settle()
    ani.changes.take()
    ani.hear(ReadEvent(room.conversation, "budi", 1))
    assert [row.mark for row in said(room)] == [Mark.READ, Mark.DELIVERED]
    assert Part.COMING in ani.changes.take()


async def test_a_message_to_another_realm_is_delivered_when_it_says_so(scene: Scene) -> None:
    scene.server.users["budi@b"] = ""
    ani = await scene.enter("ani")
    room = await opened(ani, "budi@b")
    for text in ("one", "two", "three"):
        room.say(text)
    await settle()
    assert [row.mark for row in said(room)] == [Mark.SENT] * 3
    ani.hear(DeliveredEvent(room.conversation, 2))
    ani.hear(ReadEvent(room.conversation, "budi@b", 1))
    ani.hear(UndeliveredEvent(room.conversation, 3, said(room)[2].id, "forbidden", "They are blocked."))
    assert [row.mark for row in said(room)] == [Mark.READ, Mark.DELIVERED, Mark.REFUSED]
    assert said(room)[2].refusal == "They are blocked."


async def test_a_message_in_a_group_is_read_once_anybody_has_read_it(scene: Scene) -> None:
    scene.server.group("team", "ani", "budi", "citra")
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    room.say("hello")
    await settle()
    assert said(room)[0].mark is Mark.SENT
    ani.hear(ReadEvent(room.conversation, "ani", 1))
    assert said(room)[0].mark is Mark.SENT
    ani.hear(ReadEvent(room.conversation, "citra", 1))
    assert said(room)[0].mark is Mark.READ


async def test_marks_that_moved_while_the_server_was_away_are_asked_for(scene: Scene) -> None:
    ani = await scene.enter("ani")
    room = await opened(ani, "budi")
    room.say("hello")
    await settle()
    ani.hear(Status(False, "gone"))
    scene.server.places[room.conversation].read["budi"] = 1
    ani.hear(Status(True))
    await settle()
    assert said(room)[0].mark is Mark.READ


# --- reading --------------------------------------------------------------------------------------


async def test_what_is_seen_is_read_and_what_is_not_is_not(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    fill(scene.server, place, 3)
    ani = await scene.enter("ani")
    ani.seen(False)
    room = await opened(ani, "#team")
    await settle()
    assert scene.server.called("read") == [] and ani.talks.unread == 3
    ani.seen(True)
    await settle()
    assert scene.server.called("read") == [(place.id, 3)] and ani.talks.unread == 0
    room.follow(False)
    scene.server.say("budi", "#team", "news")
    await settle()
    assert scene.server.called("read") == [(place.id, 3)]
    room.follow(True)
    await until(lambda: place.read["ani"] == 3)
    assert ani.talks.unread == 0


async def test_a_marker_that_did_not_arrive_is_moved_when_the_server_is_back(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    fill(scene.server, place, 3)
    ani = await scene.enter("ani")
    scene.server.fail("read", Offline("The server cannot be reached."))
    await opened(ani, "#team")
    await settle()
    assert place.read.get("ani", 0) == 0
    ani.hear(Status(False, "gone"))
    ani.hear(Status(True))
    await settle()
    assert place.read["ani"] == 3


async def test_our_own_words_are_no_reason_to_move_a_marker(scene: Scene) -> None:
    ani = await scene.enter("ani")
    room = await opened(ani, "budi")
    room.say("hello")
    await settle()
    assert scene.server.called("read") == []


# --- typing, coming and going -----------------------------------------------------------------------


async def test_others_are_told_that_one_types_every_three_seconds_at_most(scene: Scene) -> None:
    ani = await scene.enter("ani")
    room = await opened(ani, "budi")
    for text in ("h", "he", "hel"):
        room.typed(text)
        await settle()
    assert scene.server.called("typing") == [("budi",)]
    room.say("hel")
    room.typed("l")
    await settle()
    assert scene.server.called("typing") == [("budi",)] * 2


async def test_nobody_is_told_of_blanks_nor_everybody_of_anything(scene: Scene) -> None:
    ani = await scene.enter("ani")
    room = await opened(ani, "budi")
    room.typed(" ")
    room = await opened(ani, "*")
    room.typed("hello")
    await settle()
    assert scene.server.called("typing") == []


async def test_who_types_is_named_until_they_have_said_it(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    ani.hear(TypingEvent(place.id, "budi"))
    ani.hear(TypingEvent(place.id, "ani"))
    assert room.typists == ["budi"]
    scene.server.say("budi", "#team", "hello")
    await settle()
    assert room.typists == []


async def test_who_joins_or_leaves_is_named_between_the_messages(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    scene.server.say("budi", "#team", "one")
    await settle()
    ani.hear(MembershipEvent(place.id, "team", "citra", "joined"))
    scene.server.say("budi", "#team", "two")
    await settle()
    assert outline(room)[1:] == ["budi: one", "citra joined", "budi: two"]


# --- the server is set back -------------------------------------------------------------------------


async def test_messages_that_a_restored_server_does_not_have_are_gone_here_too(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    fill(scene.server, place, 120)
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    room.follow(False)
    await room.older()
    scene.server.say("budi", "#team", "held")
    await settle()
    del place.messages[90:]
    ani.hear(SetBack(place.id, "#team", 121, 90))
    assert seqs(room)[-1] == 90 and room.held == 0
    assert [notice.values for notice in ani.notices.rows] == [(("name", "#team"),)]
    room.follow(True)
    scene.server.say("budi", "#team", "again")
    await settle()
    assert (seqs(room)[-1], bodies(room)[-1]) == (91, "again")
    assert seqs(room) == list(range(seqs(room)[0], 92))


async def test_a_room_of_which_nothing_is_left_on_the_screen_is_loaded_again(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    fill(scene.server, place, 200)
    ani = await scene.enter("ani")
    place.read["ani"] = 200
    room = await opened(ani, "#team")
    del place.messages[20:]
    ani.hear(SetBack(place.id, "#team", 200, 20))
    await settle()
    assert seqs(room) == list(range(1, 21))


async def test_what_is_far_below_where_one_begins_to_read_is_not_read_yet(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    fill(scene.server, place, 200)
    ani = await scene.enter("ani")
    assert await ani.open("#team") is None
    room = ani.room
    assert room is not None
    await settle()
    assert (place.read.get("ani", 0), ani.talks.unread) == (0, 200)
    scene.server.say("budi", "#team", "one more")
    await settle()
    assert (place.read.get("ani", 0), ani.talks.unread) == (0, 201)
    room.follow(False)
    room.reading.arrived()
    for seen in (12, 40, 30):  # scrolled down, and up a little
        room.reading.saw(seen)
        room.read()
    await until(lambda: place.read.get("ani") == 40)
    assert ani.talks.unread == 161
    room.follow(True)
    assert ani.talks.unread == 0


async def test_who_writes_into_a_room_has_seen_its_newest_messages(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    fill(scene.server, place, 200)
    ani = await scene.enter("ani")
    assert await ani.open("#team") is None
    assert ani.room is not None
    ani.room.say("hello")
    await until(lambda: place.read.get("ani", 0) >= 200)
