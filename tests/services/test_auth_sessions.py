"""Sessions: resumed, listed, ended; and said again for a while, should the first word have been lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from protocol.backend import CLOSE, OPEN
from protocol.errors import InvalidCredentials, NotFound, Unauthenticated
from tests.services.house import PASSWORD, House, Person


def test_resume_answers_as_login_did_and_opens_the_session_again(house: House) -> None:
    ani = house.person("Ani")
    reply = house.do("auth.resume", token=ani.token)
    assert reply == {"user": "Ani", "token": ani.token, "session": ani.session, "topic": ani.topic}
    assert house.effects == [(OPEN, ani.token, ani.session, ani.user_id, "Ani")]


def test_resume_is_noted_as_a_sign_of_life(house: House) -> None:
    ani = house.person("ani")
    house.do("auth.resume", token=ani.token)
    [session] = house.do("auth.sessions", ani)["sessions"]
    assert session["seen_at"] == house.now - 1_000_000
    assert session["created_at"] == house.now - 2_000_000


def test_a_token_that_nobody_was_given_is_refused(house: House) -> None:
    house.person("ani")
    with pytest.raises(InvalidCredentials, match="log in again"):
        house.do("auth.resume", token=b"\0" * 16)
    assert house.effects == []


def test_sessions_are_listed_newest_first_and_the_callers_own_is_marked(house: House) -> None:
    house.register("ani", "budi")
    house.login("budi")
    laptop, phone = house.login("ani", "laptop"), house.login("ani", "phone 📱")
    created = house.now
    found = house.do("auth.sessions", laptop)["sessions"]
    assert [(each["session"], each["device"], each["current"]) for each in found] == [
        (phone.session, "phone 📱", False),
        (laptop.session, "laptop", True),
    ]
    assert found[0]["created_at"] == found[0]["seen_at"] == created


def test_logout_ends_the_session_and_keeps_the_others(house: House) -> None:
    ani = house.person("ani")
    phone = house.login("ani")
    assert house.do("auth.logout", ani) == {}
    assert house.effects == [(CLOSE, ani.session)]
    with pytest.raises(InvalidCredentials):
        house.do("auth.resume", token=ani.token)
    house.do("auth.resume", token=phone.token)


def test_logging_out_twice_is_logging_out_once(house: House) -> None:
    ani = house.person("ani")
    house.do("auth.logout", ani)
    ended = house.row("select ended_at from sessions")
    topic = house.row("select topic from users")
    assert house.do("auth.logout", ani) == {}
    assert house.effects == [(CLOSE, ani.session)]
    assert house.events == []
    assert house.row("select ended_at from sessions") == ended
    assert house.row("select topic from users") == topic


def test_revoke_ends_one_session_at_once(house: House) -> None:
    laptop = house.person("ani")
    phone, tablet = house.login("ani"), house.login("ani")
    assert house.do("auth.revoke", laptop, session=phone.session) == {}
    assert house.effects == [(CLOSE, phone.session)]
    with pytest.raises(InvalidCredentials):
        house.do("auth.resume", token=phone.token)
    for left in (laptop, tablet):
        house.do("auth.resume", token=left.token)


def revoke(house: House, ani: Person, phone: Person) -> None:
    house.do("auth.revoke", ani, session=phone.session)


def revoke_itself(house: House, ani: Person, phone: Person) -> None:
    house.do("auth.revoke", phone, session=phone.session)


def log_out(house: House, ani: Person, phone: Person) -> None:
    house.do("auth.logout", phone)


def change_the_password(house: House, ani: Person, phone: Person) -> None:
    house.do("auth.password", ani, old=PASSWORD, new="another password")


def log_in_once_too_often(house: House, ani: Person, phone: Person) -> None:
    house.do("auth.resume", token=ani.token)
    house.set(sessions_per_user=2)
    tablet = house.login("ani")
    assert house.closed == [phone.session]
    events = house.events
    assert tablet.topic == house.user_topic(ani) != phone.topic
    house.events = events


@pytest.mark.parametrize(
    "end",
    [revoke, revoke_itself, log_out, change_the_password, log_in_once_too_often],
    ids=lambda end: end.__name__,
)
def test_whatever_ends_a_session_replaces_every_topic_that_the_device_has_known(
    house: House, end: Callable[[House, Person, Person], None]
) -> None:
    ani, budi, citra = house.people("ani", "budi", "citra")
    ops = house.do("group.create", ani, group="ops")
    house.do("group.join", budi, group="ops")
    phone = house.login("ani")
    everyone = house.topic_of(house.everyone())
    end(house, ani, phone)
    events = house.events
    assert house.on(ani.topic) == [("topics", {"conversation": 0})]
    assert house.on(everyone) == [("topics", {"conversation": house.everyone()})]
    assert house.on(ops["topic"]) == [("topics", {"conversation": ops["conversation"]})]
    assert house.on(budi.topic) == [("topics", {"conversation": 0})]
    assert house.on(citra.topic) == []
    new = {house.topic_of(house.everyone()), house.topic_of(ops["conversation"]), house.user_topic(ani)}
    assert not new & {ani.topic, everyone, ops["topic"]}
    assert not new & {event.topic for event in events}
    assert all(set(event.body) == {"conversation"} for event in events)


def test_a_visitor_of_a_gateway_who_logs_out_costs_nobody_a_question(house: House) -> None:
    """Topics never left the gateway, which goes on to hear for others; and connections drop all the time."""
    ani, budi = house.people("ani", "budi")
    ops = house.do("group.create", ani, group="ops")
    house.do("group.join", budi, group="ops")
    visitor = house.login("ani")
    everyone = house.topic_of(house.everyone())
    house.gateway = True
    assert house.do("auth.logout", visitor) == {}
    assert house.events == []
    assert house.effects == [(CLOSE, visitor.session)]
    assert house.user_topic(ani) == ani.topic
    assert house.topic_of(house.everyone()) == everyone
    assert house.topic_of(ops["conversation"]) == ops["topic"]
    with pytest.raises(InvalidCredentials):
        house.do("auth.resume", token=visitor.token)
    house.do("auth.resume", token=ani.token)


def test_the_end_of_a_visitors_session_is_told_again_as_any_others(house: House) -> None:
    visitor = house.person("ani")
    house.gateway = True
    house.do("auth.logout", visitor)
    house.tick("auth", 2)
    assert house.closed == [visitor.session]


def revoke_from_elsewhere(house: House, ani: Person, phone: Person) -> None:
    house.gateway = False
    house.do("auth.revoke", ani, session=phone.session)


def change_the_password_elsewhere(house: House, ani: Person, phone: Person) -> None:
    house.gateway = False
    house.do("auth.password", ani, old=PASSWORD, new="another password")


def crowd_out(house: House, ani: Person, phone: Person) -> None:
    house.do("auth.resume", token=ani.token)
    house.set(sessions_per_user=2)
    house.login("ani")


@pytest.mark.parametrize(
    "end",
    [revoke, revoke_itself, revoke_from_elsewhere, change_the_password_elsewhere, crowd_out],
    ids=lambda end: end.__name__,
)
def test_a_visitors_session_that_somebody_ends_replaces_topics_as_any_other(
    house: House, end: Callable[[House, Person, Person], None]
) -> None:
    """Nobody knows then what the one who held the session may have listened to."""
    ani = house.person("ani")
    house.gateway = True
    visitor = house.login("ani")
    everyone = house.topic_of(house.everyone())
    end(house, ani, visitor)
    assert house.on(ani.topic) == [("topics", {"conversation": 0})]
    assert house.on(everyone) == [("topics", {"conversation": house.everyone()})]
    assert house.user_topic(ani) != ani.topic
    assert house.topic_of(house.everyone()) != everyone


def test_revoking_again_is_done_already_and_replaces_nothing_more(house: House) -> None:
    ani = house.person("ani")
    phone = house.login("ani")
    house.do("auth.revoke", ani, session=phone.session)
    topic = house.user_topic(ani)
    assert house.do("auth.revoke", ani, session=phone.session) == {}
    assert house.effects == [(CLOSE, phone.session)]
    assert house.events == []
    assert house.user_topic(ani) == topic


def test_revoking_the_session_one_speaks_from_is_a_logout(house: House) -> None:
    ani = house.person("ani")
    assert house.do("auth.revoke", ani, session=ani.session) == {}
    assert house.effects == [(CLOSE, ani.session)]
    with pytest.raises(InvalidCredentials):
        house.do("auth.resume", token=ani.token)


def test_nobody_can_revoke_the_session_of_another(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    with pytest.raises(NotFound, match=f"no session {budi.session}"):
        house.do("auth.revoke", ani, session=budi.session)
    with pytest.raises(NotFound, match="no session 999"):
        house.do("auth.revoke", ani, session=999)
    assert house.effects == []
    house.do("auth.resume", token=budi.token)


def test_a_session_that_was_revoked_cannot_revoke_in_return(house: House) -> None:
    ani = house.person("ani")
    thief = house.login("ani")
    house.do("auth.revoke", ani, session=thief.session)
    with pytest.raises(Unauthenticated, match="log in again"):
        house.do("auth.revoke", thief, session=ani.session)
    house.do("auth.resume", token=ani.token)


def test_the_end_of_a_session_is_told_to_the_broker_again_for_a_minute(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    phone = house.login("ani")
    house.do("auth.revoke", ani, session=phone.session)
    house.do("auth.logout", budi)
    house.events = []
    for _ in range(29):
        house.tick("auth", 2)
        assert house.closed == [budi.session, phone.session]
        assert house.events == []
    house.tick("auth", 2)
    assert house.closed == [budi.session]
    house.tick("auth", 2)
    assert house.closed == []
