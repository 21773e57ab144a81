"""The main screen: lists, search, groups, notices, the line to the server, keys, narrow and wide."""

from __future__ import annotations

import asyncio
from functools import partial

import flet as ft
import pytest

from client.gui.views import messages
from client.gui.views.window import Panel
from client.inbox import Status
from protocol.events import TypingEvent
from tests.client.gui.fake_chat import FakeServer
from tests.client.gui.harness import walk
from tests.client.gui.views.panes import PASSWORD, Seen, entered


def _house() -> FakeServer:
    house = FakeServer()
    house.add("ani", "budi", "citra", "dewi", password=PASSWORD)
    house.group("team", "budi", "ani", "citra")
    house.group("secret", "budi", password="sesame-sesame")
    return house


def _rows(seen: Seen) -> list[str]:
    """What screen readers say of the rows, from the top."""
    lists = [
        one
        for one in walk(seen.pane.page)
        if isinstance(one, ft.Semantics) and one.identifier == "conversations"
    ]
    named = [one for one in walk(lists[0]) if isinstance(one, ft.Semantics) and one.button]
    return [label for one in named if (label := one.label or "") and not label.startswith("Everyone")]


async def _press(seen: Seen, name: str) -> None:
    """Click on the row with this name."""
    for one in walk(seen.pane.page):
        if isinstance(one, ft.Semantics) and one.button and (one.label or "").startswith(name):
            assert isinstance(one.content, ft.Container)
            await seen.pane.fire(one.content, "click")
            return
    raise AssertionError(f"no row {name!r} among {_rows(seen)}")


def _is_open(seen: Seen, address: str) -> bool:
    return seen.model.room is not None and seen.model.room.is_at(address)


async def _begins(seen: Seen, *names: str) -> None:
    """Wait until the rows are these, by how they begin."""

    def holds() -> bool:
        rows = _rows(seen)
        return len(rows) == len(names) and all(map(str.startswith, rows, names))

    await seen.pane.until(holds, f"{names} among {_rows(seen)}")


async def test_conversations_stand_newest_first_and_say_what_is_unread() -> None:
    house = _house()
    house.say("budi", "ani", "hello")
    house.say("citra", "#team", "cake")
    house.say("citra", "#team", "is here")
    async with entered(server=house) as seen:
        await _begins(seen, "#team, 2 unread, citra: is here", "budi, 1 unread, hello")
        house.say("budi", "ani", "again")
        await _begins(seen, "budi, 2 unread, again", "#team")


async def test_a_row_opens_its_room_and_is_selected_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "STEP", 0.001)  # nothing is ever built here
    house = _house()
    house.say("budi", "ani", "hello there")
    async with entered(server=house) as seen:
        await seen.pane.until("hello there")
        await _press(seen, "budi")
        await seen.pane.until(lambda: seen.model.room is not None and not seen.model.room.loading)
        await _begins(seen, "budi, hello there", "#team")
        assert any(
            isinstance(one, ft.Semantics) and one.selected and (one.label or "").startswith("budi")
            for one in walk(seen.pane.page)
        )


async def test_who_types_is_said_in_the_list() -> None:
    house = _house()
    message = house.say("budi", "#team", "hello")
    async with entered(server=house) as seen:
        await seen.pane.until("budi: hello")
        talk = seen.model.talks.named("#team")
        assert talk is not None and message.seq == talk.last_seq
        seen.model.hear(TypingEvent(talk.id, "citra"))
        await seen.pane.until("citra is typing…")


async def test_what_is_typed_finds_conversations_then_people_and_groups_and_other_servers() -> None:
    async with entered(server=_house()) as seen:
        await seen.pane.write("Search", "e")
        await _begins(seen, "#team", "dewi", "#secret")
        assert seen.pane.shows("Conversations", "People", "Groups")
        await seen.pane.write("Search", "rina@there")
        await _begins(seen, "rina@there, Write to this person")
        await seen.pane.write("Search", "no such name")
        await seen.pane.until("Nothing found")


async def test_arrows_and_enter_open_what_was_found_and_escape_forgets_the_query() -> None:
    async with entered(server=_house()) as seen:
        search = seen.pane.find("Search", ft.TextField)
        await seen.pane.fire(search, "focus")
        await seen.pane.write("Search", "e")
        await _begins(seen, "#team", "dewi", "#secret")
        await seen.pane.press("Arrow Down")
        await seen.pane.enter("Search")
        await seen.pane.until(partial(_is_open, seen, "dewi"))
        await seen.pane.write("Search", "nobody")
        await seen.pane.press("Escape")
        await seen.pane.until(lambda: not search.value)
        await _begins(seen, "#team")


async def test_who_types_a_name_and_enter_at_once_need_not_wait_for_the_list() -> None:
    async with entered(server=_house()) as seen:
        await seen.pane.until(lambda: seen.model.people.loaded)
        search = seen.pane.find("Search", ft.TextField)
        await seen.pane.fire(search, "focus")
        await _begins(seen, "#team")
        seen.pane.session.apply_patch(search._i, {"value": "dewi"})
        await asyncio.gather(
            seen.pane.fire(search, "change", "dewi"), seen.pane.fire(search, "submit", "dewi")
        )
        await seen.pane.until(partial(_is_open, seen, "dewi"))


async def test_alt_and_arrows_walk_from_one_conversation_to_the_next() -> None:
    house = _house()
    house.say("budi", "#team", "first")
    house.say("budi", "ani", "second")
    async with entered(server=house) as seen:
        await _begins(seen, "budi", "#team")
        for address in ("budi", "#team", "*"):
            await seen.pane.press("Arrow Down", alt=True)
            await seen.pane.until(partial(_is_open, seen, address))


async def test_people_and_groups_have_lists_of_their_own() -> None:
    async with entered(server=_house()) as seen:
        await seen.pane.click("People")
        await seen.pane.until(lambda: [row.split(",")[0] for row in _rows(seen)] == ["budi", "citra", "dewi"])
        await seen.pane.click("Groups")
        await _begins(seen, "#secret, One member · needs a password", "#team, 3 members · you are one")


async def test_a_group_is_created_and_opened_and_a_bad_name_is_said_at_its_field() -> None:
    async with entered(server=_house()) as seen:
        await seen.pane.click("New group")
        await seen.pane.write("Group name", "two words")
        await seen.pane.enter("Group name")
        await seen.pane.until(lambda: seen.pane.find("Group name", ft.TextField).error)
        await seen.pane.write("Group name", "lunch")
        await seen.pane.click("Create group")
        await seen.pane.until(partial(_is_open, seen, "#lunch"))
        await seen.pane.until(lambda: seen.window.dialog is None)


async def test_a_group_with_a_password_is_joined_with_it_alone() -> None:
    async with entered(server=_house()) as seen:
        await seen.pane.click("Groups")
        await seen.pane.until("#secret")
        await _press(seen, "#secret")
        await seen.pane.write("Password", "wrong")
        await seen.pane.click("Join")
        await seen.pane.until(lambda: seen.pane.find("Password", ft.TextField).error)
        await seen.pane.write("Password", "sesame-sesame")
        await seen.pane.enter("Password")
        await seen.pane.until(partial(_is_open, seen, "#secret"))


async def test_members_are_seen_beside_a_room_or_in_its_place_and_a_group_is_left_after_a_question() -> None:
    async with entered(server=_house()) as seen:
        seen.window.open("#team")
        await seen.pane.until(lambda: seen.pane.has("Members"))
        await seen.pane.click("Members")
        await seen.pane.until("budi")
        await seen.pane.until(lambda: seen.pane.shows("3 members"))
        assert seen.pane.has("Message", ft.TextField)
        await seen.pane.resize(900, 700)
        await seen.pane.until(lambda: not seen.pane.has("Message", ft.TextField))
        await seen.pane.until("3 members · ")
        await seen.pane.click("Leave")
        await seen.pane.click("Cancel")
        await seen.pane.click("Leave")
        await seen.pane.click("Leave group")
        await seen.pane.until(lambda: seen.model.room is None)
        await _begins(seen)
        assert seen.window.panel is Panel.NONE


async def test_only_the_creator_is_offered_to_remove_somebody() -> None:
    for user, offered in (("budi", True), ("ani", False)):
        async with entered(user, server=_house()) as seen:
            await seen.model.open("#team")
            seen.window.go(Panel.MEMBERS)
            await seen.pane.until("creator · ")
            assert seen.pane.has("Remove citra") is offered
            if offered:
                await seen.pane.click("Remove citra")
                await seen.pane.click("Remove")
                await seen.pane.until("2 members")


async def test_a_message_in_another_room_is_told_and_opens_it() -> None:
    house = _house()
    async with entered(server=house) as seen:
        seen.window.open("#team")
        await seen.pane.until(lambda: seen.pane.has("Message", ft.TextField))
        house.say("budi", "ani", "are you there?")
        await seen.pane.until(lambda: seen.pane.has("Dismiss"))
        await seen.pane.click("Open")
        await seen.pane.until(partial(_is_open, seen, "budi"))
        await seen.pane.until(lambda: not seen.pane.has("Dismiss"))


async def test_the_line_says_that_the_server_is_away_and_what_waits() -> None:
    async with entered(server=(house := _house())) as seen:
        await seen.model.open("budi")
        house.hold("send")
        seen.model.hear(Status(False, "no answer"))
        await seen.pane.until("Reconnecting: the server has not answered since")
        assert seen.model.room is not None and seen.model.room.say("later")
        await seen.pane.until("One message waits")
        seen.model.hear(Status(True))
        await seen.pane.until(lambda: "Reconnecting" not in seen.pane.text())


async def test_a_narrow_window_shows_one_thing_at_a_time_and_escape_goes_back() -> None:
    async with entered(server=_house(), width=360) as seen:
        assert not any(
            isinstance(one, ft.TextField) and one.label == "Message" for one in walk(seen.pane.page)
        )
        await _press(seen, "#team")
        await seen.pane.until(lambda: seen.pane.has("Back"))
        assert not seen.pane.has("Search", ft.TextField)
        await seen.pane.press("Escape")
        await seen.pane.until(lambda: seen.pane.has("Search", ft.TextField))
        assert seen.model.room is None


async def test_logging_out_asks_first_when_something_would_be_lost() -> None:
    async with entered(server=(house := _house())) as seen:
        await seen.model.open("budi")
        house.hold("send")
        assert seen.model.room is not None and seen.model.room.say("unsent")
        await seen.pane.click("Log out")
        await seen.pane.until("Something has not been sent yet.")
        await seen.pane.click("Cancel")
        assert seen.model.user == "ani"
        await seen.pane.until(lambda: seen.window.dialog is None)
        await seen.pane.click("Log out")
        await seen.pane.click("Log out all the same")
        await seen.pane.until(lambda: not seen.model.user)


async def test_a_long_list_shows_its_newest_rows_and_more_when_asked() -> None:
    house = _house()
    house.add(*(f"user{number}" for number in range(90)), password=PASSWORD)
    async with entered(server=house) as seen:
        await seen.pane.click("People")
        await seen.pane.until(lambda: len(_rows(seen)) == 60)
        await seen.pane.click("Show more")
        await seen.pane.until(lambda: len(_rows(seen)) == 93)


async def test_a_message_redraws_the_row_of_its_conversation_alone() -> None:
    house = _house()
    house.say("citra", "#team", "one")
    house.say("budi", "ani", "one")
    async with entered(server=house) as seen:
        await _begins(seen, "budi, 1 unread, one", "#team, 1 unread, citra: one")
        sent = len(seen.pane.wire.sent)
        house.say("budi", "ani", "two")
        await seen.pane.until("two")
        patches = str(seen.pane.wire.sent[sent:])
        assert "two" in patches and "#team" not in patches
