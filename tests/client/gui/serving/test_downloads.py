"""Files that go to browsers: to be saved and never shown, from where they stopped, cut off when they fail."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from starlette.applications import Starlette

from client.errors import Corrupt
from client.gui.model.model import Model
from client.gui.model.transfers import State
from client.gui.serving.downloads import Outgoing
from client.gui.serving.freight import Freight
from protocol.errors import NotFound
from protocol.files import FileInfo
from tests.client.gui.fake_files import STEP, FakeFiles
from tests.client.gui.model.scene import Scene, until
from tests.client.gui.model.test_album import png
from tests.client.gui.serving.asking import Asking

DATA = random.Random(5).randbytes(9 * STEP + 9)


@pytest.fixture
async def ani(scene: Scene) -> Model:
    return await scene.enter("ani")


@pytest.fixture
def files(ani: Model) -> FakeFiles:
    return FakeFiles(ani.chat)


@pytest.fixture
def freight(tmp_path: Path) -> Freight:
    return Freight(tmp_path / "web", 1)


def get(
    freight: Freight, model: Model, file: FileInfo, way: str = "out", method: str = "GET", **headers: str
) -> Asking:
    ticket = freight.downloads.tickets.issue(Outgoing(model, model.user, file, "budi"))
    path = f"/files/{way}/{ticket}" + ("/name" if way == "out" else "")
    return Asking(Starlette(routes=freight.routes), method, path, **headers)


async def test_a_file_is_saved_under_a_harmless_name_and_never_shown(
    ani: Model, files: FakeFiles, freight: Freight
) -> None:
    file = files.add(DATA, '../"évil" ☕.html', "text/html")
    answer = await get(freight, ani, file).answered()
    assert (answer.status, answer.body, answer.whole) == (200, DATA, True)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == str(len(DATA))
    shown = answer.headers["content-disposition"]
    assert shown.startswith('attachment; filename="') and shown.endswith("%20%E2%98%95.html")
    assert "/" not in shown and shown.count('"') == 2
    assert ani.transfers.rows[0].state is State.DONE


async def test_a_browser_goes_on_with_what_it_has(ani: Model, files: FakeFiles, freight: Freight) -> None:
    file = files.add(DATA)
    mark = f'"{file.sha256.hex()}"'
    answer = await get(freight, ani, file, range="bytes=2500-", if_range=mark).answered()
    assert (answer.status, answer.body, answer.whole) == (206, DATA[2500:], True)
    assert answer.headers["content-range"] == f"bytes 2500-{len(DATA) - 1}/{len(DATA)}"
    answer = await get(freight, ani, file, range="bytes=10-19").answered()
    assert (answer.status, answer.body, answer.whole) == (206, DATA[10:20], True)


@pytest.mark.parametrize(
    ("asked", "kept"), [("bytes=5-", '"other"'), ("bytes=1-2,4-5", ""), ("lines=1-", "")]
)
async def test_what_a_browser_cannot_go_on_with_it_gets_whole(
    ani: Model, files: FakeFiles, freight: Freight, asked: str, kept: str
) -> None:
    headers = {"range": asked} | ({"if_range": kept} if kept else {})
    answer = await get(freight, ani, files.add(DATA), **headers).answered()
    assert (answer.status, answer.body) == (200, DATA)


@pytest.mark.parametrize(
    "asked", [f"bytes={len(DATA)}-", "bytes=9-5", "bytes=9-8", "bytes=999999999999999999-"]
)
async def test_a_range_that_there_is_not_is_refused(
    ani: Model, files: FakeFiles, freight: Freight, asked: str
) -> None:
    answer = await get(freight, ani, files.add(DATA), range=asked).answered()
    assert answer.status == 416 and not files.fetched


async def test_who_asks_what_there_is_fetches_nothing(ani: Model, files: FakeFiles, freight: Freight) -> None:
    answer = await get(freight, ani, files.add(DATA), method="HEAD").answered()
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", str(len(DATA)))
    assert not files.fetched and not ani.transfers.rows


async def test_an_empty_file_is_saved(ani: Model, files: FakeFiles, freight: Freight) -> None:
    answer = await get(freight, ani, files.add(b"")).answered()
    assert (answer.status, answer.body, answer.whole) == (200, b"", True)


async def test_what_cannot_be_had_leaves_the_page_where_it_is(
    ani: Model, files: FakeFiles, freight: Freight
) -> None:
    files.fail(NotFound("The file was deleted."))
    answer = await get(freight, ani, files.add(DATA)).answered()
    assert answer.status == 204
    assert ani.transfers.rows[0].state is State.FAILED
    unknown = Asking(Starlette(routes=freight.routes), "GET", "/files/out/guessed/name")
    assert (await unknown.answered()).status == 204


async def test_what_fails_in_the_middle_is_cut_off(ani: Model, files: FakeFiles, freight: Freight) -> None:
    files.steps = 3
    answer = get(freight, ani, files.add(DATA))
    await until(lambda: answer.body)
    files.fail(Corrupt("Not what it was."))
    files.steps = 1_000
    await answer.answered()
    assert answer.status == 200 and not answer.whole and len(answer.body) < len(DATA)


async def test_a_browser_that_leaves_ends_the_transfer(
    ani: Model, files: FakeFiles, freight: Freight
) -> None:
    files.steps = 3
    answer = get(freight, ani, files.add(DATA))
    await until(lambda: answer.body)
    await answer.leaves().answered()
    assert ani.transfers.rows[0].state is State.CANCELLED
    await until(lambda: not files.moving)


async def test_a_ticket_is_its_users_alone(
    ani: Model, files: FakeFiles, freight: Freight, scene: Scene
) -> None:
    file = files.add(png(4, 4), "a.png", "image/png")
    for way, refusal in (("out", 204), ("picture", 404)):
        ticket = freight.downloads.tickets.issue(Outgoing(ani, "budi", file, ""))
        path = f"/files/{way}/{ticket}" + ("/name" if way == "out" else "")
        answer = await Asking(Starlette(routes=freight.routes), "GET", path).answered()
        assert answer.status == refusal
    before = get(freight, ani, file, "picture")
    assert (await before.answered()).status == 200
    kept = get(freight, ani, file)
    await ani.logout()
    assert (await kept.answered()).status == 204


async def test_a_picture_is_shown_as_what_it_is(ani: Model, files: FakeFiles, freight: Freight) -> None:
    data = png(30, 20)
    answer = await get(freight, ani, files.add(data, "a.png", "image/png"), "picture").answered()
    assert (answer.status, answer.body) == (200, data)
    assert answer.headers["content-type"] == "image/png"
    for name, content, type in (
        ("a.svg", b"<svg onload='alert(1)'/>", "image/svg+xml"),
        ("a.png", b"<html>", "image/png"),
    ):
        file = files.add(content, name, type)
        assert (await get(freight, ani, file, "picture").answered()).status == 404
