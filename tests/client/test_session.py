"""The session machine against a model server: requests, and how sessions begin, go on and end."""

from __future__ import annotations

import random

import pytest

from client.errors import LoggedOut, Offline, Timeout, WrongServerKey
from client.session import Session
from protocol.commands import (
    CreateGroup,
    GroupReply,
    Login,
    Register,
    SendReply,
    WhoamiReply,
)
from protocol.errors import (
    Busy,
    InvalidCredentials,
    Unauthenticated,
    Unavailable,
)
from tests.client.wire import Client, Faults, World, answer


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


def test_a_broker_that_forgot_the_session_gets_one_resume_and_the_requests_again() -> None:
    world = World(faults=Faults(delay=0.0))
    ani = world.client("ani").login()
    world.server.resumed.clear()
    handles = [ani.ask("user.whoami") for _ in range(10)] + [ani.send("budi", f"{n}") for n in range(100)]
    assert not any(isinstance(answer(ani, handle), Exception) for handle in handles)
    assert [command for _, command, _ in world.server.asked].count("auth.resume") == 1
    assert world.server.stored("ani") == [f"{n}" for n in range(100)]


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
