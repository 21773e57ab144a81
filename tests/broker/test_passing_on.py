"""What concerns other realms: requests that are passed on to the realm process, and what that is told."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
import zmq

from protocol import backend
from services.loop import TOLD_MOST, Link
from tests.broker.bench import Bench

ANI = b"\0ani."


def passed_on(bench: Bench, token: bytes, worker: bytes = b"m-1") -> int:
    """A message that the messaging service passes on; the request's id."""
    asked = bench.ask(ANI, "message.send", token, to="bob@b", body="halo", id=b"1" * 16)
    ((call,),) = [calls for name, calls in bench.work().items() if name == worker]
    bench.done(worker, (call.handle, backend.ELSEWHERE, {}))
    return asked


def bench_of(*services: str) -> tuple[Bench, bytes]:
    """A bench with a worker of each service, and ani's token."""
    bench = Bench()
    token = bench.login("ani", 1)
    for service in services:
        bench.worker(service, service[:1].encode() + b"-1")
    bench.work()
    return bench, token


def test_what_is_elsewhere_goes_to_the_realm_process_and_nobody_hears_of_it() -> None:
    bench, token = bench_of("messaging", "realm")
    asked = passed_on(bench, token)
    assert bench.heard() == []
    (call,) = bench.work()[b"r-1"]
    assert (call.command, call.user, call.session) == ("message.send", "ani", 1)
    bench.done(b"r-1", (call.handle, "ok", {"seq": 1}))
    assert bench.heard() == [(ANI, asked, "ok", {"seq": 1})]
    assert bench.core.in_flight == 0


def test_the_session_has_as_many_requests_open_as_before() -> None:
    bench, token = bench_of("messaging", "realm")
    session = bench.core.sessions.find(token)
    assert session is not None
    passed_on(bench, token)
    assert session.open == 1
    (call,) = bench.work()[b"r-1"]
    bench.done(b"r-1", (call.handle, "ok", {}))
    assert session.open == 0


def test_without_a_realm_process_the_caller_hears_so() -> None:
    bench, token = bench_of("messaging")
    passed_on(bench, token)
    status, body = bench.answer()
    assert (status, body["message"]) == ("unavailable", "This server's realm process is not running.")
    assert "uncertain" not in body, "nothing was done"
    session = bench.core.sessions.find(token)
    assert session is not None and session.open == 0


def test_the_realm_process_may_not_pass_it_on() -> None:
    bench, token = bench_of("messaging", "realm")
    passed_on(bench, token)
    (call,) = bench.work()[b"r-1"]
    bench.done(b"r-1", (call.handle, backend.ELSEWHERE, {}))
    assert bench.answer()[0] == "internal"
    assert bench.core.in_flight == 0


def test_whose_session_ended_meanwhile_asks_no_other_realm() -> None:
    bench, token = bench_of("messaging", "realm")
    bench.ask(ANI, "message.send", token, to="bob@b", body="halo", id=b"1" * 16)
    (call,) = bench.work()[b"m-1"]
    bench.done(b"m-1", (call.handle, backend.ELSEWHERE, {}), effects=[(backend.CLOSE, 1)])
    assert bench.work() == {}
    assert bench.answer()[0] == "unauthenticated"


def test_a_realm_process_that_dies_leaves_it_to_the_next_one() -> None:
    bench, token = bench_of("messaging", "realm")
    passed_on(bench, token)
    bench.work()
    bench.worker("realm", b"r-2")
    bench.core.worker_gone(bench.now, b"r-1")
    (call,) = bench.work()[b"r-2"]
    bench.done(b"r-2", (call.handle, "ok", {}))
    assert bench.answer()[0] == "ok"


def test_the_brokers_own_report_is_never_anybody_elses() -> None:
    bench, _ = bench_of("realm")
    bench.tick(1.0)
    (call,) = bench.work()[b"auth-1"]
    assert call.command == "presence.report"
    bench.done(b"auth-1", (call.handle, backend.ELSEWHERE, {}))
    (call,) = bench.work()[b"r-1"]
    bench.done(b"r-1", (call.handle, "not_found", {}))
    assert bench.heard() == []
    bench.worker("auth", b"auth-1")
    bench.tick(1.0)
    assert [each.command for each in bench.work()[b"auth-1"]] == ["presence.report"], "it is said again"


def told(bench: Bench) -> dict[bytes, list[Any]]:
    """What each worker is told in this turn."""
    found: dict[bytes, list[Any]] = {}
    for worker, frame in bench.core.work():
        kind, payload = backend.unpack(frame)
        assert kind == backend.TELL
        found.setdefault(worker, []).append(payload)
    return found


def test_a_service_is_told_what_others_committed_and_only_it() -> None:
    bench, _ = bench_of("messaging", "realm")
    bench.done(b"m-1", effects=[(backend.TELL, "realm", b"hint"), (backend.TELL, "realm", b"other")])
    assert told(bench) == {b"r-1": [b"hint", b"other"]}
    assert told(bench) == {}


def test_that_there_is_something_to_do_is_told_once_a_turn() -> None:
    bench, _ = bench_of("messaging", "realm")
    for _ in range(3):
        bench.done(b"m-1", effects=[(backend.TELL, "realm", b"")])
    assert told(bench) == {b"r-1": [b""]}
    bench.done(b"m-1", effects=[(backend.TELL, "realm", b"")])
    assert told(bench) == {b"r-1": [b""]}


def test_what_nobody_is_there_to_be_told_is_forgotten() -> None:
    bench, _ = bench_of("messaging")
    bench.done(b"m-1", effects=[(backend.TELL, "realm", b"hint")])
    bench.worker("realm", b"r-1")
    assert told(bench) == {}


@pytest.mark.parametrize(
    "effect", [(backend.TELL,), (backend.TELL, "realm"), (backend.TELL, "realm", "text")]
)
def test_a_malformed_word_is_counted_and_does_no_harm(effect: tuple[Any, ...]) -> None:
    bench, _ = bench_of("messaging", "realm")
    bench.done(b"m-1", effects=[effect])
    assert told(bench) == {}
    assert bench.core.counts["backend_junk"] == 1


class Pipe:
    """A socket from which these frames come."""

    def __init__(self, *frames: bytes) -> None:
        self.frames = list(frames)

    def recv(self, flags: int, /) -> bytes:
        """The next one."""
        if not self.frames:
            raise zmq.Again
        return self.frames.pop(0)

    def send(self, frame: bytes, flags: int, /) -> None:
        """Nobody listens."""


@pytest.mark.parametrize("fields", [(), ("text",), (1,)])
def test_a_word_that_is_no_bytes_is_no_message(fields: tuple[Any, ...]) -> None:
    link = Link(Pipe(msgpack.packb((1, backend.TELL, *fields))), None)  # type: ignore[arg-type]
    assert link.receive(10) == []
    assert (link.junk, link.told) == (1, [])


def test_a_worker_keeps_what_it_was_told_up_to_a_bound() -> None:
    words = [number.to_bytes(2, "big") for number in range(TOLD_MOST + 5)]
    link = Link(Pipe(*map(backend.pack_tell, words)), None)  # type: ignore[arg-type]
    assert link.receive(10_000) == []
    assert link.told == words[5:]
