"""The open conversation: what is seen of it, writing, scrolling. In this process."""

from __future__ import annotations

import flet as ft

from client.gui.model.room import KEPT, PAGE, Room
from client.gui.views.sheets import Box, Scroll, Sheet
from client.gui.views.window import Panel
from client.inbox import Status
from protocol.errors import Forbidden
from protocol.events import MembershipEvent, ReadEvent, TypingEvent
from tests.client.gui.fake_chat import FakeServer
from tests.client.gui.fake_server import Place
from tests.client.gui.model.rooms import fill
from tests.client.gui.views.panes import PASSWORD, Seen, entered

SCREEN = 800.0
"""Height of the messages on the window, in pixels."""
HIGH = 2_000.0
"""Height of a page."""


def house(*words: str) -> tuple[FakeServer, Place]:
    """A server with a group of four, in which budi has said this, and ani has read it."""
    server = FakeServer()
    server.add("ani", "budi", "citra", "dewi", password=PASSWORD)
    team = server.group("team", "budi", "ani", "citra", "dewi")
    for text in words:
        server.say("budi", "#team", text)
    team.read["ani"] = len(words)
    return server, team


async def room_of(seen: Seen, address: str = "#team") -> Room:
    """Open a conversation as the list does, on a window on which things have a size."""
    seen.window.open(address)
    await seen.pane.until(lambda: seen.model.room is not None and seen.model.room.is_at(address))
    await seen.pane.until(lambda: seen.model.room is not None and not seen.model.room.loading)
    await seen.pane.until(lambda: seen.pane.controls(Scroll) and not seen.pane.controls(ft.ProgressRing))
    shown = scroll(seen)
    await seen.pane.fire(shown, "size_change", {"w": 860.0, "h": SCREEN})
    await built(seen, shown)
    assert seen.model.room is not None
    return seen.model.room


def scroll(seen: Seen) -> Scroll:
    """The list of messages."""
    (found,) = seen.pane.controls(Scroll)
    return found


def sheets(shown: Scroll) -> list[Sheet]:
    """Pages that are drawn, the newest first."""
    return [each for each in shown.controls if isinstance(each, Sheet) and each.on_size_change]


async def built(seen: Seen, shown: Scroll) -> None:
    """The client has built every page that it was sent, and says how high each is."""
    for sheet in sheets(shown):
        await seen.pane.fire(sheet, "size_change", {"w": 800.0, "h": HIGH})


async def scrolled(seen: Seen, shown: Scroll, pixels: float) -> None:
    """Somebody has scrolled to ``pixels`` above the newest message."""
    where = {
        "event_type": "update",
        "pixels": pixels,
        "min_scroll_extent": 0.0,
        "max_scroll_extent": 1e6,
        "viewport_dimension": SCREEN,
    }
    await seen.pane.fire(shown, "scroll", where)


def names(seen: Seen) -> list[str]:
    """What a screen reader says of each message."""
    return [
        str(each.label)
        for each in seen.pane.controls(ft.Semantics)
        if each.container and ": " in str(each.label or "")
    ]


async def test_a_message_is_named_by_its_sender_text_and_mark() -> None:
    server, _ = house("good morning")
    async with entered(server=server) as seen:
        await room_of(seen)
        await seen.pane.write("Message", "hello")
        await seen.pane.enter("Message")
        await seen.pane.until(lambda: any(name.endswith(", sent") for name in names(seen)))
        first, second = names(seen)
        assert first.startswith("budi: good morning, ")
        assert second.startswith("ani: hello, ")
        assert seen.pane.find("Message", ft.TextField).value == ""


async def test_a_mark_that_moves_redraws_its_sign_alone() -> None:
    server, team = house()
    async with entered(server=server) as seen:
        await room_of(seen)
        await seen.pane.write("Message", "hello")
        await seen.pane.enter("Message")
        await seen.pane.until(lambda: any(name.endswith(", sent") for name in names(seen)))
        before = seen.pane.controls(Box)
        server.tell(ReadEvent(team.id, "budi", 1), "ani")
        await seen.pane.until(lambda: names(seen)[0].endswith(", read"))
        assert all(one is other for one, other in zip(before, seen.pane.controls(Box), strict=True))


async def test_messages_that_look_alike_are_each_there() -> None:
    server, _ = house("yes", "yes", "yes")
    async with entered(server=server) as seen:
        await room_of(seen)
        server.say("budi", "#team", "yes")
        await seen.pane.until(lambda: len(names(seen)) == 4)


async def test_older_messages_come_above_and_far_ones_leave_their_height() -> None:
    server, team = house()
    fill(server, team, 12 * PAGE)
    team.read["ani"] = 12 * PAGE
    async with entered(server=server) as seen:
        room = await room_of(seen)
        shown = scroll(seen)
        for page in range(KEPT - 2):
            number = page + 2
            await scrolled(seen, shown, page * HIGH)
            await seen.pane.until(lambda least=number: len(shown.controls) >= least + 2)  # type: ignore[misc]
            await built(seen, shown)
        spaces = [each for each in shown.controls if isinstance(each, Box) and each.height == HIGH]
        assert len(spaces) == len(room.pages) - len(sheets(shown)) > 0
        assert len(sheets(shown)) <= KEPT
        assert not any("message 600," in name for name in names(seen))
        await scrolled(seen, shown, 0)
        await seen.pane.until(lambda: len(sheets(shown)) and shown.controls[1] in sheets(shown))
        assert any("message 600," in name for name in names(seen))


async def test_what_comes_while_somebody_reads_above_waits_below_a_button() -> None:
    server, team = house()
    fill(server, team, 20)
    team.read["ani"] = 20
    async with entered(server=server) as seen:
        room = await room_of(seen)
        assert not seen.pane.has("Newest messages")
        await scrolled(seen, scroll(seen), 500)
        server.say("budi", "#team", "late")
        await seen.pane.until("1 new message")
        assert not any("late" in name for name in names(seen))
        await seen.pane.click("1 new message")
        await seen.pane.until(lambda: any("budi: late" in name for name in names(seen)))
        assert room.following
        assert not seen.pane.has("Newest messages")


async def test_a_room_says_where_its_new_messages_begin() -> None:
    server, team = house("old", "young", "younger")
    team.read["ani"] = 1
    async with entered(server=server) as seen:
        await room_of(seen)
        assert seen.pane.shows("New messages")


async def test_an_empty_room_says_that_it_is_empty() -> None:
    async with entered(server=house()[0]) as seen:
        await room_of(seen)
        await seen.pane.until("No messages yet")
        await seen.pane.write("Message", "first")
        await seen.pane.enter("Message")
        await seen.pane.until(lambda: not seen.pane.shows("No messages yet"))


async def test_what_was_begun_in_one_room_stands_there_when_it_is_opened_again() -> None:
    async with entered(server=house()[0]) as seen:
        await room_of(seen)
        await seen.pane.write("Message", "not yet")
        await room_of(seen, "budi")
        await seen.pane.until(lambda: not seen.pane.find("Message", ft.TextField).value)
        await room_of(seen)
        await seen.pane.until(lambda: seen.pane.find("Message", ft.TextField).value == "not yet")


async def test_who_types_and_who_comes_is_said() -> None:
    server, team = house("hello")
    async with entered(server=server) as seen:
        await room_of(seen)
        server.tell(TypingEvent(team.id, "budi"), "ani")
        await seen.pane.until("budi is typing …")
        server.tell(TypingEvent(team.id, "citra"), "ani")
        await seen.pane.until("budi and citra are typing …")
        server.tell(MembershipEvent(team.id, "team", "dewi", "removed", "budi"), "ani")
        await seen.pane.until("dewi was removed by budi")


async def test_a_message_that_was_refused_can_be_sent_again_or_removed() -> None:
    server, _ = house()
    async with entered(server=server) as seen:
        await room_of(seen)
        server.fail("send", Forbidden("You may not write here."), Forbidden("You may not write here."))
        await seen.pane.write("Message", "please")
        await seen.pane.enter("Message")
        await seen.pane.until("You may not write here.")
        assert any(", not sent, " in name for name in names(seen))
        await seen.pane.click("Retry")
        await seen.pane.until("You may not write here.")
        await seen.pane.until(lambda: len(server.called("send")) == 2)
        await seen.pane.until(lambda: seen.pane.has("Remove"))
        await seen.pane.click("Remove")
        await seen.pane.until(lambda: not names(seen))


async def test_what_was_written_while_the_server_is_away_waits_and_says_so() -> None:
    server, _ = house()
    async with entered(server=server) as seen:
        await room_of(seen)
        server.away = True
        server.tell(Status(False, "The server does not answer."))
        await seen.pane.write("Message", "later")
        await seen.pane.enter("Message")
        await seen.pane.until(lambda: any(name.endswith(", waiting") for name in names(seen)))
        server.away = False
        server.tell(Status(True))
        await seen.pane.until(lambda: any(name.endswith(", sent") for name in names(seen)))
        assert len(names(seen)) == 1


async def test_code_can_be_copied_and_a_link_is_one() -> None:
    server, _ = house("see https://example.org/a\n```python\nprint(1)\n```")
    async with entered(server=server) as seen:
        await room_of(seen)
        spans = [span for text in seen.pane.controls(ft.Text) for span in text.spans or []]
        (link,) = [span for span in spans if span.url]
        assert isinstance(link.url, ft.Url)
        assert link.url.url == "https://example.org/a"
        assert link.url.target is ft.UrlTarget.BLANK
        (copy,) = [each for each in seen.pane.controls(ft.IconButton) if each.tooltip == "Copy"]
        assert isinstance(copy.action, ft.CopyToClipboard)


async def test_keys_scroll_while_one_writes() -> None:
    server, team = house()
    fill(server, team, 3 * PAGE)
    team.read["ani"] = 3 * PAGE
    async with entered(server=server) as seen:
        await room_of(seen)
        await seen.pane.press("Page Up")
        await seen.pane.until(lambda: [call for call in seen.pane.called if call[1] == "scroll_to"])
        (call,) = [call for call in seen.pane.called if call[1] == "scroll_to"]
        assert call[2]["delta"] > SCREEN / 2


async def test_a_page_that_was_loaded_again_is_seen_again() -> None:
    server, team = house("one")
    async with entered(server=server) as seen:
        await room_of(seen)
        page, session = seen.pane.page, seen.pane.session
        await seen.pane.fire(page, "app_lifecycle_state_change", {"state": "hide"})
        await session.disconnect(60)
        server.say("budi", "#team", "unseen")
        await seen.pane.until(lambda: seen.model.talks.unread == 1)
        assert team.read["ani"] == 1
        await session.connect(seen.pane.wire)
        await seen.pane.until(lambda: team.read["ani"] == 2)


async def test_a_room_that_was_covered_is_where_it_was_left() -> None:
    server, team = house()
    fill(server, team, 3 * PAGE)
    team.read["ani"] = 3 * PAGE
    async with entered(server=server) as seen:
        room = await room_of(seen)
        await scrolled(seen, scroll(seen), 700.0)
        seen.window.go(Panel.SETTINGS)
        await seen.pane.until(lambda: not seen.pane.controls(Scroll))
        seen.window.go(Panel.NONE)
        await seen.pane.until(lambda: {"offset": 700.0}.items() <= _asked_for(seen).items())
        assert not room.following
        await scrolled(seen, scroll(seen), 700.0)


def _asked_for(seen: Seen) -> dict[str, object]:
    """Where the list was told to scroll to last."""
    return next((call[2] for call in reversed(seen.pane.called) if call[1] == "scroll_to"), {})
