"""What a desktop window has of this machine: a private file for what it keeps, files by their paths."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path
from typing import Any

import flet as ft

from client.gui.desktop import KEPT, DesktopDoors, HomeKeeping
from client.gui.model.model import Model
from client.gui.model.transfers import State
from tests.client.gui.fake_files import FakeFiles
from tests.client.gui.harness import Pane
from tests.client.gui.model.conftest import scene as scene
from tests.client.gui.model.scene import Scene, until


async def test_what_is_kept_is_there_at_the_next_start_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    keeping = HomeKeeping(folder)
    assert await keeping.get("login") == ""
    await keeping.put("login", "a secret ☕")
    assert await HomeKeeping(folder).get("login") == "a secret ☕"
    assert stat.S_IMODE((folder / KEPT).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    await keeping.put("login", "")
    assert "login" not in (folder / KEPT).read_text()


async def test_several_windows_keep_theirs(tmp_path: Path) -> None:
    windows = [HomeKeeping(tmp_path) for _ in range(8)]
    await asyncio.gather(*(window.put(f"drafts {n}", str(n)) for n, window in enumerate(windows)))
    assert [await windows[0].get(f"drafts {n}") for n in range(8)] == [str(n) for n in range(8)]


async def test_what_cannot_be_kept_is_remembered_while_the_window_is_open(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    keeping = HomeKeeping(tmp_path / "state")
    await keeping.put("drafts", "begun")
    assert await keeping.get("drafts") == "begun"
    assert await HomeKeeping(tmp_path / "state").get("drafts") == ""


async def test_a_damaged_file_is_as_if_there_were_none(tmp_path: Path) -> None:
    for content in ("{", "[]", '{"login": 5}'):
        (tmp_path / KEPT).write_text(content)
        keeping = HomeKeeping(tmp_path)
        assert await keeping.get("login") == ""
    await keeping.put("login", "new")
    assert await keeping.get("login") == "new"


async def test_files_are_chosen_sent_and_saved_by_their_paths(scene: Scene, tmp_path: Path) -> None:
    ani: Model = await scene.enter("ani")
    files = FakeFiles(ani.chat)
    source, target = tmp_path / "plan.txt", tmp_path / "saved.txt"
    source.write_bytes(b"a plan")
    chosen = [{"id": 0, "name": "plan.txt", "size": 6, "path": str(source), "bytes": None}]
    answers: dict[str, Any] = {"pick_files": chosen, "save_file": str(target)}

    async def main(page: ft.Page) -> None:
        page.web = False
        doors = DesktopDoors(page, ani)
        for crate in await doors.choose():
            ani.transfers.send(crate, "budi")
        await doors.save(files.add(b"theirs", "saved.txt"), "budi")
        doors.close()

    pane = await Pane.opened(main, answers=answers)
    try:
        await until(lambda: all(row.state is State.DONE for row in ani.transfers.rows))
    finally:
        await pane.close()
    assert len(ani.transfers.rows) == 2
    assert [sent[2] for sent in files.finished.values()] == [b"a plan"]
    assert source.exists() and target.read_bytes() == b"theirs"
