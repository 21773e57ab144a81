"""Every bound of the broker on real sockets: what is beyond hears so, or loses, and nobody else notices."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq

from protocol import backend, limits
from protocol.commands import COMMANDS
from protocol.envelope import unpack_body, unpack_event, unpack_reply
from tests.broker.test_server import SILENCE, WAIT, House, hello, topic

Made = Callable[..., House]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """A broker with these settings."""
    with ExitStack() as stack:

        def make(text: str = "", **environment: str) -> House:
            (tmp_path / "pesan.toml").write_text(text, encoding="utf-8")
            house = House(tmp_path, **environment)
            stack.callback(house.close)
            return house

        yield make


def ask(client: zmq.Socket[bytes], number: int, command: str, body: bytes = b"", token: bytes = b"") -> None:
    client.send(msgpack.packb([1, number, token, command, body]))


def answer(client: zmq.Socket[bytes]) -> tuple[int, str, dict[str, Any]]:
    """The next reply: number, status, body."""
    assert client.poll(WAIT), "no answer"
    reply = unpack_reply(client.recv())
    return reply.request_id, reply.status, unpack_body(reply.body)


def calls(house: House, count: int) -> list[Any]:
    """The next calls that the worker is given, reports of presence left out."""
    given: list[Any] = []
    while len(given) < count:
        assert house.worker.poll(WAIT), "no work"
        kind, *fields = backend.unpack(house.worker.recv())
        if kind == backend.WORK:
            given += [call for call in backend.read_work(fields) if call.command != "presence.report"]
    return given


def session(house: House, name: str = "ani", number: int = 1) -> bytes:
    """A session that a worker opened."""
    token = name.encode().ljust(16, b"-")
    house.worker.send(backend.pack_done([], [], [(backend.OPEN, token, number, number, name)]))
    time.sleep(0.1)
    return token


def test_hello_tells_how_many_topics_a_connection_may_have_and_more_hear_nothing(made: Made) -> None:
    house = made("topics_per_connection = 5")
    assert hello(house.commands())["limits"]["topics_per_connection"] == 5
    mine = [topic(b"c") for _ in range(6)]
    events = house.events()
    for one in mine[:4]:
        events.setsockopt(zmq.SUBSCRIBE, one)
    fence = topic()
    events.setsockopt(zmq.SUBSCRIBE, fence)
    assert events.poll(WAIT)
    assert unpack_event(events.recv()).topic == fence
    events.setsockopt(zmq.SUBSCRIBE, mine[4])  # the sixth
    second = house.events(*mine[4:], topic())
    assert second.poll(WAIT)
    second.recv()
    time.sleep(0.1)
    house.publish(*(one + b"x" for one in mine))
    assert [events.recv() for _ in range(4) if events.poll(WAIT)] == [one + b"x" for one in mine[:4]]
    assert not events.poll(SILENCE)
    assert second.poll(WAIT), "another connection has as many of its own"


@pytest.mark.parametrize("command", ["auth.login", "auth.resume", "message.send", "server.hello"])
def test_a_body_beyond_its_commands_limit_is_too_large_with_the_limit(made: Made, command: str) -> None:
    house = made()
    client, row = house.commands(), COMMANDS[command]
    ask(client, 1, command, b"x" * (row.limit + 1), session(house))
    number, status, body = answer(client)
    assert (number, status, body["limit"]) == (1, "too_large", row.limit)
    assert row.limit < limits.REQUEST_MAX_BYTES


def test_a_service_without_room_answers_busy_at_once_with_when_to_come_back(made: Made) -> None:
    house = made(PESAN_RATE_LIMITS="off")
    client = house.commands()
    for number in range(13):  # the worker said that it holds ten
        ask(client, number, "auth.login")
    heard = [answer(client)]
    while heard[-1][0] != 12:
        heard.append(answer(client))
    assert {(status, body["retry_after"]) for _, status, body in heard} == {("busy", 0.1)}
    assert heard[0][0] in (9, 10), "a report of presence may be among those it holds"
    assert not client.poll(SILENCE)
    assert hello(house.commands())


def test_a_session_with_too_many_open_requests_is_busy_and_others_are_not(made: Made) -> None:
    house = made("session_open_requests = 3")
    token, other = session(house), session(house, "budi", 2)
    client = house.commands()
    for number in range(4):
        ask(client, number, "user.whoami", token=token)
    number, status, body = answer(client)
    assert (number, status) == (3, "busy") and body["retry_after"] > 0
    ask(client, 9, "user.whoami", token=other)
    assert [call.user for call in calls(house, 4)] == ["ani"] * 3 + ["budi"]


def test_a_client_that_does_not_read_loses_replies_and_the_broker_keeps_few(made: Made) -> None:
    house = made("replies_queue = 10", PESAN_RATE_LIMITS="off")
    deaf = house.client(zmq.DEALER)
    deaf.setsockopt(zmq.RCVHWM, 1)
    deaf.setsockopt(zmq.RCVBUF, 4096)
    deaf.connect(house.settings.commands_address)
    dropped = 0
    for number in range(60_000):
        ask(deaf, number, "server.hello")
        if number % 5000 == 0:
            assert hello(house.commands()), "others are answered meanwhile"
            dropped = house.server._dropped + house.core.counts["dropped_to_slow_or_gone"]
            if dropped:
                break
    log = house.settings.home / "log" / "server.jsonl"
    assert dropped or "dropped_to_slow_or_gone" in log.read_text()


def test_large_replies_to_who_does_not_read_are_bounded_in_bytes_and_others_are_answered(made: Made) -> None:
    house = made("replies_queue_bytes = 1000000", PESAN_RATE_LIMITS="off")
    token = session(house)
    deaf = house.client(zmq.DEALER)
    deaf.setsockopt(zmq.RCVHWM, 1)
    deaf.setsockopt(zmq.RCVBUF, 4096)
    deaf.connect(house.settings.commands_address)
    log = house.settings.home / "log" / "server.jsonl"

    def dropped() -> bool:
        counted = house.server._dropped + house.core.counts["dropped_to_slow_or_gone"]
        return bool(counted) or (log.exists() and "dropped_to_slow_or_gone" in log.read_text())

    for number in range(100):
        ask(deaf, number, "user.whoami", token=token)
        (call,) = calls(house, 1)
        house.worker.send(backend.pack_done([(call.handle, "ok", bytes(400_000))], [], []))
        if dropped():
            break
    assert dropped()
    assert number > 1, "some go"
    assert hello(house.commands())


def test_logins_are_limited_by_the_address_that_the_connection_really_has(made: Made) -> None:
    house = made("[rates]\nentry_burst = 2\nentry_rate = 0.01")

    def from_address(address: str) -> zmq.Socket[bytes]:
        client = house.client(zmq.DEALER)
        client.connect(f"tcp://{address}:0;127.0.0.1:{house.port}")
        return client

    first, again, other = (from_address(f"127.0.0.{number}") for number in (5, 5, 6))
    ask(first, 1, "auth.login")
    ask(again, 1, "auth.login")
    assert [call.address for call in calls(house, 2)] == ["127.0.0.5"] * 2
    ask(again, 2, "auth.login")
    _, status, body = answer(again)
    assert status == "rate_limited" and 0 < body["retry_after"] <= 100
    ask(other, 1, "auth.login")
    assert [call.address for call in calls(house, 1)] == ["127.0.0.6"]


def test_who_is_refused_without_end_hears_no_more_while_others_are_answered(made: Made) -> None:
    house = made("[rates]\nrefusal_burst = 20\nrefusal_rate = 0.01")
    flood = house.client(zmq.DEALER)
    flood.connect(f"tcp://127.0.0.5:0;127.0.0.1:{house.port}")
    for number in range(100):
        ask(flood, number, "no.such")
    assert [answer(flood)[1] for _ in range(20)] == ["not_found"] * 20
    assert not flood.poll(SILENCE)
    client = house.commands()
    ask(client, 1, "no.such")
    assert answer(client)[1] == "not_found"
    assert hello(flood, 101), "what is allowed is answered"


def test_a_subscription_longer_than_allowed_costs_the_connection_and_nobody_else(made: Made) -> None:
    house = made()
    listener = house.events(topic())
    assert listener.poll(WAIT)
    loud = house.client(zmq.XSUB)
    loud.connect(house.settings.events_address)
    loud.send(b"\x01" + b"u" * (limits.SUBSCRIPTION_MAX_BYTES + 1))
    fence = topic()
    listener.recv()
    listener.setsockopt(zmq.SUBSCRIBE, fence)
    assert listener.poll(WAIT)
