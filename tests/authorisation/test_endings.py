"""When access ends it ends at once: no history, no events, no sending, on connections that stay open too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from protocol.commands import COMMANDS
from tests.authorisation.circle import Circle
from tests.authorisation.ear import Heard
from tests.authorisation.endings import ENDINGS, Ending
from tests.authorisation.shelf import message_id
from tests.authorisation.stage import PASSWORD, SESAME, Stage
from tests.authorisation.table import rows

SESSIONS = [ending for ending in ENDINGS.values() if ending.session]
NEWS = {"conversation", "group", "user", "change", "by"}
"""Fields of the events that say that somebody is gone, or that a topic was replaced: never by which."""
GROUPS = [ending for ending in ENDINGS.values() if not ending.session]


@pytest.fixture
def circle(stage: Stage) -> Iterator[Circle]:
    """People nobody else uses."""
    with closing(Circle(stage)) as circle:
        yield circle


def titled(endings: list[Ending]) -> pytest.MarkDecorator:
    """A test for each of them."""
    return pytest.mark.parametrize("ending", endings, ids=lambda ending: ending.title)


def in_group(circle: Circle, events: list[Heard]) -> list[Heard]:
    """What of it is about the group or was heard on its topic."""
    topic = circle.phone_ear.topics[f"#{circle.group}"]
    return [
        event for event in events if event.topic == topic or event.body.get("conversation") == circle.number
    ]


def end(circle: Circle, ending: Ending) -> Callable[[list[Heard]], list[Heard]]:
    """End it; a function that leaves out of what is heard later whatever happened before.

    That is the news that it ended, and a change of presence that was noticed before: the worker that noticed
    it may be slow to say so.
    """
    ending.end(circle)
    ended = circle.stage.wire.stranger.ask("server.hello")["now"]

    def later(events: list[Heard]) -> list[Heard]:
        return [
            event
            for event in events
            if not (event.kind == "presence" and event.body["last_seen"] <= ended)
            and not (event.kind in ("topics", "membership") and event.body.keys() <= NEWS)
        ]

    return later


def test_until_then_everything_is_heard(circle: Circle) -> None:
    said = circle.talk()
    for ear in (circle.phone_ear, circle.laptop_ear):
        assert ear.said() == list(said.values())


# --- a session that ended -----------------------------------------------------------------------


@titled(SESSIONS)
def test_a_device_whose_session_ended_hears_nothing_more(circle: Circle, ending: Ending) -> None:
    later = end(circle, ending)
    citra = circle.citra_ear
    citra.learn()
    said = circle.talk()
    assert later(circle.phone_ear.listen()) == []
    # The control: what was said could be heard, by those who still may.
    assert set(said.values()) - {said["direct"]} <= set(citra.said())
    circle.laptop_ear.learn()
    said = circle.talk()
    assert set(circle.laptop_ear.said()) >= set(said.values())
    assert later(circle.phone_ear.listen()) == []


@titled(SESSIONS)
def test_its_token_is_worth_nothing_on_the_open_connection(circle: Circle, ending: Ending) -> None:
    ending.end(circle)
    sessions = {row.command for row in rows() if row.command in COMMANDS and COMMANDS[row.command].session}
    for command in sorted(sessions):
        outcome = circle.phone.do(command, **anything(circle, command))
        assert outcome.code == "unauthenticated", command
        assert set(outcome.body) == {"message"}


@titled(SESSIONS)
def test_it_cannot_resume_nor_be_taken_to_another_connection(circle: Circle, ending: Ending) -> None:
    ending.end(circle)
    elsewhere = circle.stage.wire.seat()
    elsewhere.user.token = circle.phone.token
    for seat in (circle.phone, elsewhere):
        assert seat.do("auth.resume", token=circle.phone.token).code == "invalid_credentials"
        assert seat.do("user.whoami").code == "unauthenticated"
        assert seat.do("message.send", to="*", body="x", id=message_id()).code == "unauthenticated"


@titled(SESSIONS)
def test_nothing_that_it_asked_for_meanwhile_tells_the_new_topics(circle: Circle, ending: Ending) -> None:
    """Requests are under way while the session ends; whatever is answered knows the old topics alone."""
    known = set(circle.phone_ear.topics.values())
    if ending.title in (ENDINGS["logged out"].title, ENDINGS["revoked itself"].title):
        command = {"session": circle.phone.session} if ending.title != ENDINGS["logged out"].title else {}
        asked = pipeline(circle, 40)
        asked.append(circle.phone.post("auth.revoke" if command else "auth.logout", **command))
        asked += pipeline(circle, 40)
    else:
        asked = pipeline(circle, 80)
        ending.end(circle)
    codes = []
    for _ in asked:
        _, outcome = circle.phone.answer()
        codes.append(outcome.code)
        told = [bytes(row["topic"]) for row in outcome.body.get("conversations", []) if row["topic"]]
        told += [bytes(outcome.body["topic"])] if "topic" in outcome.body else []
        assert set(told) <= known
    assert set(codes) <= {"ok", "unauthenticated"}
    assert circle.phone.do("user.whoami").code == "unauthenticated"


def pipeline(circle: Circle, count: int) -> list[int]:
    """Questions whose answers tell topics, sent without waiting."""
    return [circle.phone.post(("conversation.list", "user.whoami")[n % 2]) for n in range(count)]


def anything(circle: Circle, command: str) -> dict[str, Any]:
    """A body with which the command would succeed for the phone, had it a session."""
    group = {"group": circle.group}
    found: dict[str, dict[str, Any]] = {
        "auth.revoke": {"session": circle.laptop.session},
        "auth.password": {"old": PASSWORD, "new": PASSWORD},
        "user.get": {"user": circle.citra.name},
        "message.send": {"to": circle.citra.name, "body": "x", "id": message_id()},
        "message.broadcast": {"body": "x", "id": message_id()},
        "message.history": {"conversation": circle.direct},
        "message.read": {"conversation": circle.direct, "seq": 1},
        "message.typing": {"to": circle.citra.name},
        "conversation.verify": {"conversation": circle.direct},
        "group.create": {"group": f"new{circle.group}"},
        "group.join": {**group, "password": SESAME},
        "group.leave": group,
        "group.members": group,
        "group.remove": {**group, "user": circle.citra.name},
        "file.begin": {"id": message_id(), "size": 1, "to": circle.citra.name, "name": "x.txt"},
        "file.resume": {"upload": message_id()},
        "file.finish": {"upload": message_id()},
        "file.cancel": {"upload": message_id()},
        "file.move": {"path": "x", "to": "y"},
        "file.mkdir": {"path": "x"},
    }
    return found.get(command, {})


# --- a group that is no longer ours -------------------------------------------------------------


@titled(GROUPS)
def test_who_is_out_of_a_group_hears_nothing_more_of_it(circle: Circle, ending: Ending) -> None:
    ears = (circle.phone_ear, circle.laptop_ear)
    later = end(circle, ending)
    for ear in ears:
        ear.learn()
    circle.citra_ear.learn()
    said = circle.talk()
    for ear in ears:
        heard = later(ear.listen())
        assert in_group(circle, heard) == []
        assert [event.body["body"] for event in heard if event.kind == "message"] == [
            said["direct"],
            said["everyone"],
        ]
    assert said["group"] in circle.citra_ear.said()


@titled(GROUPS)
@pytest.mark.parametrize("device", ["phone", "laptop"])
def test_who_is_out_of_a_group_may_not_ask_about_it(circle: Circle, ending: Ending, device: str) -> None:
    ending.end(circle)
    seat = getattr(circle, device)
    group = f"#{circle.group}"
    for command, fields in (
        ("message.send", {"to": group, "body": "x", "id": message_id()}),
        ("message.typing", {"to": group}),
        ("message.history", {"with": group}),
        ("message.read", {"with": group, "seq": 1}),
        ("conversation.verify", {"with": group}),
        ("group.members", {"group": group}),
        ("file.begin", {"to": group, "name": "x.txt", "size": 1, "id": message_id()}),
        ("file.list", {"with": group}),
        ("group.leave", {"group": group}),
        ("group.remove", {"group": group, "user": circle.citra.name}),
    ):
        assert seat.do(command, **fields).code == "forbidden", command
    for command in ("message.history", "message.read", "conversation.verify", "file.list"):
        seq = {"seq": 1} if command == "message.read" else {}
        assert seat.do(command, conversation=circle.number, **seq).code == "not_found", command


@titled(GROUPS)
def test_what_is_said_later_shows_in_no_list(circle: Circle, ending: Ending) -> None:
    ending.end(circle)
    for seat in (circle.phone, circle.laptop):
        before = seat.ask("conversation.list")["conversations"]
        circle.say(circle.citra, f"#{circle.group}")
        assert seat.ask("conversation.list")["conversations"] == before
        assert circle.number not in [row["conversation"] for row in before]
        (row,) = [row for row in seat.ask("group.list")["groups"] if row["group"] == circle.group]
        assert row == {"group": circle.group, "members": 2, "password": True, "member": False}


@titled(GROUPS)
def test_a_retry_of_an_old_message_is_acknowledged_but_published_no_more(
    circle: Circle, ending: Ending
) -> None:
    """What is stored is never denied: the answer tells only what the first one told."""
    group = f"#{circle.group}"
    id = message_id()
    first = circle.say(circle.phone, group, id=id)
    ending.end(circle)
    circle.citra_ear.learn()
    again = circle.phone.ask("message.send", to=group, body=first["text"], id=id)
    assert again == {**{key: first[key] for key in again}, "duplicate": True}
    assert circle.citra_ear.said() == []
    assert circle.phone.do("message.send", to=group, body="x", id=message_id()).code == "forbidden"
