"""Uploads of bytes that come once, against a model server: what arrives, and that nothing else stays."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from client import Chat, Failure
from client.errors import Corrupt, Offline, Timeout
from client.files.pouring import WINDOW, Read
from protocol.bulk import SealUpload
from protocol.errors import Conflict, Forbidden, Internal, NotFound, Unavailable
from protocol.files import BeginUpload
from tests.client.fake_broker import FakeBroker
from tests.client.fake_bulk import FakeBulk
from tests.client.files.transfers import BIG, fetched
from tests.client.test_connection import logged_in


class Spring:
    """Bytes that come once, at most ``piece`` at a time."""

    def __init__(self, data: bytes, piece: int = 700) -> None:
        self.data = data
        self.piece = piece
        self.read_so_far = 0

    async def read(self, most: int) -> bytes:
        begin = self.read_so_far
        self.read_so_far += min(most, self.piece)
        return self.data[begin : self.read_so_far]


def left(bulk: FakeBulk) -> int:
    """Unfinished uploads."""
    return sum(upload.finished is None for upload in bulk.files.uploads.values())


@pytest.mark.parametrize("size", [0, 1, 999, 1_000, 1_001, BIG])
@pytest.mark.parametrize("piece", [300, 10_000])
async def test_what_comes_in_pieces_is_a_file_in_the_end(
    ani: Chat, bulk: FakeBulk, data: bytes, size: int, piece: int
) -> None:
    spring = Spring(data[:size], piece)
    async with asyncio.timeout(30):
        stored = await ani.files.pour(spring.read, size, path="notes/today")
    assert bulk.most_open <= WINDOW
    assert await fetched(ani, stored.file.file) == data[:size]


async def test_it_can_be_a_message(ani: Chat) -> None:
    sent = await ani.files.pour(Spring(b"plan").read, 4, to="budi", name="plan.txt", text="the plan")
    page = await ani.history("budi")
    assert [(message.body, message.file) for message in page.messages] == [("the plan", sent.file)]


async def test_it_goes_to_one_place(ani: Chat) -> None:
    with pytest.raises(ValueError, match="one of them"):
        await ani.files.pour(Spring(b"").read, 0)
    with pytest.raises(ValueError, match="one of them"):
        await ani.files.pour(Spring(b"").read, 0, to="budi", name="a", path="a")


async def test_what_is_refused_is_refused_before_anything_is_read(
    ani: Chat, broker: FakeBroker, bulk: FakeBulk
) -> None:
    broker.model.refuse = lambda command, request: (
        Forbidden("No.") if isinstance(request, BeginUpload) else None
    )
    spring = Spring(b"plan")
    with pytest.raises(Forbidden):
        await ani.files.pour(spring.read, 4, to="budi", name="plan")
    assert (spring.read_so_far, bulk.requests) == (0, [])


async def gone(most: int) -> bytes:
    raise ConnectionResetError


async def nothing(most: int) -> bytes:
    return b""


async def too_much(most: int) -> bytes:
    return bytes(most + 1)


@pytest.mark.parametrize(
    ("broken", "error"), [(gone, ConnectionResetError), (nothing, ValueError), (too_much, ValueError)]
)
async def test_who_cannot_go_on_leaves_nothing(
    ani: Chat, bulk: FakeBulk, data: bytes, broken: Read, error: type[Exception]
) -> None:
    spring = Spring(data)

    async def read(most: int) -> bytes:
        return await (spring.read if spring.read_so_far < 5_000 else broken)(most)

    with pytest.raises(error):
        await ani.files.pour(read, 10_000, path="data")
    assert not bulk.files.uploads and not bulk.files.files


async def test_who_is_cancelled_leaves_nothing(ani: Chat, bulk: FakeBulk) -> None:
    waiting = asyncio.Event()

    async def read(most: int) -> bytes:
        waiting.set()
        await asyncio.sleep(60)
        return b""

    pouring = asyncio.create_task(ani.files.pour(read, 10, path="data"))
    await asyncio.wait_for(waiting.wait(), 10)
    assert left(bulk) == 1
    pouring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pouring
    assert not bulk.files.uploads


@pytest.mark.parametrize("loses", ["chunks", "upload"])
async def test_what_the_server_lost_is_told_and_dropped(
    ani: Chat, bulk: FakeBulk, data: bytes, loses: str
) -> None:
    def lose(request: Any) -> Failure | None:
        if not isinstance(request, SealUpload):
            return None
        return Conflict("Not all of it is here.") if loses == "chunks" else NotFound("No such upload.")

    bulk.refuse = lose
    with pytest.raises(Corrupt):
        await ani.files.pour(Spring(data).read, 5_000, path="data")
    assert not bulk.files.uploads


async def test_other_bytes_on_the_server_are_told_and_dropped(ani: Chat, bulk: FakeBulk, data: bytes) -> None:
    def damage(request: Any) -> None:
        if isinstance(request, SealUpload):
            bulk.files.uploads["ani", request.upload].data[7] ^= 1

    bulk.refuse = damage
    with pytest.raises(Corrupt):
        await ani.files.pour(Spring(data).read, 5_000, path="data")
    assert not bulk.files.uploads


async def test_chunks_larger_than_any_are_not_made(ani: Chat, bulk: FakeBulk) -> None:
    bulk.files.chunk_bytes = 1 << 30
    with pytest.raises(Internal):
        await ani.files.pour(Spring(b"x").read, 1, path="data")
    assert not bulk.files.uploads


@pytest.mark.usefixtures("impatient")
async def test_it_goes_on_when_the_server_comes_back(ani: Chat, bulk: FakeBulk, data: bytes) -> None:
    spring = Spring(data)

    async def read(most: int) -> bytes:
        if spring.read_so_far == 7_000:
            await asyncio.to_thread(bulk.stop)
            bulk.start()
        return await spring.read(most)

    async with asyncio.timeout(30):
        stored = await ani.files.pour(read, 20_000, path="data")
    assert await fetched(ani, stored.file.file) == data[:20_000]


async def test_nothing_stays_of_what_the_server_was_away_for(broker: FakeBroker, bulk: FakeBulk) -> None:
    async with logged_in(broker, "ani", timeout=0.3) as ani:
        bulk.stop()
        with pytest.raises((Offline, Timeout)):  # as it was noticed that the line is down, or not yet
            await ani.files.pour(Spring(bytes(5_000)).read, 5_000, path="data")
        assert ("ani", "file.cancel") in [(who, what) for who, what, _ in broker.model.asked]
        assert not bulk.files.uploads


async def test_what_the_server_could_not_be_told_to_drop_it_is_told_next_time(
    broker: FakeBroker, bulk: FakeBulk
) -> None:
    def away(command: str, request: object) -> Failure | None:
        return Unavailable("Not now.", retry_after=9.0) if command == "file.cancel" else None

    async with logged_in(broker, "ani", timeout=0.3) as ani:
        broker.model.refuse = away
        for _ in range(2):  # and nothing else is begun meanwhile
            with pytest.raises((ConnectionResetError, Unavailable)):
                await ani.files.pour(gone, 5_000, path="data")
        assert left(bulk) == 1
        broker.model.refuse = lambda command, request: None
        await ani.files.pour(Spring(b"plan").read, 4, path="plan")
        assert left(bulk) == 0


async def test_the_socket_of_chunks_can_be_let_go(ani: Chat, bulk: FakeBulk) -> None:
    def sockets() -> list[object]:
        return [socket for socket in (ani.files._bulk._link, ani.files._bulk._idle) if socket is not None]

    ani.files.let_go()  # there is none
    for _ in range(2):
        await ani.files.pour(Spring(b"plan").read, 4, path="plan")
        assert len(sockets()) == 2  # and the timer that would close it
        ani.files.let_go()
        assert not sockets()

    async def read(most: int) -> bytes:
        ani.files.let_go()  # not while it is needed
        return bytes(most)

    await ani.files.pour(read, 5_000, path="plan")


async def test_a_download_with_a_window_of_one_asks_for_one_chunk_at_a_time(
    ani: Chat, bulk: FakeBulk, data: bytes
) -> None:
    file = bulk.files.add("ani", data)
    assert await fetched(ani, file, window=1) == data
    assert bulk.most_open == 1
