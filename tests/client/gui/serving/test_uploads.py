"""Files that come from browsers: each with a ticket, kept without a name, as many as have room."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from client.gui.serving import uploads
from client.gui.serving.freight import Freight
from client.gui.serving.spool import FULL, GONE, Incoming, Share
from client.gui.serving.uploads import FILES_MOST, REQUEST_MOST, Dropped
from tests.client.gui.model.scene import settle
from tests.client.gui.serving.asking import Asking

DATA = bytes(range(256)) * 4


@pytest.fixture
def freight(tmp_path: Path) -> Freight:
    return Freight(tmp_path / "web", 4 * len(DATA))


@pytest.fixture
def share(freight: Freight) -> Share:
    return Share(freight.spool)


Expect = Callable[..., tuple[Incoming, Asking]]


@pytest.fixture
def expect(freight: Freight, share: Share) -> Expect:
    """A file that is chosen, and the browser's request that brings it."""

    def expect(size: int = len(DATA), of: Share = share) -> tuple[Incoming, Asking]:
        incoming = Incoming(of, "plan.bin", size)
        ticket = freight.uploads.tickets.issue(incoming)
        return incoming, ask(freight, "PUT", f"/files/in/{ticket}")

    return expect


def ask(freight: Freight, method: str, path: str, **headers: str) -> Asking:
    return Asking(Starlette(routes=freight.routes), method, path, **headers)


async def arrived(incoming: Incoming) -> list[int]:
    return [here async for here in incoming.coming()]


async def test_a_file_comes_whole_and_is_read_by_nobody_else(
    freight: Freight, expect: Expect, tmp_path: Path
) -> None:
    incoming, request = expect()
    coming = asyncio.ensure_future(arrived(incoming))
    await request.sends(DATA[:100], DATA[100:]).answered()
    assert request.status == 204 and (await coming)[-1] == len(DATA)
    place = incoming.place
    place.seek(0)
    assert place.read() == DATA
    assert not list((tmp_path / "web").iterdir())
    assert stat.S_IMODE((tmp_path / "web").stat().st_mode) == 0o700
    assert freight.spool.held == len(DATA)
    incoming.drop()
    incoming.drop()
    assert freight.spool.held == 0 and place.closed


async def test_an_empty_file_comes_too(expect: Expect) -> None:
    incoming, request = expect(0)
    await request.sends().answered()
    assert request.status == 204 and await arrived(incoming) == [0]
    incoming.drop()


async def test_a_ticket_is_good_for_one_file_once(freight: Freight, expect: Expect) -> None:
    incoming, request = expect()
    ticket = next(iter(freight.uploads.tickets._things))
    await request.sends(DATA).answered()
    for known in (ticket, "x" * 32):
        again = ask(freight, "PUT", f"/files/in/{known}").sends(b"other")
        assert (await again.answered()).status == 410 and again.read == 0
    incoming.drop()


@pytest.mark.parametrize("data", [DATA + b"x", DATA[:-1], b""])
async def test_another_length_than_was_said_is_no_file(freight: Freight, expect: Expect, data: bytes) -> None:
    incoming, request = expect()
    await request.sends(data).answered()
    assert request.status == 410 and freight.spool.held == 0
    with pytest.raises(OSError, match=GONE):
        await arrived(incoming)


async def test_a_browser_that_leaves_is_told_of(freight: Freight, expect: Expect) -> None:
    incoming, request = expect()
    await request.sends(DATA[:100], end=False).leaves().answered()
    assert freight.spool.held == 0
    with pytest.raises(OSError, match=GONE):
        await arrived(incoming)


async def test_a_browser_that_falls_silent_gives_its_room_to_others(
    freight: Freight, expect: Expect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "SILENCE", 0.01)
    incoming, request = expect()
    await request.sends(DATA[:100], end=False).answered()
    assert request.status == 410 and freight.spool.held == 0
    with pytest.raises(OSError, match=GONE):
        await arrived(incoming)


async def test_what_has_no_room_waits_in_the_browser_until_there_is(freight: Freight, expect: Expect) -> None:
    others = Share(freight.spool)
    held = [expect(of=of) for of in (others, others)] + [expect(), expect()]
    for _, request in held:
        assert (await request.sends(DATA).answered()).status == 204
    late, waiting = expect(10, of=Share(freight.spool))
    waiting.sends(DATA[:10])
    await settle()
    assert waiting.status == 0 and waiting.read == 0
    held[0][0].drop()
    assert (await waiting.answered()).status == 204
    for incoming in [*(incoming for incoming, _ in held[1:]), late]:
        incoming.drop()
    assert freight.spool.held == 0


async def test_one_tab_leaves_room_for_others(freight: Freight, expect: Expect) -> None:
    mine = [expect(), expect(), expect()]
    for _, request in mine:
        request.sends(DATA)
    await mine[1][1].answered()
    await settle()
    assert mine[2][1].status == 0
    other, request = expect(of=Share(freight.spool))
    assert (await request.sends(DATA).answered()).status == 204
    mine[0][0].drop()
    assert (await mine[2][1].answered()).status == 204
    for incoming in (mine[1][0], mine[2][0], other):
        incoming.drop()
    assert freight.spool.held == 0


async def test_what_will_never_have_room_is_refused_before_it_is_read(
    freight: Freight, expect: Expect
) -> None:
    incoming, request = expect(3 * len(DATA))
    await request.sends(DATA).answered()
    assert request.status == 410 and request.read == 0
    with pytest.raises(OSError, match=FULL):
        await arrived(incoming)


@pytest.mark.parametrize("before", [True, False])
async def test_what_is_given_up_is_kept_no_longer(freight: Freight, expect: Expect, before: bool) -> None:
    incoming, request = expect()
    if before:
        incoming.drop()
    else:
        request.sends(DATA[:100], end=False)
        await settle()
        incoming.drop()
    await request.sends(DATA[100:]).answered()
    assert request.status == 410 and freight.spool.held == 0


# --- dropped on a page ------------------------------------------------------------------------


def dropping(freight: Freight, tab: str, body: Any) -> Asking:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ask(freight, "POST", "/files/drop", x_pesan_tab=tab).sends(content)


async def test_what_is_dropped_gets_tickets_from_its_tab(freight: Freight) -> None:
    seen: list[Dropped] = []

    def receive(files: list[Dropped]) -> list[str]:
        seen.extend(files)
        return [f"ticket of {file.name}" for file in files]

    freight.uploads.tabs["tab"] = receive
    request = await dropping(freight, "tab", [{"name": "a", "size": 3}, {"name": "b", "size": 0}]).answered()
    assert json.loads(request.body) == ["ticket of a", "ticket of b"]
    assert seen == [Dropped("a", 3), Dropped("b", 0)]
    assert (await dropping(freight, "other", [{"name": "a", "size": 3}]).answered()).status == 403
    assert (await dropping(freight, "", [{"name": "a", "size": 3}]).answered()).status == 403


async def test_where_no_conversation_is_open_nothing_is_taken(freight: Freight) -> None:
    freight.uploads.tabs["tab"] = lambda files: None
    assert (await dropping(freight, "tab", [{"name": "a", "size": 3}]).answered()).status == 409


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        {},
        [],
        [{"name": "", "size": 1}],
        [{"name": "a", "size": -1}],
        [{"name": "a", "size": 1}] * (FILES_MOST + 1),
        b" " * (REQUEST_MOST + 1),
    ],
)
async def test_what_makes_no_sense_is_refused(freight: Freight, body: Any) -> None:
    freight.uploads.tabs["tab"] = lambda files: []
    assert (await dropping(freight, "tab", body).answered()).status == 400
