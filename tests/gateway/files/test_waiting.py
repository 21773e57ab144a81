"""Files between visitors and a model of the system: how long who waits for whom, and who has a place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway import files
from gateway.files import Transfers
from gateway.json import Json
from gateway.stream import Gone
from protocol.bulk import GetChunk
from tests.client.fake_broker import FakeBroker
from tests.client.fake_bulk import FakeBulk
from tests.gateway.files.storing import PAUSE, UPLOADED, Gateway, all_leave, hears, says
from tests.gateway.imagined import Imagined, Wire, until_quiet, within

# --- patience ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [b"PUT f 5\nhell", b"PUT f 5\n", b"PUT f\n"])
async def test_who_announces_bytes_and_does_not_send_them_is_hung_up_on(
    broker: FakeBroker, bulk: FakeBulk, command: bytes
) -> None:
    gateway = Gateway(broker, gateway_content_timeout=0.1)
    ani = await gateway.comes("ani")
    ani.says(command)
    await within(lambda: ani.aborted)
    await all_leave(gateway)
    assert not bulk.files.uploads and not bulk.files.files


@pytest.mark.parametrize("command", [b"PUT f 1000\n", b"PUT f\n"])
async def test_who_sends_a_byte_now_and_then_does_not_keep_a_place(
    broker: FakeBroker, bulk: FakeBulk, command: bytes
) -> None:
    gateway = Gateway(broker, gateway_content_timeout=0.2, gateway_segment_pause=5.0)
    ani = await gateway.comes("ani")
    ani.says(command)
    async with asyncio.timeout(5):
        while not ani.aborted:
            ani.says(b"x")
            await asyncio.sleep(0.02)
    await all_leave(gateway)
    assert not bulk.files.uploads and not bulk.files.files


async def test_who_sends_as_fast_as_need_be_is_waited_for(
    broker: FakeBroker, bulk: FakeBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.files.LEAST_RATE", 5)
    gateway = Gateway(broker, gateway_content_timeout=0.1)
    ani = await gateway.comes("ani")
    ani.says(b"PUT f 5\n")
    for letter in b"hello":
        await asyncio.sleep(0.04)
        ani.says(bytes([letter]))
    await hears(ani, UPLOADED)
    await all_leave(gateway)
    assert bulk.files.files[1].data == b"hello"


async def test_who_breaks_off_a_file_without_a_size_leaves_nothing_and_who_ends_it_a_file(
    gateway: Gateway, bulk: FakeBulk
) -> None:
    for name in ("ani", "budi"):
        wire = await gateway.comes(name)
        wire.says(b"PUT f\n")
        await until_quiet()
        wire.says(b"hello")
        await until_quiet()
        (wire.breaks if name == "ani" else wire.ends)()
        await within(lambda wire=wire: wire.visitor not in gateway._visitors and not gateway._leaving)
    assert [(stored.info.owner, stored.data) for stored in bulk.files.files.values()] == [("budi", b"hello")]


async def test_the_bytes_of_a_file_without_a_size_may_come_in_pieces(
    gateway: Gateway, bulk: FakeBulk
) -> None:
    ani = await gateway.comes("ani")
    ani.says(b"PUT f")
    await asyncio.sleep(3 * PAUSE)
    for _ in range(4):
        ani.says(b"LIST\n")
        await asyncio.sleep(PAUSE / 8)
    await hears(ani, UPLOADED)
    assert bulk.files.files[1].data == b"LIST\n" * 4


async def test_who_reads_slowly_has_a_file_fetched_no_faster(broker: FakeBroker, bulk: FakeBulk) -> None:
    gateway = Gateway(broker, gateway_output_bytes=65_536)
    bulk.files.add("ani", bytes(300_000), path="f")
    ani = await gateway.comes("ani")
    ani.stuck = True
    ani.says(b"RETR f\n")
    await within(lambda: ani.waiting > 65_536)
    await asyncio.sleep(0.05)
    most = len(ani.said)
    assert most <= 65_536 + 2 * 16_384 + 20
    asked = sum(isinstance(request, GetChunk) for request in bulk.requests)
    assert asked * 1_000 <= most + (2 * files.WINDOW + 2) * 1_000
    ani.reads()
    await within(lambda: len(ani.said) == len(b"[OK] 300000\n") + 300_000)
    await all_leave(gateway)


async def test_who_reads_a_byte_now_and_then_does_not_keep_a_place(
    broker: FakeBroker, bulk: FakeBulk
) -> None:
    gateway = Gateway(broker, gateway_content_timeout=0.2)
    await reads_by_and_by(gateway, bulk, 1)
    await all_leave(gateway)


async def test_who_reads_as_fast_as_need_be_is_waited_for(broker: FakeBroker, bulk: FakeBulk) -> None:
    gateway = Gateway(broker, gateway_content_timeout=0.4)
    ani = await reads_by_and_by(gateway, bulk, 10_000)
    assert not ani.aborted and len(ani.said) == len(b"[OK] 500000\n") + 500_000
    await all_leave(gateway)


async def test_who_reads_a_byte_of_a_long_reply_now_and_then_does_not_keep_its_room() -> None:
    gateway = Imagined(gateway_content_timeout=0.2, gateway_output_bytes=65_536)
    ani = gateway.visit(Json)
    ani.stuck = True
    assert isinstance(ani.visitor.dialect, Json)
    reply = asyncio.create_task(ani.visitor.dialect.pour([bytes(50_000)] * 3))
    async with asyncio.timeout(5):
        while not ani.aborted:
            ani.waiting -= min(1, ani.waiting)
            await asyncio.sleep(0.02)
    with pytest.raises(Gone):
        await reply


async def reads_by_and_by(gateway: Gateway, bulk: FakeBulk, piece: int) -> Wire:
    """Somebody asks for a file and reads so many bytes at a time, until they have it or are hung up on."""
    bulk.files.add("ani", bytes(500_000), path="f")
    ani = await gateway.comes("ani")
    ani.stuck = True
    ani.says(b"RETR f\n")
    await within(lambda: ani.waiting > 65_536)
    async with asyncio.timeout(10):
        while ani.waiting and not ani.aborted:
            ani.waiting -= min(piece, ani.waiting)
            if ani.waiting <= 16_384:
                ani.visitor.resume_writing()
            await asyncio.sleep(0.02)
    return ani


# --- places -----------------------------------------------------------------------------------------


async def test_the_socket_of_chunks_is_closed_behind_each_transfer(gateway: Gateway, bulk: FakeBulk) -> None:
    ani = await gateway.comes("ani")
    for command in (b"PUT f 5\nhello", b"PUT g\nhello", b"RETR f\n"):
        await says(ani, command, UPLOADED if command[:1] == b"P" else b"[OK] 5\nhello")
        await within(lambda: ani.visitor.chat.files._bulk._link is None)


async def test_there_are_places_for_so_many_and_others_wait() -> None:
    gateway = Imagined()
    transfers, inside, most = Transfers(2), 0, 0

    class Somebody:
        def __init__(self, user: str) -> None:
            self.user, self.files, self.let_go_of = user, self, 0
            self.settings, self.at_end = gateway.settings, None

        def lacks(self, count: int) -> bool:
            return False

        def let_go(self) -> None:
            self.let_go_of += 1

    async def moves(somebody: Any) -> None:
        nonlocal inside, most
        async with transfers.place(somebody, somebody):
            inside, most = inside + 1, max(most, inside + 1)
            await asyncio.sleep(0.001)
            inside -= 1

    people = [Somebody(name) for name in ("ani", "budi", "citra") for _ in range(3)]
    await asyncio.wait_for(asyncio.gather(*map(moves, people)), 5)
    assert most == 2 and all(somebody.let_go_of == 1 for somebody in people)
    assert not transfers._users and not transfers._claims


async def test_one_user_has_a_part_of_the_places(broker: FakeBroker, bulk: FakeBulk) -> None:
    gateway = Gateway(broker, gateway_transfers=8, gateway_request_timeout=5.0)
    hers = [await gateway.comes("ani") for _ in range(4)]
    for number, wire in enumerate(hers):
        wire.says(f"PUT f{number} 5\nhell".encode())
    await within(lambda: len(bulk.files.uploads) == 2)
    budi = await gateway.comes("budi")
    await says(budi, b"PUT f 5\nhello", UPLOADED)
    assert len(bulk.files.uploads) == 3  # two of hers have begun, and his
    hers[0].breaks()
    for wire in hers[1:]:
        wire.says(b"o")
    for wire in hers[1:]:
        await hears(wire, UPLOADED)
    await all_leave(gateway)
    assert sorted(stored.info.path for stored in bulk.files.files.values() if stored.info.owner == "ani") == [
        "f1",
        "f2",
        "f3",
    ]


@pytest.mark.parametrize(
    "command", [b"PUT g 5\nEXIT\n", b"PUT g 100000\n" + b"EXIT\n" * 20_000, b"PUT g\nEXIT\n", b"RETR f\n"]
)
async def test_who_finds_no_place_is_told_so_soon_and_what_follows_is_heard(
    broker: FakeBroker, bulk: FakeBulk, command: bytes
) -> None:
    gateway = Gateway(broker, gateway_transfers=1)
    bulk.files.add("budi", b"hello", path="f", name="f")
    ani, budi = await gateway.comes("ani"), await gateway.comes("budi")
    await begins(ani, bulk)
    await says(budi, command, b"[ERR] server sedang sibuk, coba lagi nanti\n")
    await says(budi, b"LIST\n", b"f\n[OK] 1 entri\n")
    await says(ani, b"o", UPLOADED)
    await says(budi, b"PUT g 5\nhello", UPLOADED)
    await all_leave(gateway)


@pytest.mark.parametrize(
    ("command", "leaves"),
    [
        (b"PUT g 1000\nabc", Wire.ends),
        (b"PUT g 1000\nabc", Wire.breaks),
        (b"PUT g 5\nhello", Wire.breaks),
        (b"PUT g\nhello", Wire.breaks),
        (b"RETR f\n", Wire.breaks),
    ],
)
async def test_who_goes_while_they_wait_for_a_place_is_offline_at_once(
    broker: FakeBroker, bulk: FakeBulk, command: bytes, leaves: Callable[[Wire], None]
) -> None:
    gateway = Gateway(broker, gateway_transfers=1, gateway_request_timeout=5.0)
    bulk.files.add("budi", b"hello", path="f", name="f")
    ani, budi = await gateway.comes("ani"), await gateway.comes("budi")
    await begins(ani, bulk)
    budi.says(command)
    await within(lambda: gateway.transfers._claims["budi"])
    leaves(budi)
    await within(lambda: budi.visitor not in gateway._visitors and not gateway._leaving, 2.0)
    assert not gateway.transfers._claims["budi"]
    await says(ani, b"o", UPLOADED)
    await all_leave(gateway)
    assert all(owner == "ani" for owner, _ in bulk.files.uploads)


async def test_who_has_said_it_all_while_they_wait_for_a_place_has_it_done(
    broker: FakeBroker, bulk: FakeBulk
) -> None:
    gateway = Gateway(broker, gateway_transfers=1, gateway_request_timeout=5.0)
    ani, budi = await gateway.comes("ani"), await gateway.comes("budi")
    await begins(ani, bulk)
    budi.says(b"PUT g 5\nhello")
    await within(lambda: gateway.transfers._claims["budi"])
    budi.ends()
    await says(ani, b"o", UPLOADED)
    await hears(budi, UPLOADED)
    await all_leave(gateway)


async def test_who_says_too_much_without_a_size_keeps_no_place_until_they_are_silent(
    broker: FakeBroker, bulk: FakeBulk
) -> None:
    gateway = Gateway(
        broker, gateway_transfers=1, gateway_unsized_file_bytes=1_024, gateway_segment_pause=5.0
    )
    ani, budi = await gateway.comes("ani"), await gateway.comes("budi")
    ani.says(b"PUT f\n")
    await until_quiet()
    ani.says(bytes(1_025))
    await says(budi, b"PUT g 5\nhello", UPLOADED)
    ani.says(b"EXIT\n")
    ani.ends()
    await hears(ani, b"[ERR] tanpa ukuran file terlalu besar, pakai PUT nama ukuran\n")
    await all_leave(gateway)


async def begins(wire: Wire, bulk: FakeBulk) -> None:
    """They have a place, and lack one byte of a file."""
    wire.says(b"PUT f 5\nhell")
    await within(lambda: bulk.files.uploads)
