"""Pages of a room: loaded at both ends, let go, filled again, and nothing that moves under anybody's eyes."""

from __future__ import annotations

import asyncio

from client.gui.model.holding import HELD_MOST
from client.gui.model.pages import KEPT, PAGE
from client.gui.model.room import LONG
from client.gui.model.rows import Said
from client.inbox import Status
from protocol.commands import Message
from protocol.errors import Forbidden
from protocol.events import MembershipEvent, MessageEvent
from tests.client.gui.model.rooms import BEGAN, bodies, fill, opened, outline, rows, said, seqs, to_the_top
from tests.client.gui.model.scene import Scene, settle, until


async def test_a_page_above_changes_no_row_below(scene: Scene) -> None:
    fill(scene.server, scene.server.group("team", "ani", "budi"), 120)
    ani = await scene.enter("ani")
    scene.server.places[2].read["ani"] = 120
    room = await opened(ani, "#team")
    before = rows(room)
    version = room.pages[-1].version
    assert (len(before), room.new_at, room.at_start) == (PAGE, 0, False)
    assert outline(room)[0] == "message 71"
    await room.older()
    assert seqs(room) == list(range(21, 121))
    assert rows(room)[-PAGE:] == before and room.pages[-1].version == version
    await room.older()
    assert room.at_start and outline(room)[1] == "budi: message 1"
    await room.older()
    assert len(room.pages) == 3


async def test_the_first_unread_message_is_loaded_if_it_is_not_far(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    fill(scene.server, place, 300)
    place.read["ani"] = 100
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    assert (room.new_at, room.unread_at_opening, seqs(room)[0]) == (101, 200, 100)
    assert outline(room)[:3] == ["message 100", "new", "budi: message 101"]


async def test_one_that_is_far_is_not_and_its_line_stands_where_it_is_scrolled_to(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    fill(scene.server, place, 1_000)
    place.read["ani"] = 10
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    assert (room.new_at, room.unread_at_opening, len(seqs(room))) == (11, 990, PAGE)
    await to_the_top(room)
    assert "new" in outline(room)


async def test_what_we_said_ourselves_elsewhere_is_not_new(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    fill(scene.server, place, 1)
    place.read["ani"] = 1
    fill(scene.server, place, 1, "ani")
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    assert (room.new_at, room.unread_at_opening) == (0, 0)


async def test_a_room_of_50_000_messages_is_walked_to_the_top_and_back(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    fill(scene.server, place, 50_000)
    place.read["ani"] = 50_000
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    room.follow(False)
    while not room.at_start:
        await room.older()
        room.near(0, 1)
        assert sum(page.rows is not None for page in room.pages) <= KEPT
    assert len(room.pages) == 1_000 and seqs(room)[0] == 1
    down = []
    for at in range(len(room.pages)):
        room.near(at, at + 1)
        await until(lambda at=at: room.pages[at].rows is not None)  # type: ignore[misc]
        down += [row.seq for row in room.pages[at].rows or () if isinstance(row, Said)]
        assert sum(page.rows is not None for page in room.pages) <= KEPT
    assert down == list(range(1, 50_001))


async def test_a_page_that_was_let_go_comes_back_as_it_was(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi", "citra")
    for number in range(600):
        fill(scene.server, place, 1, ("budi", "citra")[number // 3 % 2])
    ani = await scene.enter("ani")
    place.read["ani"] = 600
    room = await opened(ani, "#team")
    room.follow(False)
    kept = {room.pages[-1].number: room.pages[-1].rows}
    while not room.at_start:
        await room.older()
        kept[room.pages[0].number] = room.pages[0].rows
    assert room.pages[-1].rows is None
    for at in range(len(room.pages)):
        room.near(at, at)
        await settle()
        assert room.pages[at].rows == kept[room.pages[at].number]


async def test_pages_that_came_near_while_the_server_was_away_are_filled_when_it_is_back(
    scene: Scene,
) -> None:
    place = scene.server.group("team", "ani", "budi")
    fill(scene.server, place, 1_000)
    place.read["ani"] = 1_000
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    room.follow(False)
    await to_the_top(room)
    scene.server.away = True
    room.near(len(room.pages) - 1, len(room.pages) - 1)
    await settle()
    assert room.pages[-1].rows is None
    scene.server.away = False
    ani.hear(Status(False, "gone"))
    ani.hear(Status(True))
    await settle()
    assert room.pages[-1].rows is not None


async def test_nothing_is_added_while_somebody_reads_older_messages(scene: Scene) -> None:
    fill(scene.server, scene.server.group("team", "ani", "budi"), 60)
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    await settle()
    room.follow(False)
    before = rows(room)
    for number in range(3):
        scene.server.say("budi", "#team", f"news {number}")
    await settle()
    assert rows(room) == before and room.held == 3
    assert [talk.unread for talk in ani.talks.rows if talk.name == "#team"] == [3]
    assert ani.notices.rows == []
    room.follow(True)
    await settle()
    assert bodies(room)[-3:] == ["news 0", "news 1", "news 2"] and room.held == 0
    assert ani.talks.unread == 0


async def test_very_much_that_was_held_is_fetched_again_where_it_is_scrolled_to(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    fill(scene.server, place, 60)
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    room.follow(False)
    for number in range(3 * HELD_MOST):
        scene.server.say("budi", "#team", str(number))
    await until(lambda: room.held == 3 * HELD_MOST)
    room.follow(True)
    await settle()
    assert seqs(room)[-1] == len(place.messages)
    assert [page.first for page in room.pages[1:]] == [page.last + 1 for page in room.pages[:-1]]
    for at in range(len(room.pages)):
        room.near(at, at)
        await settle()
        page = room.pages[at]
        assert page.rows is not None
        assert {row.seq for row in said(room)} >= set(range(page.first, page.last + 1))


async def test_a_long_way_up_is_forgotten_when_one_goes_to_the_newest(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    fill(scene.server, place, 2_000)
    place.read["ani"] = 2_000
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    room.follow(False)
    await to_the_top(room)
    room.to_newest()
    await settle()
    assert len(room.pages) <= KEPT and not room.at_start and room.following
    assert seqs(room)[-PAGE:] == list(range(1_951, 2_001))
    await room.older()
    assert [page.first for page in room.pages[1:]] == [page.last + 1 for page in room.pages[:-1]]


async def test_a_room_that_is_closed_takes_in_nothing_more(scene: Scene) -> None:
    fill(scene.server, scene.server.group("team", "ani", "budi"), 120)
    scene.server.places[2].read["ani"] = 120
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    gate = scene.server.hold("history")
    asking = asyncio.create_task(room.older())
    await settle()
    ani.leave_room()
    gate.set()
    await asking
    assert len(room.pages) == 1


async def test_older_messages_that_are_refused_are_asked_for_again_later(scene: Scene) -> None:
    fill(scene.server, scene.server.group("team", "ani", "budi"), 120)
    scene.server.places[2].read["ani"] = 120
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    scene.server.fail("history", Forbidden("Not now."))
    await room.older()
    assert not room.older_loading and len(room.pages) == 1
    await room.older()
    assert len(room.pages) == 2


async def test_a_copy_of_another_realms_group_begins_where_it_begins(scene: Scene) -> None:
    """What was said there before a user of ours joined is not on our server."""
    place = scene.server.group("team@b", "ani", "budi")
    fill(scene.server, place, 121)
    place.read["ani"] = 121
    place.begins = 20
    ani = await scene.enter("ani")
    room = await opened(ani, "#team@b")
    await to_the_top(room)
    assert seqs(room) == list(range(21, 122))


async def test_who_came_stays_where_they_came_when_a_page_is_let_go_and_comes_back(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    fill(scene.server, place, 600)
    place.read["ani"] = 600
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    ani.hear(MembershipEvent(place.id, "team", "citra", "joined"))
    room.follow(False)
    ani.hear(MembershipEvent(place.id, "team", "dewi", "joined"))
    assert "dewi joined" not in outline(room)
    room.follow(True)
    scene.server.say("budi", "#team", "welcome")
    await settle()
    end = [room.pages[-2].rows, room.pages[-1].rows]
    *before, day, welcome = outline(room)
    assert before[-3:] == ["message 600", "citra joined", "dewi joined"]
    assert (day[0], welcome) == ("=", "budi: welcome")
    room.follow(False)
    await to_the_top(room)
    assert room.pages[-1].rows is None
    room.near(len(room.pages) - 2, len(room.pages) - 1)
    await settle()
    assert [room.pages[-2].rows, room.pages[-1].rows] == end


async def test_a_room_that_is_open_for_days_forgets_what_was_said_on_the_first(scene: Scene) -> None:
    place = scene.server.group("team", "ani", "budi")
    ani = await scene.enter("ani")
    room = await opened(ani, "#team")
    for seq in range(1, (LONG + 3) * PAGE + 1):
        id = seq.to_bytes(16, "big")
        ani.hear(MessageEvent(place.id, seq, "budi", "#team", "hello", BEGAN, id))
        place.messages.append(Message(seq, "budi", "hello", BEGAN, id))
        assert len(room.pages) <= LONG
    assert seqs(room)[-1] == (LONG + 3) * PAGE
    room.follow(False)
    await to_the_top(room)
    assert len(room.pages) == LONG + 3 and seqs(room)[0] == 1
