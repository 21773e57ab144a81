"""The routing machine: what it answers itself, whom it stamps, where it sends work, what it bounds."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import backend
from protocol.commands import COMMANDS
from protocol.envelope import pack_request
from tests.broker.bench import AN_EVENT, GATEWAY_SECRET, Bench

ANI = b"\0ani."
BUDI = b"\0budi"
GATE = b"\0gate"


def test_hello_says_who_we_are_and_which_services_live() -> None:
    bench = Bench()
    bench.worker("messaging", b"m-1")
    bench.ask(ANI, "server.hello")
    status, body = bench.answer()
    assert status == "ok"
    assert body["realm"] == "here"
    assert body["services"] == ["messaging"]
    assert body["events_port"] == 7701
    assert body["limits"]["topics_per_connection"] == bench.core.settings.topics_per_connection


def test_a_ping_needs_a_session_and_tells_the_epoch() -> None:
    bench = Bench()
    bench.ask(ANI, "session.ping")
    assert bench.answer()[0] == "unauthenticated"
    bench.ask(ANI, "session.ping", bench.login("ani", 1))
    assert bench.answer()[1]["events_epoch"] == 7


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        (pack_request(5, b"", "no.such", b""), "not_found"),
        (pack_request(5, b"", "presence.report", b""), "not_found"),
        (pack_request(5, b"x" * 16, "message.send", b""), "unauthenticated"),
        (pack_request(5, b"", "message.send", b""), "unauthenticated"),
        (pack_request(5, b"", "auth.login", b"x" * 20_000), "too_large"),
        (pack_request(5, b"", "auth.login", b""), "unavailable"),
        (msgpack.packb([2, 5, b"", "server.hello", b""]), "version"),
        (msgpack.packb([2, 5]), "version"),
        (msgpack.packb([1, 5, b"", "server.hello"]), "invalid"),
        (msgpack.packb([1, 5, "token", "server.hello", b""]), "invalid"),
        (msgpack.packb([1, 5, b"", b"server.hello", b""]), "invalid"),
        (msgpack.packb([1, 5, b"", "server.hello", {}]), "invalid"),
        (msgpack.packb([1, 5, b"", "server.hello", []]), "invalid"),
        (msgpack.packb([1, 5, b"", "auth.login", {"username": "ani"}]), "invalid"),
        (msgpack.packb([1, 5, b"", "x" * 65, b""]), "invalid"),
        (msgpack.packb([1, 5, b"", "server.hello", b""])[:-1], "invalid"),
        (msgpack.packb([1, -5, b"", "server.hello", b""]), None),
        (msgpack.packb([1]), None),
        (msgpack.packb("hello"), None),
        (msgpack.packb([1, 5, msgpack.ExtType(4, b"x"), "server.hello", b""]), "invalid"),
        (b"\x91" * 5000 + b"\x01", None),
        (b"\xdd\xff\xff\xff\xff", None),
        (b"", None),
        (b"\x00", None),
    ],
)
def test_a_frame_without_right_is_refused_or_counted_and_nothing_else(
    frame: bytes, status: str | None
) -> None:
    bench = Bench()
    bench.core.request(bench.now, ANI, frame)
    replies = bench.heard()
    if status is None:
        assert not replies
        assert bench.core.counts["not_an_envelope"] == 1
    else:
        ((peer, request_id, heard, body),) = replies
        assert (peer, request_id, heard) == (ANI, 5, status)
        assert body["message"]
    assert not bench.work()


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_core(frame: bytes) -> None:
    bench = Bench()
    bench.core.request(bench.now, ANI, frame)
    bench.core.backend(bench.now, b"worker", frame)
    assert not bench.work()


@pytest.mark.parametrize(
    "fields",
    [
        ("beat", "messaging", "m-1", "many"),
        ("beat", ["messaging"], "m-1", 5),
        ("beat", {}, "m-1", 5),
        ("done", [], ["no bytes"], []),
        ("done", [[{}, "ok", b""]], [], []),
        ("done", [], [], [["open", {}, 1, 1, "ani"]]),
        ("done", [], [], [["close", []]]),
        ("done", [], [], [[]]),
    ],
)
def test_a_worker_that_talks_nonsense_costs_nobody_anything(fields: tuple[Any, ...]) -> None:
    bench = Bench()
    token = bench.login("ani", 3)
    bench.core.backend(bench.now, b"mad", msgpack.packb([1, *fields]))
    assert bench.core.counts["backend_junk"] == 1
    bench.worker("messaging", b"m-1")
    bench.ask(ANI, "message.read", token, seq=1)
    (call,) = bench.work()[b"m-1"]
    bench.done(b"m-1", (call.handle, "ok", {"seq": 1}))
    assert bench.answer()[0] == "ok"
    assert not bench.core.events
    bench.core.worker_gone(bench.now, b"mad")
    bench.core.tick(bench.now + 60)


def test_fields_of_a_later_version_are_ignored() -> None:
    bench = Bench()
    bench.core.request(bench.now, ANI, msgpack.packb([1, 5, b"", "server.hello", b"", "new", 7]))
    assert bench.answer()[0] == "ok"


def test_a_request_is_stamped_with_its_session_and_the_answer_finds_its_way_back() -> None:
    bench = Bench()
    token = bench.login("ani", 3, user_id=9)
    bench.worker("messaging", b"m-1")
    request = bench.ask(ANI, "message.read", token, seq=1)
    (call,) = bench.work()[b"m-1"]
    assert (call.command, call.user_id, call.user, call.session, call.devices) == (
        "message.read",
        9,
        "ani",
        3,
        False,
    )
    bench.done(b"m-1", (call.handle, "ok", {"seq": 1}), events=[AN_EVENT])
    assert bench.heard() == [(ANI, request, "ok", {"seq": 1})]
    assert bench.core.events == [AN_EVENT]
    assert bench.core.in_flight == 0


def test_a_second_connection_of_the_user_shows_in_the_stamp() -> None:
    bench = Bench()
    bench.worker("messaging", b"m-1")
    laptop, phone = bench.login("ani", 1, user_id=9), bench.login("ani", 2, user_id=9)
    bench.ask(ANI, "message.read", laptop, seq=1)
    bench.ask(b"phone", "session.ping", phone)
    bench.ask(ANI, "message.read", laptop, seq=1)
    assert [call.devices for call in bench.work()[b"m-1"]] == [False, True]


def test_two_programs_may_share_one_session() -> None:
    bench = Bench()
    bench.worker("messaging", b"m-1")
    token = bench.login("ani", 1)
    bench.ask(b"tail", "session.ping", token)
    bench.ask(b"send", "message.read", token, seq=1)
    assert [call.devices for call in bench.work()[b"m-1"]] == [True]
    for _ in range(14):
        bench.worker("messaging", b"m-1")
        bench.tick(2.5)
        bench.ask(b"send", "session.ping", token)
    bench.ask(b"send", "message.read", token, seq=1)
    assert [call.devices for call in bench.work()[b"m-1"]] == [False]


def test_requests_of_one_session_stay_with_one_worker_while_any_is_open() -> None:
    bench = Bench()
    token = bench.login("ani", 1)
    bench.worker("messaging", b"m-1")
    bench.worker("messaging", b"m-2")
    for seq in range(4):
        bench.ask(ANI, "message.read", token, seq=seq)
    (calls,) = bench.work().values()
    assert len(calls) == 4


def test_sessions_spread_over_the_least_loaded_workers() -> None:
    bench = Bench()
    bench.worker("messaging", b"m-1")
    bench.worker("messaging", b"m-2")
    for number in range(1, 7):
        bench.ask(
            b"\0" + number.to_bytes(4, "big"), "message.read", bench.login(f"user{number}", number), seq=1
        )
    assert sorted(len(calls) for calls in bench.work().values()) == [3, 3]


def test_a_worker_without_room_means_busy_at_once() -> None:
    bench = Bench()
    token = bench.login("ani", 1)
    bench.worker("messaging", b"m-1", capacity=2)
    for _ in range(3):
        bench.ask(ANI, "message.read", token, seq=1)
    ((_, _, status, body),) = bench.heard()
    assert status == "busy"
    assert body["retry_after"] > 0


def test_bytes_in_hand_are_bounded_as_well() -> None:
    bench = Bench(worker_capacity_bytes=1000)
    token = bench.login("ani", 1)
    bench.worker("messaging", b"m-1")
    bench.ask(ANI, "message.send", token, body="x" * 600)
    bench.ask(ANI, "message.send", token, body="x" * 600)
    assert [status for _, _, status, _ in bench.heard()] == ["busy"]


def test_one_session_may_have_only_so_many_requests_open() -> None:
    bench = Bench(session_open_requests=2)
    token = bench.login("ani", 1)
    bench.worker("messaging", b"m-1")
    for _ in range(3):
        bench.ask(ANI, "message.read", token, seq=1)
    assert [status for _, _, status, _ in bench.heard()] == ["busy"]
    for call in bench.work()[b"m-1"]:
        bench.done(b"m-1", (call.handle, "ok", {}))
    bench.heard()
    bench.ask(ANI, "message.read", token, seq=1)
    assert not bench.heard()


def test_a_request_never_answered_is_given_up() -> None:
    bench = Bench(request_timeout=30.0)
    token = bench.login("ani", 1)
    bench.worker("messaging", b"m-1")
    bench.ask(ANI, "message.read", token, seq=1)
    for _ in range(31):
        bench.worker("messaging", b"m-1")
        bench.tick(1)
    assert bench.answer()[0] == "unavailable"


def test_a_closed_session_is_unknown_at_once() -> None:
    bench = Bench()
    token = bench.login("ani", 1)
    bench.done(b"auth-1", effects=[(backend.CLOSE, 1)])
    bench.ask(ANI, "session.ping", token)
    assert bench.answer()[0] == "unauthenticated"


def test_sends_over_the_rate_hear_when_to_come_back() -> None:
    bench = Bench(rate_limits=True)
    token = bench.login("ani", 1)
    bench.worker("messaging", b"m-1", capacity=100_000)
    burst = bench.core.settings.rates.typing_burst
    for _ in range(burst + 1):
        bench.ask(ANI, "message.typing", token, to="budi")
    ((_, _, status, body),) = bench.heard()
    assert status == "rate_limited"
    bench.now += body["retry_after"] + 0.001
    bench.ask(ANI, "message.typing", token, to="budi")
    assert not bench.heard()


def test_logins_are_counted_by_address_whatever_the_connection() -> None:
    bench = Bench(rate_limits=True)
    bench.worker("auth", b"a-1", capacity=100_000)
    burst = bench.core.settings.rates.entry_burst
    for number in range(burst + 1):
        peer = b"\0" + number.to_bytes(4, "big")
        bench.core.peers.meet(peer, "192.0.2.1")
        bench.ask(peer, "auth.login", username="ani", password="x")
    assert [status for _, _, status, _ in bench.heard()] == ["rate_limited"]
    bench.core.peers.meet(BUDI, "192.0.2.2")
    bench.ask(BUDI, "auth.login", username="budi", password="x")
    assert not bench.heard()


def test_connections_remembered_are_bounded() -> None:
    bench = Bench(connections=3)
    for number in range(10):
        bench.core.peers.meet(b"\0" + number.to_bytes(4, "big"), "192.0.2.1")
    assert [bench.core.peers.known(b"\0" + number.to_bytes(4, "big")) for number in range(10)] == [
        False
    ] * 7 + [True] * 3


def test_every_command_of_a_service_can_be_routed() -> None:
    bench = Bench()
    token = bench.login("ani", 1)
    for service in ("messaging", "group", "file", "realm"):
        bench.worker(service, service.encode())
    bench.ask(GATE, "gateway.introduce", secret=GATEWAY_SECRET)
    for name, command in COMMANDS.items():
        if not command.service or command.internal:
            continue
        bench.ask(GATE if command.gateway else ANI, name, token)
        handed = [call.command for calls in bench.work().values() for call in calls]
        assert name in handed
