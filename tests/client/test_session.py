"""The session machine against a model server, over a wire that is good, bad, or cut."""

from __future__ import annotations

import random

import pytest

from client.errors import LoggedOut, Offline, Timeout, WrongServerKey
from client.session import Session
from protocol.addresses import TopicKind
from protocol.commands import (
    ConversationsReply,
    CreateGroup,
    Empty,
    GroupReply,
    JoinGroup,
    Login,
    Register,
    Send,
    SendReply,
    WhoamiReply,
)
from protocol.errors import (
    Busy,
    Failure,
    Invalid,
    InvalidCredentials,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from protocol.events import (
    MembershipEvent,
    MessageEvent,
    PresenceEvent,
    ReadEvent,
    TopicsEvent,
    TypingEvent,
)
from tests.client.model import ModelServer
from tests.client.wire import Client, Faults, World


def stored(server: ModelServer, sender: str) -> list[str]:
    return [
        message.body
        for room in server.rooms.values()
        for message in room.messages
        if message.sender == sender
    ]


def answer(client: Client, handle: int, seconds: float = 60.0) -> object:
    return client.world.until(lambda: client.answers.get(handle), seconds)


# --- requests -----------------------------------------------------------------------------------


def test_a_login_makes_the_session_known() -> None:
    ani = World().client("ani").login()
    assert (ani.session.user, len(ani.session.token), ani.session.topic[:1]) == ("ani", 16, b"u")


def test_a_wrong_password_is_an_answer_and_not_repeated() -> None:
    ani = World().client("ani")
    assert isinstance(answer(ani, ani.ask("auth.login", Login("ani", "no"))), InvalidCredentials)
    assert ani.sent_frames == 1


def test_a_caller_without_a_session_hears_unauthenticated() -> None:
    ani = World().client("ani")
    assert isinstance(answer(ani, ani.ask("user.whoami")), Unauthenticated)
    assert isinstance(answer(ani, ani.send("budi", "hello")), Unauthenticated)


def test_a_lost_request_is_sent_again() -> None:
    world = World()
    ani = world.client("ani").login()
    world.faults.loss = 1.0
    handle = ani.ask("user.whoami")
    world.run(1.0)
    world.faults.loss = 0.0
    assert isinstance(answer(ani, handle), WhoamiReply)


def test_a_request_that_nobody_answers_times_out() -> None:
    world = World(faults=Faults(loss=1.0))
    ani = world.client("ani")
    handle = ani.ask("server.hello")
    started = world.now
    assert isinstance(answer(ani, handle), Timeout)
    assert ani.answered_at[handle] == pytest.approx(started + 10.0)


def test_a_server_that_was_never_reached_is_offline_and_nothing_left() -> None:
    world = World()
    ani = Client(world, "ani")
    handles = [ani.ask("server.hello"), ani.send("budi", "hello")]
    assert all(isinstance(answer(ani, handle), Offline) for handle in handles)
    ani.connect()
    world.run(60.0)
    assert world.server.asked == []


def test_busy_is_waited_out_for_as_long_as_the_server_says() -> None:
    world = World()
    ani = world.client("ani").login()
    busy = [Busy("Busy.", retry_after=0.7)]
    world.server.refuse = lambda command, request: busy.pop() if busy else None
    started = world.now
    handle = ani.ask("user.whoami")
    assert isinstance(answer(ani, handle), WhoamiReply)
    assert 0.7 <= ani.answered_at[handle] - started <= 1.2


def test_a_server_that_stays_busy_is_the_answer_in_the_end() -> None:
    world = World()
    ani = world.client("ani").login()
    world.server.refuse = lambda command, request: Unavailable("Not running.", retry_after=0.3)
    handles = [ani.ask("user.whoami"), ani.send("budi", "hello")]
    assert all(isinstance(answer(ani, handle), Unavailable) for handle in handles)


def test_what_must_not_be_done_twice_is_not_sent_twice() -> None:
    world = World()
    ani = world.client("ani").login()
    world.server.refuse = lambda command, request: Unavailable("It died.", retry_after=0.1, uncertain=True)
    started = ani.sent_frames
    assert isinstance(answer(ani, ani.ask("group.create", CreateGroup("ops"))), Unavailable)
    assert ani.sent_frames == started + 1
    world.server.refuse = lambda command, request: None
    world.faults.loss = 1.0
    handles = [
        ani.ask("group.create", CreateGroup("dev")),
        ani.ask("auth.register", Register("eka", "x" * 8)),
    ]
    world.run(1.0)
    ani.disconnect()
    assert all(isinstance(ani.answers[handle], Timeout) for handle in handles)
    world.faults.loss = 0.0
    frames = ani.sent_frames
    ani.reconnect()
    world.run(5.0)
    assert ani.sent_frames == frames


def test_what_surely_was_not_done_is_tried_again() -> None:
    world = World()
    ani = world.client("ani").login()
    refusals = [Unavailable("Not running yet.", retry_after=0.1)] * 2
    world.server.refuse = lambda command, request: refusals.pop() if refusals else None
    assert isinstance(answer(ani, ani.ask("group.create", CreateGroup("ops"))), GroupReply)


def test_a_failed_handshake_twice_in_a_row_means_a_wrong_key() -> None:
    ani = Client(World(), "ani")
    handle = ani.ask("server.hello")
    ani.session.refused(ani.world.now)
    ani.carry_out()
    assert handle not in ani.answers
    ani.session.refused(ani.world.now)
    ani.carry_out()
    assert isinstance(ani.answers[handle], WrongServerKey)
    assert isinstance(ani.answers[ani.ask("server.hello")], WrongServerKey)
    ani.connect()
    assert not isinstance(answer(ani, ani.ask("server.hello")), Exception)


def test_a_server_that_was_reached_once_has_the_key_whatever_happens_later() -> None:
    ani = World().client("ani")
    ani.disconnect()
    for _ in range(5):
        ani.session.refused(ani.world.now)
    handle = ani.ask("server.hello")
    ani.reconnect()
    assert not isinstance(answer(ani, handle), Exception)


def test_junk_from_the_server_is_counted_and_nothing_more() -> None:
    session = Session(random.Random(1))
    for frame in (b"", b"\xc1", b"\x93\x01\x02\x03", b"x" * 40):
        session.reply(0.0, frame)
        session.event(0.0, frame)
    assert session.junk == 8


def test_what_was_asked_when_the_line_broke_is_asked_again_as_soon_as_it_is_up() -> None:
    world = World()
    ani = world.client("ani").login()
    world.faults.loss = 1.0
    handles = [ani.ask("user.whoami"), ani.send("budi", "hello")]
    world.run(0.1)
    world.faults.loss = 0.0
    world.restart_server(pause=0.1)
    world.run(0.2)
    assert [type(ani.answers.get(handle)) for handle in handles] == [WhoamiReply, SendReply]


# --- messages -----------------------------------------------------------------------------------


def test_messages_keep_the_order_of_the_calls_over_a_bad_wire() -> None:
    for seed in range(6):
        world = World(seed, Faults(loss=0.15, double=0.2, delay=0.2))
        ani = world.client("ani", timeout=600.0).login()
        texts = [f"{n}" for n in range(150)]
        handles = [ani.send("budi", text) for text in texts]
        replies = [answer(ani, handle, 600.0) for handle in handles]
        assert stored(world.server, "ani") == texts
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
    assert stored(world.server, "ani") == ["once"]
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
    assert stored(world.server, "ani") == texts


def test_a_message_refused_for_good_does_not_hold_up_those_behind_it() -> None:
    world = World()
    ani = world.client("ani").login()
    world.server.refuse = lambda command, request: (
        Invalid("No.") if getattr(request, "body", "") == "bad" else None
    )
    handles = [ani.send("budi", text) for text in ("one", "bad", "two", "three")]
    answers = [answer(ani, handle) for handle in handles]
    assert [type(each) for each in answers] == [SendReply, Invalid, SendReply, SendReply]
    assert stored(world.server, "ani") == ["one", "two", "three"]


def test_a_text_with_half_a_surrogate_pair_is_refused_at_once_and_spoils_nothing() -> None:
    world = World()
    ani = world.client("ani").login()
    handles = [ani.send("budi", text) for text in ("one", "half \ud800", "two")]
    lookup = ani.ask("auth.login", Login("\udfff", "x"))
    answers = [answer(ani, handle) for handle in handles]
    assert [type(each) for each in answers] == [SendReply, Invalid, SendReply]
    assert isinstance(answer(ani, lookup), Invalid)
    assert stored(world.server, "ani") == ["one", "two"]


def test_a_text_too_large_to_travel_is_refused_at_once_and_spoils_nothing() -> None:
    world = World()
    ani = world.client("ani").login()
    handles = [ani.send("budi", text) for text in ("one", "x" * 200_000, "two")]
    answers = [answer(ani, handle) for handle in handles]
    assert [type(each) for each in answers] == [SendReply, TooLarge, SendReply]
    assert stored(world.server, "ani") == ["one", "two"]


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
    assert stored(world.server, "ani") == texts


# --- the session --------------------------------------------------------------------------------


def test_a_broker_that_forgot_the_session_gets_one_resume_and_the_requests_again() -> None:
    world = World(faults=Faults(delay=0.0))
    ani = world.client("ani").login()
    world.server.resumed.clear()
    handles = [ani.ask("user.whoami") for _ in range(10)] + [ani.send("budi", f"{n}") for n in range(100)]
    assert not any(isinstance(answer(ani, handle), Exception) for handle in handles)
    assert [command for _, command, _ in world.server.asked].count("auth.resume") == 1
    assert stored(world.server, "ani") == [f"{n}" for n in range(100)]


def test_a_session_that_was_ended_is_logged_out() -> None:
    world = World()
    ani = world.client("ani").login()
    live = ani.listen()
    answer(ani, live)
    world.server.end_session(ani.session.token)
    handles = [ani.ask("user.whoami"), ani.send("budi", "hello"), ani.listen()]
    assert isinstance(answer(ani, handles[0]), LoggedOut)
    assert isinstance(answer(ani, handles[1]), LoggedOut)
    assert isinstance(ani.answers[ani.send("budi", "again")], LoggedOut)
    assert ani.session.token == b"" and isinstance(ani.session.over, LoggedOut)
    frames = ani.sent_frames
    world.run(600.0)
    assert ani.sent_frames == frames
    ani.login()
    assert isinstance(answer(ani, ani.send("budi", "back")), SendReply)


def test_a_token_alone_is_enough_to_go_on() -> None:
    world = World()
    token = world.client("ani").login().session.token
    world.server.resumed.clear()
    again = world.client("ani")
    again.session.token = token
    assert isinstance(answer(again, again.send("budi", "hello")), SendReply)
    assert again.session.user == "ani"


def test_a_client_pings_every_ten_seconds() -> None:
    world = World()
    world.client("ani").login()
    world.server.asked.clear()
    world.run(100.0)
    assert 10 <= [command for _, command, _ in world.server.asked].count("session.ping") <= 13


def test_a_client_with_only_a_token_pings_too() -> None:
    world = World()
    first = world.client("ani").login()
    token = first.session.token
    first.disconnect()
    again = Client(world, "ani")
    again.session.token = token
    again.connect()
    world.clients["ani"] = again
    world.server.asked.clear()
    world.run(35.0)
    assert [command for _, command, _ in world.server.asked].count("session.ping") >= 3


# --- events -------------------------------------------------------------------------------------


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


def test_an_idle_hour_costs_few_frames() -> None:
    world = World()
    (ani,) = listening(world, "ani")
    before = ani.sent_frames
    world.run(3600.0)
    assert ani.sent_frames - before < 600
    assert isinstance(answer(ani, ani.ask("conversation.list")), ConversationsReply)
