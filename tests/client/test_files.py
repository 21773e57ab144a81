"""Files by the library, against a model server whose bulk socket loses, doubles, delays and goes away."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import os
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from client import Chat, Folder, Progress
from client.errors import Closed, Corrupt, LoggedOut, Offline, SourceChanged
from protocol.bulk import GetChunk, PutChunk, SealUpload
from protocol.errors import Busy, Conflict, Failure, NotFound, TooLarge
from protocol.events import MessageEvent
from protocol.files import BeginUpload, StoredFile
from protocol.limits import FILE_WINDOW
from tests.client.fake_broker import FakeBroker
from tests.client.fake_bulk import FakeBulk
from tests.client.test_connection import logged_in, run_example

ID = bytes(range(16))
BIG = 300_000
"""Bytes of a file in many chunks, as chunks go here."""


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    with FakeBroker() as broker:
        yield broker


@pytest.fixture
def bulk(broker: FakeBroker, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBulk]:
    monkeypatch.setattr("client.uploading.SMALL", 100)
    monkeypatch.setattr("client.downloading.FILE_CHUNK_BYTES", 1_000)
    with FakeBulk(broker) as bulk:
        yield bulk


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For lines that lose answers: what has none flies again soon."""
    monkeypatch.setattr("client.window.PATIENCE_FIRST", 0.3)
    monkeypatch.setattr("client.window.PATIENCE_LEAST", 0.1)


@pytest.fixture
async def ani(broker: FakeBroker, bulk: FakeBulk) -> AsyncIterator[Chat]:
    async with logged_in(broker, "ani") as ani:
        yield ani


@pytest.fixture
def data() -> bytes:
    return random.Random(7).randbytes(BIG + 17)


async def followed(steps: AsyncIterator[Progress]) -> list[Progress]:
    async with asyncio.timeout(30):
        return [progress async for progress in steps]


async def fetched(chat: Chat, file: int | StoredFile, **options: int) -> bytes:
    async with asyncio.timeout(30):
        return b"".join([chunk async for chunk in chat.files.download(file, **options)])


def kinds(bulk: FakeBulk, kind: type) -> list[Any]:
    return [request for request in bulk.requests if isinstance(request, kind)]


# --- there ----------------------------------------------------------------------------------------


async def test_a_file_is_sent_and_is_a_message_there(ani: Chat, tmp_path: Path, data: bytes) -> None:
    source = tmp_path / "plan.pdf"
    source.write_bytes(data)
    steps = await followed(ani.files.upload(source, to="budi", text="the plan"))
    assert steps[0] == Progress(0, len(data)) and steps[-1].done == len(data)
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert [step.file is not None for step in steps] == [False] * (len(steps) - 1) + [True]
    page = await ani.history("budi")
    assert [(message.body, message.file) for message in page.messages] == [("the plan", steps[-1].file.file)]  # type: ignore[union-attr]
    assert page.messages[0].file.sha256 == hashlib.sha256(data).digest()  # type: ignore[union-attr]


async def test_bytes_and_open_files_are_stored_under_a_path(ani: Chat, bulk: FakeBulk, data: bytes) -> None:
    kept = await ani.files.store(data, "notes/today.bin")
    stream = io.BytesIO(data)
    stream.seek(5)
    await ani.files.store(stream, "notes/tomorrow.bin")
    assert not stream.closed
    assert kept.conversation == 0 and kept.file.name == "today.bin"
    assert [stored.data for stored in bulk.files.files.values()] == [data, data]
    assert [stored.info.path for stored in bulk.files.files.values()] == [
        "notes/today.bin",
        "notes/tomorrow.bin",
    ]


async def test_a_path_that_ends_with_a_slash_is_a_folder(ani: Chat, bulk: FakeBulk, tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("a")
    await ani.files.store(source, "notes/")
    await ani.files.store(source, "/")
    assert [stored.info.path for stored in bulk.files.files.values()] == ["notes/a.txt", "/a.txt"]


async def test_an_empty_file_is_a_file(ani: Chat, bulk: FakeBulk, tmp_path: Path) -> None:
    source = tmp_path / "empty"
    source.touch()
    sent = await ani.files.send(source, "budi")
    assert (sent.file.size, sent.seq) == (0, 1)
    assert await fetched(ani, sent.file.file) == b""
    steps = await followed(ani.files.save(sent.file, tmp_path / "copy"))
    assert steps[-1].path == tmp_path / "copy" and (tmp_path / "copy").read_bytes() == b""


@pytest.mark.usefixtures("impatient")
async def test_lost_doubled_and_late_answers_do_no_harm(ani: Chat, bulk: FakeBulk, data: bytes) -> None:
    chance = random.Random(3)
    fates: tuple[list[float], ...] = ([], [0.0], [0.0], [0.0, 0.0], [0.02], [0.001, 0.15])
    bulk.fate = lambda request: chance.choice(fates)
    sent = await asyncio.wait_for(ani.files.send(data[:60_000], "budi", name="data", id=ID), 60)
    assert await fetched(ani, sent.file.file) == data[:60_000]
    assert bulk.files.uploads[("ani", ID)].data == data[:60_000]


async def test_no_more_than_a_window_is_under_way(ani: Chat, bulk: FakeBulk, data: bytes) -> None:
    bulk.fate = lambda request: [0.003]
    sent = await ani.files.send(data[:50_000], "budi", name="data")
    assert 2 < bulk.most_open <= FILE_WINDOW
    await fetched(ani, sent.file.file)
    assert 2 < bulk.most_open <= FILE_WINDOW


async def test_the_server_may_go_away_and_come_back(ani: Chat, bulk: FakeBulk, data: bytes) -> None:
    bulk.fate = lambda request: [0.001]
    steps = ani.files.upload(data, to="budi", name="data", id=ID)
    async for progress in steps:
        if progress.done > BIG // 3:
            await asyncio.to_thread(bulk.stop)
            break
    await asyncio.sleep(0.2)
    bulk.start()
    last = (await followed(steps))[-1]
    assert last.file is not None
    puts = bulk.files.uploads[("ani", ID)].puts
    assert len(puts) - len(set(puts)) <= FILE_WINDOW
    reading = ani.files.download(last.file.file)
    got = [await anext(reading)]
    await asyncio.to_thread(bulk.stop)
    bulk.start()
    async with asyncio.timeout(30):
        got += [chunk async for chunk in reading]
    assert b"".join(got) == data


async def test_an_upload_goes_on_where_an_earlier_one_stood(
    broker: FakeBroker, bulk: FakeBulk, tmp_path: Path, data: bytes
) -> None:
    source = tmp_path / "data"
    source.write_bytes(data)
    async with logged_in(broker, "ani") as first:
        async for progress in first.files.upload(source, to="budi", id=ID):
            if progress.done > BIG // 2:
                break
    async with logged_in(broker, "ani") as second:
        bulk.requests.clear()
        steps_again = await followed(second.files.upload(source, to="budi", id=ID))
        assert steps_again[0].resumed == steps_again[0].done > BIG // 2
        assert steps_again[-1].file is not None
        assert len(kinds(bulk, PutChunk)) <= 1 + (BIG + 17) // 1000 - steps_again[0].done // 1000
        again = await followed(second.files.upload(source, to="budi", id=ID))
        assert again[-1].file is not None and again[-1].file.duplicate
        assert len((await second.history("budi")).messages) == 1
    assert bulk.files.uploads[("ani", ID)].data == data


async def test_what_a_server_lost_before_the_seal_is_sent_again(
    ani: Chat, bulk: FakeBulk, data: bytes
) -> None:
    lost = iter([{3_000, 4_000}, {250_000}])

    def lose(request: Any) -> None:
        if isinstance(request, SealUpload):
            bulk.files.uploads[("ani", ID)].held -= next(lost, set())

    bulk.refuse = lose
    await asyncio.wait_for(ani.files.send(data, "budi", name="data", id=ID), 30)
    assert bulk.files.uploads[("ani", ID)].data == data


@pytest.mark.parametrize("dropped", [True, False])
async def test_a_seal_that_is_refused_for_good_is_raised(
    ani: Chat, bulk: FakeBulk, data: bytes, dropped: bool
) -> None:
    def refuse(request: Any) -> Failure | None:
        if not isinstance(request, SealUpload):
            return None
        if dropped:
            del bulk.files.uploads[("ani", ID)]
        return Conflict("The bytes here have another sha256.")

    bulk.refuse = refuse
    with pytest.raises(Conflict, match="another sha256"):
        await ani.files.send(data, "budi", name="data", id=ID)


async def test_more_missing_ranges_than_one_answer_names_are_all_sent(
    ani: Chat, bulk: FakeBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk.files.chunk_bytes = 10
    data = random.Random(1).randbytes(25_000)
    begin = BeginUpload(ID, len(data), None, None, "data")
    with bulk.broker.lock:
        bulk.files._begin("ani", begin)
        upload = bulk.files.uploads[("ani", ID)]
        for at in range(0, len(data), 20):
            upload.held.add(at)
            upload.data[at : at + 10] = data[at : at + 10]
    await asyncio.wait_for(ani.files.store(data, "data", id=ID), 30)
    assert upload.data == data


async def test_busy_is_waited_out(ani: Chat, bulk: FakeBulk, data: bytes) -> None:
    chance = random.Random(5)
    bulk.refuse = lambda request: Busy("Not now.", retry_after=0.01) if chance.random() < 0.3 else None
    sent = await asyncio.wait_for(ani.files.send(data, "budi", name="data"), 30)
    assert await fetched(ani, sent.file.file) == data


@pytest.mark.parametrize("failure", [TooLarge("The disk is full."), NotFound("Gone."), Conflict("No.")])
async def test_a_refusal_of_a_chunk_is_raised(
    ani: Chat, bulk: FakeBulk, data: bytes, failure: Failure
) -> None:
    bulk.refuse = lambda request: (
        failure if isinstance(request, (PutChunk, GetChunk)) and request.offset == 9_000 else None
    )
    with pytest.raises(type(failure), match=failure.message):
        await asyncio.wait_for(ani.files.send(data, "budi", name="data"), 30)
    stored = bulk.files.add("ani", data)
    with pytest.raises(type(failure), match=failure.message):
        await fetched(ani, stored)


async def test_of_a_transfer_that_failed_unseen_nothing_more_is_read(
    ani: Chat, bulk: FakeBulk, data: bytes
) -> None:
    bulk.refuse = lambda request: (
        NotFound("Gone.") if isinstance(request, PutChunk) and request.offset >= 10_000 else None
    )
    steps = ani.files.upload(data, to="budi", name="data")
    async for progress in steps:
        if progress.done:
            break
    await asyncio.sleep(0.3)
    assert sum(flow.open for flow in ani.files._bulk._flows) <= FILE_WINDOW
    with pytest.raises(NotFound):
        await followed(steps)


async def test_a_refusal_at_the_beginning_comes_before_any_byte(
    ani: Chat, broker: FakeBroker, bulk: FakeBulk, data: bytes
) -> None:
    broker.model.refuse = lambda command, request: (
        TooLarge("Over your quota.", limit=5, used=3) if command == "file.begin" else None
    )
    with pytest.raises(TooLarge) as raised:
        await ani.files.send(data, "budi", name="data")
    assert raised.value.fields == {"limit": 5, "used": 3}
    assert not bulk.requests


async def test_a_source_that_changes_meanwhile_is_noticed_and_dropped(
    ani: Chat, bulk: FakeBulk, tmp_path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.sources.PIECE", 1_000)
    bulk.fate = lambda request: [0.002]
    for change in (data + b"more", data[:5_000], data[:-1] + b"x"):
        source = tmp_path / "data"
        source.write_bytes(data)
        os.utime(source, ns=(1, 1))
        with pytest.raises(SourceChanged, match=r"data was changed while it was being sent\."):
            async for progress in ani.files.upload(source, to="budi", id=ID):
                if progress.done > 10_000 and source.stat().st_mtime_ns == 1:
                    source.write_bytes(change)
        assert ("ani", ID) not in bulk.files.uploads


async def test_a_source_of_which_other_bytes_are_at_the_server_is_dropped_there(
    ani: Chat, bulk: FakeBulk, data: bytes
) -> None:
    async with contextlib.aclosing(ani.files.upload(data, to="budi", name="data", id=ID)) as steps:
        async for progress in steps:
            if progress.done > 5_000:
                break
    with pytest.raises(Corrupt):
        await ani.files.send(b"x" * len(data), "budi", name="data", id=ID)
    assert ("ani", ID) not in bulk.files.uploads
    await ani.files.send(b"x" * len(data), "budi", name="data", id=ID)


async def test_what_cannot_be_sent_is_said_before_the_server_is_asked(
    ani: Chat, bulk: FakeBulk, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, error in (
        (tmp_path / "none", FileNotFoundError),
        (tmp_path, IsADirectoryError),
        (tmp_path / "pipe", OSError),
    ):
        with pytest.raises(error):
            await ani.files.send(path, "budi")
    with pytest.raises(ValueError, match="one of them"):
        await anext(ani.files.upload(b"", to="budi", path="x", name="x"))
    with pytest.raises(ValueError, match="name"):
        await ani.files.send(b"", "budi")
    with pytest.raises(SourceChanged, match="sha256"):
        await followed(ani.files.upload(b"abc" * 100, to="budi", name="x", sha256=bytes(32)))
    assert not bulk.files.uploads


async def test_small_files_are_named_by_their_hash_from_the_beginning(
    ani: Chat, broker: FakeBroker, bulk: FakeBulk
) -> None:
    await ani.files.send(b"small", "budi", name="a")
    begun = [request for _, command, request in broker.model.asked if command == "file.begin"]
    assert [request.sha256 for request in begun] == [hashlib.sha256(b"small").digest()]


async def test_who_is_logged_out_sends_and_fetches_no_more(
    ani: Chat, broker: FakeBroker, bulk: FakeBulk, data: bytes
) -> None:
    stored = bulk.files.add("ani", data)
    reading = ani.files.download(stored)
    await anext(reading)
    bulk.fate = lambda request: [0.002]
    with pytest.raises(LoggedOut):
        async for progress in ani.files.upload(data, to="budi", name="data"):
            if progress.done > 10_000:
                with broker.lock:
                    broker.model.end_session(ani.token)
    with pytest.raises(LoggedOut):
        async for _ in reading:
            pass


async def test_the_socket_of_chunks_is_closed_when_nobody_needs_it(
    ani: Chat, bulk: FakeBulk, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.bulk.IDLE", 0.1)
    for n in range(3):
        sent = await ani.files.send(data, "budi", name=f"{n}")
        first = ani.files._bulk._link
        assert first is not None and await fetched(ani, sent.file.file) == data
        assert ani.files._bulk._link is first
        await asyncio.sleep(0.2)
        assert ani.files._bulk._link is None


async def test_a_port_that_cannot_be_reached_is_offline(
    ani: Chat, broker: FakeBroker, bulk: FakeBulk, data: bytes
) -> None:
    await asyncio.to_thread(bulk.stop)
    ani._connection.timeout = 0.3
    with pytest.raises(Offline, match=rf"port for files, {broker.model.bulk_port},"):
        await ani.files.send(data, "budi", name="data")


async def test_closing_the_chat_ends_transfers(ani: Chat, bulk: FakeBulk, data: bytes) -> None:
    stored = bulk.files.add("ani", data)
    bulk.fate = lambda request: []
    sending = asyncio.create_task(ani.files.send(data, "budi", name="data"))
    fetching = asyncio.create_task(fetched(ani, stored))
    await asyncio.sleep(0.1)
    await ani.close()
    for task in (sending, fetching):
        with pytest.raises(Closed):
            await task


async def test_a_cancelled_transfer_lets_go_of_everything(
    ani: Chat, bulk: FakeBulk, tmp_path: Path, data: bytes
) -> None:
    source, stored = tmp_path / "data", bulk.files.add("ani", data)
    source.write_bytes(data)
    bulk.fate = lambda request: [0.01]
    for steps in (ani.files.upload(source, to="budi", id=ID), ani.files.save(stored, tmp_path / "copy")):
        moving = asyncio.Event()

        async def follow(steps: AsyncIterator[Progress], moving: asyncio.Event) -> None:
            async for progress in steps:
                if progress.done:
                    moving.set()

        following = asyncio.create_task(follow(steps, moving))
        await moving.wait()
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    held = [str(link.readlink()) for link in links]
    assert not [path for path in held if path.startswith(str(tmp_path))]
    bulk.fate = lambda request: [0.0]
    assert (await followed(ani.files.upload(source, to="budi", id=ID)))[0].resumed > 0
    assert (await followed(ani.files.save(stored, tmp_path / "copy")))[0].resumed > 0


async def test_several_transfers_share_the_socket(ani: Chat, bulk: FakeBulk, data: bytes) -> None:
    bulk.fate = lambda request: [0.002]
    sent = await asyncio.gather(*(ani.files.send(data[n:], "budi", name=f"{n}") for n in range(6)))
    assert FILE_WINDOW < bulk.most_open <= 4 * FILE_WINDOW
    bulk.most_open = 0
    got = await asyncio.gather(*(fetched(ani, reply.file.file) for reply in sent))
    assert got == [data[n:] for n in range(6)]
    assert FILE_WINDOW / 2 < bulk.most_open <= FILE_WINDOW


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


# --- which there are ------------------------------------------------------------------------------


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


async def test_the_backup_sends_what_is_new_or_changed_and_goes_on_in_the_middle(
    ani: Chat,
    broker: FakeBroker,
    bulk: FakeBulk,
    tmp_path: Path,
    data: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("client.uploading.SMALL", 1 << 22)  # as in the program
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "deep" / "data").write_bytes(data)
    steps = ani.files.upload(tmp_path / "deep" / "data", path="copy/deep/data", replace=True)
    async with contextlib.aclosing(steps):
        async for progress in steps:
            if progress.done > BIG // 2:
                break

    async def backed_up() -> list[str]:
        with run_example("backup.py", broker, "ani", str(tmp_path), "copy/") as backup:
            output, _ = await asyncio.to_thread(backup.communicate, None, 60)
            assert backup.returncode == 0
            return str(output).splitlines()

    first = await backed_up()
    assert first[0] == "copy/a.txt: 3 bytes, 0 of them sent before"
    assert first[1].startswith(f"copy/deep/data: {len(data)} bytes, 1") and len(first) == 2
    assert await backed_up() == []
    (tmp_path / "a.txt").write_text("two")
    assert await backed_up() == ["copy/a.txt: 3 bytes, 0 of them sent before"]
    assert {stored.data for stored in bulk.files.files.values()} == {b"one", b"two", data}
    assert bulk.files.folders == {"copy", "copy/deep"}
