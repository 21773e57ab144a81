"""One visitor's session: how it begins anew, and the ways in which a visit ends."""

from __future__ import annotations

import asyncio

import pytest

from client import Status
from gateway.stream import address_of
from protocol.errors import InvalidCredentials
from tests.gateway.imagined import Imagined, System, until_quiet, within


@pytest.fixture
async def gateway() -> Imagined:
    return Imagined()


async def test_what_stands_before_the_end_of_a_stream_is_carried_out_and_answered(
    gateway: Imagined,
) -> None:
    wire = gateway.visit()
    wire.says(b"LOGIN ani\nECHO one\nECHO two")
    wire.ends()
    await within(lambda: gateway.ended)
    assert wire.heard == [b"welcome\n", b"one\n", b"two\n"]
    assert (wire.closed, wire.aborted) == (True, False)
    assert gateway.ended == [b"token of ani"]


async def test_who_ends_without_a_word_is_let_go(gateway: Imagined) -> None:
    wire = gateway.visit()
    wire.ends()
    await until_quiet(wire)
    assert wire.closed
    assert not gateway.systems


async def test_who_ends_and_goes_without_waiting_has_it_carried_out_all_the_same(gateway: Imagined) -> None:
    wire = gateway.visit()
    wire.says(b"LOGIN ani\nWAIT\nECHO one\n")
    wire.ends()
    await until_quiet(wire)
    wire.breaks()
    dialect = wire.visitor.dialect
    dialect.gate.set()  # type: ignore[attr-defined]
    await within(lambda: gateway.ended)
    assert dialect.done == ["waited", "one"]  # type: ignore[attr-defined]
    assert wire.heard == [b"welcome\n"]


async def test_who_breaks_off_has_finished_what_was_under_way_and_no_more(
    gateway: Imagined,
) -> None:
    wire = gateway.visit()
    wire.says(b"LOGIN ani\nWAIT\nECHO one\n")
    await until_quiet(wire)
    wire.breaks()
    assert not gateway.ended
    dialect = wire.visitor.dialect
    dialect.gate.set()  # type: ignore[attr-defined]
    await within(lambda: gateway.ended)
    assert dialect.done == ["waited"]  # type: ignore[attr-defined]


async def test_who_breaks_off_is_not_waited_for_without_end() -> None:
    gateway = Imagined(gateway_request_timeout=0.02)
    wire = gateway.visit()
    wire.says(b"LOGIN ani\nWAIT\n")
    await until_quiet(wire)
    wire.breaks()
    await within(lambda: gateway.ended)
    assert gateway.ended == [b"token of ani"]


async def test_who_breaks_off_while_they_log_in_is_logged_out_too(
    gateway: Imagined, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire, gate = gateway.visit(), asyncio.Event()
    wire.says(b"ECHO one\n")
    await until_quiet(wire)
    system = gateway.systems[0]
    login = system.login

    async def slowly(username: str, password: str, device: str = "") -> None:
        await gate.wait()
        await login(username, password)

    monkeypatch.setattr(system, "login", slowly)
    wire.says(b"LOGIN ani\n")
    await until_quiet(wire)
    wire.breaks()
    await until_quiet(wire)
    gate.set()
    await within(lambda: gateway.ended)
    assert gateway.ended == [b"token of ani"]


async def test_who_logs_in_anew_leaves_the_earlier_session_and_not_when_it_is_refused(
    gateway: Imagined, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = gateway.visit()
    wire.says(b"LOGIN ani\nLOGIN budi\n")
    await within(lambda: gateway.ended)
    assert gateway.ended == [b"token of ani"]
    assert wire.visitor.chat.token == b"token of budi"

    async def refused(*anything: object) -> None:
        raise InvalidCredentials("They do not fit.")

    monkeypatch.setattr(System, "login", refused)
    wire.heard.clear()
    wire.says(b"LOGIN citra\nSECRET still\n")
    await within(lambda: len(wire.heard) == 2)
    assert wire.heard[1] == b"still\n"
    assert wire.visitor.chat.token == b"token of budi"
    assert gateway.ended == [b"token of ani"]


async def test_while_the_server_is_away_who_says_something_waits_for_a_while(
    gateway: Imagined, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = [True] * 3
    monkeypatch.setattr(Imagined, "away", property(lambda self: bool(away)))
    monkeypatch.setattr(type(gateway._trunks), "away", property(lambda self: bool(away and away.pop())))
    wire = gateway.visit()
    wire.says(b"ECHO back\n")
    await within(lambda: wire.heard)
    assert (wire.said, away) == (b"back\n", [])


async def test_a_server_that_stays_away_is_told_of_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Imagined(gateway_away_timeout=0.01)
    monkeypatch.setattr(type(gateway._trunks), "away", property(lambda self: True))
    wire = gateway.visit()
    wire.says(b"ECHO lost\n")
    await within(lambda: wire.heard)
    assert wire.said != b"lost\n"


async def test_who_says_something_now_and_then_is_not_idle(gateway: Imagined) -> None:
    first, second = gateway.visit(), gateway.visit()
    first.says(b"ECHO one\n")
    await until_quiet(first)
    assert list(gateway._strangers) == [second.visitor, first.visitor]


async def test_whose_session_failed_by_our_mistake_is_hung_up_on(gateway: Imagined) -> None:
    wire = gateway.visit()
    wire.says(b"LOGIN ani\n")
    await until_quiet(wire)
    wire.visitor.hear(Status(False, "The line is down."))
    await until_quiet(wire)
    assert not wire.aborted
    gateway.systems[0].closed = True
    wire.visitor.hear(Status(False, "Closed."))
    await until_quiet(wire)
    assert wire.aborted


async def test_a_last_word_is_read_and_nothing_is_carried_out_behind_it(gateway: Imagined) -> None:
    wire = gateway.visit()
    wire.says(b"BYE\nECHO one\n")
    await until_quiet(wire)
    assert wire.heard == [b"bye\n"]
    assert (wire.closed, wire.aborted) == (True, False)


async def test_an_anonymous_visitor_leaves_no_session_to_be_ended(gateway: Imagined) -> None:
    wire = gateway.visit()
    wire.says(b"ECHO one\n")
    await until_quiet(wire)
    wire.breaks()
    await until_quiet(wire)
    assert gateway.systems[0].log == ["closed"]
    assert not gateway.ended


async def test_a_visitor_speaks_for_their_own_address(gateway: Imagined) -> None:
    wire = gateway.visit(address="198.51.100.3")
    wire.says(b"ECHO one\n")
    await until_quiet(wire)
    assert gateway.systems[0].origin == "198.51.100.3"


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        (("192.0.2.7", 4711), "192.0.2.7"),
        (("::ffff:192.0.2.7", 4711, 0, 0), "192.0.2.7"),
        (("fe80::1%eth0", 4711, 0, 2), "fe80::1"),
        (("::1", 4711, 0, 0), "::1"),
        (None, ""),
    ],
)
def test_an_address_is_written_as_the_system_counts_it(peer: tuple[str, int] | None, address: str) -> None:
    assert address_of(peer) == address
