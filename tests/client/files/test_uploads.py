"""Uploads against a model server whose bulk socket loses, doubles, delays and goes away."""

from __future__ import annotations

import asyncio
import hashlib
import io
import random
from pathlib import Path
from typing import Any

import pytest
import zmq

from client import Chat, Progress
from client.files.bulk import BulkLink
from protocol.bulk import PutChunk, SealUpload
from protocol.connection_string import ConnectionString
from protocol.errors import Busy, Failure, NotFound
from protocol.files import BeginUpload, FinishUpload
from protocol.limits import FILE_WINDOW
from tests.client.fake_broker import FakeBroker
from tests.client.fake_bulk import FakeBulk
from tests.client.files.transfers import BIG, ID, fetched, followed, kinds
from tests.client.test_connection import logged_in


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


async def test_what_had_not_left_when_the_server_was_lost_is_sent_once(
    ani: Chat, bulk: FakeBulk, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up = BulkLink._set_up

    def narrow(link: BulkLink, server: ConnectionString, kind: int) -> None:
        set_up(link, server, kind)
        link._socket.setsockopt(zmq.SNDBUF, 4096)

    monkeypatch.setattr(BulkLink, "_set_up", narrow)
    bulk.files.chunk_bytes = 30_000
    await asyncio.to_thread(bulk.stop)
    bulk.room = 1
    bulk.start()
    sending = asyncio.create_task(ani.files.send(data, "budi", name="data", id=ID))
    async with asyncio.timeout(20):
        while len(bulk.requests) < 4:
            await asyncio.sleep(0.001)
    bulk.paused = True
    await asyncio.sleep(0.2)
    await asyncio.to_thread(bulk.stop)
    bulk.paused = False
    bulk.start()
    await asyncio.wait_for(sending, 30)
    puts = bulk.files.uploads[("ani", ID)].puts
    # What was answered, but whose answer was lost, comes again; what waited in the socket does not.
    assert len(puts) - len(set(puts)) <= 1


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


async def test_several_transfers_share_the_socket(ani: Chat, bulk: FakeBulk, data: bytes) -> None:
    bulk.fate = lambda request: [0.002]
    sent = await asyncio.gather(*(ani.files.send(data[n:], "budi", name=f"{n}") for n in range(6)))
    assert FILE_WINDOW < bulk.most_open <= 4 * FILE_WINDOW
    bulk.most_open = 0
    got = await asyncio.gather(*(fetched(ani, reply.file.file) for reply in sent))
    assert got == [data[n:] for n in range(6)]
    assert FILE_WINDOW / 2 < bulk.most_open <= FILE_WINDOW


async def test_what_somebody_else_has_finished_meanwhile_is_told_as_done(
    ani: Chat, bulk: FakeBulk, data: bytes
) -> None:
    def finish(request: Any) -> Failure | None:
        upload = bulk.files.uploads[("ani", ID)]
        if not isinstance(request, PutChunk) or request.offset != 9_000 or upload.finished is not None:
            return NotFound("There is no such upload.") if upload.finished is not None else None
        upload.data[:] = data
        upload.held = set(range(0, len(data), 1_000))
        bulk.files._finish("ani", FinishUpload(ID))
        return NotFound("There is no such upload.")

    bulk.refuse = finish
    sent = await ani.files.send(data, "budi", name="data", id=ID)
    assert sent.duplicate and sent.file.sha256 == hashlib.sha256(data).digest()
