"""``conversation.list`` and ``conversation.verify``."""

from __future__ import annotations

import pytest

from protocol.errors import Invalid
from tests.services.world import World


def test_a_list_shows_every_kind_as_its_member_sees_it(world: World) -> None:
    group = world.group("Ops", "ani", "budi")
    direct = world.say("budi", "ani")
    at = world.now
    world.say("budi", "#ops")
    world.say("ani", "ani")
    listed = world.inbox("ani")
    assert set(listed) == {"*", "#Ops", "budi", "ani"}
    assert listed["budi"] == {
        "conversation": direct["conversation"],
        "kind": "direct",
        "name": "budi",
        "topic": b"",
        "last_seq": 1,
        "read_seq": 0,
        "unread": 1,
        "last_at": at,
    }
    assert listed["#Ops"]["topic"] == world.topic_of(group)
    assert (listed["#Ops"]["kind"], listed["*"]["kind"]) == ("group", "broadcast")
    assert (listed["*"]["last_at"], listed["*"]["last_seq"], listed["*"]["unread"]) == (0, 0, 0)


def test_a_list_comes_in_pages_by_number(world: World) -> None:
    for n in range(5):
        world.group(f"g{n}", "ani")
    numbers: list[int] = []
    more = True
    while more:
        page = world.do("ani", "conversation.list", after=numbers[-1] if numbers else 0, limit=2)
        numbers += [each["conversation"] for each in page["conversations"]]
        more = page["more"]
    assert numbers == sorted(set(numbers)) and len(numbers) == 6


def test_conversations_of_others_are_not_listed(world: World) -> None:
    world.say("ani", "budi")
    world.group("ops", "ani")
    assert set(world.inbox("dewi")) == {"*"}


def test_a_page_of_nothing_is_invalid(world: World) -> None:
    with pytest.raises(Invalid):
        world.do("ani", "conversation.list", limit=0)


def test_a_whole_conversation_is_complete(world: World) -> None:
    for _ in range(3):
        conversation = world.say("ani", "budi")["conversation"]
    assert world.do("budi", "conversation.verify", **{"with": "ani"}) == {
        "conversation": conversation,
        "last_seq": 3,
        "count": 3,
        "complete": True,
        "missing": [],
    }


def test_an_empty_conversation_is_complete(world: World) -> None:
    assert world.do("ani", "conversation.verify", **{"with": "*"})["complete"] is True
    assert world.do("ani", "conversation.verify", **{"with": "budi"})["complete"] is True


@pytest.mark.parametrize(
    ("lost", "missing"),
    [
        ((1,), [[1, 1]]),
        ((8,), [[8, 8]]),
        ((2, 3, 5), [[2, 3], [5, 5]]),
        (range(1, 9), [[1, 8]]),
        ((1, 2, 7, 8), [[1, 2], [7, 8]]),
    ],
)
def test_what_is_missing_is_named(world: World, lost: tuple[int, ...], missing: list[list[int]]) -> None:
    for _ in range(8):
        conversation = world.say("ani", "budi")["conversation"]
    with world.store.write() as tx:
        for seq in lost:
            tx.run("delete from messages where conversation_id = $1 and seq = $2", (conversation, seq))
    reply = world.do("ani", "conversation.verify", conversation=conversation)
    assert (reply["complete"], reply["missing"], reply["count"]) == (False, missing, 8 - len(lost))


def test_a_message_beyond_the_last_number_is_not_complete(world: World) -> None:
    conversation = world.say("ani", "budi")["conversation"]
    with world.store.write() as tx:
        tx.run("update messages set seq = 2 where conversation_id = $1", (conversation,))
    reply = world.do("ani", "conversation.verify", conversation=conversation)
    assert (reply["complete"], reply["count"], reply["missing"]) == (False, 1, [[1, 1]])
