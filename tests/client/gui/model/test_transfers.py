"""Files on their way: one after the other, paused, resumed, given up; away and back; nothing stays behind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from client.errors import Offline, SourceChanged, Timeout
from client.gui.model import hauls, transfers
from client.gui.model.changes import Part
from client.gui.model.model import Model
from client.gui.model.transfers import State, Transfer
from protocol.errors import Conflict, Forbidden, Unavailable
from tests.client.gui.fake_files import STEP, FakeFiles, info
from tests.client.gui.model.scene import Scene, settle, until

DATA = random.Random(3).randbytes(5 * STEP + 7)


class Box:
    """A crate whose bytes come when the test says so. ``dropped``: how often it was."""

    def __init__(self, folder: Path, data: bytes = DATA, name: str = "plan.bin") -> None:
        self.name = name
        self.size = len(data)
        self.place = folder / name
        self.place.write_bytes(data)
        self.dropped = 0
        self.arrivals: asyncio.Queue[int | OSError] = asyncio.Queue()

    def arrive(self, *amounts: int | OSError) -> Box:
        for amount in amounts or (self.size,):
            self.arrivals.put_nowait(amount)
        return self

    async def coming(self) -> AsyncIterator[int]:
        here = -1
        while here < self.size:
            amount = await self.arrivals.get()
            if isinstance(amount, OSError):
                raise amount
            here = amount
            yield here

    def drop(self) -> None:
        self.dropped += 1


@pytest.fixture
async def ani(scene: Scene) -> Model:
    return await scene.enter("ani")


@pytest.fixture
def files(ani: Model) -> FakeFiles:
    return FakeFiles(ani.chat)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a server that is away."""
    monkeypatch.setattr(hauls, "PAUSE", 0.001)


async def ends(transfer: Transfer, state: State = State.DONE) -> None:
    await until(lambda: transfer.state in (State.DONE, State.FAILED, State.CANCELLED))
    assert transfer.state is state, transfer.problem


async def test_a_file_comes_moves_and_is_dropped_here(ani: Model, files: FakeFiles, tmp_path: Path) -> None:
    box = Box(tmp_path)
    transfer = ani.transfers.send(box, "#ops", "look")
    box.arrive(10)
    await until(lambda: transfer.state is State.COMING)
    await until(lambda: transfer.done == 10)
    assert 0 < transfer.part < 1
    box.arrive()
    await ends(transfer)
    assert list(files.finished.values()) == [("#ops", "look", DATA)]
    assert transfer.done == transfer.size == len(DATA) and transfer.rate == 0
    assert transfer.file is not None and transfer.file.name == "plan.bin"
    assert box.dropped


async def test_several_go_one_after_the_other_in_their_order(
    ani: Model, files: FakeFiles, tmp_path: Path
) -> None:
    boxes = [Box(tmp_path, DATA, f"{number}.bin").arrive() for number in range(5)]
    rows = [ani.transfers.send(box, "budi") for box in boxes]
    for row in rows:
        await ends(row)
    assert [body for _, body, _ in files.finished.values()] == [box.name for box in boxes]
    assert files.most_moving == 1
    assert ani.transfers.rows == rows


async def test_a_mistake_of_ours_with_one_is_told_and_the_next_goes_on(
    ani: Model, files: FakeFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files.fail(ZeroDivisionError("private words"))
    first, second = (ani.transfers.send(Box(tmp_path, DATA, name).arrive(), "budi") for name in "ab")
    await ends(first, State.FAILED)
    await ends(second)
    assert "moving a file: ZeroDivisionError" in caplog.text and "private" not in caplog.text


async def test_one_that_does_not_come_holds_nobody_up(ani: Model, files: FakeFiles, tmp_path: Path) -> None:
    first = ani.transfers.send(Box(tmp_path, DATA, "a"), "budi")
    second = ani.transfers.send(Box(tmp_path, DATA, "b").arrive(), "budi")
    await ends(second)
    assert first.state is State.QUEUED


async def test_a_paused_one_lets_the_next_go_and_goes_on_where_it_was(
    ani: Model, files: FakeFiles, tmp_path: Path
) -> None:
    files.steps = 2
    first = ani.transfers.send(Box(tmp_path, DATA, "a").arrive(), "budi")
    second = ani.transfers.send(Box(tmp_path, DATA, "b").arrive(), "budi")
    await until(lambda: first.done == 2 * STEP)
    ani.transfers.pause(first.number)
    assert first.state is State.PAUSED and first.rate == 0
    files.steps = 1_000
    await ends(second)
    held = next(iter(files.halves.values()))
    assert first.state is State.PAUSED and len(held) < len(DATA)
    ani.transfers.resume(first.number)
    await ends(first)
    assert len(files.finished) == 2 and not files.halves


async def test_what_is_paused_while_it_comes_comes_and_waits(
    ani: Model, files: FakeFiles, tmp_path: Path
) -> None:
    box = Box(tmp_path)
    transfer = ani.transfers.send(box.arrive(10), "budi")
    await until(lambda: transfer.done == 10)
    ani.transfers.pause(transfer.number)
    box.arrive()
    await settle()
    assert transfer.state is State.PAUSED and not files.halves
    ani.transfers.resume(transfer.number)
    await ends(transfer)


async def test_a_server_that_is_away_is_waited_for_and_the_file_stored_once(
    ani: Model, files: FakeFiles, tmp_path: Path, hurried: None
) -> None:
    files.steps = 2
    transfer = ani.transfers.send(Box(tmp_path).arrive(), "budi")
    await until(lambda: transfer.done == 2 * STEP)
    files.fail(Timeout("no answer"), Offline("away"), Unavailable("busy"))
    files.steps = 1_000
    while transfer.state is not State.DONE:
        assert transfer.state in (State.MOVING, State.WAITING)
        ani.transfers.again()
        await asyncio.sleep(0)
    assert len(files.finished) == 1 and not files.cancelled


async def test_while_it_waits_it_can_be_paused(ani: Model, files: FakeFiles, tmp_path: Path) -> None:
    files.fail(Offline("away"))
    transfer = ani.transfers.send(Box(tmp_path).arrive(), "budi")
    await until(lambda: transfer.state is State.WAITING)
    ani.transfers.pause(transfer.number)
    await settle()
    assert transfer.state is State.PAUSED
    ani.transfers.resume(transfer.number)
    await ends(transfer)


async def test_a_refusal_is_shown_and_another_try_goes_on(
    ani: Model, files: FakeFiles, tmp_path: Path
) -> None:
    files.steps = 1
    box = Box(tmp_path)
    transfer = ani.transfers.send(box.arrive(), "#ops")
    await until(lambda: transfer.done == STEP)
    files.fail(Forbidden("You are not a member of #ops."))
    files.steps = 1_000
    await ends(transfer, State.FAILED)
    assert transfer.problem is not None and transfer.problem.message == "You are not a member of #ops."
    assert not box.dropped and not files.cancelled
    ani.transfers.resume(transfer.number)
    await ends(transfer)
    assert transfer.problem is None


@pytest.mark.parametrize("error", [Conflict("used"), SourceChanged("changed")])
async def test_after_a_refusal_for_good_another_try_is_another_upload(
    ani: Model, files: FakeFiles, tmp_path: Path, error: Exception
) -> None:
    files.fail(error)
    transfer = ani.transfers.send(Box(tmp_path).arrive(), "budi")
    await ends(transfer, State.FAILED)
    first = files.cancelled[0]
    ani.transfers.resume(transfer.number)
    await ends(transfer)
    assert first not in files.finished


async def test_a_browser_that_stops_sending_is_a_failure(
    ani: Model, files: FakeFiles, tmp_path: Path
) -> None:
    box = Box(tmp_path).arrive(10, OSError(5, "The browser stopped sending this file."))
    transfer = ani.transfers.send(box, "budi")
    await ends(transfer, State.FAILED)
    assert transfer.problem is not None
    assert transfer.problem.message == "The browser stopped sending this file."
    assert not transfer.lasting
    ani.transfers.dismiss(transfer.number)
    await until(lambda: box.dropped)
    assert ani.transfers.rows == []


@pytest.mark.parametrize("steps", [0, 3])
async def test_what_is_cancelled_is_dropped_here_and_there(
    ani: Model, files: FakeFiles, tmp_path: Path, steps: int
) -> None:
    files.steps = steps
    box = Box(tmp_path)
    transfer = ani.transfers.send(box.arrive(), "budi")
    await until(lambda: files.halves)
    await until(lambda: transfer.done == steps * STEP)
    ani.transfers.cancel(transfer.number)
    assert transfer.state is State.CANCELLED
    await until(lambda: files.cancelled)
    assert box.dropped and not files.halves and not files.moving
    assert ani.transfers.rows == [transfer]
    ani.transfers.clear()
    assert ani.transfers.rows == []


async def test_what_is_cancelled_while_it_comes_was_never_an_upload(
    ani: Model, files: FakeFiles, tmp_path: Path
) -> None:
    box = Box(tmp_path).arrive(10)
    transfer = ani.transfers.send(box, "budi")
    await until(lambda: transfer.done == 10)
    ani.transfers.cancel(transfer.number)
    await until(lambda: box.dropped)
    assert not files.cancelled


async def test_a_window_that_closes_leaves_nothing_under_way(
    ani: Model, files: FakeFiles, tmp_path: Path
) -> None:
    files.steps = 2
    boxes = [Box(tmp_path, DATA, "a").arrive(), Box(tmp_path, DATA, "b").arrive(), Box(tmp_path, DATA, "c")]
    rows = [ani.transfers.send(box, "budi") for box in boxes]
    await until(lambda: rows[0].done == 2 * STEP)
    await ani.close()
    assert all(box.dropped for box in boxes)
    assert len(files.cancelled) == 1 and not files.moving and not files.halves


async def test_old_ones_that_are_over_are_forgotten(
    ani: Model, files: FakeFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "OVER_KEPT", 3)
    for number in range(8):
        await ends(ani.transfers.send(Box(tmp_path, b"x", f"{number}").arrive(), "budi"))
    assert [row.name for row in ani.transfers.rows] == ["4", "5", "6", "7"]


# --- down -------------------------------------------------------------------------------------


async def test_a_file_is_saved_after_a_pause(ani: Model, files: FakeFiles, tmp_path: Path) -> None:
    file, target = files.add(DATA), tmp_path / "saved.bin"
    files.steps = 2
    transfer = ani.transfers.save(file, "budi", target)
    await until(lambda: transfer.done == 2 * STEP)
    ani.transfers.pause(transfer.number)
    files.steps = 1_000
    await settle()
    assert transfer.state is State.PAUSED and not target.exists()
    ani.transfers.resume(transfer.number)
    await ends(transfer)
    assert target.read_bytes() == DATA


async def test_of_a_saving_that_is_cancelled_nothing_stays(
    ani: Model, files: FakeFiles, tmp_path: Path
) -> None:
    file, folder = files.add(DATA), tmp_path / "downloads"
    folder.mkdir()
    files.steps = 2
    transfer = ani.transfers.save(file, "budi", folder / "saved.bin")
    await until(lambda: transfer.done == 2 * STEP)
    ani.transfers.cancel(transfer.number)
    await until(lambda: not list(folder.iterdir()))


async def test_a_stream_has_every_byte_whatever_happens_meanwhile(
    ani: Model, files: FakeFiles, hurried: None
) -> None:
    file = files.add(DATA)
    transfer, chunks = ani.transfers.stream(file, "budi")
    got = bytearray(await anext(chunks))
    files.fail(Timeout("no answer"))
    ani.transfers.pause(transfer.number)
    ani.transfers.resume(transfer.number)
    async for chunk in chunks:
        got += chunk
    assert bytes(got) == DATA
    await ends(transfer)
    assert len(files.fetched) > 1


async def test_a_stream_begins_where_it_is_told_to(ani: Model, files: FakeFiles) -> None:
    transfer, chunks = ani.transfers.stream(files.add(DATA), "budi", 2_500)
    assert transfer.done == 2_500
    assert b"".join([chunk async for chunk in chunks]) == DATA[2_500:]
    await ends(transfer)


async def test_an_empty_file_is_streamed(ani: Model, files: FakeFiles) -> None:
    transfer, chunks = ani.transfers.stream(files.add(b""), "budi")
    assert [chunk async for chunk in chunks] == []
    await ends(transfer)


async def test_the_end_of_a_stream_of_other_bytes_is_held_back(ani: Model, files: FakeFiles) -> None:
    file = files.add(DATA)
    files.stored[file.file] = DATA[:-1] + bytes([DATA[-1] ^ 1])
    transfer, chunks = ani.transfers.stream(file, "budi")
    got = b"".join([chunk async for chunk in chunks])
    assert len(got) < len(DATA)
    assert transfer.state is State.FAILED and transfer.problem is not None and not transfer.lasting


async def test_whoever_takes_no_more_gives_a_stream_up(ani: Model, files: FakeFiles) -> None:
    transfer, chunks = ani.transfers.stream(files.add(DATA * 20), "budi")
    await anext(chunks)
    await chunks.aclose()
    assert transfer.state is State.CANCELLED and not files.moving
    again, chunks = ani.transfers.stream(transfer.file or info(0, b""), "budi")
    assert ani.transfers.rows == [again]
    await chunks.aclose()


async def test_a_stream_that_is_cancelled_ends_early(ani: Model, files: FakeFiles) -> None:
    transfer, chunks = ani.transfers.stream(files.add(DATA * 20), "budi")
    got = await anext(chunks)
    ani.transfers.cancel(transfer.number)
    async for chunk in chunks:
        got += chunk
    assert len(got) < len(DATA) * 20 and transfer.state is State.CANCELLED


async def test_a_rate_is_what_moved_in_the_last_seconds(
    ani: Model, files: FakeFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(ani, "now", lambda: now)
    files.steps = 1
    transfer = ani.transfers.send(Box(tmp_path).arrive(), "budi")
    await until(lambda: transfer.done == STEP)
    now, files.steps = 102.0, 1
    ani.changes.take()
    await until(lambda: transfer.done == 2 * STEP)
    assert transfer.rate == pytest.approx(STEP)
    assert Part.TRANSFERS in ani.changes.take()
    files.steps = 1_000
    await ends(transfer)
