"""Files between visitors and a model of the system: places, patience, and what becomes of failed ones."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

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
from tests.gateway.files.storing import UPLOADED, Gateway, hears, says
from tests.gateway.imagined import Wire, until_quiet, within

AWAY = b"[ERR] server sedang tidak tersedia, coba lagi nanti\n"


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
