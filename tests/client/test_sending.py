"""Messages of the session machine: each stored once, in the order of the calls, whatever the wire does."""

from __future__ import annotations

import random

from protocol.commands import (
    Login,
    SendReply,
)
from protocol.errors import (
    Busy,
    Failure,
    Invalid,
    NotFound,
    TooLarge,
    Unavailable,
)
from tests.client.wire import Faults, World, answer


def test_messages_keep_the_order_of_the_calls_over_a_bad_wire() -> None:
    for seed in range(6):
        world = World(seed, Faults(loss=0.15, double=0.2, delay=0.2))
        ani = world.client("ani", timeout=600.0).login()
        texts = [f"{n}" for n in range(150)]
        handles = [ani.send("budi", text) for text in texts]
        replies = [answer(ani, handle, 600.0) for handle in handles]
        assert world.server.stored("ani") == texts
        assert [reply.seq for reply in replies if isinstance(reply, SendReply)] == list(range(1, 151))


def test_a_send_is_repeated_with_the_same_id_and_stored_once() -> None:
    world = World()
    ani = world.client("ani").login()
    lost: list[object] = []

    def lose_answer(command: str, request: object) -> Failure | None:
        if command == "message.send" and not lost:
            lost.append(request)
            world.server._message_send(None, "ani", request)  # type: ignore[arg-type]
            return Unavailable("Died after it was stored.", retry_after=0.1)
        return None

    world.server.refuse = lose_answer
    reply = answer(ani, ani.send("budi", "once"))
    assert isinstance(reply, SendReply) and reply.duplicate
    assert world.server.stored("ani") == ["once"]
    sends = [request.id for _, command, request in world.server.asked if command == "message.send"]
    assert len(sends) == 2 and len(set(sends)) == 1


def test_one_busy_answer_in_a_chain_swaps_nothing() -> None:
    world = World()
    ani = world.client("ani", timeout=600.0).login()
    rng = random.Random(3)
    world.server.refuse = lambda command, request: (
        Busy("Busy.", retry_after=0.05) if command == "message.send" and rng.random() < 0.2 else None
    )
    texts = [f"{n}" for n in range(200)]
    handles = [ani.send("budi", text) for text in texts]
    for handle in handles:
        assert isinstance(answer(ani, handle), SendReply)
    assert world.server.stored("ani") == texts


def test_a_message_refused_for_good_does_not_hold_up_those_behind_it() -> None:
    world = World()
    ani = world.client("ani").login()
    world.server.refuse = lambda command, request: (
        Invalid("No.") if getattr(request, "body", "") == "bad" else None
    )
    handles = [ani.send("budi", text) for text in ("one", "bad", "two", "three")]
    answers = [answer(ani, handle) for handle in handles]
    assert [type(each) for each in answers] == [SendReply, Invalid, SendReply, SendReply]
    assert world.server.stored("ani") == ["one", "two", "three"]


def test_a_text_with_half_a_surrogate_pair_is_refused_at_once_and_spoils_nothing() -> None:
    world = World()
    ani = world.client("ani").login()
    handles = [ani.send("budi", text) for text in ("one", "half \ud800", "two")]
    lookup = ani.ask("auth.login", Login("\udfff", "x"))
    answers = [answer(ani, handle) for handle in handles]
    assert [type(each) for each in answers] == [SendReply, Invalid, SendReply]
    assert isinstance(answer(ani, lookup), Invalid)
    assert world.server.stored("ani") == ["one", "two"]


def test_a_text_too_large_to_travel_is_refused_at_once_and_spoils_nothing() -> None:
    world = World()
    ani = world.client("ani").login()
    handles = [ani.send("budi", text) for text in ("one", "x" * 200_000, "two")]
    answers = [answer(ani, handle) for handle in handles]
    assert [type(each) for each in answers] == [SendReply, TooLarge, SendReply]
    assert world.server.stored("ani") == ["one", "two"]


def test_an_unknown_recipient_fails_alone() -> None:
    world = World()
    ani = world.client("ani").login()
    nobody, budi = ani.send("nobody", "hello"), ani.send("budi", "hello")
    assert isinstance(answer(ani, nobody), NotFound)
    assert isinstance(answer(ani, budi), SendReply)


def test_what_was_under_way_when_the_line_broke_arrives_once() -> None:
    world = World(faults=Faults(delay=0.05))
    ani = world.client("ani", timeout=60.0).login()
    texts = [f"{n}" for n in range(40)]
    handles = [ani.send("budi", text) for text in texts]
    world.run(0.03)
    world.restart_server()
    for handle in handles:
        assert isinstance(answer(ani, handle), SendReply)
    assert world.server.stored("ani") == texts
