"""Register, log in, change the password: every answer, every refusal, and what follows from each."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from protocol.backend import CLOSE, OPEN
from protocol.errors import Busy, Conflict, Failure, Invalid, InvalidCredentials, Unauthenticated
from services.passwords import passwords
from tests.services.house import PASSWORD, SECOND, House

NEW = "battery staple"


# --- register -----------------------------------------------------------------------------------


def test_registering_answers_the_name_and_login_then_works(house: House) -> None:
    assert house.do("auth.register", username="Ani", password=PASSWORD) == {"user": "Ani"}
    assert house.events == []
    assert house.effects == []
    assert house.login("Ani").name == "Ani"


@pytest.mark.parametrize("name", ["ani", "Ani", "ANI"])
def test_a_name_can_be_taken_once_whatever_its_case(house: House, name: str) -> None:
    house.register("Ani")
    with pytest.raises(Conflict, match="already a user"):
        house.do("auth.register", username=name, password=PASSWORD)


def test_two_registrations_at_the_same_time_make_one_user(house: House) -> None:
    house.between = lambda: house.register("ani")
    with pytest.raises(Conflict, match="already a user"):
        house.do("auth.register", username="ani", password=NEW)
    house.login("ani", password=PASSWORD)


@pytest.mark.parametrize(
    "name", ["", "a b", "ani!", "#ani", "ani@realm", "x" * 33, "x" * 34, "ani\n", "änni", "../ani"]
)
def test_a_name_that_is_none_is_refused(house: House, name: str) -> None:
    with pytest.raises(Invalid):
        house.do("auth.register", username=name, password=PASSWORD)
    assert house.row("select count(*) from users") == (0,)


@pytest.mark.parametrize("name", ["a", "x" * 32, "A.b-c_9"])
def test_a_name_at_the_edge_of_the_rules_is_taken(house: House, name: str) -> None:
    assert house.do("auth.register", username=name, password=PASSWORD) == {"user": name}


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025])
def test_a_password_too_short_or_too_long_is_refused(house: House, password: str) -> None:
    with pytest.raises(Invalid):
        house.do("auth.register", username="ani", password=password)


def test_the_least_length_of_a_password_is_a_setting(house: House) -> None:
    house.set(password_min_length=3)
    house.do("auth.register", username="ani", password="abc")
    with pytest.raises(Invalid, match="at least 3 characters"):
        house.do("auth.register", username="budi", password="ab")


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("auth.register", {"username": "ani"}),
        ("auth.register", {"password": PASSWORD}),
        ("auth.register", {"username": 7, "password": PASSWORD}),
        ("auth.register", {"username": "ani", "password": None}),
        ("auth.login", {"username": "ani"}),
        ("auth.login", {"username": ["ani"], "password": PASSWORD}),
        ("auth.login", {"username": "ani", "password": b"correct horse"}),
        ("auth.login", {"username": "ani", "password": PASSWORD, "device": "x" * 65}),
        ("auth.login", {"username": "ani", "password": PASSWORD, "device": "lap\0top"}),
        ("auth.login", {"username": "ani", "password": PASSWORD, "device": "lap\x1b[2Jtop"}),
        ("auth.login", {"username": "a n i", "password": PASSWORD}),
        ("auth.resume", {}),
        ("auth.resume", {"token": b"short"}),
        ("auth.resume", {"token": "x" * 16}),
        ("auth.resume", {"token": b"x" * 17}),
        ("auth.password", {"old": PASSWORD}),
        ("auth.password", {"old": PASSWORD, "new": 12345678}),
        ("auth.password", {"old": PASSWORD, "new": "1234567"}),
        ("auth.password", {"old": "x" * 1025, "new": NEW}),
        ("auth.revoke", {}),
        ("auth.revoke", {"session": 0}),
        ("auth.revoke", {"session": "1"}),
        ("auth.revoke", {"session": 2**63}),
        ("user.get", {}),
        ("user.get", {"user": "a b"}),
        ("user.get", {"user": ""}),
        ("user.list", {"limit": 0}),
        ("user.list", {"limit": 1001}),
        ("user.online", {"limit": 10_001}),
        ("user.online", {"after": 1}),
    ],
)
def test_a_malformed_command_is_invalid_and_changes_nothing(
    house: House, command: str, fields: dict[str, Any]
) -> None:
    ani = house.person("ani")
    before = house.row("select count(*), max(seen_at), max(ended_at) from sessions")
    with pytest.raises(Invalid) as refusal:
        house.do(command, ani, **fields)
    assert refusal.value.message.endswith(".")
    assert house.events == house.effects == []
    assert house.row("select count(*), max(seen_at), max(ended_at) from sessions") == before
    assert house.row("select count(*) from users") == (1,)


def test_a_new_user_is_in_the_conversation_of_everyone_with_nothing_unread(house: House) -> None:
    with house.store.write() as tx:
        tx.run("update conversations set last_seq = 7 where kind = 'broadcast'")
    ani = house.person("ani")
    row = house.row(
        "select read_seq, own_unread from members where conversation_id = $1 and user_id = $2",
        house.everyone(),
        ani.user_id,
    )
    assert row == (7, 0)


# --- log in -------------------------------------------------------------------------------------


def test_login_opens_a_session_at_the_broker_and_stores_only_the_hash_of_its_token(house: House) -> None:
    house.register("Ani")
    reply = house.do("auth.login", username="aNI", password=PASSWORD, device="laptop")
    assert reply["user"] == "Ani"
    assert len(reply["token"]) == len(reply["topic"]) == 16
    assert reply["topic"].startswith(b"u")
    stored = house.row("select user_id, token_hash from sessions where id = $1", reply["session"])
    assert stored is not None
    user_id, token_hash = stored
    assert bytes(token_hash) == hashlib.sha256(reply["token"]).digest()
    assert house.effects == [(OPEN, reply["token"], reply["session"], user_id, "Ani")]
    assert house.events == []


def test_every_login_has_a_token_and_a_session_of_its_own_and_the_same_topic(house: House) -> None:
    house.register("ani")
    first, second = house.login("ani"), house.login("ani")
    assert first.token != second.token
    assert first.session != second.session
    assert first.topic == second.topic


def test_a_wrong_password_and_an_unknown_user_hear_the_same(house: House) -> None:
    house.register("ani")
    heard = []
    for name, password in (("ani", "correct horsf"), ("budi", PASSWORD), ("ani", "")):
        with pytest.raises(InvalidCredentials) as refusal:
            house.do("auth.login", username=name, password=password)
        heard.append(refusal.value.body())
    assert heard == [{"message": "User name and password do not fit."}] * 3
    assert house.row("select count(*) from sessions") == (0,)


def test_a_wrong_password_and_an_unknown_user_cost_the_same_hash(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.register("ani")
    made = passwords(house.settings)
    fits, checks = made.fits, []

    def watched(stored: str | None, password: str, like: str = "") -> bool:
        checks.append((stored is None, password))
        return fits(stored, password, like)

    monkeypatch.setattr(made, "fits", watched)
    for name in ("ani", "budi"):
        with pytest.raises(InvalidCredentials):
            house.do("auth.login", username=name, password="wrong password")
    assert checks == [(False, "wrong password"), (True, "wrong password")]


def test_login_renews_a_hash_made_with_older_parameters(house: House) -> None:
    house.register("ani")
    house.set(password_passes=2)
    house.login("ani")
    stored = house.row("select password from users")
    assert stored is not None
    assert "t=2" in stored[0]
    house.login("ani")
    assert house.row("select password from users") == stored


def test_a_login_that_meets_a_change_of_the_password_is_tried_again(house: House) -> None:
    ani = house.person("ani")
    house.between = lambda: house.do("auth.password", ani, old=PASSWORD, new=NEW)
    with pytest.raises(Busy) as refusal:
        house.do("auth.login", username="ani", password=PASSWORD)
    assert refusal.value.retry_after == 0.05
    assert house.row("select count(*) from sessions where ended_at is null") == (1,)
    with pytest.raises(InvalidCredentials):
        house.do("auth.login", username="ani", password=PASSWORD)


def test_one_session_too_many_ends_the_one_that_was_silent_longest(house: House) -> None:
    house.set(sessions_per_user=3)
    house.register("ani", "budi")
    budi = house.login("budi")
    first, second, third = (house.login("ani") for _ in range(3))
    house.do("auth.resume", token=first.token)
    fourth = house.login("ani")
    assert house.closed == [second.session]
    left = house.do("auth.sessions", fourth)["sessions"]
    assert [session["session"] for session in left] == [fourth.session, third.session, first.session]
    with pytest.raises(InvalidCredentials):
        house.do("auth.resume", token=second.token)
    assert len(house.do("auth.sessions", budi)["sessions"]) == 1


def test_with_one_session_per_user_each_login_ends_the_one_before(house: House) -> None:
    house.set(sessions_per_user=1)
    first = house.person("ani")
    second = house.login("ani")
    assert house.closed == [first.session]
    assert [s["session"] for s in house.do("auth.sessions", second)["sessions"]] == [second.session]


def test_sessions_that_ended_long_ago_are_forgotten_at_login(house: House) -> None:
    ani = house.person("ani")
    house.do("auth.logout", ani)
    house.now += 31 * 86_400 * SECOND
    house.login("ani")
    assert house.row("select count(*) from sessions") == (1,)


# --- change the password ------------------------------------------------------------------------


def test_a_new_password_works_and_the_old_one_does_not(house: House) -> None:
    ani = house.person("ani")
    assert house.do("auth.password", ani, old=PASSWORD, new=NEW) == {}
    with pytest.raises(InvalidCredentials):
        house.do("auth.login", username="ani", password=PASSWORD)
    house.login("ani", password=NEW)


def test_a_new_password_ends_every_other_session_of_the_user_and_nobody_elses(house: House) -> None:
    house.register("ani", "budi")
    laptop, phone, tablet = (house.login("ani", device) for device in ("laptop", "phone", "tablet"))
    budi = house.login("budi")
    house.do("auth.password", phone, old=PASSWORD, new=NEW)
    assert house.effects == [(CLOSE, laptop.session), (CLOSE, tablet.session)]
    for gone in (laptop, tablet):
        with pytest.raises(InvalidCredentials):
            house.do("auth.resume", token=gone.token)
    for left in (phone, budi):
        house.do("auth.resume", token=left.token)


def test_a_new_password_replaces_the_users_topic_even_without_other_sessions(house: House) -> None:
    ani = house.person("ani")
    everyone = house.topic_of(house.everyone())
    house.do("auth.password", ani, old=PASSWORD, new=NEW)
    assert house.on(ani.topic) == [("topics", {"conversation": 0})]
    assert len(house.events) == 1
    assert house.user_topic(ani) != ani.topic
    assert house.topic_of(house.everyone()) == everyone


def test_a_new_password_replaces_what_the_ended_sessions_could_listen_to(house: House) -> None:
    ani, budi, citra, dewi = house.people("ani", "budi", "citra", "dewi")
    ops = house.do("group.create", ani, group="ops")
    house.do("group.join", budi, group="ops")
    other = house.do("group.create", citra, group="other")
    phone = house.login("ani")
    everyone = house.topic_of(house.everyone())
    house.do("auth.password", phone, old=PASSWORD, new=NEW)
    events = house.events
    assert house.on(everyone) == [("topics", {"conversation": house.everyone()})]
    assert house.on(ops["topic"]) == [("topics", {"conversation": ops["conversation"]})]
    assert house.on(ani.topic) == [("topics", {"conversation": 0})]
    assert house.on(budi.topic) == [("topics", {"conversation": 0})]
    assert house.on(citra.topic) == house.on(dewi.topic) == house.on(other["topic"]) == []
    new = {house.topic_of(house.everyone()), house.topic_of(ops["conversation"]), house.user_topic(phone)}
    assert not new & {everyone, ops["topic"], ani.topic}
    assert house.topic_of(other["conversation"]) == other["topic"]
    assert not any(topic in repr(event.body).encode() for topic in new for event in events)
    assert not new & {event.topic for event in events}


def test_a_wrong_old_password_changes_nothing(house: House) -> None:
    ani = house.person("ani")
    phone = house.login("ani")
    with pytest.raises(InvalidCredentials, match="old password"):
        house.do("auth.password", ani, old="wrong password", new=NEW)
    house.do("auth.resume", token=phone.token)
    assert house.user_topic(ani) == ani.topic
    house.login("ani", password=PASSWORD)


def test_a_change_sent_again_after_a_lost_answer_is_done_and_ends_nobody_new(house: House) -> None:
    ani = house.person("ani")
    house.do("auth.password", ani, old=PASSWORD, new=NEW)
    later = house.login("ani", password=NEW)
    topic = house.user_topic(ani)
    assert house.do("auth.password", ani, old=PASSWORD, new=NEW) == {}
    assert house.events == house.effects == []
    house.do("auth.resume", token=later.token)
    assert house.user_topic(ani) == topic


def test_two_changes_at_the_same_time_do_not_both_win(house: House) -> None:
    ani = house.person("ani")
    house.between = lambda: house.do("auth.password", ani, old=PASSWORD, new="another word")
    with pytest.raises(Busy):
        house.do("auth.password", ani, old=PASSWORD, new=NEW)
    house.login("ani", password="another word")


def test_a_session_that_was_ended_cannot_change_the_password(house: House) -> None:
    ani = house.person("ani")
    thief = house.login("ani")
    house.do("auth.revoke", ani, session=thief.session)
    with pytest.raises(Unauthenticated):
        house.do("auth.password", thief, old=PASSWORD, new=NEW)


def test_a_session_that_is_ended_while_its_hash_is_made_cannot_change_the_password(house: House) -> None:
    ani = house.person("ani")
    thief = house.login("ani")
    house.between = lambda: house.do("auth.revoke", ani, session=thief.session)
    with pytest.raises(Unauthenticated):
        house.do("auth.password", thief, old=PASSWORD, new=NEW)
    house.login("ani", password=PASSWORD)


@pytest.mark.parametrize("command", ["auth.register", "auth.login"])
def test_no_refusal_repeats_the_password(house: House, command: str) -> None:
    with pytest.raises(Failure) as refusal:
        house.do(command, username="a!", password="secret")
    assert "secret" not in repr(refusal.value.body())
