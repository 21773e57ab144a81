"""Transfers that come to nothing: refused, cut off, given up, changed meanwhile; nothing stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from client import Chat, Progress
from client.errors import Closed, Corrupt, LoggedOut, Offline, SourceChanged
from protocol.bulk import GetChunk, PutChunk, SealUpload
from protocol.errors import Conflict, Failure, NotFound, TooLarge
from protocol.limits import FILE_WINDOW
from tests.client.fake_broker import FakeBroker
from tests.client.fake_bulk import FakeBulk
from tests.client.files.transfers import ID, fetched, followed


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
    monkeypatch.setattr("client.files.sources.PIECE", 1_000)
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


async def test_other_bytes_under_the_id_of_a_file_are_not_told_as_sent(
    ani: Chat, bulk: FakeBulk, tmp_path: Path, data: bytes
) -> None:
    source = tmp_path / "data"
    source.write_bytes(data)
    sent = await ani.files.send(source, "budi", id=ID)
    source.write_bytes(data[::-1])
    with pytest.raises(Conflict):
        await ani.files.send(source, "budi", id=ID)
    source.write_bytes(data)
    again = await ani.files.send(source, "budi", id=ID)
    assert again.duplicate and again.file == sent.file


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
    monkeypatch.setattr("client.files.bulk.IDLE", 0.1)
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
