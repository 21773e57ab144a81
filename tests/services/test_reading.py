"""``message.read`` and ``message.typing``: markers that only go forward, and who is told."""

from __future__ import annotations

import pytest

from protocol.errors import Forbidden, Invalid, NotFound
from services.messaging import reading
from services.storage import groups
from tests.services.world import World


def test_reading_moves_the_marker_and_counts_what_is_left(world: World) -> None:
    for _ in range(5):
        conversation = world.say("ani", "budi")["conversation"]
    assert world.inbox("budi")["ani"]["unread"] == 5
    assert world.do("budi", "message.read", conversation=conversation, seq=2) == {
        "conversation": conversation,
        "seq": 2,
        "unread": 3,
    }
    assert world.inbox("budi")["ani"]["unread"] == 3
    assert world.do("budi", "message.read", **{"with": "ani", "seq": 5})["unread"] == 0


def test_a_marker_never_goes_back_and_never_beyond_the_newest(world: World) -> None:
    for _ in range(3):
        world.say("ani", "budi")
    assert world.do("budi", "message.read", **{"with": "ani", "seq": 99})["seq"] == 3
    assert world.do("budi", "message.read", **{"with": "ani", "seq": 1})["seq"] == 3
    assert world.events == []


def test_the_sender_and_the_readers_own_devices_are_told_what_was_read(world: World) -> None:
    conversation = world.say("ani", "budi")["conversation"]
    world.do("budi", "message.read", conversation=conversation, seq=1)
    told = {"conversation": conversation, "user": "budi", "seq": 1}
    assert world.heard("ani", "read") == world.heard("budi", "read") == [told]
    assert len(world.events) == 2


def test_only_those_whose_messages_were_newly_read_are_told(world: World) -> None:
    group = world.group("ops", "ani", "budi", "citra", "dewi")
    world.say("ani", "#ops")
    world.say("budi", "#ops")
    world.do("dewi", "message.read", conversation=group, seq=1)
    assert {event.topic for event in world.events} == {world.people[who].topic for who in ("ani", "dewi")}
    world.do("dewi", "message.read", conversation=group, seq=2)
    assert {event.topic for event in world.events} == {world.people[who].topic for who in ("budi", "dewi")}


def test_of_many_senders_only_the_newest_are_told(world: World) -> None:
    group = world.group("ops", "ani")
    for n in range(reading.SENDERS_TOLD + 5):
        name = f"guest{n}"
        world.people[name] = world.account(name)
        with world.store.write() as tx:
            groups.add_member(tx, group, world.people[name].user_id, world.now)
        world.say(name, "#ops")
    world.do("ani", "message.read", conversation=group, seq=10_000)
    told = [event.topic for event in world.events if event.topic != world.people["ani"].topic]
    newest = [world.people[f"guest{n}"].topic for n in range(reading.SENDERS_TOLD + 4, 4, -1)]
    assert told == newest


def test_who_is_no_member_any_more_is_not_told_that_they_were_read(world: World) -> None:
    group = world.group("ops", "ani", "budi", "citra")
    world.say("budi", "#ops")
    world.say("citra", "#ops")
    world.leave(group, "budi")
    world.do("ani", "message.read", conversation=group, seq=2)
    assert {event.topic for event in world.events} == {world.people[who].topic for who in ("ani", "citra")}


def test_a_reader_without_a_message_yet_has_read_nothing(world: World) -> None:
    assert world.do("ani", "message.read", **{"with": "budi", "seq": 5}) == {
        "conversation": 0,
        "seq": 0,
        "unread": 0,
    }


def test_ones_own_messages_are_never_unread(world: World) -> None:
    world.say("budi", "ani")
    for _ in range(3):
        world.say("ani", "budi")
    assert world.inbox("ani")["budi"]["unread"] == 1
    world.say("budi", "ani")
    assert world.inbox("ani")["budi"]["unread"] == 2
    assert world.do("ani", "message.read", **{"with": "budi", "seq": 3})["unread"] == 1
    assert world.do("ani", "message.read", **{"with": "budi", "seq": 4})["unread"] == 1
    assert world.do("ani", "message.read", **{"with": "budi", "seq": 5})["unread"] == 0


def test_a_negative_number_is_invalid(world: World) -> None:
    with pytest.raises(Invalid):
        world.do("ani", "message.read", **{"with": "budi", "seq": -1})


def test_typing_is_heard_by_the_other_one_alone(world: World) -> None:
    conversation = world.say("ani", "budi")["conversation"]
    assert world.do("ani", "message.typing", to="budi") == {}
    assert world.heard("budi", "typing") == [{"conversation": conversation, "user": "ani"}]
    assert len(world.events) == 1


def test_typing_before_the_first_message_names_no_conversation(world: World) -> None:
    world.do("ani", "message.typing", to="budi")
    assert world.heard("budi", "typing") == [{"conversation": 0, "user": "ani"}]


def test_typing_in_a_group_is_heard_on_its_topic(world: World) -> None:
    group = world.group("ops", "ani")
    world.do("ani", "message.typing", to="#ops")
    assert world.on(world.topic_of(group), "typing") == [{"conversation": group, "user": "ani"}]


def test_typing_to_oneself_is_told_to_nobody(world: World) -> None:
    world.do("ani", "message.typing", to="ani")
    assert world.events == []


def test_typing_where_one_may_not_write_is_refused(world: World) -> None:
    world.group("ops", "ani")
    for to, refusal in (("#ops", Forbidden), ("nobody", NotFound), ("#none", NotFound), ("a b", Invalid)):
        with pytest.raises(refusal):
            world.do("dewi", "message.typing", to=to)
        assert world.events == []
