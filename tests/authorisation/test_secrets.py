"""What those who are not in can learn: nothing from counting through numbers, and names, which are public."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.authorisation.circle import Circle
from tests.authorisation.doors import Outcome, WireSeat
from tests.authorisation.stage import PASSWORD, Stage


@pytest.fixture(scope="module")
def circle(stage: Stage) -> Iterator[Circle]:
    """Nothing here changes it."""
    with closing(Circle(stage)) as circle:
        yield circle


@pytest.fixture(scope="module")
def dewi(stage: Stage) -> WireSeat:
    """Who is in nothing."""
    return stage.person("dewi")


def without(outcome: Outcome, said: object) -> tuple[str, str]:
    """Code and sentence, with what the caller said themselves taken out."""
    assert set(outcome.body) == {"message"}
    return outcome.code, outcome.body["message"].replace(str(said), "…")


@pytest.mark.parametrize("command", ["message.history", "message.read", "conversation.verify"])
def test_the_number_of_a_conversation_of_others_is_as_one_that_nobody_has(
    circle: Circle, dewi: WireSeat, command: str
) -> None:
    seq = {"seq": 1} if command == "message.read" else {}
    answers = {
        without(dewi.do(command, conversation=number, **seq), number)
        for number in (circle.number, circle.direct, 10**12)
    }
    assert answers == {("not_found", "There is no conversation ….")}


def test_the_number_of_a_session_of_others_is_as_one_that_nobody_has(circle: Circle, dewi: WireSeat) -> None:
    answers = {
        without(dewi.do("auth.revoke", session=number), number) for number in (circle.phone.session, 10**12)
    }
    assert len(answers) == 1
    assert circle.phone.do("user.whoami").code == "ok"


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(circle: Circle, dewi: WireSeat) -> None:
    known, unknown = circle.stage.registered("eka"), f"nobody{circle.stage.number()}"
    answers = {
        without(dewi.do("auth.login", username=name, password="wrong-password"), name)
        for name in (known, unknown)
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] == "invalid_credentials"


def test_a_token_that_ended_and_one_that_nobody_had_are_answered_alike(
    circle: Circle, dewi: WireSeat
) -> None:
    ended = circle.stage.login(circle.stage.registered("eka"))
    ended.ask("auth.logout")
    answers = {without(dewi.do("auth.resume", token=token), token) for token in (ended.token, b"\x01" * 16)}
    assert len(answers) == 1
    assert ended.do("user.whoami").body == with_token(dewi, b"\x01" * 16).body


def with_token(like: WireSeat, token: bytes) -> Outcome:
    """An outcome for another token."""
    own, like.user.token = like.token, token
    outcome = like.do("user.whoami")
    like.user.token = own
    return outcome


def test_names_are_public_and_nothing_else_is(circle: Circle, dewi: WireSeat) -> None:
    """By design: who has an account may find people and groups by name, and sees how large a group is."""
    found = dewi.ask("user.get", user=circle.phone.name)
    assert set(found) == {"user", "online", "last_seen"}
    assert dewi.do("user.get", user="nobody").code == "not_found"
    (group,) = [row for row in dewi.ask("group.list")["groups"] if row["group"] == circle.group]
    assert group == {"group": circle.group, "members": 3, "password": True, "member": False}
    taken = dewi.do("auth.register", username=circle.phone.name, password=PASSWORD)
    assert taken.code == "conflict"


def test_no_list_of_somebody_else_names_a_conversation_that_is_not_theirs(
    circle: Circle, dewi: WireSeat
) -> None:
    listed = dewi.ask("conversation.list")["conversations"]
    assert [row["name"] for row in listed] == ["*"]
