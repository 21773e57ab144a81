"""Which files there are, what the sender hears of them, and the example program."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from pathlib import Path
from typing import Any

import pytest

from client import Chat, Folder
from protocol.errors import Conflict, Failure, NotFound
from protocol.events import MessageEvent
from tests.client.fake_broker import FakeBroker
from tests.client.fake_bulk import FakeBulk
from tests.client.files.transfers import BIG, ID
from tests.client.test_connection import run_example


async def test_small_files_are_named_by_their_hash_from_the_beginning(
    ani: Chat, broker: FakeBroker, bulk: FakeBulk
) -> None:
    await ani.files.send(b"small", "budi", name="a")
    begun = [request for _, command, request in broker.model.asked if command == "file.begin"]
    assert [request.sha256 for request in begun] == [hashlib.sha256(b"small").digest()]


async def test_the_sender_hears_of_files_in_their_turn(ani: Chat, bulk: FakeBulk, data: bytes) -> None:
    await ani.send("budi", "one")
    await ani.listen()
    await ani.files.send(data, "budi", name="data")
    await ani.send("budi", "three")
    heard: list[MessageEvent] = []
    async with asyncio.timeout(10):
        async for event in ani.events():
            if isinstance(event, MessageEvent):
                heard.append(event)
                if event.seq == 3:
                    break
    assert [event.seq for event in heard] == [2, 3]
    assert heard[0].file is not None and heard[0].file.size == len(data)


async def test_files_are_listed_page_by_page(ani: Chat, bulk: FakeBulk) -> None:
    await ani.files.mkdir("b")
    await ani.files.mkdir("b/deep", parents=True)
    for name in ("a", "c", "d", "b/x"):
        await ani.files.store(b"1", name)
    entries = [entry async for entry in ani.files.list()]
    assert [entry.name for entry in entries] == ["a", "b", "c", "d"]
    assert entries[1] == Folder("b", "b")
    assert [entry.name async for entry in ani.files.list("b/")] == ["deep", "x"]
    assert [entry.path async for entry in ani.files.list("b")] == ["b/deep", "b/x"]
    for n in range(5):
        await ani.files.send(b"2", "budi", name=f"f{n}")
    sent = [entry async for entry in ani.files.list(conversation="budi")]
    assert [entry.name for entry in sent] == ["f0", "f1", "f2", "f3", "f4"]


async def test_files_are_looked_at_deleted_and_counted(ani: Chat, bulk: FakeBulk) -> None:
    kept = await ani.files.store(b"123", "a")
    assert (await ani.files.stat("a")).file == (await ani.files.stat(kept.file.file)).file == kept.file.file
    assert (await ani.files.stat(kept.file)).size == 3
    assert (await ani.files.usage()).bytes == 3
    await ani.files.delete("a")
    with pytest.raises(NotFound):
        await ani.files.stat("a")


async def test_unfinished_uploads_are_listed_and_cancelled(ani: Chat, bulk: FakeBulk, data: bytes) -> None:
    async with contextlib.aclosing(ani.files.upload(data, to="budi", name="data", id=ID)) as steps:
        await anext(steps)
    assert [upload.upload for upload in await ani.files.uploads()] == [ID]
    assert (await ani.files.resume(ID)).size == len(data)
    await ani.files.cancel(ID)
    assert await ani.files.uploads() == []


async def backed_up(broker: FakeBroker, folder: Path, code: int = 0) -> list[str]:
    """What a run of the example tells."""
    with run_example("backup.py", broker, "ani", str(folder), "copy/") as backup:
        output, _ = await asyncio.to_thread(backup.communicate, None, 60)
        assert backup.returncode == code
        return str(output).splitlines()


async def test_the_backup_sends_what_is_new_or_changed_and_goes_on_in_the_middle(
    ani: Chat,
    broker: FakeBroker,
    bulk: FakeBulk,
    tmp_path: Path,
    data: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("client.files.uploading.SMALL", 1 << 22)  # as in the program
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "deep" / "data").write_bytes(data)
    steps = ani.files.upload(tmp_path / "deep" / "data", path="copy/deep/data", replace=True)
    async with contextlib.aclosing(steps):
        async for progress in steps:
            if progress.done > BIG // 2:
                break

    first = await backed_up(broker, tmp_path)
    assert first[0] == "copy/a.txt: 3 bytes, 0 of them sent before"
    assert first[1].startswith(f"copy/deep/data: {len(data)} bytes, 1") and len(first) == 2
    assert await backed_up(broker, tmp_path) == []
    (tmp_path / "a.txt").write_text("two")
    assert await backed_up(broker, tmp_path) == ["copy/a.txt: 3 bytes, 0 of them sent before"]
    assert {stored.data for stored in bulk.files.files.values()} == {b"one", b"two", data}
    assert bulk.files.folders == {"copy", "copy/deep"}


async def test_a_file_that_changed_since_a_backup_was_cut_short_is_saved_and_so_is_what_follows(
    ani: Chat, broker: FakeBroker, bulk: FakeBulk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.files.uploading.SMALL", 1 << 22)  # as in the program
    (tmp_path / "a.txt").write_text("one")
    async with contextlib.aclosing(
        ani.files.upload(tmp_path / "a.txt", path="copy/a.txt", replace=True)
    ) as steps:
        await anext(steps)
    (tmp_path / "a.txt").write_text("two")
    (tmp_path / "b.txt").write_text("behind it")
    assert await backed_up(broker, tmp_path) == [
        "copy/a.txt: 3 bytes, 0 of them sent before",
        "copy/b.txt: 9 bytes, 0 of them sent before",
    ]
    assert await ani.files.uploads() == []


async def test_what_cannot_be_backed_up_is_left_out(
    ani: Chat, broker: FakeBroker, bulk: FakeBulk, tmp_path: Path
) -> None:
    def refuse(command: str, request: Any) -> Failure | None:
        taken = command == "file.begin" and request.path == "copy/a.txt"
        return Conflict("There is a folder copy/a.txt.") if taken else None

    broker.model.refuse = refuse
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.txt").write_text("behind it")
    assert await backed_up(broker, tmp_path, code=1) == ["copy/b.txt: 9 bytes, 0 of them sent before"]
