"""What the session machine hears, over a wire that is good, bad or cut: everything, once, in order."""

from __future__ import annotations

from client.inbox import HINTS_MOST
from protocol.addresses import TopicKind
from protocol.commands import (
    ConversationsReply,
    CreateGroup,
    Empty,
    GroupReply,
    JoinGroup,
    Send,
)
from protocol.errors import (
    Busy,
)
from protocol.events import (
    MembershipEvent,
    MessageEvent,
    PresenceEvent,
    ReadEvent,
    TopicsEvent,
    TypingEvent,
)
from tests.client.wire import Client, Faults, World, answer


def listening(world: World, *names: str) -> list[Client]:
    clients = [world.client(name, timeout=600.0).login() for name in names]
    for client in clients:
        assert isinstance(answer(client, client.listen(), 600.0), Empty)
    return clients


def test_a_message_is_heard_by_the_other_and_by_its_sender() -> None:
    ani, budi = listening(World(), "ani", "budi")
    answer(ani, ani.send("budi", "hello"))
    answer(budi, budi.send("ani", "hello yourself"))
    ani.world.run(0.1)
    assert ani.messages() == budi.messages() == ["hello", "hello yourself"]
    events = [event for event in ani.events if isinstance(event, MessageEvent)]
    assert [(event.sender, event.to, event.seq) for event in events] == [
        ("ani", "budi", 1),
        ("budi", "ani", 2),
    ]


def test_everything_is_heard_once_and_in_order_over_a_wire_that_loses_a_third() -> None:
    for seed in range(8):
        world = World(seed)
        ani, budi, citra = listening(world, "ani", "budi", "citra")
        answer(ani, ani.ask("group.create", CreateGroup("ops")))
        for other in (budi, citra):
            answer(other, other.ask("group.join", JoinGroup("ops")))
        world.faults = Faults(loss=0.3, double=0.2, delay=0.1)
        for n in range(60):
            sender = world.rng.choice((ani, budi, citra))
            sender.send("#ops", f"{n}")
            ani.send("budi", f"direct {n}")
            world.run(0.2)
        world.run(300.0)
        room = next(room for room in world.server.rooms.values() if room.kind == "group")
        texts = [message.body for message in room.messages]
        assert len(texts) == 60
        for client in (ani, budi, citra):
            assert [text for text in client.messages() if text.isdigit()] == texts
        direct = [f"direct {n}" for n in range(60)]
        assert [text for text in budi.messages() if not text.isdigit()] == direct


def test_what_was_said_while_the_line_was_down_comes_after_it_is_up() -> None:
    world = World()
    ani, budi = listening(world, "ani", "budi")
    answer(ani, ani.send("budi", "one"))
    world.run(0.1)
    budi.disconnect()
    answer(ani, ani.send("budi", "two"))
    answer(ani, ani.send("budi", "three"))
    world.run(1.0)
    assert budi.messages() == ["one"]
    budi.reconnect()
    world.run(0.5)
    assert budi.messages() == ["one", "two", "three"]
    assert budi.statuses() == [True, False, True]


def test_a_restarted_broker_is_caught_up_with_and_nobody_logs_in_again() -> None:
    world = World()
    ani, budi = listening(world, "ani", "budi")
    answer(ani, ani.send("budi", "one"))
    world.restart_server()
    answer(ani, ani.send("budi", "two"))
    world.run(2.0)
    assert budi.messages() == ["one", "two"]
    assert [command for _, command, _ in world.server.asked].count("auth.login") == 2


def test_a_new_epoch_in_a_ping_means_subscribing_anew() -> None:
    world = World()
    ani, budi = listening(world, "ani", "budi")
    world.server.subscriptions.clear()
    world.server.epoch += 1
    answer(ani, ani.send("budi", "unheard"))
    world.run(1.0)
    assert budi.messages() == []
    world.run(11.0)
    assert budi.messages() == ["unheard"]
    answer(ani, ani.send("budi", "heard"))
    world.run(0.02)
    assert budi.messages() == ["unheard", "heard"]


def test_a_lost_event_without_a_follower_is_found_by_the_audit() -> None:
    world = World()
    ani, budi = listening(world, "ani", "budi")
    world.server.subscriptions.clear()
    answer(ani, ani.send("budi", "lost"))
    world.run(90.0)
    assert budi.messages() == ["lost"]


def test_a_lost_word_that_ones_own_topic_was_replaced_is_made_up_for_by_the_audit() -> None:
    world = World()
    ani, budi = listening(world, "ani", "budi")
    world.server.users["budi"].topic = world.server.topic(TopicKind.USER)
    world.run(90.0)
    answer(ani, ani.send("budi", "on the new topic"))
    world.run(0.5)
    assert budi.messages() == ["on the new topic"]


def test_pings_unanswered_for_long_mean_catching_up() -> None:
    world = World()
    (budi,) = listening(world, "budi")
    audits = budi.session.listening.inbox.lists
    silence = world.now
    world.server.refuse = lambda command, request: (
        Busy("Busy.", retry_after=1.0) if command == "session.ping" and world.now < silence + 27 else None
    )
    world.run(33.0)
    assert budi.session.listening.inbox.lists > audits


def test_a_replaced_topic_is_followed_and_the_old_one_left() -> None:
    world = World()
    ani, budi, citra = listening(world, "ani", "budi", "citra")
    reply = answer(ani, ani.ask("group.create", CreateGroup("ops")))
    assert isinstance(reply, GroupReply)
    for other in (budi, citra):
        answer(other, other.ask("group.join", JoinGroup("ops")))
    world.run(1.0)
    answer(ani, ani.send("#ops", "all three"))
    answer(citra, citra.ask("group.leave", JoinGroup("ops")))
    world.run(1.0)
    answer(ani, ani.send("#ops", "two of us"))
    world.run(1.0)
    assert budi.messages() == ["all three", "two of us"]
    assert citra.messages() == ["all three"]
    assert reply.topic not in budi.topics | citra.topics


def test_one_who_joins_hears_what_comes_after() -> None:
    world = World()
    ani, budi = listening(world, "ani", "budi")
    answer(ani, ani.ask("group.create", CreateGroup("ops")))
    answer(ani, ani.send("#ops", "before"))
    answer(budi, budi.ask("group.join", JoinGroup("ops")))
    answer(ani, ani.send("#ops", "after"))
    world.run(1.0)
    assert budi.messages() == ["after"]


def test_a_first_listener_hears_only_what_is_new_and_one_with_cursors_what_it_missed() -> None:
    world = World()
    ani = world.client("ani").login()
    for n in range(5):
        answer(ani, ani.send("budi", f"{n}"))
    (first,) = listening(world, "budi")
    answer(ani, ani.send("budi", "5"))
    world.run(1.0)
    assert first.messages() == ["5"]
    first.disconnect()
    second = world.client("budi", cursors={1: 3}).login()
    answer(second, second.listen())
    answer(ani, ani.send("budi", "6"))
    world.run(1.0)
    assert second.messages() == ["3", "4", "5", "6"]


def test_one_with_cursors_hears_a_conversation_that_began_while_it_was_away() -> None:
    world = World()
    ani, citra = world.client("ani").login(), world.client("citra").login()
    answer(ani, ani.send("budi", "0"))
    answer(citra, citra.send("budi", "first words"))
    answer(citra, citra.send("budi", "second words"))
    budi = world.client("budi", cursors={1: 1}).login()
    answer(budi, budi.listen())
    world.run(1.0)
    assert budi.messages() == ["first words", "second words"]


def test_one_with_cursors_of_nothing_hears_everything_said_to_it() -> None:
    world = World()
    ani = world.client("ani").login()
    answer(ani, ani.send("budi", "0"))
    budi = world.client("budi", cursors={}).login()
    answer(budi, budi.listen())
    world.run(1.0)
    assert budi.messages() == ["0"]


def test_a_program_that_is_slow_is_not_flooded() -> None:
    world = World()
    ani = world.client("ani").login()
    for n in range(3):
        answer(ani, ani.send("budi", f"{n}"))
    budi = world.client("budi", cursors={1: 0}).login()
    budi.session.listening.inbox.room(world.now, False)
    answer(budi, budi.listen())
    world.run(1.0)
    assert budi.messages() == []
    budi.session.listening.inbox.room(world.now, True)
    budi.carry_out()
    world.run(1.0)
    assert budi.messages() == ["0", "1", "2"]


def test_an_own_message_stored_earlier_is_heard_as_it_was_stored() -> None:
    world = World()
    (ani,) = listening(world, "ani")
    answer(ani, ani.send("budi", "hello"))
    world.run(1.0)
    world.server._message_send(None, "ani", Send("budi", "first words", b"i" * 16))  # type: ignore[arg-type]
    answer(ani, ani.send("budi", "other words", b"i" * 16))
    world.run(1.0)
    assert ani.messages() == ["hello", "first words"]


def test_a_group_joined_on_another_device_is_heard_from_there_on() -> None:
    world = World()
    ani, budi = listening(world, "ani", "budi")
    answer(ani, ani.ask("group.create", CreateGroup("ops")))
    answer(ani, ani.send("#ops", "before"))
    room = next(iter(world.server.rooms.values()))
    room.members["budi"] = 1
    world.server.publish(world.server.users["budi"].topic, TopicsEvent(room.id))
    world.deliver_events()
    world.run(1.0)
    answer(ani, ani.send("#ops", "after"))
    world.run(1.0)
    assert budi.messages() == ["after"]


def test_a_list_asked_for_before_a_group_was_joined_does_not_take_it_away() -> None:
    world = World(faults=Faults(delay=0.0))
    ani, budi = listening(world, "ani", "budi")
    answer(ani, ani.ask("group.create", CreateGroup("ops")))
    room = next(iter(world.server.rooms.values()))
    budi.session.listening.inbox.lists += 1  # a list is under way
    budi.session.listening.joined(world.now, GroupReply(room.id, room.topic, 0))
    budi.session.listening.inbox.listed([])
    assert room.id in budi.session.listening.inbox.conversations
    budi.session.listening.inbox.lists += 1
    budi.session.listening.inbox.listed([])
    assert budi.session.listening.inbox.conversations == {}


def test_a_user_topic_that_was_replaced_is_asked_for() -> None:
    world = World()
    ani, budi = listening(world, "ani", "budi")
    user = world.server.users["budi"]
    old, user.topic = user.topic, world.server.topic(b"u")
    world.server.publish(old, TopicsEvent(0))
    world.deliver_events()
    world.run(1.0)
    assert user.topic in budi.topics and old not in budi.topics
    answer(ani, ani.send("budi", "hello"))
    world.run(0.02)
    assert budi.messages() == ["hello"]


def test_a_hint_that_comes_over_several_topics_is_told_once() -> None:
    world = World()
    (ani,) = listening(world, "ani")
    hints = [
        PresenceEvent("budi", True, 5),
        PresenceEvent("budi", True, 6),
        ReadEvent(1, "budi", 4),
        ReadEvent(1, "budi", 4),
        MembershipEvent(2, "ops", "budi", "joined"),
        MembershipEvent(2, "ops", "budi", "joined"),
        PresenceEvent("budi", False, 9),
        TypingEvent(1, "budi"),
        TypingEvent(1, "budi"),
    ]
    before = len(ani.events)
    for hint in hints:
        world.server.publish(ani.session.topic, hint)
    world.deliver_events()
    world.run(1.0)
    assert ani.events[before:] == [hints[n] for n in (0, 2, 4, 6, 7, 8)]


def test_hints_are_remembered_up_to_a_number_and_the_newest_stay() -> None:
    """However long a program listens, and to however many people."""
    (ani,) = listening(World(), "ani")
    inbox, told = ani.session.listening.inbox, ani.session.events
    inbox.hint(PresenceEvent("budi", True, 1))
    for number in range(HINTS_MOST - 1):
        inbox.hint(ReadEvent(number + 1, "citra", 1))
    inbox.hint(PresenceEvent("budi", False, 2))
    told.clear()
    for again in range(3):
        inbox.hint(PresenceEvent(f"dewi{again}", True, 3))
        inbox.hint(PresenceEvent(f"dewi{again}", True, 4))
        inbox.hint(PresenceEvent("budi", False, 5))
    assert [event.user for event in told if isinstance(event, PresenceEvent)] == ["dewi0", "dewi1", "dewi2"]
    assert len(told) == 3
    assert len(inbox._hints) == HINTS_MOST


def test_an_idle_hour_costs_few_frames() -> None:
    world = World()
    (ani,) = listening(world, "ani")
    before = ani.sent_frames
    world.run(3600.0)
    assert ani.sent_frames - before < 600
    assert isinstance(answer(ani, ani.ask("conversation.list")), ConversationsReply)
