"""Workers as the core knows them: what comes of their deaths, silence, late answers and retirement."""

from __future__ import annotations

from protocol import backend
from tests.broker.bench import AN_EVENT, FIRST_HANDLE, Bench

ANI = b"\0ani."


def test_a_dead_workers_requests_go_to_another_in_their_order() -> None:
    bench = Bench()
    token = bench.login("ani", 1)
    bench.worker("messaging", b"m-1")
    asked = [bench.ask(ANI, "message.read", token, seq=seq) for seq in range(3)]
    bench.work()
    bench.worker("messaging", b"m-2")
    bench.core.worker_gone(bench.now, b"m-1")
    calls = bench.work()[b"m-2"]
    assert [call.handle for call in calls] == sorted(call.handle for call in calls)
    bench.done(b"m-2", *((call.handle, "ok", {}) for call in calls))
    assert [request for _, request, _, _ in bench.heard()] == asked


def test_a_command_that_may_not_be_repeated_fails_with_its_worker() -> None:
    bench = Bench()
    bench.worker("auth", b"a-1")
    bench.worker("auth", b"a-2")
    bench.ask(ANI, "auth.register", username="ani", password="12345678")
    (worker,) = [worker for worker, calls in bench.work().items() if calls[0].command == "auth.register"]
    bench.core.worker_gone(bench.now, worker)
    assert bench.answer()[0] == "unavailable"
    assert not [call for calls in bench.work().values() for call in calls if call.command == "auth.register"]


def test_a_request_of_a_session_that_ended_meanwhile_is_not_begun_anew() -> None:
    bench = Bench()
    token = bench.login("ani", 1)
    first = bench.worker("messaging", b"m-1")
    bench.ask(ANI, "message.send", token, to="budi", body="x", id=b"1" * 16)
    assert len(bench.work()[first]) == 1
    second = bench.worker("messaging", b"m-2")
    bench.done(b"auth-1", effects=[(backend.CLOSE, 1)])
    bench.core.worker_gone(bench.now, first)
    assert second not in bench.work()
    assert bench.answer()[0] == "unavailable"


def test_with_no_worker_left_the_client_hears_unavailable() -> None:
    bench = Bench()
    token = bench.login("ani", 1)
    bench.worker("messaging", b"m-1")
    bench.ask(ANI, "message.read", token, seq=1)
    bench.core.worker_gone(bench.now, b"m-1")
    status, body = bench.answer()
    assert (status, body["uncertain"]) == ("unavailable", True), "the dead one may have done it"
    bench.ask(ANI, "message.read", token, seq=1)
    status, body = bench.answer()
    assert (status, "uncertain" in body) == ("unavailable", False), "nobody was asked"


def test_three_seconds_of_silence_are_a_workers_death() -> None:
    bench = Bench()
    token = bench.login("ani", 1)
    bench.worker("messaging", b"m-1")
    bench.ask(ANI, "message.read", token, seq=1)
    bench.tick(2.9)
    assert not bench.heard()
    bench.tick(0.2)
    assert bench.answer()[0] == "unavailable"


def test_a_worker_given_up_for_dead_answers_nobody_but_its_events_count() -> None:
    bench = Bench()
    token = bench.login("ani", 1)
    bench.worker("messaging", b"m-1")
    bench.ask(ANI, "message.read", token, seq=1)
    (call,) = bench.work()[b"m-1"]
    bench.worker("messaging", b"m-2")
    bench.core.worker_gone(bench.now, b"m-1")
    bench.done(b"m-1", (call.handle, "ok", {"seq": 1}), events=[AN_EVENT])
    assert not bench.heard()
    assert bench.core.events == [AN_EVENT]
    bench.done(b"m-2", (call.handle, "ok", {"seq": 2}))
    assert bench.answer() == ("ok", {"seq": 2})


def test_an_answer_meant_for_an_earlier_broker_fits_nothing() -> None:
    bench = Bench()
    token = bench.login("ani", 1)
    bench.worker("messaging", b"m-1")
    bench.ask(ANI, "message.read", token, seq=1)
    bench.done(b"m-1", (1, "ok", {}), (2, "ok", {}))
    assert not bench.heard()
    assert all(call.handle > FIRST_HANDLE for call in bench.work()[b"m-1"])


def test_a_retiring_worker_gets_nothing_new_and_may_finish() -> None:
    bench = Bench()
    token = bench.login("ani", 1)
    bench.worker("messaging", b"m-1")
    request = bench.ask(ANI, "message.read", token, seq=1)
    (call,) = bench.work()[b"m-1"]
    bench.worker("messaging", b"m-1", capacity=0)
    assert (b"m-1", backend.STOP) in bench.core.signals
    bench.done(b"m-1", (call.handle, "ok", {}))
    assert bench.heard() == [(ANI, request, "ok", {})]
    bench.ask(ANI, "message.read", token, seq=1)
    assert bench.answer()[0] == "unavailable"


def test_a_newcomer_hears_once_that_it_is_known() -> None:
    bench = Bench()
    bench.worker("messaging", b"m-1")
    bench.worker("messaging", b"m-1")
    assert bench.core.signals == [(b"m-1", backend.PROBE)]


def test_workers_hear_that_the_broker_ends() -> None:
    bench = Bench()
    bench.worker("messaging", b"m-1")
    bench.worker("auth", b"a-1")
    bench.core.signals.clear()
    bench.core.dismiss()
    assert bench.core.signals == [(b"m-1", backend.STOP), (b"a-1", backend.STOP)]
