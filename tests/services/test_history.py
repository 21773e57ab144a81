"""``message.history``: every range there is, and what the answer says it covers."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.errors import Forbidden, Invalid, NotFound
from protocol.limits import REPLY_MAX_BYTES
from services.messaging.history import MOST_BYTES
from services.storage import groups
from tests.services.world import World, send


def said(world: World, count: int, size: int = 0) -> int:
    """``count`` messages between Ani and Budi; their conversation."""
    answers = world.batch(
        *(
            ("ani" if n % 2 else "budi", send("budi" if n % 2 else "ani", f"{n:<{size}}", world.id()))
            for n in range(1, count + 1)
        )
    )
    return int(answers[0].body["conversation"])


def ask(world: World, **fields: Any) -> tuple[list[int], int, int]:
    """(numbers, first, last)."""
    reply = world.do("ani", "message.history", **{"with": "budi", **fields})
    return [message["seq"] for message in reply["messages"]], reply["first"], reply["last"]


@pytest.mark.parametrize(
    ("fields", "numbers", "first", "last"),
    [
        ({}, range(1, 11), 1, 10),
        ({"limit": 3}, range(8, 11), 8, 10),
        ({"after": 0, "limit": 4}, range(1, 5), 1, 4),
        ({"after": 7}, range(8, 11), 8, 10),
        ({"after": 10}, [], 11, 10),
        ({"after": 99}, [], 100, 99),
        ({"before": 4}, range(1, 4), 1, 3),
        ({"before": 9, "limit": 2}, range(7, 9), 7, 8),
        ({"before": 1}, [], 1, 0),
        ({"before": 0}, [], 1, 0),
        ({"before": 99, "limit": 1}, [10], 10, 10),
        ({"after": 2, "before": 6}, range(3, 6), 3, 5),
        ({"after": 2, "before": 6, "limit": 2}, range(3, 5), 3, 4),
        ({"after": 5, "before": 6}, [], 6, 5),
        ({"after": 5, "before": 2}, [], 6, 5),
    ],
)
def test_the_answer_covers_what_was_asked_and_says_so(
    world: World, fields: dict[str, int], numbers: Any, first: int, last: int
) -> None:
    said(world, 10)
    assert ask(world, **fields) == (list(numbers), first, last)


def test_a_message_looks_as_it_was_sent(world: World) -> None:
    id = world.id()
    sent = world.say("ani", "budi", "halo", id=id)
    reply = world.do("budi", "message.history", conversation=sent["conversation"])
    assert reply == {
        "conversation": sent["conversation"],
        "messages": [{"seq": 1, "from": "ani", "body": "halo", "sent_at": sent["sent_at"], "id": id}],
        "first": 1,
        "last": 1,
        "last_seq": 1,
        "read_seq": 0,
        "delivered_seq": 1,
        "seen_seq": 0,
        "refused": [],
    }


def test_pages_forward_and_backward_cover_everything_once(world: World) -> None:
    said(world, 300)
    forward: list[int] = []
    while True:
        numbers, first, last = ask(world, after=forward[-1] if forward else 0, limit=70)
        if not numbers:
            break
        assert first == (forward[-1] if forward else 0) + 1 and last == numbers[-1]
        forward += numbers
    backward: list[int] = []
    while True:
        numbers, first, last = ask(world, before=backward[0] if backward else 301, limit=130)
        if not numbers:
            break
        backward = numbers + backward
    assert forward == backward == list(range(1, 301))


def test_an_answer_is_cut_at_its_bytes_from_the_far_end(world: World) -> None:
    said(world, 50, size=20_000)
    numbers, first, last = ask(world, after=0, limit=50)
    assert (numbers, first, last) == (list(range(1, 14)), 1, 13)
    numbers, first, last = ask(world, limit=50)
    assert (numbers, first, last) == (list(range(38, 51)), 38, 50)
    assert 13 * 20_000 <= MOST_BYTES < 14 * 20_000


def test_the_largest_answer_fits_into_what_a_client_takes(world: World) -> None:
    said(world, 1000, size=260)
    world.do("ani", "message.history", **{"with": "budi", "limit": 1000})
    (reply,) = world.last.replies
    assert 200_000 < len(reply[2]) < REPLY_MAX_BYTES


def test_nothing_said_yet_is_an_empty_conversation_without_a_number(world: World) -> None:
    reply = world.do("ani", "message.history", **{"with": "budi"})
    assert (reply["conversation"], reply["messages"]) == (0, [])
    assert (reply["first"], reply["last"], reply["last_seq"]) == (1, 0, 0)


def test_a_member_who_joined_late_sees_the_whole_history(world: World) -> None:
    world.group("ops", "ani", "dewi")
    world.say("ani", "#ops", "dulu")
    assert world.do("dewi", "message.history", **{"with": "#ops"})["messages"][0]["body"] == "dulu"


def test_the_broadcast_conversation_has_a_history_too(world: World) -> None:
    world.say("ani", "*", "semua")
    assert world.do("dewi", "message.history", **{"with": "*"})["messages"][0]["body"] == "semua"


@pytest.mark.parametrize("command", ["message.history", "message.read", "conversation.verify"])
def test_who_is_no_member_may_not_look(world: World, command: str) -> None:
    group = world.group("ops", "ani")
    direct = said(world, 1)
    more = {"seq": 1} if command == "message.read" else {}
    with pytest.raises(Forbidden):
        world.do("dewi", command, **{"with": "#OPS", **more})
    for number in (group, direct, 10**9):
        # By counting through the numbers nobody learns which there are.
        with pytest.raises(NotFound, match=rf"There is no conversation {number}\."):
            world.do("dewi", command, conversation=number, **more)
    for unknown in ({"conversation": 10**9}, {"with": "nobody"}, {"with": "#nowhere"}, {"with": "ani@mars"}):
        with pytest.raises(NotFound):
            world.do("dewi", command, **unknown, **more)


@pytest.mark.parametrize("command", ["message.history", "message.read", "conversation.verify"])
def test_of_a_deleted_group_only_those_hear_who_had_been_in_it(world: World, command: str) -> None:
    group = world.group("ops", "ani", "budi")
    more = {"seq": 1} if command == "message.read" else {}
    with world.store.write() as tx:
        for who in ("budi", "ani"):
            assert groups.remove_member(tx, group, world.people[who].user_id)
        groups.delete(tx, group)
    for who in ("budi", "ani"):
        with pytest.raises(Forbidden, match=rf"Conversation {group} was deleted"):
            world.do(who, command, conversation=group, **more)
    with pytest.raises(NotFound, match=rf"There is no conversation {group}\."):
        world.do("dewi", command, conversation=group, **more)


@pytest.mark.parametrize("command", ["message.history", "message.read", "conversation.verify"])
@pytest.mark.parametrize(
    "named", [{}, {"conversation": 1, "with": "budi"}, {"with": "b d"}, {"conversation": 0}]
)
def test_a_conversation_must_be_named_once_and_properly(
    world: World, command: str, named: dict[str, Any]
) -> None:
    more = {"seq": 1} if command == "message.read" else {}
    with pytest.raises(Invalid):
        world.do("ani", command, **named, **more)


@pytest.mark.parametrize("fields", [{"limit": 0}, {"limit": 1001}, {"after": -1}, {"before": "x"}])
def test_a_range_out_of_bounds_is_invalid(world: World, fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        world.do("ani", "message.history", **{"with": "budi", **fields})
