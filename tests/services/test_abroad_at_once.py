"""Several workers that write to other realms at once, on both engines: order, bounds and locks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from config.log import ServerLog
from protocol.backend import Call
from protocol.commands import Empty, NameGroup
from protocol.errors import OK
from services import group, messaging
from services.batch import Engine
from services.context import Caller, Context
from services.group import exit
from services.storage import copies, open_store, outbox
from tests.services.realms import copy, deliver, meet, pair, row, waiting
from tests.services.world import World, message_id

WORKERS = 3
ROUNDS = 6


def at_once(world: World, batches: Sequence[Sequence[list[Call]]]) -> list[tuple[str, bytes]]:
    """Each sequence of batches by a worker with a store of its own, all of them at the same time."""
    start = threading.Barrier(len(batches))

    def work(mine: Sequence[list[Call]]) -> list[tuple[str, bytes]]:
        store = open_store(world.settings)
        try:
            engine = Engine(messaging.SERVICE, store, world.settings, world.log, clock=lambda: 0)
            start.wait(timeout=10)
            done = [engine.take(batch, world.now) for batch in mine]
            return [(status, body) for each in done for _, status, body in each.replies]
        finally:
            store.close()

    with ThreadPoolExecutor(len(batches)) as pool:
        return [answer for answers in pool.map(work, batches) for answer in answers]


def numbered(calls: Sequence[Call]) -> list[Call]:
    """A batch, with a handle for each call."""
    return [call._replace(handle=place) for place, call in enumerate(calls)]


def two_realms(world: World) -> None:
    """Bob of b and Citra of c have written to everybody here, often."""
    pair(world, "b")
    pair(world, "c")
    for who in world.people:
        for guest in ("bob@b", "citra@c"):
            world.take([deliver(world, guest, who) for _ in range(ROUNDS)])


def test_workers_that_write_to_one_realm_and_read_what_came_from_another_stand_in_no_circle(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_realms(world)
    log: list[object] = []
    monkeypatch.setattr(ServerLog, "warning", lambda self, event, **fields: log.append(event))
    monkeypatch.setattr(ServerLog, "fault", lambda self, *given: log.append("fault"))
    tried: list[Context] = []
    settle = Context.settle

    def counted(ctx: Context) -> None:
        tried.append(ctx)
        settle(ctx)

    monkeypatch.setattr(Context, "settle", counted)

    def rounds(writer: str, to: str, reader: str, what: str) -> list[list[Call]]:
        return [
            numbered(
                [
                    world.call(writer, "message.send", to=to, body="halo", id=world.id()),
                    world.call(reader, "message.read", **{"with": what}, seq=turn + 1),
                ]
            )
            for turn in range(ROUNDS)
        ]

    answers = at_once(
        world, [rounds("ani", "bob@b", "budi", "citra@c"), rounds("citra", "citra@c", "dewi", "bob@b")]
    )
    assert [status for status, _ in answers] == [OK] * 4 * ROUNDS
    assert log == []
    assert len(tried) == 2 * ROUNDS, "none stood in another one's way"
    for realm in ("b", "c"):
        assert row(world, realm).waiting == 2 * ROUNDS, "what one wrote, and that the other one read"


def test_who_leaves_groups_there_and_who_has_one_of_them_in_hand_stand_in_no_circle(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    realm = pair(world)
    tries: list[str] = []
    leave_one = exit.leave

    def counted(ctx: Context, caller: Caller, command: NameGroup) -> Empty:
        tries.append(command.group)
        return leave_one(ctx, caller, command)

    monkeypatch.setitem(group.SERVICE.handlers, "group.leave", counted)
    for name in ("one", "two"):
        copy(world, name, "ani")
    leaves = [world.call("ani", "group.leave", group=f"#{name}@b") for name in ("one", "two")]
    begun = threading.Event()

    def leave() -> list[str]:
        begun.set()  # where the whole store is locked, it cannot even be opened now
        with closing(open_store(world.settings)) as store:
            engine = Engine(group.SERVICE, store, world.settings, world.log, clock=lambda: 0)
            return [status for _, status, _ in engine.take(numbered(leaves), world.now).replies]

    with ThreadPoolExecutor(1) as pool:
        with world.store.write() as tx:
            copies.locked(tx, "two", "b")
            left = pool.submit(leave)
            begun.wait(10)
            time.sleep(0.2)  # for as long as it takes to come to where it must wait
            outbox.told(tx, realm, 0)
        assert left.result(10) == [OK, OK]
    assert tries == ["#one@b", "#two@b"], "none had to give way and begin again"
    assert [(n, kind, to) for n, kind, to, *_ in waiting(world)] == [(1, "leave", "one"), (2, "leave", "two")]


def test_what_waits_is_in_the_order_in_which_each_conversation_has_it(world: World) -> None:
    pair(world)
    meet(world, "bob")

    def rounds() -> list[list[Call]]:
        return [
            numbered([world.call("ani", "message.send", to="bob@b", body="halo", id=world.id())])
            for _ in range(ROUNDS)
        ]

    at_once(world, [rounds() for _ in range(WORKERS)])
    every = range(1, WORKERS * ROUNDS + 1)
    assert [(n, seq) for n, _, _, _, seq, _ in waiting(world)] == [(n, n) for n in every]


def test_a_post_that_two_workers_have_in_hand_waits_but_once(world: World) -> None:
    pair(world)
    copy(world, "team", "ani")
    posts = [
        world.call("ani", "message.send", to="#team@b", body=str(n), id=message_id(n)) for n in range(ROUNDS)
    ]
    answers = at_once(world, [[numbered([post]) for post in posts] for _ in range(WORKERS)])
    assert {status for status, _ in answers} == {OK}
    assert sorted(body for *_, body in waiting(world)) == [str(n) for n in range(ROUNDS)]
    assert row(world).waiting == ROUNDS


def test_all_of_them_begin_one_conversation(world: World) -> None:
    pair(world)
    meet(world, "bob")
    batches: list[Callable[[], list[Call]]] = [
        lambda: numbered([world.call("ani", "message.send", to="bob@b", body="x", id=world.id())])
    ] * WORKERS
    answers = at_once(world, [[batch()] for batch in batches])
    assert [status for status, _ in answers] == [OK] * WORKERS
    assert {conversation for _, _, _, conversation, _, _ in waiting(world)} == {
        world.inbox("ani")["bob@b"]["conversation"]
    }
