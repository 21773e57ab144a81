"""Files under way and files in messages, as they are drawn, and what can be done with them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import flet as ft
import pytest

from client.gui.desktop import OwnFile
from client.gui.model.transfers import Crate
from client.gui.views import transfers
from client.gui.views.filecard import FileCard, sign
from client.gui.views.pictures import Large
from protocol.errors import Forbidden
from protocol.files import FileInfo
from tests.client.gui.fake_files import STEP, FakeFiles, info
from tests.client.gui.model.test_album import png
from tests.client.gui.model.test_transfers import Box
from tests.client.gui.views.panes import PASSWORD, Seen, entered

DATA = bytes(5 * STEP)


def sends(seen: Seen, folder: Path, name: str = "plan.bin") -> None:
    path = folder / name
    path.write_bytes(DATA)
    seen.model.transfers.send(OwnFile(path, len(DATA)), "budi")


async def test_a_file_under_way_is_paused_resumed_and_goes_when_it_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "STAYS", 0.2)
    async with entered() as seen:
        files = FakeFiles(seen.model.chat)
        files.steps = 2
        assert not seen.pane.has("Pause")
        sends(seen, tmp_path)
        await seen.pane.until(lambda: seen.pane.shows("plan.bin", "To budi"))
        bar = seen.pane.controls(ft.ProgressBar)[0]
        await seen.pane.until(lambda: bar.value == 0.4)
        await seen.pane.click("Pause")
        await seen.pane.until("Paused")
        files.steps = 1_000
        await seen.pane.click("Resume")
        await seen.pane.until("Sent to budi")
        await seen.pane.until(lambda: not seen.pane.shows("plan.bin"))
        assert len(files.finished) == 1


async def test_a_file_is_cancelled_and_dismissed(tmp_path: Path) -> None:
    async with entered() as seen:
        files = FakeFiles(seen.model.chat)
        files.steps = 2
        sends(seen, tmp_path)
        await seen.pane.until("To budi")
        await seen.pane.click("Cancel")
        await seen.pane.until("Cancelled")
        await seen.pane.click("Dismiss")
        await seen.pane.until(lambda: not seen.pane.shows("plan.bin"))
        assert files.cancelled and not files.finished


async def test_a_file_that_failed_says_why_and_can_be_tried_again(tmp_path: Path) -> None:
    async with entered() as seen:
        files = FakeFiles(seen.model.chat)
        files.fail(Forbidden("budi does not take files."))
        sends(seen, tmp_path)
        await seen.pane.until("budi does not take files.")
        assert not seen.pane.has("Pause")
        await seen.pane.click("Resume")
        await seen.pane.until("Sent to budi")


async def test_what_waits_for_its_turn_says_so(tmp_path: Path) -> None:
    async with entered() as seen:
        files = FakeFiles(seen.model.chat)
        files.steps = 1
        for name in ("a.bin", "b.bin"):
            sends(seen, tmp_path, name)
        await seen.pane.until(lambda: seen.pane.shows("a.bin", "To budi", "b.bin", "Waits for its turn"))
        files.steps = 1_000
        await seen.pane.until(lambda: len(files.finished) == 2)


async def test_what_somebody_was_choosing_is_not_sent_by_the_next_user(tmp_path: Path) -> None:
    async with entered() as seen:
        crate, chosen = Box(tmp_path).arrive(), asyncio.Event()

        async def choose() -> list[Crate]:
            await chosen.wait()
            return [crate]

        seen.window.doors.choose = choose  # type: ignore[method-assign]
        seen.window.open("budi")
        await seen.pane.until(lambda: seen.pane.has("Attach files"))
        await seen.pane.click("Attach files")
        await seen.model.logout()
        assert await seen.model.entry.login("citra", PASSWORD, remember=False)
        FakeFiles(seen.model.chat)
        chosen.set()
        await seen.pane.until(lambda: crate.dropped)
        assert seen.model.transfers.rows == []


async def shown(seen: Seen, card: FileCard) -> None:
    seen.window.page.add(card.control)
    seen.window.page.update()


async def test_a_card_names_its_file_and_saves_it() -> None:
    async with entered() as seen:
        FakeFiles(seen.model.chat)
        saved: list[tuple[FileInfo, str]] = []

        async def save(file: FileInfo, address: str) -> None:
            saved.append((file, address))

        seen.window.doors.save = save  # type: ignore[method-assign]
        file = info(1, DATA, "a very long name of a file which is cut with dots.pdf", "application/pdf")
        await shown(seen, FileCard(seen.window, file, "budi"))
        assert seen.pane.shows(file.name)
        await seen.pane.click("Download a very long")
        await seen.pane.until(lambda: saved == [(file, "budi")])


async def test_a_deleted_file_says_so_and_is_not_offered() -> None:
    async with entered() as seen:
        gone = FileInfo(1, "a.png", 5, "image/png", bytes(32), gone=True)
        await shown(seen, FileCard(seen.window, gone, "budi"))
        assert seen.pane.shows("This file was deleted.")
        assert not seen.pane.has("Download a.png") and not seen.pane.controls(ft.Image)


async def test_a_picture_comes_into_its_place_and_is_shown_large() -> None:
    async with entered() as seen:
        files = FakeFiles(seen.model.chat)
        seen.window.doors.picture = seen.model.transfers.picture  # type: ignore[method-assign]
        file = files.add(png(30, 20), "a.png", "image/png")
        await shown(seen, FileCard(seen.window, file, "budi"))
        await seen.pane.until(lambda: seen.pane.controls(ft.Image))
        assert seen.pane.controls(ft.Image)[0].src == png(30, 20)
        await seen.pane.click("Picture a.png")
        assert isinstance(seen.window.dialog, Large)
        await seen.pane.press("Escape")
        await seen.pane.click("Close")
        assert seen.window.dialog is None


def test_kinds_of_files_have_signs() -> None:
    kinds = ["image/png", "application/pdf", "application/zip", "text/plain", "audio/ogg", "video/mp4", "odd"]
    assert len({sign(kind) for kind in kinds}) == len(kinds)
