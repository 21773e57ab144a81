"""Every limit of the gateway, at small values: what is beyond it is refused, and nobody else feels it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest

from benchmarks.own_server import free_port_base
from gateway import server
from gateway.__main__ import advice
from gateway.server import Gateway
from tests.gateway.imagined import Echo, Imagined, Wire, until_quiet, within

LINE = 1024
REAL_BIND = socket.socket.bind


async def answered(wire: Wire) -> float:
    """Seconds of work until a visitor's next request is answered; what else the machine does is not ours."""
    before, began = len(wire.heard), time.process_time()
    wire.says(b"ECHO here\n")
    await within(lambda: len(wire.heard) > before)
    return time.process_time() - began


# --- input --------------------------------------------------------------------------------------


async def test_a_line_of_the_limit_is_carried_out_and_a_longer_one_is_told_once() -> None:
    wire = Imagined(gateway_line_max_bytes=LINE).visit()
    wire.says(b"ECHO " + b"x" * (LINE - 5) + b"\n" + b"x" * (LINE + 1) + b"\nECHO one\n")
    await until_quiet(wire)
    assert wire.heard == [b"x" * (LINE - 5) + b"\n", b"no: malformed\n", b"one\n"]


async def test_ten_megabytes_without_an_end_are_refused_once_and_kept_by_nobody() -> None:
    gateway = Imagined()
    wire, other = gateway.visit(), gateway.visit()
    for _ in range(160):
        wire.says(b"x" * 65_536)
        await until_quiet(wire, turns=2)
        assert await answered(other) < 0.1
        assert wire.visitor._framer._buffer.__sizeof__() < 200_000
    wire.says(b"\nECHO one\n")
    await until_quiet(wire)
    assert wire.heard == [b"no: malformed\n", b"one\n"]


async def test_too_long_a_text_within_a_dialogue_ends_the_dialogue_alone() -> None:
    wire = Imagined(gateway_line_max_bytes=LINE).visit()
    wire.says(b"ASK\n" + b"x" * 2 * LINE + b"\nECHO one\n")
    await until_quiet(wire)
    assert wire.heard == [b"?\n", b"no: malformed\n", b"one\n"]


async def test_who_types_faster_than_they_are_answered_is_not_read_for_a_while() -> None:
    wire = Imagined(gateway_line_max_bytes=LINE).visit()
    wire.says(b"WAIT\n")
    await until_quiet(wire)
    wire.says(b"ECHO one\n" * 100)
    assert not wire.is_paused()
    wire.says(b"ECHO one\n" * 100)
    assert wire.is_paused()
    wire.visitor.dialect.gate.set()  # type: ignore[attr-defined]
    await within(lambda: len(wire.heard) == 201)
    assert not wire.is_paused()


async def test_a_paste_leaves_the_others_their_turns() -> None:
    gateway = Imagined()
    wire, other = gateway.visit(), gateway.visit()
    for number in range(5):
        wire.says(b"".join(b"ECHO %d\n" % (number * 1_000 + line) for line in range(1_000)))
        assert await answered(other) < 0.1
    await within(lambda: len(wire.heard) == 5_000)
    assert wire.said == b"".join(b"%d\n" % line for line in range(5_000))


async def test_sixty_thousand_refusals_leave_the_others_their_turns() -> None:
    gateway = Imagined()
    wire, other = gateway.visit(), gateway.visit()
    wire.says(b"\n" * 30_000)
    longest = 0.0
    while len(wire.heard) < 30_000:
        longest = max(longest, await answered(other))
    assert longest < 0.1


# --- output -------------------------------------------------------------------------------------


async def test_who_lets_more_wait_than_may_is_hung_up_on() -> None:
    gateway = Imagined(gateway_output_bytes=65_536)
    wire = gateway.visit()
    wire.stuck = True
    for _ in range(4):
        wire.visitor.push(b"x" * 20_000)
    assert not wire.closed
    wire.visitor.push(b"x" * 20_000)
    assert wire.aborted
    assert gateway.counts == {"too slow a reader": 1}


async def test_one_reply_may_be_larger_than_what_may_wait() -> None:
    wire = Imagined(gateway_output_bytes=65_536).visit()
    wire.stuck = True
    wire.says(b"MUCH 1000000\nECHO one\n")
    await until_quiet(wire)
    assert len(wire.said) == 1_000_001
    assert not wire.closed
    wire.reads()
    await until_quiet(wire)
    assert wire.heard[1:] == [b"one\n"]


async def test_who_reads_nothing_for_long_is_hung_up_on_and_who_reads_slowly_is_not() -> None:
    gateway = Imagined(gateway_write_timeout=0.08)
    still, slow = gateway.visit(), gateway.visit()
    gateway._sweep()
    for wire in (still, slow):
        wire.stuck = True
        wire.says(b"MUCH 100000\n")
    for _ in range(8):
        await asyncio.sleep(0.025)
        slow.waiting -= 1_000
    assert (still.aborted, slow.aborted) == (True, False)
    gateway._sweeper.cancel()  # type: ignore[union-attr]


async def test_who_lets_most_wait_goes_first_when_it_is_too_much_in_all() -> None:
    gateway = Imagined(gateway_output_bytes_of_all=300_000)
    wires = [gateway.visit() for _ in range(3)]
    for wire, much in zip(wires, (90_000, 150_000, 120_000), strict=True):
        wire.stuck = True
        wire.visitor.push(b"x" * much)
    gateway._look_at_the_slow(0.0)
    assert [wire.aborted for wire in wires] == [False, True, False]


async def test_who_does_not_read_the_last_word_is_not_waited_for() -> None:
    gateway = Imagined(gateway_write_timeout=0.05)
    wire = gateway.visit()
    gateway._sweep()
    wire.stuck = True
    wire.says(b"BYE\n")
    await until_quiet(wire)
    assert (wire.closed, wire.aborted) == (True, False)
    await within(lambda: wire.aborted)
    gateway._sweeper.cancel()  # type: ignore[union-attr]


async def test_pushes_that_wait_are_bounded_in_number_and_in_bytes() -> None:
    gateway = Imagined(gateway_pushes=3, gateway_output_bytes=65_536)
    for pushes, kept in (([b"x\n"] * 5, b"x\n" * 3), ([b"y" * 50_000] * 3, b"y" * 100_000)):
        wire = gateway.visit()
        wire.says(b"WAIT\n")
        await until_quiet(wire)
        for push in pushes:
            wire.visitor.push(push)
        wire.visitor.dialect.gate.set()  # type: ignore[attr-defined]
        await until_quiet(wire)
        assert wire.said == b"waited\n" + kept
    assert gateway.counts == {"pushes dropped": 3}


# --- who may come in ----------------------------------------------------------------------------


async def test_one_more_than_may_come_is_told_so_and_hung_up_on() -> None:
    gateway = Imagined(gateway_connections=2)
    first, _ = gateway.visit(address="192.0.2.1"), gateway.visit(address="192.0.2.2")
    late = gateway.visit(address="192.0.2.3")
    assert (late.said, late.closed) == (b"no: busy\n", True)
    first.breaks()
    assert not gateway.visit(address="192.0.2.3").closed
    assert gateway.counts == {"no room": 1}


async def test_addresses_of_one_network_count_as_one() -> None:
    gateway = Imagined(gateway_connections_per_address=2)
    wires = [gateway.visit(address=f"2001:db8::{number}") for number in range(1, 4)]
    elsewhere = gateway.visit(address="2001:db8:0:1::1")
    await until_quiet(*wires)
    assert [wire.closed for wire in wires] == [False, False, True]
    assert not elsewhere.closed
    for wire in wires[:2]:
        wire.breaks()
    await until_quiet(*wires)
    again = gateway.visit(address="2001:db8::9")
    assert not again.closed


async def test_one_address_has_its_own_limit() -> None:
    gateway = Imagined(gateway_connections_per_address=2)
    first, _ = gateway.visit(), gateway.visit()
    assert gateway.visit().closed
    assert not gateway.visit(address="192.0.2.99").closed
    first.breaks()
    assert not gateway.visit().closed
    assert gateway.counts == {"no room for this address": 1}


async def test_who_never_logs_in_is_hung_up_on_and_who_has_may_be_silent() -> None:
    gateway = Imagined(gateway_login_timeout=0.1)
    gateway._sweep()
    silent, asking, known = gateway.visit(), gateway.visit(), gateway.visit()
    known.says(b"LOGIN ani\n")
    asking.says(b"ECHO one\n")
    await within(lambda: silent.aborted and asking.aborted)
    assert not known.closed
    known.visitor.session_ended()
    await within(lambda: known.aborted)
    gateway._sweeper.cancel()  # type: ignore[union-attr]
    assert not gateway._strangers


# --- real sockets -------------------------------------------------------------------------------


@pytest.fixture
async def open_gateway(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Imagined]:
    """One that listens; every port speaks ``Echo``."""
    monkeypatch.setattr(server, "DIALECTS", (Echo,))
    gateway = Imagined(port_base=free_port_base(), gateway_login_timeout=0.5, drain_timeout=0.5)
    monkeypatch.setattr(Echo, "PORT", 11)
    gateway.bind()
    await gateway.listen()
    yield gateway
    await gateway.stop()


def bind_as_nobody(made: socket.socket, address: tuple[str, int]) -> None:
    """As the system does it for who is not root."""
    if address[1] < 1024:
        raise PermissionError(13, "Permission denied")
    REAL_BIND(made, address)


async def spoken(gateway: Gateway, words: bytes, ends: bool = False) -> bytes:
    """What is answered, up to the end of the connection or, without ``ends``, the first line."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.settings.port_base + 11)
    try:
        writer.write(words)
        if ends:
            writer.write_eof()
        async with asyncio.timeout(5):
            return await (reader.read() if ends else reader.readline())
    finally:
        writer.close()


async def test_what_is_piped_into_a_connection_is_answered_before_it_closes(open_gateway: Imagined) -> None:
    answer = await spoken(open_gateway, b"LOGIN ani\nECHO one\nECHO two", ends=True)
    assert answer == b"welcome\none\ntwo\n"
    await within(lambda: open_gateway.ended == [b"token of ani"])


async def test_a_thousand_half_open_connections_keep_nobody_out_and_are_closed(
    open_gateway: Imagined,
) -> None:
    half_open = []
    try:
        for _ in range(10):
            for _ in range(100):
                made = socket.socket()
                made.setblocking(False)
                made.connect_ex(("127.0.0.1", open_gateway.settings.port_base + 11))
                half_open.append(made)
            assert await spoken(open_gateway, b"ECHO here\n") == b"here\n"
        await within(lambda: open_gateway.counts["never logged in"] or not open_gateway._visitors)
        await within(lambda: not open_gateway._visitors)
    finally:
        for made in half_open:
            made.close()


async def test_a_gateway_that_stops_answers_what_is_under_way_and_ends_every_session(
    open_gateway: Imagined,
) -> None:
    ports = ("127.0.0.1", open_gateway.settings.port_base + 11)
    reader, writer = await asyncio.open_connection(*ports)
    writer.write(b"LOGIN ani\nWAIT\nECHO never\n")
    idle, its_writer = await asyncio.open_connection(*ports)
    its_writer.write(b"LOGIN budi\n")
    assert (await reader.readline(), await idle.readline()) == (b"welcome\n", b"welcome\n")
    async with asyncio.timeout(5):
        stopping = asyncio.create_task(open_gateway.stop())
        assert await idle.read() == b""
        for visitor in list(open_gateway._visitors):
            visitor.dialect.gate.set()  # type: ignore[attr-defined]
        assert await reader.read() == b"waited\n"
        await stopping
    assert sorted(open_gateway.ended) == [b"token of ani", b"token of budi"]
    for either in (writer, its_writer):
        either.close()


async def test_a_gateway_that_stops_waits_for_nobody_longer_than_it_may(open_gateway: Imagined) -> None:
    wire = open_gateway.visit()
    wire.says(b"LOGIN ani\nWAIT\n")
    await until_quiet(wire)
    async with asyncio.timeout(5):
        await open_gateway.stop()
    assert wire.aborted


async def test_a_connection_is_watched_by_the_system_for_a_peer_that_vanished(open_gateway: Imagined) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", open_gateway.settings.port_base + 11)
    writer.write(b"ECHO one\n")
    await reader.readline()
    (visitor,) = open_gateway._visitors
    made = visitor._transport.get_extra_info("socket")
    assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
    assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
    assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    writer.close()


async def test_two_gateways_share_the_ports_and_a_stranger_on_one_is_noticed(
    open_gateway: Imagined, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = open_gateway.settings.port_base
    second = Imagined(port_base=base)
    second.bind()
    assert not await second.alone()
    await second.listen()
    await second.stop()
    with socket.create_server(("127.0.0.1", base + 13)):
        monkeypatch.setattr(Echo, "PORT", 13)
        with pytest.raises(OSError, match=rf"port {base + 13} \(echo\): Address already in use"):
            Imagined(port_base=base).bind()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"gateway_host": "192.0.2.1"},
            "Cannot assign requested address. gateway_host is an address of this",
        ),
        ({"gateway_host": "no.such.host.invalid"}, "gateway_host is an address of this machine: 127.0.0.1"),
        ({"gateway_host": "::1", "port_base": 1}, "::1, port 12 (echo)"),
    ],
)
def test_an_address_that_cannot_be_bound_is_named_with_the_way_out(
    settings: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "DIALECTS", (Echo,))
    monkeypatch.setattr(Echo, "PORT", 11)
    gateway = Imagined(**{"port_base": free_port_base(), **settings})
    monkeypatch.setattr(socket.socket, "bind", bind_as_nobody)
    with pytest.raises(OSError) as error:
        gateway.bind()
    assert said in f"{error.value.strerror} {advice(error.value)}"


async def test_who_has_claimed_the_ports_first_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "DIALECTS", (Echo,))
    gateway = Imagined(port_base=free_port_base())
    gateway.bind()
    assert await gateway.alone()
    await gateway.stop()


async def test_running_out_of_descriptors_is_survived(
    open_gateway: Imagined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asyncio.constants.ACCEPT_RETRY_DELAY", 0.05)
    accept, refused = socket.socket.accept, list[int]()

    def none_left(self: socket.socket) -> tuple[socket.socket, object]:
        if len(refused) < 20:
            refused.append(1)
            raise OSError(24, "Too many open files")
        return accept(self)

    monkeypatch.setattr(socket.socket, "accept", none_left)
    assert await spoken(open_gateway, b"ECHO one\n") == b"one\n"
    assert open_gateway.counts["Too many open files"] == 20
    assert not open_gateway.quiet.faults
