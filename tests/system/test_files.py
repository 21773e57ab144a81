"""Files on real processes: sent, fetched, refused, swept, counted.

What becomes of a transfer when processes die is ``test_crash_files``'s.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.crash.proxy import HOST, UP, Proxy
from benchmarks.crash.scene import CHEAP_PASSWORDS
from benchmarks.files.mover import Mover
from benchmarks.own_server import OwnServer
from client import Chat, Failure, MessageEvent
from protocol.limits import FILE_CHUNK_BYTES, FILE_WINDOW

PASSWORD = "a password to try"
PATIENCE = 30.0
MIB = 1 << 20
KEEP = 4.0
"""Seconds for which this server keeps an upload that nobody goes on with."""
QUOTA = 40 * MIB
FILE_MAX = 30 * MIB
SETTINGS: dict[str, Any] = {
    **CHEAP_PASSWORDS,
    **{"upload_keep": KEEP, "file_quota_bytes": QUOTA, "file_max_bytes": FILE_MAX},
}


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with OwnServer(settings=SETTINGS, counts={"file": 2}) as server:
        yield server


@asynccontextmanager
async def people(server: OwnServer, *names: str, through: str = "") -> AsyncIterator[list[Chat]]:
    """Logged in, each under a name that nobody else in this file has."""
    async with AsyncExitStack() as stack:
        chats = []
        for name in names:
            chat = Chat.connect(through or server.connection, timeout=PATIENCE)
            await stack.enter_async_context(chat)
            await chat.register(name, PASSWORD)
            await chat.login(name, PASSWORD)
            chats.append(chat)
        yield chats


def source(folder: Path, size: int) -> Path:
    path = folder / f"{size} bytes.bin"
    path.write_bytes(os.urandom(size))
    return path


def sha256(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def blobs(server: OwnServer) -> set[str]:
    return {path.name for path in server.home.glob("files/blobs/*/*")}


def staged(server: OwnServer) -> list[Path]:
    return list(server.home.glob("files/staging/*"))


async def message(chat: Chat) -> MessageEvent:
    async with asyncio.timeout(PATIENCE):
        async for event in chat.events():
            if isinstance(event, MessageEvent):
                return event
    raise AssertionError("the events ended")


async def test_a_file_sent_to_a_group_by_one_program_is_fetched_by_two_others_while_people_chat(
    server: OwnServer, tmp_path: Path
) -> None:
    path = source(tmp_path, 20 * MIB + 77)
    async with people(server, "ani", "budi", "citra") as (ani, budi, citra):
        await ani.create_group("peta")
        for one in (budi, citra):
            await one.join_group("peta")
        tokens = [chat.token for chat in (ani, budi, citra)]
        await budi.listen()
        chatting = asyncio.create_task(chat_on(ani, citra))
        sent = await asyncio.to_thread(move, server, tokens, path, tmp_path)
        chatting.cancel()
        told = await message(budi)
        page = await citra.history("#peta")
    assert told.file is not None and told.file.file == sent
    assert (told.file.size, told.file.sha256, told.body) == (path.stat().st_size, sha256(path), path.name)
    assert [one.file for one in page.messages] == [told.file]
    for name in ("budi", "citra"):
        assert sha256(tmp_path / name) == sha256(path)
        assert not list(tmp_path.glob(f"{name}?*")), "nothing lies beside what was fetched"


def move(server: OwnServer, tokens: list[bytes], path: Path, folder: Path) -> int:
    """ani's program sends, budi's and citra's fetch; the file's number."""
    with Mover(server.connection, tokens[:1]) as ani, Mover(server.connection, tokens[1:]) as others:
        (file,) = ani.tell("upload", sources=[str(path)], to="#peta")["files"]
        targets = [str(folder / name) for name in ("budi", "citra")]
        others.tell("download", files=[file, file], targets=targets)
    return int(file)


async def chat_on(ani: Chat, citra: Chat) -> None:
    while True:
        await ani.send("citra", "halo")
        await citra.send("ani", "halo juga")


async def test_who_is_removed_gets_nothing_more_in_the_middle_of_a_download(
    server: OwnServer, tmp_path: Path
) -> None:
    path = source(tmp_path, 29 * MIB)
    async with people(server, "ani2", "budi2", "citra2") as (ani, budi, citra):
        await ani.create_group("rahasia")
        for one in (budi, citra):
            await one.join_group("rahasia")
        file = (await ani.files.send(path, "#rahasia")).file
        got = before = 0
        with pytest.raises(Failure) as refused:
            async with aclosing(budi.files.download(file)) as chunks:
                async for chunk in chunks:
                    got += len(chunk)
                    if not before and got >= 4 * FILE_CHUNK_BYTES:
                        await ani.remove_member("rahasia", "budi2")
                        before = got
        # What was answered before that may be on its way still, or waits in the library for its turn.
        assert got - before <= 2 * FILE_WINDOW * FILE_CHUNK_BYTES < path.stat().st_size - before
        assert refused.value.code == "not_found"
        with pytest.raises(Failure) as unknown:
            await budi.files.stat(file)
        assert unknown.value.code == "not_found"
        async with aclosing(citra.files.download(file)) as chunks:
            assert sum([len(chunk) async for chunk in chunks]) == path.stat().st_size, "who stays goes on"


async def test_an_upload_that_nobody_goes_on_with_is_swept_and_its_room_given_back(
    server: OwnServer, tmp_path: Path
) -> None:
    path = source(tmp_path, 10 * MIB)
    async with people(server, "ani3") as (ani,):
        async with aclosing(ani.files.upload(path, path="tak selesai.bin")) as steps:
            async for step in steps:
                if step.done:
                    break
        (left,) = await ani.files.uploads()
        assert 0 < left.held < left.size == 10 * MIB
        assert (await ani.files.usage()).bytes == 10 * MIB
        assert staged(server)
        deadline = time.monotonic() + PATIENCE
        while await ani.files.uploads() or staged(server):
            assert time.monotonic() < deadline, staged(server)
            await asyncio.sleep(0.1)
        assert (await ani.files.usage()).bytes == 0
        with pytest.raises(Failure) as gone:
            await ani.files.resume(left.upload)
        assert gone.value.code == "not_found"


@pytest.mark.parametrize("size", [FILE_MAX + 1, QUOTA - 12 * MIB + 1])
async def test_what_is_too_large_is_refused_before_a_byte_of_it_moves(
    server: OwnServer, tmp_path: Path, size: int
) -> None:
    path = source(tmp_path, size)
    with Proxy(server.port, seed=1) as line:
        through = server.connection.replace("127.0.0.1", HOST)
        async with people(server, f"ani-{size}", through=through) as (ani,):
            await ani.files.store(os.urandom(12 * MIB), "ada.bin")
            moved = line.carried[server.port + 2, UP]
            with pytest.raises(Failure) as refused:
                await ani.files.store(path, "terlalu besar.bin")
            assert refused.value.code == "too_large"
            assert moved > 12 * MIB, "this is where chunks go"
            assert line.carried[server.port + 2, UP] - moved < 1000
            assert (await ani.files.usage()).bytes == 12 * MIB


async def test_the_same_bytes_are_stored_once_and_deleted_with_their_last_reference(
    server: OwnServer, tmp_path: Path
) -> None:
    path = source(tmp_path, 5 * MIB + 1)
    name = sha256(path).hex()
    async with people(server, "ani4", "budi4") as (ani, budi):
        files = [await ani.files.send(path, "budi4"), await budi.files.store(path, "salinan.bin")]
        assert name in blobs(server)
        assert len(list(server.home.glob(f"files/blobs/*/{name}*"))) == 1
        await ani.files.delete(files[0].file)
        async with aclosing(budi.files.download(files[1].file)) as chunks:
            assert b"".join([bytes(chunk) async for chunk in chunks]) == path.read_bytes()
        await budi.files.delete("salinan.bin")
        deadline = time.monotonic() + PATIENCE
        while name in blobs(server):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
