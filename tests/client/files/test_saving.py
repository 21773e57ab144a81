"""Files fetched onto a disk: whole or not at all, gone on with, never mixed; and what came is what it was."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import random
from pathlib import Path
from typing import Any

import pytest

from client import Chat
from client.errors import Corrupt
from client.files.parts import Part, part_of
from protocol.bulk import GetChunk
from protocol.errors import Busy, Failure, NotFound
from protocol.files import FileInfo
from tests.client.fake_bulk import FakeBulk
from tests.client.files.transfers import fetched, followed

DATA = random.Random(11).randbytes(100_500)


def gets(bulk: FakeBulk) -> list[int]:
    return [request.offset for request in bulk.requests if isinstance(request, GetChunk)]


async def test_a_file_is_saved_whole_and_nothing_else_stays(
    ani: Chat, bulk: FakeBulk, tmp_path: Path
) -> None:
    stored, target = bulk.files.add("ani", DATA), tmp_path / "copy"
    steps = await followed(ani.files.save(stored, target))
    assert (steps[0].done, steps[-1].done, steps[-1].path) == (0, len(DATA), target)
    assert target.read_bytes() == DATA
    assert list(tmp_path.iterdir()) == [target]


async def test_a_file_is_saved_by_its_number_and_as_a_message_shows_it(
    ani: Chat, bulk: FakeBulk, tmp_path: Path
) -> None:
    stored = bulk.files.add("ani", DATA)
    shown = FileInfo(stored.file, stored.name, stored.size, stored.type, stored.sha256)
    await followed(ani.files.save(stored.file, tmp_path / "a"))
    await followed(ani.files.save(shown, tmp_path / "b"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == DATA


async def test_a_file_saved_into_a_folder_gets_a_harmless_name_there(
    ani: Chat, bulk: FakeBulk, tmp_path: Path
) -> None:
    for name, saved in (("plan.pdf", "plan.pdf"), ("../../evil", "_.._.._evil"), (".bashrc", "_.bashrc")):
        last = (await followed(ani.files.save(bulk.files.add("ani", DATA, name), tmp_path)))[-1]
        assert last.path is not None and last.path.parent == tmp_path
        assert last.path.read_bytes() == DATA, saved


async def test_what_was_fetched_before_is_hashed_and_not_fetched_again(
    ani: Chat, bulk: FakeBulk, tmp_path: Path
) -> None:
    stored, target = bulk.files.add("ani", DATA), tmp_path / "copy"
    part_of(target, stored.sha256).write_bytes(DATA[:40_123])
    steps = await followed(ani.files.save(stored, target))
    assert steps[0].done == steps[0].resumed == steps[-1].resumed == 40_123
    assert target.read_bytes() == DATA
    assert min(gets(bulk)) == 40_123


async def test_a_part_that_its_disk_spoiled_is_fetched_anew(
    ani: Chat, bulk: FakeBulk, tmp_path: Path
) -> None:
    for spoiled in (b"\0" * 40_000, DATA + b"more", b"x" * len(DATA)):
        stored, target = bulk.files.add("ani", DATA), tmp_path / "copy"
        part_of(target, stored.sha256).write_bytes(spoiled)
        steps = await followed(ani.files.save(stored, target, replace=True))
        assert steps[-1].resumed == 0
        assert target.read_bytes() == DATA
        assert list(tmp_path.iterdir()) == [target]


async def test_two_files_on_their_way_to_one_name_do_not_mix(
    ani: Chat, bulk: FakeBulk, tmp_path: Path
) -> None:
    other, target = DATA[::-1], tmp_path / "copy"
    first, second = bulk.files.add("ani", DATA), bulk.files.add("ani", other)
    results = await asyncio.gather(
        followed(ani.files.save(first, target)),
        followed(ani.files.save(second, target)),
        return_exceptions=True,
    )
    taken = [result for result in results if isinstance(result, FileExistsError)]
    assert len(taken) == 1
    assert target.read_bytes() == (DATA if isinstance(results[1], FileExistsError) else other)


async def test_a_file_that_somebody_else_fetches_to_the_same_place_is_left_alone(
    ani: Chat, bulk: FakeBulk, tmp_path: Path
) -> None:
    stored, target = bulk.files.add("ani", DATA), tmp_path / "copy"
    bulk.fate = lambda request: [0.001]
    steps = ani.files.save(stored, target)
    await anext(steps)
    with pytest.raises(BlockingIOError):
        await followed(ani.files.save(stored, target))
    assert (await followed(steps))[-1].path == target


def test_a_part_that_became_a_file_while_its_lock_was_waited_for_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, sha256 = tmp_path / "copy", hashlib.sha256(DATA).digest()
    part_of(target, sha256).write_bytes(DATA)
    flock = fcntl.flock

    def finished_first(file: int, how: int) -> None:
        monkeypatch.setattr("client.files.parts.fcntl.flock", flock)
        part_of(target, sha256).rename(target)
        flock(file, how)

    monkeypatch.setattr("client.files.parts.fcntl.flock", finished_first)
    part = Part(target, "copy", len(DATA), sha256, replace=True)
    part.open()
    assert part.held == 0
    part.write([b"something else"])
    part.close()
    assert target.read_bytes() == DATA


@pytest.mark.parametrize("moved", [False, True])
async def test_a_part_that_is_still_the_finished_file_of_a_killed_process_is_left_alone(
    ani: Chat, bulk: FakeBulk, tmp_path: Path, moved: bool
) -> None:
    stored, target = bulk.files.add("ani", DATA), tmp_path / "copy"
    finished = tmp_path / "elsewhere" if moved else target
    edited = b"!" + DATA  # by its owner, since then
    finished.write_bytes(edited)
    os.link(finished, part_of(target, stored.sha256))
    steps = ani.files.save(stored, target, replace=True)
    assert (await anext(steps)).resumed == 0
    assert finished.read_bytes() == edited
    assert (await followed(steps))[-1].path == target
    assert target.read_bytes() == DATA
    assert finished.read_bytes() == (edited if moved else DATA)
    assert not list(tmp_path.glob("*.part")) and target.stat().st_nlink == 1


async def test_what_is_there_stays_unless_it_is_to_be_replaced(
    ani: Chat, bulk: FakeBulk, tmp_path: Path
) -> None:
    stored, target = bulk.files.add("ani", DATA), tmp_path / "copy"
    target.write_text("mine")
    with pytest.raises(FileExistsError):
        await followed(ani.files.save(stored, target))
    assert target.read_text() == "mine" and not gets(bulk)
    assert list(tmp_path.iterdir()) == [target]
    await followed(ani.files.save(stored, target, replace=True))
    assert target.read_bytes() == DATA


async def test_what_is_no_plain_file_stays_even_when_it_came_into_being_meanwhile(
    ani: Chat, bulk: FakeBulk, tmp_path: Path
) -> None:
    stored, target = bulk.files.add("ani", DATA), tmp_path / "copy"
    os.mkfifo(target)
    with pytest.raises(FileExistsError):
        await followed(ani.files.save(stored, target, replace=True))
    assert target.is_fifo() and not gets(bulk) and list(tmp_path.iterdir()) == [target]
    target.unlink()
    steps = ani.files.save(stored, target, replace=True)
    await anext(steps)
    target.symlink_to("/dev/null")
    with pytest.raises(FileExistsError):
        await followed(steps)
    assert target.is_symlink()


async def test_what_comes_into_being_meanwhile_stays(ani: Chat, bulk: FakeBulk, tmp_path: Path) -> None:
    stored, target = bulk.files.add("ani", DATA), tmp_path / "copy"
    steps = ani.files.save(stored, target)
    await anext(steps)
    target.write_text("mine")
    with pytest.raises(FileExistsError):
        await followed(steps)
    assert target.read_text() == "mine"


async def test_where_a_disk_has_no_links_the_part_is_renamed(
    ani: Chat, bulk: FakeBulk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr("client.files.parts.os.link", refuse)
    await followed(ani.files.save(bulk.files.add("ani", DATA), tmp_path / "copy"))
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


async def test_a_file_that_the_server_has_to_fetch_first_is_waited_for_and_shown_to_come(
    ani: Chat, bulk: FakeBulk, tmp_path: Path
) -> None:
    stored, shown = bulk.files.add("ani", DATA), list[int]()

    def refuse(request: Any) -> Failure | None:  # until each was seen: who looks seldom sees only the newest
        held = next((size for size in (0, 40_000, 80_000) if size not in shown), None)
        return None if held is None else Busy("It comes.", retry_after=0.01, held=held)

    bulk.refuse = refuse
    steps = []
    async for step in ani.files.save(stored, tmp_path / "copy"):
        steps.append(step)
        if step.coming is not None:
            shown.append(step.coming)
    assert shown == [0, 40_000, 80_000]
    assert all(step.done == 0 for step in steps if step.coming is not None)
    assert (steps[-1].coming, steps[-1].path) == (None, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == DATA
    assert await fetched(ani, stored) == DATA


async def test_other_bytes_than_the_file_s_are_noticed(ani: Chat, bulk: FakeBulk, tmp_path: Path) -> None:
    stored = bulk.files.add("ani", DATA)
    bulk.mangle = lambda payload: payload[:-1] + b"x"
    with pytest.raises(Corrupt, match=r"another one\. If it happens again, .* pesan admin fsck --bytes"):
        await fetched(ani, stored)
    with pytest.raises(Corrupt, match=r"another one; it was deleted here\. If it happens again, "):
        await followed(ani.files.save(stored, tmp_path / "copy"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mangled", [None, b"", b"short", DATA])
async def test_a_chunk_of_another_length_is_noticed(
    ani: Chat, bulk: FakeBulk, tmp_path: Path, mangled: bytes | None
) -> None:
    stored = bulk.files.add("ani", DATA)
    bulk.mangle = lambda payload: mangled
    with pytest.raises(Corrupt, match="instead of 1000"):
        await fetched(ani, stored)
    with pytest.raises(Corrupt, match="instead of 1000"):
        await followed(ani.files.save(stored, tmp_path / "copy"))
    assert not list(tmp_path.iterdir())


async def test_a_deleted_file_is_not_found(ani: Chat, bulk: FakeBulk, tmp_path: Path) -> None:
    gone = FileInfo(9, "gone", 5, "text/plain", b"", gone=True)
    for file in (gone, 9):
        with pytest.raises(NotFound):
            await followed(ani.files.save(file, tmp_path / "copy"))
    assert not list(tmp_path.iterdir())


async def test_a_download_may_begin_anywhere(ani: Chat, bulk: FakeBulk) -> None:
    stored = bulk.files.add("ani", DATA)
    for offset in (1, 1_000, 77_777, len(DATA) - 1, len(DATA)):
        assert await fetched(ani, stored, offset=offset) == DATA[offset:]
    with pytest.raises(ValueError, match="100500"):
        await fetched(ani, stored, offset=len(DATA) + 1)


async def test_a_program_that_takes_its_time_asks_for_no_more_meanwhile(ani: Chat, bulk: FakeBulk) -> None:
    reading = ani.files.download(bulk.files.add("ani", DATA))
    await anext(reading)
    await asyncio.sleep(0.2)
    assert len(bulk.requests) < 20
    assert len(b"".join([chunk async for chunk in reading])) > 90_000


def test_the_name_of_a_part_fits_a_disk_and_tells_what_it_is_to_become(tmp_path: Path) -> None:
    sha256 = hashlib.sha256(DATA).digest()
    for name in ("a", "é" * 127, "x" * 255):
        part = part_of(tmp_path / name, sha256)
        assert len(os.fsencode(part.name)) <= 255 and sha256.hex()[:16] in part.name
        part.touch()
