"""The batch engine: order, isolation of errors, stores that fail, slow calls, ticks.

The service used here is a small one of our own, on the names of the messaging service's commands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from config.settings import Settings
from protocol import backend
from protocol.backend import Call
from protocol.commands import Empty, Read, Typing
from protocol.envelope import pack_body
from protocol.errors import Forbidden
from protocol.events import TypingEvent
from services import messaging
from services.batch import READ_BYTES, Engine, Unanswered
from services.context import Context, Service, Slow, Tick, Together
from services.storage.engine import Store, StoreBusy, StoreUnavailable, Transaction
from tests.services.world import World, send

TOPIC = b"u" * 16
TABLE = "insert into presence (broker, user_id) values ($1, $2)"


@dataclass
class Sabotage:
    """A store between the engine and the real one that fails as often as it is told to."""

    store: Store
    failures: list[Exception] = field(default_factory=list)
    at_commit: bool = False

    @property
    def dialect(self) -> str:
        return self.store.dialect

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        if self.failures and not self.at_commit:
            raise self.failures.pop(0)
        with self.store.write() as tx:
            yield tx
            if self.failures:
                raise self.failures.pop(0)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        if self.failures:
            raise self.failures.pop(0)
        with self.store.read() as tx:
            yield tx

    exclusive = write

    def close(self) -> None:
        self.store.close()


def write_row(ctx: Context, call: Call, command: Read) -> Empty:
    """Writes a row, says so, then fails in the way that ``seq`` names."""
    ctx.tx.run(TABLE, (b"single", command.seq))
    ctx.publish(TOPIC, TypingEvent(command.seq, call.user))
    ctx.effect(backend.CLOSE, command.seq)
    if command.seq == 13:
        raise Forbidden("Thirteen is not allowed.")
    if command.seq == 66:
        raise RuntimeError("the secret text")
    if command.seq == 77:
        ctx.tx.run("this is no SQL")
    return Empty()


def write_all(ctx: Context, calls: list[tuple[Call, Any]]) -> list[Any]:
    """The same for many at once; a body of "spoil" spoils the whole."""
    answers: list[Any] = []
    for call, command in calls:
        ctx.tx.run(TABLE, (b"together", call.handle))
        if command.body == "spoil":
            raise RuntimeError("the secret text")
        answers.append(Forbidden("no") if command.body == "refuse" else Empty())
    return answers


def look(ctx: Context, call: Call, command: Typing) -> Empty:
    """Reads, says something, then fails in the way that ``to`` names."""
    ctx.publish(TOPIC, TypingEvent(0, command.to))
    if command.to == "refuse":
        raise Forbidden("no")
    if command.to == "sql":
        ctx.tx.rows("this is no SQL")
    return Empty()


def tick(ctx: Context) -> None:
    ctx.tx.run(TABLE, (b"tick", 1))
    ctx.effect(backend.CLOSE, 7)


def before(ctx: Context, call: Call, command: Any) -> str:
    if command.address == "early":
        raise Forbidden("early")
    return str(command.address)


def hard_work(settings: Settings, prepared: str) -> str:
    if prepared == "work":
        raise Forbidden("work")
    if prepared == "fault":
        raise RuntimeError("the secret text")
    return prepared.upper()


def finish(ctx: Context, call: Call, command: Any, result: str) -> Empty:
    ctx.publish(TOPIC, TypingEvent(0, result))
    if result == "LATE":
        raise Forbidden("late")
    return Empty()


def service() -> Service:
    together = Together(write_all)
    return Service(
        "messaging",
        {
            **messaging.SERVICE.handlers,
            "message.send": together,
            "message.broadcast": together,
            "message.read": write_row,
            "message.typing": look,
            "conversation.verify": Slow(before, hard_work, finish),
        },
        Tick(2.0, tick, writes=True),
    )


@pytest.fixture
def world(settings: Settings, store: Store) -> World:
    return World(settings, store, service())


@pytest.fixture
def sabotage(world: World) -> Sabotage:
    """The world's engine works on a store that can be told to fail."""
    sabotage = Sabotage(world.store)
    world.store = sabotage
    world.engine = world.another(service())
    return sabotage


def reads(*numbers: int) -> list[tuple[str, tuple[str, dict[str, Any]]]]:
    return [("ani", ("message.read", {"seq": number})) for number in numbers]


def rows(world: World, who: bytes) -> set[int]:
    with world.store.read() as tx:
        return {row[0] for row in tx.rows("select user_id from presence where broker = $1", (who,))}


def statuses(answers: list[Any]) -> list[str]:
    return [answer.status for answer in answers]


def log_text(world: World) -> str:
    return (world.settings.home / "log" / "server.jsonl").read_text()


@pytest.mark.parametrize(("culprit", "status"), [(13, "forbidden"), (66, "internal"), (77, "internal")])
def test_an_error_of_one_command_does_not_spoil_its_neighbours(
    world: World, culprit: int, status: str
) -> None:
    answers = world.batch(*reads(1, culprit, 2))
    assert statuses(answers) == ["ok", status, "ok"]
    assert rows(world, b"single") == {1, 2}
    assert [event.body["conversation"] for event in world.events] == [1, 2]
    assert world.effects == [(backend.CLOSE, 1), (backend.CLOSE, 2)]


def test_a_fault_among_those_handled_together_is_found_and_answered_alone(world: World) -> None:
    calls = [("ani", send("budi", body, world.id())) for body in ("one", "spoil", "refuse", "two")]
    answers = world.batch(*calls, *reads(5))
    assert statuses(answers) == ["ok", "internal", "forbidden", "ok", "ok"]
    assert rows(world, b"single") == {5}
    assert rows(world, b"together") == {0, 3}


def test_a_fault_is_logged_by_type_and_place_without_its_text(world: World) -> None:
    world.batch(*reads(66))
    text = log_text(world)
    assert "RuntimeError" in text and "write_row" in text
    assert "secret" not in text


@pytest.mark.parametrize("at_commit", [False, True])
def test_a_store_that_fails_answers_unavailable_and_changes_nothing(
    world: World, sabotage: Sabotage, at_commit: bool
) -> None:
    sabotage.failures, sabotage.at_commit = [StoreUnavailable("disk full")], at_commit
    answers = world.batch(*reads(1, 2), ("ani", ("message.typing", {"to": "budi"})))
    assert statuses(answers) == ["unavailable", "unavailable", "ok"]
    assert answers[0].body["retry_after"] > 0
    assert (len(world.events), world.effects, rows(world, b"single")) == (1, [], set())
    assert statuses(world.batch(*reads(1, 2))) == ["ok", "ok"]


@pytest.mark.parametrize("at_commit", [False, True])
def test_two_transactions_in_each_others_way_are_tried_once_more(
    world: World, sabotage: Sabotage, at_commit: bool
) -> None:
    sabotage.failures, sabotage.at_commit = [StoreBusy("deadlock")], at_commit
    assert statuses(world.batch(*reads(1))) == ["ok"]
    assert len(world.events) == 1
    sabotage.failures = [StoreBusy("deadlock"), StoreBusy("deadlock")]
    assert statuses(world.batch(*reads(2))) == ["unavailable"]
    assert rows(world, b"single") == {1}


def test_what_a_failed_transaction_taught_is_forgotten(settings: Settings, store: Store) -> None:
    world = World(settings, store)
    sabotage = Sabotage(store)
    world.store = sabotage
    world.engine = world.another()
    world.say("ani", "budi")
    sabotage.failures, sabotage.at_commit = [StoreUnavailable("gone")], True
    answers = world.batch(("ani", send("citra", "halo", world.id())))
    assert statuses(answers) == ["unavailable"]
    assert world.say("ani", "citra")["seq"] == 1
    assert world.say("ani", "budi")["seq"] == 2


def test_a_read_that_breaks_its_transaction_leaves_the_others_answered(world: World) -> None:
    asked = ["one", "sql", "two", "refuse", "three"]
    answers = world.batch(*[("ani", ("message.typing", {"to": to})) for to in asked])
    assert statuses(answers) == ["ok", "internal", "ok", "forbidden", "ok"]
    assert [event.body["user"] for event in world.events] == ["one", "two", "three"]


def test_reads_see_what_the_same_batch_wrote(settings: Settings, store: Store) -> None:
    world = World(settings, store)
    history, sent = world.batch(
        ("ani", ("message.history", {"with": "budi"})), ("ani", send("budi", "halo", world.id()))
    )
    assert sent.status == "ok"
    assert [message["body"] for message in history.body["messages"]] == ["halo"]


def test_a_store_that_cannot_be_read_answers_unavailable(world: World, sabotage: Sabotage) -> None:
    sabotage.failures = [StoreUnavailable("gone")]
    asked = [("ani", ("message.typing", {"to": "budi"}))] * 3
    assert statuses(world.batch(*asked)) == ["unavailable"] * 3
    assert world.events == []


def test_long_answers_are_given_out_in_stretches(settings: Settings, store: Store) -> None:
    world = World(settings, store)
    for _ in range(5):
        world.say("ani", "budi", "x" * 65_000)
    calls = [world.call("ani", "message.history", **{"with": "budi"}, handle=n) for n in range(40)]
    done = world.engine.take(calls, world.now)
    assert READ_BYTES <= sum(len(reply[2]) for reply in done.replies) < 2 * READ_BYTES
    assert world.engine.waiting == 40 - len(done.replies) > 0
    while world.engine.waiting:
        done.replies += world.engine.step(world.now).replies
    assert [handle for handle, _, _ in done.replies] == list(range(40))


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("fine", "ok"),
        ("early", "forbidden"),
        ("work", "forbidden"),
        ("late", "forbidden"),
        ("fault", "internal"),
    ],
)
def test_a_slow_call_may_end_at_each_of_its_steps(world: World, address: str, status: str) -> None:
    (answer,) = world.batch(("ani", ("conversation.verify", {"with": address})))
    assert answer.status == status
    assert [event.body["user"] for event in world.events] == (["FINE"] if status == "ok" else [])


def test_slow_calls_wait_and_are_done_one_a_step_after_the_quick_ones(world: World) -> None:
    slow = [world.call("ani", "conversation.verify", **{"with": "fine"}, handle=n) for n in (1, 2)]
    quick = world.call("ani", "message.read", seq=1, handle=3)
    assert [reply[0] for reply in world.engine.take([*slow, quick], world.now).replies] == [3]
    assert world.engine.waiting == 2
    assert [reply[0] for reply in world.engine.step(world.now).replies] == [1]
    assert [reply[0] for reply in world.engine.step(world.now).replies] == [2]
    assert world.engine.step(world.now).replies == []


def test_a_slow_call_on_a_failing_store_is_unavailable(world: World, sabotage: Sabotage) -> None:
    sabotage.failures = [StoreUnavailable("gone")] * 2
    assert statuses(world.batch(("ani", ("conversation.verify", {"with": "fine"})))) == ["unavailable"]


def test_a_slow_call_waits_for_its_turn_when_the_store_cannot_say_whether_it_must(
    world: World, sabotage: Sabotage
) -> None:
    sabotage.failures = [StoreUnavailable("gone")]
    assert statuses(world.batch(("ani", ("conversation.verify", {"with": "fine"})))) == ["ok"]


def test_a_tick_writes_and_tells_the_broker(world: World) -> None:
    done = world.engine.tick(world.now)
    assert done.effects == [(backend.CLOSE, 7)]
    assert rows(world, b"tick") == {1}


def test_a_tick_that_fails_says_nothing(world: World, sabotage: Sabotage) -> None:
    sabotage.failures = [StoreUnavailable("gone")]
    assert world.engine.tick(world.now).effects == []
    world.engine.tick(world.now)
    assert world.engine.tick(world.now).effects == []  # the same row again: a fault of its own
    assert "tick failed" in log_text(world)


def test_commands_of_other_services_and_junk_are_refused_one_by_one(world: World) -> None:
    body = pack_body({"seq": 1})
    calls = [
        world.call("ani", "auth.logout"),
        world.call("ani", "no.such.command"),
        world.call("ani", "message.read", seq=1)._replace(body=b"\xc1"),
        world.call("ani", "message.read", seq=1)._replace(body=pack_body([1])),
        Call(0, "message.read", 0, "", 0, False, body),
        world.call("ani", "message.read", seq=2),
    ]
    expected = ["not_found", "not_found", "invalid", "invalid", "unauthenticated", "ok"]
    answers = world.take(calls)
    assert statuses(answers) == expected
    assert all(answer.body["message"].endswith(".") for answer in answers[:-1])
    assert [action.outcome for action in world.last.actions] == expected


def test_a_service_without_a_handler_does_not_start(world: World) -> None:
    incomplete = dict(messaging.SERVICE.handlers)
    del incomplete["message.read"]
    with pytest.raises(Unanswered, match=r"message\.read"):
        Engine(Service("messaging", incomplete), world.store, world.settings, world.log)


def test_actions_name_user_command_outcome_and_nothing_else(world: World) -> None:
    clock: Callable[[], int] = iter([1000, 2000]).__next__
    engine = Engine(service(), world.store, world.settings, world.log, clock)
    done = engine.take([world.call("ani", "message.read", seq=13)], world.now)
    world.log.actions(done.actions, 0, 5_001_000)
    line = json.loads(log_text(world).splitlines()[-1])
    assert line == {
        "time": "1970-01-01T00:00:00.000000Z",
        "service": "messaging",
        "user": "ani",
        "command": "message.read",
        "outcome": "forbidden",
        "duration_us": 5000,
    }
