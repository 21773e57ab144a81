"""What is found while somebody types, and addresses that no list has."""

from __future__ import annotations

from client.gui.views.rowlist import Item
from client.gui.views.search import entries
from tests.client.gui.fake_chat import FakeServer
from tests.client.gui.views.panes import PASSWORD, Seen, entered


def house() -> FakeServer:
    server = FakeServer()
    server.add("ani", "budi", "citra", "dewi", password=PASSWORD)
    server.group("team", "ani", "budi")
    server.group("teachers", "citra")
    server.say("budi", "ani", "hello")
    return server


def names(seen: Seen, query: str) -> list[str]:
    return [row.name for row in entries(seen.window, query) if isinstance(row, Item)]


FOUND = {
    "tea": ["#team", "#teachers"],
    "BUD": ["budi"],
    "d": ["budi", "dewi"],
    "nobody": [],
    "budi@B": ["budi@b"],
    " #team@b ": ["#team@b"],
    "dewi@a": [],
    "*@b": [],
    "budi@": [],
}


async def test_what_was_typed_finds_conversations_then_people_then_groups_then_other_realms() -> None:
    async with entered(server=house()) as seen:
        await seen.pane.until(lambda: seen.model.people.loaded and seen.model.groups.loaded)
        await seen.pane.until(lambda: seen.model.hello)
        assert {query: names(seen, query) for query in FOUND} == FOUND
