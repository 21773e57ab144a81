"""Gateways: who may say where somebody comes from, and what is counted by that."""

from __future__ import annotations

from typing import Any

import msgpack
import msgspec
import pytest

from broker import peers
from broker.peers import GATEWAY_SILENCE, GATEWAYS_MOST
from protocol import backend
from protocol.envelope import pack_body, pack_request
from tests.broker.bench import GATEWAY_SECRET, Bench

GATE, ANI, BUDI = b"\0gate", b"\0ani.", b"\0budi"
WORKERS = (b"auth-1", b"messaging-1", b"group-1")
LOCAL, NEAR, FAR = "127.0.0.1", "192.0.2.7", "192.0.2.8"


def limited(**rates: float) -> Bench:
    """A bench with rate limits on, some of them changed, and a gateway on this machine."""
    changed = msgspec.structs.replace(Bench().core.settings.rates, **rates)
    bench = Bench(rate_limits=True, rates=changed)
    for worker in WORKERS:
        bench.worker(worker.decode().partition("-")[0], worker, capacity=100_000)
    bench.core.peers.meet(GATE, LOCAL)
    bench.core.peers.meet(ANI, "198.51.100.1")
    introduce(bench, GATE)
    return bench


def introduce(bench: Bench, peer: bytes) -> None:
    bench.ask(peer, "gateway.introduce", secret=GATEWAY_SECRET)
    assert bench.answer() == ("ok", {})


def login(bench: Bench, peer: bytes, origin: str = "") -> None:
    bench.ask(peer, "auth.login", origin=origin, username="ani", password="x")


def statuses(bench: Bench) -> list[str]:
    return [status for _, _, status, _ in bench.heard()]


def addresses(bench: Bench, worker: bytes = b"auth-1") -> list[str]:
    return [call.address for call in bench.work().get(worker, [])]


# --- who is believed ----------------------------------------------------------------------------


def test_what_only_gateways_may_ask_is_forbidden_to_all_others() -> None:
    bench = limited()
    bench.ask(ANI, "gateway.user", user="budi")
    assert statuses(bench) == ["forbidden"]
    bench.ask(GATE, "gateway.user", origin=NEAR, user="budi")
    assert addresses(bench) == [NEAR]


def test_a_gateways_word_is_taken_on_where_its_visitors_come_from() -> None:
    bench = limited()
    login(bench, GATE, NEAR)
    bench.ask(GATE, "auth.register", origin=FAR, username="ani", password="x")
    bench.ask(GATE, "auth.resume", origin=NEAR, token=b"t" * 16)
    assert addresses(bench) == [NEAR, FAR, NEAR]


def test_a_strangers_word_changes_nothing() -> None:
    bench = limited(entry_rate=1, entry_burst=3)
    for number in range(5):
        login(bench, ANI, f"192.0.2.{number}")
    assert statuses(bench) == ["rate_limited"] * 2
    assert addresses(bench) == ["198.51.100.1"] * 3


@pytest.mark.parametrize(
    "secret",
    [b"x" * 32, GATEWAY_SECRET[:-1] + b"x", bytes(32)],
    ids=["another", "off by one", "zeros"],
)
def test_another_secret_makes_no_gateway(secret: bytes) -> None:
    bench = limited()
    bench.ask(ANI, "gateway.introduce", secret=secret)
    status, body = bench.answer()
    assert (status, body["message"]) == (
        "invalid_credentials",
        "This is not the gateway secret of this server.",
    )
    login(bench, ANI, NEAR)
    assert addresses(bench) == ["198.51.100.1"]


@pytest.mark.parametrize(
    "body", [{}, {"secret": b""}, {"secret": b"x" * 31}, {"secret": "x" * 32}, {"secret": None}]
)
def test_a_secret_of_another_shape_is_invalid(body: dict[str, Any]) -> None:
    bench = limited()
    bench.ask(ANI, "gateway.introduce", **body)
    assert bench.answer()[0] == "invalid"


def test_a_broker_without_a_secret_has_no_gateways() -> None:
    crowd = peers.Peers(Bench().core.settings.rates, 10)
    assert not crowd.introduce(GATE, b"", 1.0)
    assert not crowd.introduce(GATE, bytes(32), 1.0)
    assert not crowd.gateway(GATE, 1.0)


@pytest.mark.parametrize("chosen", [b"gate", b"gate!", b"an id of my own", b"\0gat", b"\0gates", b""])
def test_a_routing_id_that_a_client_chose_is_nobodys_for_long_and_so_no_gateways(chosen: bytes) -> None:
    bench = limited()
    bench.core.peers.meet(chosen, NEAR)
    bench.ask(chosen, "gateway.introduce", secret=GATEWAY_SECRET)
    assert bench.answer()[0] == "invalid_credentials"
    login(bench, chosen, FAR)
    assert addresses(bench) == [NEAR]


def test_a_gateway_may_introduce_itself_again() -> None:
    bench = limited()
    introduce(bench, GATE)
    login(bench, GATE, NEAR)
    assert addresses(bench) == [NEAR]


@pytest.mark.parametrize("origin", ["", NEAR], ids=["for itself", "for a visitor"])
def test_a_gateway_is_one_as_long_as_it_is_heard_now_and_then(origin: str) -> None:
    """Silent for long it may be gone, and somebody else have its routing id."""
    bench = limited()
    for _ in range(5):
        bench.now += GATEWAY_SILENCE - 1
        bench.ask(GATE, "server.hello", origin=origin)
    login(bench, GATE, FAR)
    assert addresses(bench) == [FAR]
    bench.now += GATEWAY_SILENCE + 1
    bench.worker("auth", b"auth-1", capacity=100)
    login(bench, GATE, FAR)
    assert addresses(bench) == [LOCAL]
    assert not bench.core.peers._gateways
    bench.heard()
    introduce(bench, GATE)
    login(bench, GATE, FAR)
    assert addresses(bench) == [FAR]


def test_guessing_the_secret_is_counted_as_any_hello() -> None:
    bench = limited(hello_rate=1, hello_burst=2)
    for _ in range(4):
        bench.ask(ANI, "gateway.introduce", secret=b"x" * 32)
    assert statuses(bench) == ["invalid_credentials"] * 2 + ["rate_limited"] * 2


def test_when_there_are_too_many_the_gateway_silent_longest_is_a_stranger_again() -> None:
    bench = limited(hello_burst=10_000)
    introduce(bench, BUDI)
    bench.core.peers.meet(BUDI, "203.0.113.9")
    for number in range(GATEWAYS_MOST - 2):
        introduce(bench, b"\0" + number.to_bytes(4, "big"))
    login(bench, GATE, NEAR)
    introduce(bench, b"\0new.")
    login(bench, GATE, NEAR)
    login(bench, BUDI, NEAR)
    assert addresses(bench) == [NEAR, NEAR, "203.0.113.9"]
    assert len(bench.core.peers._gateways) == GATEWAYS_MOST


# --- where they come from -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
    ],
)
def test_an_origin_is_one_address_as_that_of_a_connection_is(origin: str, network: str) -> None:
    bench = limited()
    login(bench, GATE, origin)
    assert addresses(bench) == [network]


@pytest.mark.parametrize(
    "origin", ["nowhere", "192.0.2", "192.0.2.7:80", "2001:db8::/64", "?", "\0", " 192.0.2.7", "x" * 64]
)
def test_what_is_no_address_is_counted_as_the_gateways_own(origin: str) -> None:
    bench = limited(entry_rate=1, entry_burst=2)
    for _ in range(3):
        login(bench, GATE, origin)
    assert statuses(bench) == ["rate_limited"]
    assert addresses(bench) == [LOCAL] * 2


@pytest.mark.parametrize("origin", [None, 7, 1.5, True, b"192.0.2.7", []])
def test_a_sixth_element_that_is_no_text_is_none(origin: Any) -> None:
    bench = limited()
    body = pack_body({"username": "ani", "password": "x"})
    for more in ([origin], [origin, NEAR]):
        frame = msgpack.packb([1, 5, b"", "auth.login", body, *more])
        bench.core.request(bench.now, GATE, frame)
    assert addresses(bench) == [LOCAL] * 2


def test_elements_behind_the_origin_are_ignored() -> None:
    bench = limited()
    body = pack_body({"username": "ani", "password": "x"})
    bench.core.request(bench.now, GATE, msgpack.packb([1, 5, b"", "auth.login", body, NEAR, "more", 7]))
    assert addresses(bench) == [NEAR]


# --- what is counted ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "rate", "body"),
    [
        ("auth.login", "entry", {"username": "ani", "password": "x"}),
        ("auth.register", "entry", {"username": "ani", "password": "x"}),
        ("auth.resume", "resume", {"token": b"t" * 16}),
        ("server.hello", "hello", {}),
    ],
)
def test_visitors_without_a_session_draw_from_the_buckets_of_where_they_come_from(
    command: str, rate: str, body: dict[str, Any]
) -> None:
    bench = limited(**{f"{rate}_rate": 1, f"{rate}_burst": 2})
    for _ in range(3):
        bench.ask(GATE, command, origin=NEAR, **body)
    assert statuses(bench)[-1] == "rate_limited"
    bench.ask(GATE, command, origin=FAR, **body)
    assert "rate_limited" not in statuses(bench)


def test_a_visitor_and_a_native_client_of_one_address_share_its_bucket() -> None:
    bench = limited(entry_rate=1, entry_burst=2)
    bench.core.peers.meet(BUDI, NEAR)
    login(bench, BUDI)
    login(bench, GATE, NEAR)
    login(bench, BUDI)
    login(bench, GATE, NEAR)
    assert statuses(bench) == ["rate_limited"] * 2


def test_what_a_session_does_is_counted_by_address_where_it_would_be_natively() -> None:
    bench = limited(group_rate=1, group_burst=2, entry_rate=1, entry_burst=1)
    ani, budi = bench.login("ani", 1), bench.login("budi", 2)
    for token in (ani, budi, ani):
        bench.ask(GATE, "group.join", token, NEAR, group="ops")
    assert statuses(bench) == ["rate_limited"]
    bench.ask(GATE, "auth.password", ani, FAR, old="x", new="y")
    bench.ask(GATE, "auth.revoke", budi, FAR, session=1)
    assert statuses(bench) == ["rate_limited"]


def test_a_crowd_behind_one_address_may_vanish_at_once() -> None:
    """Their logouts replace nothing, so they cost nobody anything; and the next ones want to log in."""
    bench = limited(entry_rate=1, entry_burst=3)
    for number in range(1, 51):
        bench.ask(GATE, "auth.logout", bench.login(f"user{number}", number), NEAR)
    assert statuses(bench) == []
    for _ in range(4):
        login(bench, GATE, NEAR)
    assert statuses(bench) == ["rate_limited"]


def test_logouts_of_one_visitors_session_are_bounded_and_so_are_native_ones_by_address() -> None:
    bench = limited(entry_rate=1, entry_burst=1, call_rate=1, call_burst=2)
    ani, budi = bench.login("ani", 1), bench.login("budi", 2)
    for _ in range(3):
        bench.ask(GATE, "auth.logout", ani, NEAR)
    assert statuses(bench) == ["rate_limited"]
    bench.ask(ANI, "auth.logout", budi)
    bench.ask(ANI, "auth.logout", budi)
    assert statuses(bench) == ["rate_limited"]


def test_sessions_behind_one_gateway_are_counted_each_by_itself_where_it_is_by_session() -> None:
    bench = limited(send_rate=1, send_burst=2)
    ani, budi = bench.login("ani", 1), bench.login("budi", 2)
    for token in (ani, ani, ani, budi):
        bench.ask(GATE, "message.send", token, NEAR)
    assert statuses(bench) == ["rate_limited"]
    assert addresses(bench, b"messaging-1") == [""] * 3, "and no address is told where none counts"


def test_refusals_are_counted_by_origin() -> None:
    bench = limited(refusal_rate=1, refusal_burst=3)
    for _ in range(10):
        bench.ask(GATE, "no.such", origin=NEAR)
    assert statuses(bench) == ["not_found"] * 3
    assert bench.core.counts["refused_in_silence"] == 7
    bench.ask(GATE, "no.such", origin=FAR)
    bench.ask(GATE, "message.send", b"x" * 16, FAR)
    assert statuses(bench) == ["not_found", "unauthenticated"]


def test_what_a_gateway_asks_for_itself_is_not_counted_by_address() -> None:
    bench = limited(entry_rate=1, entry_burst=1, hello_rate=1, hello_burst=1, refusal_rate=1, refusal_burst=1)
    tokens = [bench.login(f"user{number}", number) for number in range(1, 21)]
    for token in tokens:
        bench.ask(GATE, "auth.logout", token)
        bench.ask(GATE, "auth.resume", token=token)
        bench.ask(GATE, "server.hello")
        bench.ask(GATE, "no.such")
        bench.core.request(bench.now, GATE, pack_request(5, b"", "server.hello", b"")[:-1])
    assert statuses(bench) == ["ok", "not_found", "invalid"] * 20
    assert addresses(bench) == [LOCAL] * 40


def test_a_gateway_that_forgets_to_say_for_whom_it_asks_is_one_address() -> None:
    bench = limited(entry_rate=1, entry_burst=2, group_rate=1, group_burst=1)
    for _ in range(3):
        login(bench, GATE)
    token = bench.login("ani", 1)
    for _ in range(2):
        bench.ask(GATE, "group.join", token, group="ops")
    assert statuses(bench) == ["rate_limited"] * 2


def test_the_buckets_of_origins_are_bounded_as_all_are(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = limited()
    buckets = bench.core.peers._buckets
    monkeypatch.setattr(type(buckets), "MOST", 100)
    for number in range(1000):
        login(bench, GATE, f"10.0.{number // 250}.{number % 250}")
    assert len(buckets) <= 100


# --- whose session it is ------------------------------------------------------------------------


def gateways(bench: Bench) -> list[bool]:
    return [call.gateway for call in bench.work()[b"auth-1"]]


def test_a_call_in_a_session_that_only_a_gateway_used_says_so() -> None:
    bench = limited()
    token = bench.login("ani", 1)
    bench.ask(GATE, "auth.logout", token, NEAR)
    assert gateways(bench) == [True]
    bench.ask(GATE, "auth.logout", token)
    assert gateways(bench) == [True], "also what the gateway asks for itself"


def test_a_call_of_a_native_client_does_not() -> None:
    bench = limited()
    bench.ask(ANI, "auth.logout", bench.login("ani", 1), NEAR)
    bench.ask(b"an id of my own", "auth.logout", bench.login("budi", 2))
    assert gateways(bench) == [False, False]


@pytest.mark.parametrize("native_first", [True, False])
def test_a_session_that_a_native_client_used_too_is_a_native_one(native_first: bool) -> None:
    """Its topics may be known outside of the gateway."""
    bench = limited()
    token = bench.login("ani", 1)
    for peer in (ANI, GATE) if native_first else (GATE, ANI):
        bench.ask(peer, "session.ping", token)
    for _ in range(4):  # the native client goes, and its connection is forgotten
        bench.ask(GATE, "session.ping", token, NEAR)
        bench.tick(20)
    bench.worker("auth", b"auth-1", capacity=100)
    bench.ask(GATE, "auth.logout", token, NEAR)
    assert gateways(bench) == [False]


def test_a_session_that_was_silent_and_comes_back_through_the_gateway_is_still_the_gateways() -> None:
    bench = limited()
    token = bench.login("ani", 1)
    bench.ask(GATE, "session.ping", token, NEAR)
    bench.tick(60)
    bench.worker("auth", b"auth-1", capacity=100)
    bench.ask(GATE, "auth.logout", token, NEAR)
    assert gateways(bench) == [True]


def test_the_sessions_of_one_user_on_one_trunk_are_devices_of_their_own() -> None:
    bench = limited()
    one, two = bench.login("ani", 1, user_id=9), bench.login("ani", 2, user_id=9)
    bench.ask(GATE, "session.ping", one, NEAR)
    bench.ask(GATE, "session.ping", two, FAR)
    bench.ask(GATE, "message.read", one, NEAR, seq=1)
    assert [call.devices for call in bench.work()[b"messaging-1"]] == [True]


def test_a_worker_reads_the_gateways_mark_and_does_without_it() -> None:
    call = backend.Call(1, "auth.logout", 2, "ani", 3, False, b"", NEAR, True)
    _, calls = backend.unpack(backend.pack_work([call]))
    assert backend.read_work([calls]) == [call]
    assert backend.read_work([[calls[0][:7]]])[0].gateway is False
