"""Every kind of event, packed as a client hears it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from protocol.commands import Body, convert
from protocol.envelope import unpack_body, unpack_event
from protocol.events import (
    EVENTS,
    DeliveredEvent,
    MembershipEvent,
    MessageEvent,
    PresenceEvent,
    ReadEvent,
    TopicsEvent,
    TypingEvent,
    UndeliveredEvent,
    Welcome,
    event,
)

TOPIC = b"c" + bytes(15)
SAMPLES: dict[str, tuple[Body, dict[str, Any]]] = {
    "welcome": (Welcome(3), {"events_epoch": 3}),
    "message": (
        MessageEvent(1, 2, "ani", "budi", "halo", 5, b"i" * 16),
        {
            "conversation": 1,
            "seq": 2,
            "from": "ani",
            "to": "budi",
            "body": "halo",
            "sent_at": 5,
            "id": b"i" * 16,
        },
    ),
    "delivered": (DeliveredEvent(1, 2), {"conversation": 1, "seq": 2}),
    "undelivered": (
        UndeliveredEvent(1, 2, b"i" * 16, "not_found", "There is no user bob."),
        {
            "conversation": 1,
            "seq": 2,
            "id": b"i" * 16,
            "code": "not_found",
            "message": "There is no user bob.",
        },
    ),
    "read": (ReadEvent(1, "budi", 2), {"conversation": 1, "user": "budi", "seq": 2}),
    "typing": (TypingEvent(1, "budi"), {"conversation": 1, "user": "budi"}),
    "presence": (PresenceEvent("ani", False, 9), {"user": "ani", "online": False, "last_seen": 9}),
    "membership": (
        MembershipEvent(1, "ops", "citra", "joined"),
        {"conversation": 1, "group": "ops", "user": "citra", "change": "joined", "by": ""},
    ),
    "topics": (TopicsEvent(), {"conversation": 0}),
}


def test_there_is_a_sample_of_every_kind() -> None:
    assert {kind: type(body) for kind, (body, _) in SAMPLES.items()} == EVENTS


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_an_event_is_its_topic_its_kind_and_every_field(kind: str) -> None:
    body, fields = SAMPLES[kind]
    frame = event(TOPIC, body)
    assert frame.startswith(TOPIC)
    heard = unpack_event(frame)
    assert (heard.topic, heard.kind) == (TOPIC, kind)
    assert unpack_body(heard.body) == fields
    assert convert(unpack_body(heard.body), EVENTS[kind]) == body


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_unknown_fields_of_an_event_are_ignored(kind: str) -> None:
    body, fields = SAMPLES[kind]
    assert convert({**fields, "novelty": 1}, EVENTS[kind]) == body


def test_fields_with_a_default_may_be_missing() -> None:
    for kind, (_, fields) in SAMPLES.items():
        needed = {info.encode_name for info in structs.fields(EVENTS[kind]) if info.required}
        convert({name: value for name, value in fields.items() if name in needed}, EVENTS[kind])


def test_the_last_word_on_a_replaced_topic_never_says_the_new_one() -> None:
    assert not any(info.type is bytes for info in structs.fields(TopicsEvent))
