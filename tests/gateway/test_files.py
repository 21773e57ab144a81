"""Files between visitors and a model of the system: places, patience, and what becomes of failed ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from client import Chat
from gateway import files
from gateway.files import Transfers
from gateway.ftp import Ftp
from gateway.visitor import Visitor
from protocol.bulk import GetChunk, PutChunk, SealUpload
from protocol.errors import (
    Busy,
    Conflict,
    Failure,
    Internal,
    NotFound,
    RateLimited,
    TooLarge,
    Unavailable,
)
from protocol.files import BeginUpload
from tests.client.fake_broker import FakeBroker
from tests.client.fake_bulk import FakeBulk
from tests.client.test_connection import PASSWORD
from tests.gateway.imagined import Imagined, Wire, until_quiet, within

UPLOADED = b"[OK] file telah terupload\n"
AWAY = b"[ERR] server sedang tidak tersedia, coba lagi nanti\n"
PAUSE = 0.02


class Gateway(Imagined):
    """One whose visitors' sessions are with a model of the system."""

    def __init__(self, broker: FakeBroker, **settings: Any) -> None:
        super().__init__(**{"gateway_segment_pause": PAUSE, "gateway_request_timeout": 0.5, **settings})
        self.broker = broker
        self.faults = self.quiet.faults

    async def session(self, visitor: Visitor) -> Chat:
        chat = Chat.connect(self.broker.address, timeout=self.settings.gateway_request_timeout)
        return await chat.__aenter__()

    async def comes(self, name: str) -> Wire:
        """Somebody is logged in, and has read what that answers."""
        wire = self.visit(Ftp)
        await says(wire, f"USER {name}\nPASS {PASSWORD}\n".encode(), b"direkam\n[OK] login berhasil\n")
        return wire


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    with FakeBroker() as broker:
        yield broker


@pytest.fixture
def bulk(broker: FakeBroker, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBulk]:
    monkeypatch.setattr("client.files.downloading.FILE_CHUNK_BYTES", 1_000)
    with FakeBulk(broker) as bulk:
        yield bulk


@pytest.fixture
async def gateway(broker: FakeBroker, bulk: FakeBulk) -> AsyncIterator[Gateway]:
    gateway = Gateway(broker)
    yield gateway
    await all_leave(gateway)
    assert not gateway.faults


async def all_leave(gateway: Gateway) -> None:
    for visitor in list(gateway._visitors):
        visitor.hang_up()
    await within(lambda: not gateway._visitors and not gateway._leaving)


async def says(wire: Wire, data: bytes, heard: bytes) -> None:
    """This is said, and in the end this is heard."""
    wire.says(data)
    await hears(wire, heard)


async def hears(wire: Wire, heard: bytes) -> None:
    """In the end this is heard; then it is forgotten."""
    await within(lambda: wire.said.endswith(heard))
    wire.heard.clear()


async def is_back(wire: Wire) -> None:
    """The system answers this visitor again, soon."""
    for _ in range(20):
        wire.says(b"LIST\n")
        await within(lambda: wire.said)
        said = wire.said
        wire.heard.clear()
        if said != AWAY:
            break
    assert said == b"[OK] 0 entri\n"


def refusing(refusal: Failure, kind: type, begin: int = 0) -> Any:
    """Requests of this kind, from this offset on, are refused so."""

    def refuse(request: Any) -> Failure | None:
        return refusal if isinstance(request, kind) and getattr(request, "offset", 0) >= begin else None

    return refuse


# --- the system is away -----------------------------------------------------------------------------


async def test_an_upload_goes_on_when_the_port_for_files_comes_back(gateway: Gateway, bulk: FakeBulk) -> None:
    ani = await gateway.comes("ani")
    await says(ani, b"PUT f 5000\n" + bytes(2_500), b"")
    await within(lambda: any(isinstance(request, PutChunk) for request in bulk.requests))
    await asyncio.to_thread(bulk.stop)
    ani.says(bytes(2_500))
    bulk.start()
    await hears(ani, UPLOADED)
    assert bulk.files.files[1].data == bytes(5_000)


async def test_when_the_port_for_files_stays_away_that_is_said_and_what_follows_is_heard(
    gateway: Gateway, bulk: FakeBulk
) -> None:
    ani = await gateway.comes("ani")
    ani.says(b"PUT f 9000\n" + bytes(2_500))
    await within(lambda: any(isinstance(request, PutChunk) for request in bulk.requests))
    await asyncio.to_thread(bulk.stop)
    ani.says(b"EXIT\n" * 1_200)
    await hears(ani, AWAY)
    bulk.start()
    await says(ani, b"EXIT\n" * 100 + b"LIST\n", b"[OK] 0 entri\n")
    assert not bulk.files.uploads


async def test_when_the_broker_is_away_that_is_said_and_what_follows_is_heard(
    gateway: Gateway, broker: FakeBroker, bulk: FakeBulk
) -> None:
    ani = await gateway.comes("ani")
    await asyncio.to_thread(broker.stop)
    await says(ani, b"PUT f 500\n" + b"EXIT\n" * 100 + b"LIST\n", AWAY + AWAY)
    broker.start()
    await is_back(ani)
    await says(ani, b"PUT f 5\nhello", UPLOADED)
    assert [stored.data for stored in bulk.files.files.values()] == [b"hello"]


async def test_when_the_broker_goes_in_the_middle_that_is_said_and_what_follows_is_heard(
    gateway: Gateway, broker: FakeBroker
) -> None:
    ani = await gateway.comes("ani")
    ani.says(b"PUT f 5000\n" + bytes(2_500))
    await within(lambda: broker.model.files.uploads)
    await asyncio.to_thread(broker.stop)
    await says(ani, bytes(2_500) + b"LIST\n", AWAY + AWAY)
    broker.start()
    await is_back(ani)
    await says(ani, b"PUT f 5\nhello", UPLOADED)
    assert all(upload.finished for upload in broker.model.files.uploads.values())


async def test_a_long_list_goes_out_in_parts_and_says_when_it_was_cut_short(
    gateway: Gateway, broker: FakeBroker, bulk: FakeBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.ftp.BATCH", 10)
    ani = await gateway.comes("ani")
    names = [f"file {number}" for number in range(9)]
    for name in names:
        bulk.files.add("ani", b"", path=name, name=name)
    whole = "".join(f"{name}\n" for name in names)
    ani.says(b"LIST\n")
    await within(lambda: ani.said == f"{whole}[OK] 9 entri\n".encode())
    assert len(ani.heard) == 5
    ani.heard.clear()
    broker.model.refuse = lambda command, request: Internal("No.") if request.after == names[5] else None
    ani.says(b"LIST\n")
    some = "".join(f"{name}\n" for name in names[:6])
    await within(lambda: ani.said == f"{some}[ERR] terjadi kesalahan pada server\n".encode())


async def test_a_gateway_that_stops_leaves_no_half_of_a_file(gateway: Gateway, broker: FakeBroker) -> None:
    for name, command in (("ani", b"PUT f 5000\n"), ("budi", b"PUT f\n")):
        wire = await gateway.comes(name)
        wire.says(command + bytes(2_500))
        await until_quiet()
    await within(lambda: broker.model.files.uploads)
    for visitor in list(gateway._visitors):
        visitor.finish()
    await within(lambda: not gateway._visitors and not gateway._leaving)
    assert not broker.model.files.uploads and not broker.model.files.files


# --- what is not right ------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [Conflict("Not all of it is here."), NotFound("There is no such upload.")])
async def test_what_the_server_lost_is_no_file(gateway: Gateway, bulk: FakeBulk, lost: Failure) -> None:
    ani = await gateway.comes("ani")
    bulk.refuse = refusing(lost, SealUpload)
    await says(ani, b"PUT f 5\nhello", b"[ERR] isi file tidak utuh\n")
    assert not bulk.files.uploads


async def test_bytes_that_are_not_the_files_are_not_sent_to_their_end(
    gateway: Gateway, bulk: FakeBulk
) -> None:
    ani = await gateway.comes("ani")
    bulk.files.add("ani", bytes(900), path="short")
    bulk.files.add("ani", bytes(4_500), path="long")
    bulk.mangle = lambda payload: b"x" + payload[1:]
    await says(ani, b"RETR short\n", b"[ERR] isi file tidak utuh\n")
    ani.says(b"RETR long\nLIST\n")
    await within(lambda: ani.aborted)
    assert ani.said.startswith(b"[OK] 4500\nx") and len(ani.said) == len(b"[OK] 4500\n") + 4_000


async def test_a_file_that_is_gone_before_its_first_byte_is_refused(gateway: Gateway, bulk: FakeBulk) -> None:
    ani = await gateway.comes("ani")
    bulk.files.add("ani", bytes(20_000), path="f")
    bulk.refuse = refusing(NotFound("There is no such file."), GetChunk)
    await says(ani, b"RETR f\n", b"[ERR] file tidak ditemukan\n")
    bulk.refuse = refusing(NotFound("There is no such file."), GetChunk, 15_000)
    ani.says(b"RETR f\n")
    await within(lambda: ani.aborted)
    assert 0 < len(ani.said) < 15_000


async def test_a_server_that_is_busy_or_full_is_told_so(gateway: Gateway, broker: FakeBroker) -> None:
    ani = await gateway.comes("ani")
    for refusal, sentence in (
        (Busy("No.", retry_after=9.0), "server sedang sibuk, coba lagi nanti"),
        (Unavailable("No.", retry_after=9.0), "layanan sedang tidak tersedia, coba lagi nanti"),
        (RateLimited("No.", retry_after=9.0), "terlalu sering mencoba, coba lagi nanti"),
        (TooLarge("The server's disk has no room for this file."), "tidak ada tempat untuk file ini"),
        (TooLarge("You may have 5 files.", limit=5), "tidak ada tempat untuk file ini"),
        (Internal("No."), "terjadi kesalahan pada server"),
    ):
        broker.model.refuse = (
            lambda command, request, no=refusal: no if isinstance(request, BeginUpload) else None  # type: ignore[misc]
        )
        await says(ani, b"PUT f 5\nEXIT\n", f"[ERR] {sentence}\n".encode())


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


async def test_who_sends_now_and_then_is_waited_for(broker: FakeBroker, bulk: FakeBulk) -> None:
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


# --- places -----------------------------------------------------------------------------------------


async def test_the_socket_of_chunks_is_closed_behind_each_transfer(gateway: Gateway, bulk: FakeBulk) -> None:
    ani = await gateway.comes("ani")
    for command in (b"PUT f 5\nhello", b"PUT g\nhello", b"RETR f\n"):
        await says(ani, command, UPLOADED if command[:1] == b"P" else b"[OK] 5\nhello")
        await within(lambda: ani.visitor.chat.files._bulk._link is None)


async def test_there_are_places_for_so_many_and_others_wait() -> None:
    transfers, inside, most = Transfers(2), 0, 0

    class Somebody:
        def __init__(self, user: str) -> None:
            self.user, self.files, self.let_go_of = user, self, 0

        def let_go(self) -> None:
            self.let_go_of += 1

    async def moves(somebody: Any) -> None:
        nonlocal inside, most
        async with transfers.place(somebody):
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
