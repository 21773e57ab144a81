"""The doors of a tab: what was chosen or dropped comes in, what is saved goes out, while the tab is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import flet as ft
import pytest
from starlette.applications import Starlette

from client.gui.model.model import Model
from client.gui.model.transfers import Crate
from client.gui.serving import doors
from client.gui.serving.doors import TICKETS_MOST, BrowserDoors
from client.gui.serving.freight import Freight
from client.gui.serving.spool import GONE
from client.gui.serving.uploads import Dropped
from protocol.files import FileInfo
from tests.client.gui.fake_files import FakeFiles, info
from tests.client.gui.harness import Pane
from tests.client.gui.model.scene import Scene
from tests.client.gui.model.test_album import png
from tests.client.gui.serving.asking import Asking

CHOSEN = [
    {"id": 1, "name": "a.txt", "size": 3, "path": None, "bytes": None},
    {"id": 2, "name": "b.txt", "size": 5, "path": None, "bytes": None},
]


class Doorway:
    """A tab of ani's with its doors. ``sent``: what Flet's client was asked to send."""

    def __init__(self, pane: Pane, model: Model, freight: Freight, doors: BrowserDoors) -> None:
        self.pane, self.model, self.freight, self.doors = pane, model, freight, doors

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [file for _, name, given in self.pane.called if name == "upload" for file in given["files"]]

    @property
    def launched(self) -> list[str]:
        return [given["url"] for _, name, given in self.pane.called if name == "launch_url"]

    async def ask(self, method: str, path: str, body: bytes = b"") -> Asking:
        asking = Asking(Starlette(routes=self.freight.routes), method, path)
        return await asking.sends(body).answered()


@pytest.fixture
async def tab(scene: Scene, tmp_path: Path) -> AsyncIterator[Doorway]:
    ani = await scene.enter("ani")
    FakeFiles(ani.chat)
    freight = Freight(tmp_path / "web", 1_000_000)
    made: list[BrowserDoors] = []

    async def main(page: ft.Page) -> None:
        made.append(BrowserDoors(freight, page, ani))

    pane = await Pane.opened(main, answers={"pick_files": CHOSEN})
    try:
        yield Doorway(pane, ani, freight, made[0])
    finally:
        made[0].close()
        await pane.close()


async def arrives(crate: Crate) -> int:
    return [here async for here in crate.coming()][-1]


async def within(tab: Doorway, do: Any, *arguments: Any) -> Any:
    """What a piece has its window run."""
    return await asyncio.wrap_future(tab.pane.page.run_task(do, *arguments))


async def test_what_is_chosen_is_sent_with_a_ticket_each(tab: Doorway) -> None:
    crates = await within(tab, tab.doors.choose)
    assert [(crate.name, crate.size) for crate in crates] == [("a.txt", 3), ("b.txt", 5)]
    assert [(file["id"], file["name"]) for file in tab.sent] == [(1, "a.txt"), (2, "b.txt")]
    first, second = (file["upload_url"] for file in tab.sent)
    assert first != second
    assert (await tab.ask("PUT", first, b"abc")).status == 204
    assert await arrives(crates[0]) == 3
    crates[0].drop()


async def test_who_chooses_nothing_sends_nothing(tab: Doorway) -> None:
    tab.pane.answers["pick_files"] = []
    assert await within(tab, tab.doors.choose) == [] and tab.sent == []


@pytest.mark.parametrize("size", [-(10**15), float("nan"), 3.5, 2**60, "3", None])
async def test_a_size_that_no_file_has_takes_no_room(tab: Doorway, size: object) -> None:
    tab.pane.answers["pick_files"] = [{**CHOSEN[0], "size": size}, CHOSEN[1]]
    assert [crate.name for crate in await within(tab, tab.doors.choose)] == ["b.txt"]
    assert [file["name"] for file in tab.sent] == ["b.txt"]


async def test_what_the_browser_cannot_read_does_not_come(tab: Doorway) -> None:
    crates = await within(tab, tab.doors.choose)
    picker = next(one for one in tab.pane.page._services._services if isinstance(one, ft.FilePicker))
    await tab.pane.fire(picker, "upload", {"file_name": "a.txt", "progress": None, "error": "gone"})
    with pytest.raises(OSError, match=GONE):
        await arrives(crates[0])


async def test_what_is_dropped_comes_only_into_an_open_conversation(tab: Doorway) -> None:
    taken: list[Crate] = []
    receiver = tab.freight.uploads.tabs[tab.pane.page.session.id]
    assert receiver([Dropped("a", 1)]) is None
    tab.doors.on_drop(taken.extend)
    assert receiver([Dropped("a", 1)]) is None
    await tab.model.open("budi")
    tickets = receiver([Dropped("a", 1), Dropped("b", 0)])
    assert tickets is not None and len(tickets) == 2
    assert [(crate.name, crate.size) for crate in taken] == [("a", 1), ("b", 0)]
    assert (await tab.ask("PUT", f"/files/in/{tickets[0]}", b"x")).status == 204
    assert await arrives(taken[0]) == 1
    taken[0].drop()
    await tab.model.logout()
    assert receiver([Dropped("a", 1)]) is None


async def test_a_file_is_saved_by_the_browser(tab: Doorway) -> None:
    files = tab.model.chat.files
    assert isinstance(files, FakeFiles)
    file = files.add(b"hello", "a/b?.txt")
    await within(tab, tab.doors.save, file, "budi")
    url = tab.launched[0]
    assert url.count("/") == 4 and "?" not in url
    answer = await tab.ask("GET", url)
    assert answer.body == b"hello"
    assert tab.model.transfers.rows[0].address == "budi"


async def test_a_picture_has_one_address(tab: Doorway) -> None:
    files = tab.model.chat.files
    assert isinstance(files, FakeFiles)
    picture, plain = files.add(png(2, 2), "a.png", "image/png"), files.add(b"text", "a.txt", "text/plain")
    url = await tab.doors.picture(picture)
    assert isinstance(url, str) and url == await tab.doors.picture(picture)
    assert (await tab.ask("GET", url)).body == png(2, 2)
    assert await tab.doors.picture(plain) is None


async def test_with_the_tab_its_tickets_end(tab: Doorway) -> None:
    files = tab.model.chat.files
    assert isinstance(files, FakeFiles)
    url = await tab.doors.picture(files.add(png(2, 2), "a.png", "image/png"))
    assert isinstance(url, str)
    await within(tab, tab.doors.choose)
    tab.doors.close()
    assert (await tab.ask("GET", url)).status == 404
    assert (await tab.ask("PUT", tab.sent[0]["upload_url"], b"abc")).status == 410
    assert not tab.freight.uploads.tabs
    assert len(tab.freight.uploads.tickets) == len(tab.freight.downloads.tickets) == 0


async def test_a_page_that_is_loaded_again_sends_nothing_more_and_a_copy_of_it_changes_nothing(
    tab: Doorway,
) -> None:
    crates = await within(tab, tab.doors.choose)
    headers = {"x_pesan_tab": tab.pane.page.session.id}
    app = Starlette(routes=tab.freight.routes)
    assert (await Asking(app, "POST", "/files/begin", **headers).sends().answered()).status == 204
    assert (await tab.ask("PUT", tab.sent[0]["upload_url"], b"abc")).status == 204
    await tab.pane.session.disconnect(0)
    await Asking(app, "POST", "/files/begin", **headers).sends().answered()
    await Asking(app, "POST", "/files/begin", x_pesan_tab="other").sends().answered()
    assert await arrives(crates[0]) == 3
    with pytest.raises(OSError, match=GONE):
        await arrives(crates[1])
    crates[0].drop()


async def test_a_tab_announces_no_more_files_than_it_may(
    tab: Doorway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "EXPECTED_MOST", 3)
    tab.doors.on_drop(lambda crates: None)
    await tab.model.open("budi")
    receiver = tab.freight.uploads.tabs[tab.pane.page.session.id]
    assert receiver([Dropped("a", 1), Dropped("b", 1)]) is not None
    assert receiver([Dropped("c", 1), Dropped("d", 1)]) is None
    assert [crate.name for crate in await within(tab, tab.doors.choose)] == ["a.txt"]
    assert len(tab.freight.uploads.tickets) == 3


async def test_a_tab_has_no_more_tickets_than_it_may(tab: Doorway) -> None:
    for number in range(TICKETS_MOST + 5):
        file: FileInfo = info(number, b"", "a")
        await within(tab, tab.doors.save, file, "budi")
    assert len(tab.freight.downloads.tickets) == TICKETS_MOST
