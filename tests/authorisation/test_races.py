"""What happens while somebody is removed or comes back: on both engines, with two workers of each service.

Not here: what holds once it is over (``test_endings``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from benchmarks.own_server import OwnServer
from tests.authorisation.circle import Circle
from tests.authorisation.conftest import COUNTS, SETTINGS, staged
from tests.authorisation.doors import WireSeat
from tests.authorisation.shelf import message_id
from tests.authorisation.stage import SESAME, Stage
from tests.conftest import empty_schema

SENDS = 200
"""Messages under way around a removal; below the number of requests that a session may have open."""
ROUNDS = 10
"""Tries until a removal falls between two sends."""


@pytest.fixture(scope="module")
def postgres_stage(postgres_address: str) -> Iterator[Stage]:
    """A stage whose server stores everything in PostgreSQL."""
    with empty_schema(postgres_address) as database:
        server = OwnServer(counts=COUNTS, settings=SETTINGS, environment={"PESAN_DATABASE": database})
        with server, staged(server) as stage:
            yield stage


@pytest.fixture(params=["stage", pytest.param("postgres_stage", marks=pytest.mark.postgres)])
def circle(request: pytest.FixtureRequest) -> Iterator[Circle]:
    """People nobody else uses, on either engine."""
    with closing(Circle(request.getfixturevalue(request.param))) as circle:
        yield circle


def shoot(circle: Circle, seats: list[WireSeat]) -> dict[bytes, str]:
    """Many sends at once from each seat, and budi's removal of ani in their midst; outcomes by message id."""
    group = f"#{circle.group}"
    asked: dict[tuple[WireSeat, int], bytes] = {}
    outcomes: dict[bytes, str] = {}
    for turn in range(SENDS):
        for seat in seats:
            id = message_id()
            asked[seat, seat.post("message.send", to=group, body="x", id=id)] = id
        if turn == SENDS // 2:
            circle.budi.post("group.remove", group=circle.group, user=circle.phone.name)
    for seat in seats:
        answers = dict(seat.answer() for _ in range(SENDS))
        codes = [answers[number].code for number in sorted(answers)]
        assert codes == sorted(codes, reverse=True), "stored again after a refusal"
        assert set(codes) <= {"ok", "forbidden"}
        outcomes |= {asked[seat, number]: outcome.code for number, outcome in answers.items()}
    _, removal = circle.budi.answer()
    assert removal.code == "ok"
    return outcomes


def test_each_send_around_a_removal_is_stored_before_it_or_refused(circle: Circle) -> None:
    group = f"#{circle.group}"
    for _ in range(ROUNDS):
        before = circle.budi.ask("message.history", **{"with": group})["last_seq"]
        circle.citra_ear.learn()
        outcomes = shoot(circle, [circle.phone, circle.laptop])
        after = circle.say(circle.budi, group)["seq"]
        page = circle.budi.ask("message.history", **{"with": group, "after": before, "limit": 1000})
        stored = [message["id"] for message in page["messages"]]
        # Exactly those that were acknowledged are there, all of them in front of what came after the removal.
        assert [message["seq"] for message in page["messages"]] == list(range(before + 1, after + 1))
        assert set(stored[:-1]) == {id for id, code in outcomes.items() if code == "ok"}
        # And nothing of what was refused was heard by anyone.
        heard = {event.body["id"] for event in circle.citra_ear.listen() if event.kind == "message"}
        assert heard <= set(stored)
        if set(outcomes.values()) == {"ok", "forbidden"}:
            return
        circle.phone.ask("group.join", group=circle.group, password=SESAME)
    raise AssertionError("the removal never came between two sends")


def test_once_a_removal_was_answered_nothing_more_of_theirs_is_stored(circle: Circle) -> None:
    group = f"#{circle.group}"
    circle.budi.ask("group.remove", group=circle.group, user=circle.phone.name)
    newest = circle.budi.ask("message.history", **{"with": group})["last_seq"]
    seats = [circle.phone, circle.laptop]
    for seat in seats:
        for _ in range(20):
            seat.post("message.send", to=group, body="x", id=message_id())
    codes = {seat.answer()[1].code for seat in seats for _ in range(20)}
    assert codes == {"forbidden"}
    assert circle.budi.ask("message.history", **{"with": group})["last_seq"] == newest


def test_who_comes_back_needs_the_password_again_and_sees_the_whole_history(circle: Circle) -> None:
    group = f"#{circle.group}"
    circle.budi.ask("group.remove", group=circle.group, user=circle.phone.name)
    missed = circle.say(circle.citra, group)
    for password in ("", "wrong"):
        refused = circle.phone.do("group.join", group=circle.group, password=password)
        assert refused.code == "invalid_credentials"
        assert set(refused.body) == {"message"}
    assert circle.phone.do("message.history", **{"with": group}).code == "forbidden"
    joined = circle.phone.ask("group.join", group=circle.group, password=SESAME)
    assert joined["last_seq"] == missed["seq"]
    assert joined["topic"] != circle.phone_ear.topics[group]
    page = circle.phone.ask("message.history", **{"with": group, "after": 0})
    assert [message["seq"] for message in page["messages"]] == list(range(1, missed["seq"] + 1))
    assert page["messages"][-1]["body"] == missed["text"]
    (row,) = [row for row in circle.phone.ask("conversation.list")["conversations"] if row["name"] == group]
    assert (row["unread"], row["read_seq"], row["topic"]) == (0, missed["seq"], joined["topic"])
    circle.phone_ear.learn()
    later = circle.say(circle.citra, group)
    assert circle.phone_ear.said() == [later["text"]]


def test_a_password_checked_while_a_member_lets_nobody_back_in(circle: Circle) -> None:
    """A member needs no password to join again; being removed in that moment must not slip them through."""
    for _ in range(5):
        asked = [circle.phone.post("group.join", group=circle.group) for _ in range(20)]
        circle.budi.ask("group.remove", group=circle.group, user=circle.phone.name)
        codes = {circle.phone.answer()[1].code for _ in asked}
        assert codes <= {"ok", "busy", "invalid_credentials"}
        members = circle.budi.ask("group.members", group=circle.group)["members"]
        assert circle.phone.name not in [member["user"] for member in members]
        circle.phone.ask("group.join", group=circle.group, password=SESAME)
