"""``message.send`` and ``message.broadcast``: numbers, retries, chains, refusals, and who hears what."""

from __future__ import annotations

import msgspec
import pytest

from protocol.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge
from tests.services.world import World, message_id, send


def test_the_first_message_makes_the_conversation_and_has_number_one(world: World) -> None:
    reply = world.say("ani", "budi", "halo")
    assert reply == {
        "conversation": reply["conversation"],
        "seq": 1,
        "sent_at": world.now,
        "duplicate": False,
    }
    assert world.stored() == [(reply["conversation"], 1, "halo")]


def test_both_directions_and_any_case_are_the_same_conversation(world: World) -> None:
    first = world.say("ani", "budi")
    second = world.say("budi", "ANI")
    third = world.say("ani", "Budi@here")
    assert first["conversation"] == second["conversation"] == third["conversation"]
    assert [first["seq"], second["seq"], third["seq"]] == [1, 2, 3]


def test_the_recipient_hears_the_message_and_the_sender_does_not_without_other_devices(world: World) -> None:
    id = world.id()
    reply = world.say("ani", "BUDI", "halo", id=id)
    assert world.heard("budi", "message") == [
        {
            "conversation": reply["conversation"],
            "seq": 1,
            "from": "ani",
            "to": "budi",
            "body": "halo",
            "sent_at": world.now,
            "id": id,
        }
    ]
    assert len(world.events) == 1


def test_a_sender_with_other_devices_hears_the_message_too(world: World) -> None:
    world.say("ani", "budi", devices=True)
    assert world.heard("ani", "message") == world.heard("budi", "message") != []


def test_notes_to_oneself_are_published_once_and_never_unread(world: World) -> None:
    world.say("ani", "ani", "beli susu", devices=True)
    assert [each["body"] for each in world.heard("ani", "message")] == ["beli susu"]
    assert world.inbox("ani")["ani"]["unread"] == 0


def test_a_group_message_is_heard_on_the_groups_topic_by_its_name(world: World) -> None:
    group = world.group("Ops", "ani", "budi")
    reply = world.say("budi", "#ops", "siap")
    assert reply["conversation"] == group
    (event,) = world.on(world.topic_of(group), "message")
    assert (event["to"], event["from"], event["seq"]) == ("#Ops", "budi", 1)
    assert len(world.events) == 1


def test_a_broadcast_reaches_everyone_through_either_command(world: World) -> None:
    first = world.do("ani", "message.broadcast", body="satu", id=world.id())
    topic = world.topic_of(first["conversation"])
    assert [each["to"] for each in world.on(topic, "message")] == ["*"]
    second = world.say("budi", "*", "dua")
    assert (second["conversation"], first["seq"], second["seq"]) == (first["conversation"], 1, 2)
    assert world.inbox("citra")["*"]["unread"] == 2


def test_a_batch_numbers_each_conversation_without_gaps_in_order_of_arrival(world: World) -> None:
    calls = []
    for n in range(60):
        who, to = [("ani", "budi"), ("budi", "ani"), ("citra", "dewi")][n % 3]
        calls.append((who, send(to, str(n), world.id())))
    answers = world.batch(*calls)
    assert all(answer.status == "ok" for answer in answers)
    pair, other = answers[0].body["conversation"], answers[2].body["conversation"]
    assert [a.body["seq"] for a in answers if a.body["conversation"] == pair] == list(range(1, 41))
    assert [a.body["seq"] for a in answers if a.body["conversation"] == other] == list(range(1, 21))
    assert [body for number, _, body in world.stored() if number == other] == [
        str(n) for n in range(60) if n % 3 == 2
    ]
    assert [each["body"] for each in world.heard("dewi", "message")] == [
        str(n) for n in range(60) if n % 3 == 2
    ]


# --- the same id again --------------------------------------------------------------------------


def test_a_second_send_with_the_same_id_returns_the_first_seq(world: World) -> None:
    id = world.id()
    first = world.say("ani", "budi", "halo", id=id)
    world.say("ani", "budi", "lagi")
    again = world.say("ani", "budi", "halo", id=id)
    assert again == {**first, "duplicate": True}
    assert [body for _, _, body in world.stored()] == ["halo", "lagi"]


def test_a_retry_is_published_once_more_as_it_was_stored(world: World) -> None:
    id = world.id()
    world.say("ani", "budi", "halo", id=id)
    (first,) = world.heard("budi", "message")
    world.say("ani", "budi", "another text", id=id)
    assert world.heard("budi", "message") == [first]


def test_a_retried_group_message_is_published_on_the_topic_in_force(world: World) -> None:
    group = world.group("ops", "ani", "budi")
    id = world.id()
    world.say("ani", "#ops", id=id)
    with world.store.write() as tx:
        tx.run("update conversations set topic = $1 where id = $2", (b"c" + b"n" * 15, group))
    assert world.say("ani", "#ops", id=id)["duplicate"] is True
    assert len(world.on(b"c" + b"n" * 15, "message")) == 1


def test_the_same_id_twice_in_one_batch_is_one_message(world: World) -> None:
    first, second, third = world.batch(
        ("ani", send("budi", "halo", message_id(1))),
        ("ani", send("budi", "halo", message_id(1))),
        ("ani", send("budi", "lagi", message_id(2))),
    )
    assert second.body == {**first.body, "duplicate": True}
    assert third.body["seq"] == 2
    assert len(world.stored()) == 2
    assert len(world.heard("budi", "message")) == 2


def test_a_batch_that_mixes_new_repeated_and_refused_messages_answers_each_truly(world: World) -> None:
    world.group("ops", "ani")
    old = world.say("ani", "budi", "lama", id=message_id(1))
    answers = world.batch(
        ("ani", send("budi", "baru", message_id(2))),
        ("ani", send("budi", "lama", message_id(1))),
        ("budi", send("#ops", "boleh?", message_id(3))),
        ("ani", send("nobody", "halo?", message_id(4))),
        ("ani", send("budi", "", message_id(5))),
        ("ani", send("#ops", "siap", message_id(6))),
        ("ani", send("budi", "baru", message_id(2))),
        ("citra", send("dewi", "hai", message_id(1))),
        ("ani", send("budi", "kedua", message_id(7), after=message_id(2))),
        ("ani", send("budi", "ketiga", message_id(8), after=message_id(99))),
    )
    assert [answer.status for answer in answers] == [
        "ok",
        "ok",
        "forbidden",
        "not_found",
        "invalid",
        "ok",
        "ok",
        "ok",
        "ok",
        "conflict",
    ]
    pair = old["conversation"]
    assert answers[0].body["seq"] == 2
    assert answers[1].body == {**old, "duplicate": True}
    assert answers[6].body == {**answers[0].body, "duplicate": True}
    assert (answers[7].body["seq"], answers[7].body["duplicate"]) == (1, False)
    assert [body for number, _, body in world.stored() if number == pair] == ["lama", "baru", "kedua"]
    assert len(world.stored()) == 5


def test_two_people_may_choose_the_same_id(world: World) -> None:
    world.say("ani", "budi", id=message_id(1))
    assert world.say("budi", "ani", id=message_id(1))["duplicate"] is False
    assert len(world.stored()) == 2


@pytest.mark.parametrize("other", ["citra", "#ops", "*"])
def test_an_id_that_was_used_elsewhere_is_a_conflict(world: World, other: str) -> None:
    world.group("ops", "ani")
    world.say("ani", "budi", id=message_id(1))
    with pytest.raises(Conflict, match="another conversation"):
        world.say("ani", other, id=message_id(1))
    assert len(world.stored()) == 1


def test_an_id_used_for_two_addresses_in_one_batch_goes_to_the_first(world: World) -> None:
    first, second = world.batch(
        ("ani", send("budi", "halo", message_id(1))), ("ani", send("citra", "halo", message_id(1)))
    )
    assert (first.status, second.status) == ("ok", "conflict")
    assert len(world.stored()) == 1


def test_a_stored_message_is_not_denied_to_someone_who_has_left_since(world: World) -> None:
    group = world.group("ops", "ani", "budi")
    id = world.id()
    first = world.say("budi", "#ops", id=id)
    world.leave(group, "budi")
    assert world.say("budi", "#ops", id=id) == {**first, "duplicate": True}
    assert world.events == []
    with pytest.raises(Forbidden):
        world.say("budi", "#ops")


def test_a_retry_through_another_worker_is_the_same_message(world: World) -> None:
    other = world.another()
    call = world.call("ani", "message.send", to="budi", body="halo", id=message_id(1))
    (first,) = world.take([call])
    (second,) = world.take([call], other)
    assert second.body == {**first.body, "duplicate": True}


# --- chains -------------------------------------------------------------------------------------


def test_a_message_whose_predecessor_is_missing_is_refused_and_names_it(world: World) -> None:
    with pytest.raises(Conflict) as refused:
        world.say("ani", "budi", after=message_id(7))
    assert refused.value.fields == {"missing": message_id(7)}
    assert world.stored() == []
    assert "budi" not in world.inbox("ani")


def test_a_chain_may_arrive_in_one_batch_or_in_several(world: World) -> None:
    chain = [send("budi", str(n), message_id(n), after=message_id(n - 1)) for n in range(2, 6)]
    start = send("budi", "1", message_id(1))
    answers = world.batch(*[("ani", each) for each in [start, *chain[:2]]])
    answers += world.batch(*[("ani", each) for each in chain[2:]])
    assert [answer.body["seq"] for answer in answers] == [1, 2, 3, 4, 5]


def test_a_chain_with_a_link_missing_stops_there(world: World) -> None:
    answers = world.batch(
        ("ani", send("budi", "1", message_id(1))),
        ("ani", send("budi", "3", message_id(3), after=message_id(2))),
        ("ani", send("budi", "4", message_id(4), after=message_id(3))),
    )
    assert [answer.status for answer in answers] == ["ok", "conflict", "conflict"]
    assert answers[2].body["missing"] == message_id(3)
    assert [body for _, _, body in world.stored()] == ["1"]


def test_a_chain_out_of_order_within_a_batch_is_not_turned_round(world: World) -> None:
    later, earlier = world.batch(
        ("ani", send("budi", "2", message_id(2), after=message_id(1))),
        ("ani", send("budi", "1", message_id(1))),
    )
    assert (later.status, earlier.body["seq"]) == ("conflict", 1)


def test_a_chain_of_retries_is_answered_from_what_is_stored(world: World) -> None:
    chain = [
        ("ani", send("budi", "1", message_id(1))),
        ("ani", send("budi", "2", message_id(2), after=message_id(1))),
        ("ani", send("budi", "3", message_id(3), after=message_id(2))),
    ]
    world.batch(*chain[:2])
    answers = world.batch(*chain)
    assert [(a.body["seq"], a.body["duplicate"]) for a in answers] == [(1, True), (2, True), (3, False)]


def test_somebody_elses_message_is_no_predecessor(world: World) -> None:
    world.say("budi", "ani", id=message_id(1))
    with pytest.raises(Conflict):
        world.say("ani", "budi", after=message_id(1))


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "refusal"),
    [
        ("nobody", NotFound),
        ("#nowhere", NotFound),
        ("#closed", Forbidden),
        ("bob smith", Invalid),
        ("#", Invalid),
        ("", Invalid),
        ("budi@elsewhere", NotFound),
        ("budi@Else Where", Invalid),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(world: World, to: str, refusal: type[Exception]) -> None:
    world.group("closed", "dewi")
    with pytest.raises(refusal):
        world.say("ani", to)
    assert world.stored() == [] and world.events == []


def test_an_empty_text_and_one_with_nul_are_invalid(world: World) -> None:
    for body in ("", "a\0b"):
        with pytest.raises(Invalid):
            world.say("ani", "budi", body)
    assert world.stored() == []


def test_the_limit_counts_bytes_and_a_text_of_exactly_that_size_goes(world: World) -> None:
    world.settings = msgspec.structs.replace(world.settings, message_max_bytes=100)
    world.engine = world.another()
    assert world.say("ani", "budi", "é" * 50)["seq"] == 1
    with pytest.raises(TooLarge) as refused:
        world.say("ani", "budi", "é" * 50 + "x")
    assert refused.value.fields == {"limit": 100}


@pytest.mark.parametrize(
    "fields",
    [
        {"to": "budi", "body": "halo"},
        {"to": "budi", "id": message_id(1)},
        {"body": "halo", "id": message_id(1)},
        {"to": 7, "body": "halo", "id": message_id(1)},
        {"to": "budi", "body": b"halo", "id": message_id(1)},
        {"to": "budi", "body": "halo", "id": b"short"},
        {"to": "budi", "body": "halo", "id": "0123456789abcdef"},
        {"to": "budi", "body": "halo", "id": message_id(1), "after": b"short"},
    ],
)
def test_a_field_that_is_missing_or_of_the_wrong_type_is_invalid(
    world: World, fields: dict[str, object]
) -> None:
    with pytest.raises(Invalid):
        world.do("ani", "message.send", **fields)
    assert world.stored() == []


def test_any_character_but_nul_comes_back_as_it_was_sent(world: World) -> None:
    body = "\x01\r\n\t'\"\\{}[],() $1 %s 🌶️ \u202e é e\u0301 \uffff"
    world.say("ani", "budi", body)
    assert world.do("budi", "message.history", **{"with": "ani"})["messages"][0]["body"] == body


def test_a_group_deleted_and_made_anew_is_another_conversation(world: World) -> None:
    old = world.group("ops", "ani")
    world.say("ani", "#ops")
    with world.store.write() as tx:
        for table in ("messages", "members"):
            tx.run(f"delete from {table} where conversation_id = $1", (old,))
        tx.run("delete from conversations where id = $1", (old,))
    with pytest.raises(NotFound):
        world.say("ani", "#ops")
    new = world.group("ops", "ani")
    assert new > old
    assert world.say("ani", "#ops")["seq"] == 1
