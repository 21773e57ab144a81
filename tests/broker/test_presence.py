"""What the broker tells the auth service: who came and went, which sessions live, and that it is there."""

from __future__ import annotations

from typing import Any

import msgpack

from broker.presence import ALIVE_EVERY, FORGOTTEN_AFTER, LIVELY_PER_REPORT, Presence
from broker.sessions import NOTED_EVERY, Sessions
from tests.broker.bench import Bench
from tests.broker.test_sessions import opened

ANI = b"\0ani."


def presence(bench: Bench) -> dict[str, Any] | None:
    """The body of the presence report among the auth worker's calls, answered ok."""
    for call in bench.work().get(b"auth-1", []):
        if call.command == "presence.report":
            bench.done(b"auth-1", (call.handle, "ok", {}))
            return dict(msgpack.unpackb(call.body))
    return None


def test_presence_is_reported_when_it_changes_and_only_then() -> None:
    bench = Bench()
    token = bench.login("ani", 1, user_id=9)
    bench.tick()
    assert presence(bench) == {"broker": b"b" * 16, "online": [9], "restart": True}
    bench.tick(1)
    assert presence(bench) is None
    for _ in range(29):
        bench.worker("auth", b"auth-1")
        bench.tick(1)
    assert presence(bench) == {"broker": b"b" * 16, "offline": [9]}
    bench.ask(ANI, "session.ping", token)
    bench.tick()
    assert presence(bench) == {"broker": b"b" * 16, "online": [9]}


def test_a_presence_report_that_failed_is_made_again() -> None:
    bench = Bench()
    bench.login("ani", 1, user_id=9)
    bench.tick()
    (call,) = bench.work()[b"auth-1"]
    bench.done(b"auth-1", (call.handle, "unavailable", {"message": "no"}))
    bench.tick(1)
    assert presence(bench) == {"broker": b"b" * 16, "online": [9], "restart": True}


def wait(bench: Bench, seconds: float, *tokens: bytes) -> list[dict[str, Any]]:
    """Time passes, with pings of these sessions; every report in it, answered ok."""
    reports = []
    for second in range(int(seconds)):
        bench.worker("auth", b"auth-1")
        for token in tokens if second % 10 == 0 else ():
            bench.ask(ANI, "session.ping", token)
        bench.tick(1)
        report = presence(bench)
        if report is not None:
            reports.append(report)
    return reports


def test_a_broker_with_nothing_to_say_says_that_it_lives() -> None:
    bench = Bench()
    bench.worker("auth", b"auth-1")
    bench.tick()
    assert presence(bench) == {"broker": b"b" * 16, "restart": True}
    assert wait(bench, 3 * ALIVE_EVERY) == [{"broker": b"b" * 16}] * 3


def test_a_broker_that_was_not_heard_for_long_says_everything_again() -> None:
    bench = Bench()
    ani, budi = bench.login("ani", 1, user_id=9), bench.login("budi", 2, user_id=10)
    bench.tick()
    assert presence(bench) == {"broker": b"b" * 16, "online": [9, 10], "restart": True}
    # The auth service is away, and budi falls silent meanwhile.
    bench.core.worker_gone(bench.now, b"auth-1")
    for _ in range(int(FORGOTTEN_AFTER / 10)):
        bench.ask(ANI, "session.ping", ani)
        bench.tick(10)
    bench.worker("auth", b"auth-1")
    bench.ask(ANI, "session.ping", ani)
    bench.tick()
    assert presence(bench) == {"broker": b"b" * 16, "online": [9], "restart": True}
    assert wait(bench, 50, ani) == []
    assert budi != ani


def test_a_session_that_goes_on_is_noted_every_few_minutes_and_one_that_ends_soon_never() -> None:
    bench = Bench()
    ani, budi = bench.login("ani", 1, user_id=9), bench.login("budi", 2, user_id=10)
    bench.tick()
    presence(bench)
    reports = wait(bench, 60, ani, budi) + wait(bench, 2 * NOTED_EVERY, ani)
    assert [report["sessions"] for report in reports if "sessions" in report] == [[1], [1]]


def test_many_sessions_are_noted_some_at_a_time() -> None:
    sessions, presence = Sessions(10_000, timeout=30), Presence(b"b" * 16)
    tokens = [opened(sessions, number, number, 0) for number in range(1, LIVELY_PER_REPORT + 11)]
    for token in tokens:
        session = sessions.find(token)
        assert session is not None
        sessions.heard(session, NOTED_EVERY)
    noted = []
    for turn in range(3):
        report = presence.report(sessions, NOTED_EVERY + turn)
        noted.append(len(report.sessions) if report is not None else 0)
        presence.answered(True)
    assert noted == [LIVELY_PER_REPORT, 10, 0]
