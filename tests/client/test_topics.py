"""Topics that many hold: what the broker is told of it, and which events are read."""

from __future__ import annotations

import random

from client.topics import EPOCHS, NEEDED, Topics, kind_of, read
from protocol.envelope import pack_body
from protocol.events import EVENTS, MessageEvent, PresenceEvent, TopicsEvent, Welcome, event

TOPIC = b"c" + bytes(15)


def told(topics: Topics[str]) -> list[bool]:
    """What the broker is told of the topic, since this was last called."""
    changes, topics.changes = topics.changes, []
    assert {topic for _, topic in changes} <= {TOPIC}
    return [subscribe for subscribe, _ in changes]


def test_the_first_who_holds_a_topic_subscribes_and_the_last_who_lets_go_ends_it() -> None:
    topics: Topics[str] = Topics()
    topics.hold("ani", TOPIC, 1)
    assert told(topics) == [True]
    topics.hold("budi", TOPIC, 1)
    assert told(topics) == [] and topics.holders(TOPIC) == ["ani", "budi"]
    topics.release("ani", TOPIC)
    topics.release("ani", TOPIC)
    topics.release("citra", TOPIC)
    assert told(topics) == [] and topics.holders(TOPIC) == ["budi"]
    topics.release("budi", TOPIC)
    assert told(topics) == [False] and not topics.holders(TOPIC) and not len(topics)
    topics.release("budi", TOPIC)
    assert told(topics) == []


def test_a_new_epoch_renews_a_topic_once_and_not_for_each_holder() -> None:
    topics: Topics[str] = Topics()
    for holder in ("ani", "budi", "citra"):
        topics.hold(holder, TOPIC, 1)
    told(topics)
    for holder in ("citra", "ani", "budi"):  # each notices at its own time, and renews as if it were alone
        topics.release(holder, TOPIC)
        topics.hold(holder, TOPIC, 2)
    assert told(topics) == [False, True]
    assert sorted(topics.holders(TOPIC)) == ["ani", "budi", "citra"]


def test_who_comes_and_knows_of_a_new_epoch_does_not_rely_on_an_old_subscription() -> None:
    topics: Topics[str] = Topics()
    topics.hold("ani", TOPIC, 1)
    topics.hold("budi", TOPIC, None)
    assert told(topics) == [True]
    topics.hold("citra", TOPIC, 2)
    assert told(topics) == [False, True]


def test_who_knows_only_of_an_older_epoch_than_the_others_renews_nothing() -> None:
    """Broker's numbers of epochs say nothing about their order."""
    topics: Topics[str] = Topics()
    other = b"o" + bytes(15)
    topics.hold("ani", TOPIC, 9)
    topics.hold("ani", other, 9)
    topics.hold("budi", TOPIC, 2)
    topics.changes.clear()
    topics.hold("citra", TOPIC, 9)
    topics.hold("budi", TOPIC, 2)
    topics.release("ani", TOPIC)
    topics.hold("ani", TOPIC, 9)
    assert told(topics) == []
    topics.hold("budi", other, 2)
    assert topics.changes == [(False, other), (True, other)]


def test_of_epochs_long_ago_nothing_is_kept() -> None:
    topics: Topics[str] = Topics()
    for epoch in range(1_000):
        topics.release("ani", TOPIC)
        topics.hold("ani", TOPIC, epoch)
    assert len(topics._epochs) <= EPOCHS
    told(topics)
    topics.hold("budi", TOPIC, 999)
    assert told(topics) == []


def test_however_many_come_and_go_the_broker_holds_what_somebody_here_holds() -> None:
    rng = random.Random(5)
    for _ in range(50):
        topics: Topics[int] = Topics()
        held: set[int] = set()
        upstream = 0
        epoch = 1
        for _ in range(100):
            who = rng.randrange(5)
            epoch += rng.random() < 0.1
            if who in held:
                topics.release(who, TOPIC)
                held.discard(who)
            if rng.random() < 0.6:
                topics.hold(who, TOPIC, epoch)
                held.add(who)
            for subscribe, _ in topics.changes:
                upstream += 1 if subscribe else -1
                assert upstream in (0, 1)
            topics.changes.clear()
            assert upstream == bool(held)
            assert set(topics.holders(TOPIC)) == held


def test_an_events_kind_is_seen_without_reading_it() -> None:
    for kind, struct in EVENTS.items():
        fields = {
            "conversation": 1,
            "seq": 1,
            "sender": "ani",
            "to": "*",
            "body": "",
            "sent_at": 0,
            "id": b"",
        }
        names = {name: fields.get(name, "ani") for name in struct.__struct_fields__ if name != "file"}
        assert kind_of(event(TOPIC, struct(**names))) == kind
    for junk in (
        b"",
        TOPIC,
        TOPIC + b"\x93\x01",
        TOPIC + b"\x93\x01\xc4\x07message",
        TOPIC + b"\x93\x01\xa7",
    ):
        assert kind_of(junk) not in EVENTS


def test_only_what_somebody_wants_and_what_makes_sense_is_read() -> None:
    presence = event(TOPIC, PresenceEvent("ani", True, 0))
    assert read(presence, NEEDED) is None
    assert read(presence, NEEDED | {"presence"}) == PresenceEvent("ani", True, 0)
    assert read(event(TOPIC, Welcome(7)), NEEDED) == Welcome(7)
    assert read(event(TOPIC, TopicsEvent(3)), NEEDED) == TopicsEvent(3)
    message = event(TOPIC, MessageEvent(1, 1, "ani", "*", "hello", 0, bytes(16)))
    assert isinstance(read(message, {"message"}), MessageEvent)
    for junk in (
        message[:-1],
        message + b"!",
        TOPIC + b"\x93\x01\xa7message" + pack_body({}),
        TOPIC + b"\xff",
    ):
        assert read(junk, {"message"}) is None
    assert read(TOPIC + b"\x93\x01\xa4nobo\xc4\x01\x80", {"nobo"}) is None
