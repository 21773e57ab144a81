"""Pictures in messages: what is one, how large it may be, fetched once, kept for a while."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.errors import Offline
from client.gui.model import album
from client.gui.model.album import is_picture, measured
from client.gui.model.model import Model
from protocol.files import FileInfo
from tests.client.gui.fake_files import STEP, FakeFiles
from tests.client.gui.model.scene import Scene, until


def png(width: int, height: int, more: int = 0) -> bytes:
    """What begins as a PNG of this size does."""
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return head + bytes(more)


def jpeg(width: int, height: int) -> bytes:
    frame = b"\xff\xc2\x00\x11\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + bytes(10)
    return b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(10) + b"\xff\xff\xc4\x00\x04\x00\x00" + frame


def webp(kind: bytes, rest: bytes) -> bytes:
    return b"RIFF\x00\x00\x00\x00WEBP" + kind + bytes(4) + rest + bytes(20)


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (png(640, 480), (640, 480)),
        (b"GIF89a" + (320).to_bytes(2, "little") + (7).to_bytes(2, "little"), (320, 7)),
        (jpeg(1_024, 768), (1_024, 768)),
        (webp(b"VP8X", bytes(4) + (99).to_bytes(3, "little") + (49).to_bytes(3, "little")), (100, 50)),
        (webp(b"VP8 ", bytes(6) + (100).to_bytes(2, "little") + (50).to_bytes(2, "little")), (100, 50)),
        (webp(b"VP8L", b"\x2f" + (99 | 49 << 14).to_bytes(4, "little")), (100, 50)),
        (webp(b"ICCP", b""), (0, 0)),
        (b"<svg/>", (0, 0)),
        (b"", (0, 0)),
        (b"\xff\xd8\xff\xe0", (0, 0)),
    ],
)
def test_the_size_of_a_picture_is_read_from_its_head(data: bytes, size: tuple[int, int]) -> None:
    assert measured(data) == size


@given(
    st.sampled_from([b"", png(9, 9)[:9], b"GIF89a", b"\xff\xd8\xff", webp(b"VP8L", b"/")[:18]]), st.binary()
)
def test_whatever_bytes_come_they_are_measured(head: bytes, rest: bytes) -> None:
    width, height = measured(head + rest)
    assert width >= 0 and height >= 0


@pytest.mark.parametrize(
    ("type", "size", "gone", "shown"),
    [
        ("image/png", 10, False, True),
        ("image/svg+xml", 10, False, False),
        ("text/html", 10, False, False),
        ("image/png", album.BYTES_MOST + 1, False, False),
        ("image/png", 0, False, False),
        ("image/png", 10, True, False),
    ],
)
def test_what_is_shown_as_a_picture(type: str, size: int, gone: bool, shown: bool) -> None:
    assert is_picture(FileInfo(1, "a", size, type, bytes(32), gone)) is shown


@pytest.fixture
async def ani(scene: Scene) -> Model:
    return await scene.enter("ani")


@pytest.fixture
def files(ani: Model) -> FakeFiles:
    return FakeFiles(ani.chat)


async def test_a_picture_is_fetched_once_for_all_who_ask(ani: Model, files: FakeFiles) -> None:
    data = png(10, 10, 3 * STEP)
    file = files.add(data, "a.png", "image/png")
    found = await asyncio.gather(*(ani.transfers.picture(file) for _ in range(5)))
    assert found == [data] * 5
    assert await ani.transfers.picture(file) == data
    assert files.fetched == [(file.file, 0)]


async def test_few_are_fetched_at_once(ani: Model, files: FakeFiles) -> None:
    pictures = [files.add(png(1, 1, 2 * STEP), f"{number}.png", "image/png") for number in range(6)]
    await asyncio.gather(*(ani.transfers.picture(file) for file in pictures))
    assert files.most_moving == album.AT_ONCE


async def test_what_unfolds_into_too_much_is_not_shown(ani: Model, files: FakeFiles) -> None:
    bomb = files.add(png(100_000, 100_000), "a.png", "image/png")
    liar = files.add(b"<html>", "b.png", "image/png")
    assert await ani.transfers.picture(bomb) is None
    assert await ani.transfers.picture(liar) is None


async def test_without_an_answer_there_is_none_and_later_there_may_be(ani: Model, files: FakeFiles) -> None:
    file = files.add(png(1, 1), "a.png", "image/png")
    files.fail(Offline("away"))
    assert await ani.transfers.picture(file) is None
    assert await ani.transfers.picture(file) is not None


async def test_the_one_not_asked_for_the_longest_goes_first(
    ani: Model, files: FakeFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(album, "KEPT_BYTES", 2 * len(png(1, 1, 100)))
    first, second, third = (files.add(png(1, 1, 100), f"{n}.png", "image/png") for n in range(3))
    for file in (first, second, first, third, first, second):
        assert await ani.transfers.picture(file) is not None
    assert [number for number, _ in files.fetched] == [first.file, second.file, third.file, second.file]


async def test_a_window_that_closes_waits_for_no_picture(ani: Model, files: FakeFiles) -> None:
    files.steps = 0
    file = files.add(png(1, 1), "a.png", "image/png")
    asking = asyncio.ensure_future(ani.transfers.picture(file))
    await until(lambda: files.moving)
    await ani.close()
    assert await asking is None
    assert await ani.transfers.picture(file) is None
