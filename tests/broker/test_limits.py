"""What the broker bounds by itself: how often who may ask what, and how often it says no."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
import pytest

from broker.peers import UNKNOWN_ADDRESS
from protocol.commands import BY_ADDRESS, COMMANDS, Rate
from protocol.envelope import pack_request
from protocol.networks import network_of
from tests.broker.bench import Bench

ANI, BUDI = b"\0ani.", b"\0budi"
ROOT = Path(__file__).resolve().parents[2]


def limited(**rates: float) -> Bench:
    """A bench with rate limits on, some of them changed."""
    bench = Bench()
    changed = msgspec.structs.replace(bench.core.settings.rates, **rates)
    bench = Bench(rate_limits=True, rates=changed)
    bench.worker("auth", b"auth-1", capacity=100_000)
    bench.worker("messaging", b"m-1", capacity=100_000)
    bench.core.peers.meet(ANI, "192.0.2.1")
    bench.core.peers.meet(BUDI, "192.0.2.2")
    return bench


def statuses(bench: Bench) -> list[str]:
    return [status for _, _, status, _ in bench.heard()]


def test_every_command_is_metered() -> None:
    assert all(row.rate is not Rate.REFUSAL for row in COMMANDS.values())
    assert {row.rate for row in COMMANDS.values()} == set(Rate) - {Rate.REFUSAL}
    without = {row.name for row in COMMANDS.values() if not row.session and not row.internal}
    assert {COMMANDS[name].rate for name in without} <= BY_ADDRESS, "nobody else has a session to count by"


def test_hello_is_cheap_and_bounded_by_address() -> None:
    bench = limited(hello_rate=1, hello_burst=3)
    for _ in range(4):
        bench.ask(ANI, "server.hello")
    assert statuses(bench) == ["ok", "ok", "ok", "rate_limited"]
    bench.ask(BUDI, "server.hello")
    assert statuses(bench) == ["ok"]


def test_pings_are_bounded_by_session_so_that_a_crowd_behind_one_address_may_ping() -> None:
    bench = limited(ping_rate=1, ping_burst=2)
    ani, budi = bench.login("ani", 1), bench.login("budi", 2)
    for token in (ani, ani, ani, budi):
        bench.ask(ANI, "session.ping", token)
    assert statuses(bench) == ["ok", "ok", "rate_limited", "ok"]


def test_resuming_is_bounded_by_address() -> None:
    bench = limited(resume_rate=1, resume_burst=3)
    for _ in range(4):
        bench.ask(ANI, "auth.resume", token=b"t" * 16)
    assert statuses(bench) == ["rate_limited"]
    assert [call.address for call in bench.work()[b"auth-1"]] == ["192.0.2.1"] * 3


def test_thousands_behind_one_address_resume_after_a_restart_without_a_refusal() -> None:
    bench = limited()
    for number in range(10_000):  # at twice the pace at which two cores make encrypted connections
        bench.now += 1 / 1000
        peer = b"\0" + number.to_bytes(4, "big")
        bench.core.peers.meet(peer, "192.0.2.1")
        bench.ask(peer, "session.ping", b"t" * 16)
        bench.ask(peer, "auth.resume", token=b"t" * 16)
        bench.core.work()
    assert set(statuses(bench)) == {"unauthenticated"}
    assert bench.core.in_flight == 10_000


@pytest.mark.parametrize(
    "frame",
    [
        pack_request(5, b"", "no.such", b""),
        pack_request(5, b"x" * 16, "message.send", b""),
        pack_request(5, b"", "auth.login", b"x" * 20_000),
        pack_request(5, b"", "server.hello", b"")[:-1],
        pack_request(5, b"", "auth.login", b""),
    ],
    ids=["unknown command", "unknown token", "too large", "torn", "rate limited"],
)
def test_who_is_refused_all_the_time_hears_nothing_any_more(frame: bytes) -> None:
    bench = limited(refusal_rate=1, refusal_burst=3, entry_rate=0.01, entry_burst=1)
    bench.ask(ANI, "auth.login")
    for _ in range(10):
        bench.core.request(bench.now, ANI, frame)
    assert len(bench.heard()) == 3
    assert bench.core.counts["refused_in_silence"] == 7
    bench.core.request(bench.now, BUDI, pack_request(5, b"", "no.such", b""))
    assert statuses(bench) == ["not_found"], "others hear why they are refused"
    bench.now += 1.0
    bench.core.request(bench.now, ANI, frame)
    assert len(bench.heard()) == 1


def test_limits_turned_off_are_off() -> None:
    bench = Bench(rate_limits=False)
    for _ in range(30_000):
        bench.core.request(bench.now, ANI, pack_request(5, b"", "no.such", b""))
    assert len(bench.heard()) == 30_000


# --- addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        (UNKNOWN_ADDRESS, UNKNOWN_ADDRESS),
    ],
)
def test_one_customer_is_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_everyone_in_one_ipv6_network_draws_from_one_bucket() -> None:
    bench = limited(entry_rate=1, entry_burst=3)
    for number in range(4):
        peer = b"\0" + number.to_bytes(4, "big")
        bench.core.peers.meet(peer, f"2001:db8::{number + 1:x}")
        bench.ask(peer, "auth.login", username="ani", password="x")
    assert statuses(bench) == ["rate_limited"]


def test_a_routing_id_that_a_client_chose_carries_no_address_from_one_connection_to_the_next() -> None:
    bench = limited()
    chosen = b"an id of my own"
    bench.core.peers.meet(chosen, "192.0.2.7")
    assert not bench.core.peers.known(chosen), "its address is asked for with each frame"
    bench.ask(chosen, "auth.login", username="ani", password="x")
    bench.core.peers.meet(b"another id", "192.0.2.8")
    bench.core.peers.meet(chosen, "192.0.2.9")
    bench.ask(chosen, "auth.login", username="ani", password="x")
    assert [call.address for call in bench.work()[b"auth-1"]] == ["192.0.2.7", "192.0.2.9"]


def test_the_address_is_stamped_where_a_stranger_is_counted_by_it_and_nowhere_else() -> None:
    bench = limited()
    token = bench.login("ani", 1)
    bench.ask(ANI, "auth.login", username="ani", password="x")
    bench.ask(ANI, "auth.login", token, username="ani", password="x")
    bench.ask(ANI, "auth.password", token, old="x", new="y")
    bench.ask(ANI, "user.whoami", token)
    bench.ask(b"peer-nobody-met", "auth.login", username="ani", password="x")
    calls = bench.work()[b"auth-1"]
    assert [call.address for call in calls] == ["192.0.2.1"] * 3 + ["", UNKNOWN_ADDRESS]
    assert [call.user_id for call in calls] == [0, 1, 1, 1, 0]


def test_the_server_makes_no_secret_from_a_generator_that_can_be_guessed() -> None:
    """Tokens, topics and keys come from ``secrets``; only jitter may come from ``random``."""
    realm = ROOT / "services" / "realm"
    allowed = {ROOT / "broker" / "up" / "policy.py"}
    allowed |= {realm / "__init__.py", realm / "house.py", realm / "line.py"}  # pauses before another try
    for folder in ("protocol", "config", "broker", "services"):
        for file in (ROOT / folder).rglob("*.py"):
            names = set()
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    names.add(node.module or "")
            assert file in allowed or not names & {"random", "uuid", "numpy.random"}, file
