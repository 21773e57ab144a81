"""What those who are not in can learn: nothing from counting through numbers, and names, which are public."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.authorisation.circle import Circle
from tests.authorisation.doors import Outcome, WireSeat
from tests.authorisation.shelf import message_id
from tests.authorisation.stage import PASSWORD, Stage

FILE_COMMANDS = ("file.stat", "file.delete")


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


def test_the_number_of_a_file_of_others_is_as_one_that_nobody_has(circle: Circle, dewi: WireSeat) -> None:
    shelf = circle.stage.shelf
    files = [
        shelf.make(circle.citra, path="rahasia.txt"),
        shelf.make(circle.citra, to=f"#{circle.group}", name="rahasia.txt"),
        shelf.make(circle.citra, to=circle.budi.name, name="rahasia.txt"),
        10**12,
    ]
    circle.citra.ask("file.delete", file=shelf.make(circle.citra, to=f"#{circle.group}", name="x"))
    answers = {without(dewi.do(command, file=file), file) for command in FILE_COMMANDS for file in files}
    assert len(answers) == 1 and answers.pop()[0] == "not_found"
    asked = [shelf.line.do(dewi.token, "chunk.get", file=file, offset=0, length=1) for file in files]
    chunks = {without(outcome, file) for outcome, file in zip(asked, files, strict=True)}
    assert len(chunks) == 1 and chunks.pop()[0] == "not_found"


def test_the_id_of_an_upload_of_others_is_as_one_that_nobody_has(circle: Circle, dewi: WireSeat) -> None:
    shelf = circle.stage.shelf
    uploads = [shelf.begin(circle.citra, path="a"), shelf.seal(circle.citra, path="b"), message_id()]
    for command in ("file.resume", "file.finish", "file.cancel"):
        assert len({without(dewi.do(command, upload=upload), "") for upload in uploads}) == 1, command
    for command, data in (("chunk.put", b"x" * 16), ("chunk.seal", None)):
        asked = [shelf.line.do(dewi.token, command, data, upload=each, offset=0) for each in uploads]
        answers = {without(outcome, "") for outcome in asked}
        assert len(answers) == 1 and answers.pop()[0] == "not_found", command


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
