"""What comes from other realms, and how it is looked at: messages, markers, typing; on both engines."""

from __future__ import annotations

import pytest

from protocol import backend
from protocol.errors import OK, Forbidden, Invalid, NotFound
from services import hints
from services.messaging.reading import SENDERS_TOLD
from services.storage import deliveries, groups
from tests.services.realms import copy, deliver, follow, foreign, waiting
from tests.services.world import SECOND, World, message_id

WAKE = (backend.TELL, "realm", b"")


# --- what comes from there ------------------------------------------------------------------------


def test_what_is_delivered_keeps_the_moment_it_was_sent_at(abroad: World) -> None:
    sent = abroad.now - 3600 * SECOND
    (answer,) = abroad.take([deliver(abroad, "Bob@b", "ani", "halo", sent_at=sent)])
    assert (answer.status, answer.body["sent_at"]) == (OK, sent)
    (event,) = abroad.heard("ani", "message")
    assert (event["from"], event["to"], event["sent_at"]) == ("Bob@b", "ani", sent)
    info = abroad.inbox("ani")["Bob@b"]
    assert (info["unread"], info["last_at"]) == (1, sent)
    assert waiting(abroad) == [], "it is not sent back"


def test_nothing_is_delivered_from_the_future(abroad: World) -> None:
    (answer,) = abroad.take([deliver(abroad, "Bob@b", "ani", sent_at=2**62)])
    assert answer.body["sent_at"] == abroad.now


def test_what_is_delivered_twice_is_there_once(abroad: World) -> None:
    calls = [deliver(abroad, "Bob@b", "ani", str(n), id=message_id(n)) for n in range(3)]
    assert [answer.body["duplicate"] for answer in abroad.take(calls[:2])] == [False, False]
    assert [answer.body["duplicate"] for answer in abroad.take(calls)] == [True, True, False]
    assert [body for _, _, body in abroad.stored()] == ["0", "1", "2"]


def test_an_answer_goes_into_the_same_conversation(abroad: World) -> None:
    (answer,) = abroad.take([deliver(abroad, "Bob@b", "ani")])
    reply = abroad.say("ani", "bob@b")
    assert (reply["conversation"], reply["seq"]) == (answer.body["conversation"], 2)


@pytest.mark.parametrize("to", ["#ops", "*", "nobody", "bob@b"])
def test_only_users_of_ours_are_delivered_to(abroad: World, to: str) -> None:
    abroad.group("ops", "ani")
    (answer,) = abroad.take([deliver(abroad, "eve@b", to)])
    assert answer.status in ("invalid", "forbidden", "not_found")
    assert abroad.stored() == []


def test_who_is_delivered_to_in_vain_spoils_no_other(abroad: World) -> None:
    whom = ("ani", "nobody", "budi")
    answers = abroad.take([deliver(abroad, "Bob@b", to) for to in whom])
    assert [answer.status for answer in answers] == [OK, "not_found", OK]


# --- looking at it --------------------------------------------------------------------------------


def test_history_says_how_far_it_was_delivered_and_read(abroad: World) -> None:
    number = abroad.say("ani", "bob@b", "1")["conversation"]
    abroad.say("ani", "bob@b", "2")
    abroad.say("ani", "bob@b", "3")

    def history() -> tuple[int, int, list[str]]:
        reply = abroad.do("ani", "message.history", **{"with": "bob@b"})
        refused = [message.get("undelivered", "") for message in reply["messages"]]
        return reply["delivered_seq"], reply["seen_seq"], refused

    assert history() == (0, 0, ["", "", ""])
    with abroad.store.write() as tx:
        deliveries.delivered(tx, {number: 2})
        deliveries.refused(tx, [deliveries.Undelivered(number, 2, "forbidden", "You are blocked.")])
    (answer,) = abroad.take([foreign(abroad, "Bob@b", "message.read", conversation=number, seq=1)])
    assert answer.status == OK
    assert history() == (2, 1, ["", "You are blocked.", ""])


def test_in_a_conversation_of_our_own_everything_is_delivered(abroad: World) -> None:
    abroad.say("ani", "budi")
    abroad.say("budi", "ani")
    abroad.do("budi", "message.read", **{"with": "ani"}, seq=1)
    reply = abroad.do("ani", "message.history", **{"with": "budi"})
    assert (reply["delivered_seq"], reply["seen_seq"]) == (2, 1)
    abroad.group("ops", "ani")
    abroad.say("ani", "#ops")
    reply = abroad.do("ani", "message.history", **{"with": "#ops"})
    assert (reply["delivered_seq"], reply["seen_seq"]) == (0, 0)


def test_with_somebody_not_met_yet_nothing_was_said(abroad: World) -> None:
    reply = abroad.do("ani", "message.history", **{"with": "eve@b"})
    assert (reply["conversation"], reply["messages"], reply["last_seq"]) == (0, [], 0)
    assert abroad.do("ani", "message.read", **{"with": "eve@b"}, seq=5)["conversation"] == 0
    with pytest.raises(NotFound):
        abroad.do("ani", "message.history", **{"with": "eve@nowhere"})
    with pytest.raises(Forbidden):
        abroad.do("ani", "message.history", **{"with": "#team@b"})


def test_a_copy_is_read_like_any_group(abroad: World) -> None:
    number = copy(abroad, "team", "ani")
    assert abroad.do("ani", "message.history", **{"with": "#TEAM@b"})["conversation"] == number
    assert abroad.inbox("ani")["#team@b"]["kind"] == "group"
    with pytest.raises(Forbidden):
        abroad.do("budi", "message.history", **{"with": "#team@b"})


# --- markers and typing -----------------------------------------------------------------------------


def test_that_a_message_was_read_is_told_its_realm_by_the_messages_id(abroad: World) -> None:
    ids = [abroad.id() for _ in range(3)]
    abroad.take([deliver(abroad, "Bob@b", "ani", id=id) for id in ids])
    abroad.say("ani", "bob@b")
    abroad.do("ani", "message.read", **{"with": "bob@b"}, seq=2)
    n, kind, recipient, _, seq, _ = waiting(abroad)[-1]
    assert (n, kind, recipient, seq) == (2, "read", "Bob", 2)
    (id,) = abroad.row("select message_id from outbox where kind = 'read'")
    assert id == ids[1]
    assert abroad.effects == [WAKE]
    assert [event.topic for event in abroad.events if event.kind == "read"] == [abroad.people["ani"].topic]


def test_of_many_senders_ours_are_told_first_that_they_were_read(abroad: World) -> None:
    number = abroad.group("ops", "ani", "budi")
    follow(abroad, number)
    abroad.say("budi", "#ops")
    for n in range(SENDERS_TOLD):
        guest = foreign(abroad, f"guest{n}@b", "message.send", to="#ops", body="halo", id=abroad.id())
        with abroad.store.write() as tx:
            groups.add_member(tx, number, guest.user_id, abroad.now)
        (answer,) = abroad.take([guest])
        assert answer.status == OK
    abroad.do("ani", "message.read", **{"with": "#ops"}, seq=SENDERS_TOLD + 1)
    told = {event.topic for event in abroad.events if event.kind == "read"}
    assert told == {abroad.people[who].topic for who in ("ani", "budi")}
    assert waiting(abroad) == [], "markers in a group are told nobody elsewhere"


def test_reading_ones_own_words_is_nothing_to_tell(abroad: World) -> None:
    abroad.say("ani", "bob@b")
    abroad.do("ani", "message.read", **{"with": "bob@b"}, seq=1)
    assert [kind for _, kind, *_ in waiting(abroad)] == ["message"]
    assert abroad.effects == []


def test_a_marker_is_no_reason_to_refuse_and_waits_where_there_is_room(narrow: World) -> None:
    narrow.take([deliver(narrow, "bob@b", "ani")])
    for _ in range(3):
        narrow.say("ani", "bob@b")
    assert narrow.do("ani", "message.read", **{"with": "bob@b"}, seq=1)["seq"] == 1
    assert [kind for _, kind, *_ in waiting(narrow)] == ["message"] * 3


def test_a_foreigner_who_reads_is_heard_by_who_was_read(abroad: World) -> None:
    number = abroad.say("ani", "bob@b")["conversation"]
    (answer,) = abroad.take([foreign(abroad, "Bob@b", "message.read", conversation=number, seq=1)])
    assert answer.status == OK
    assert abroad.heard("ani", "read") == [{"conversation": number, "user": "Bob@b", "seq": 1}]
    assert [kind for _, kind, *_ in waiting(abroad)] == ["message"], "and not told where it came from"


def test_typing_is_a_hint_for_the_realm_process(abroad: World) -> None:
    copy(abroad, "team", "ani", "budi")
    ops = abroad.group("ops", "ani", "budi")
    heard = {}
    for to in ("bob@b", "eve@b", "#team@b", "budi", "#ops"):
        abroad.do("ani", "message.typing", to=to)
        heard[to] = [hints.unpack(payload) for _, _, payload in abroad.effects]
    assert heard == {
        "bob@b": [hints.Typing("ani", "bob@b")],
        "eve@b": [hints.Typing("ani", "eve@b")],
        "#team@b": [hints.Typing("ani", "#team@b")],
        "budi": [],
        "#ops": [],
    }
    follow(abroad, ops)
    abroad.do("ani", "message.typing", to="#ops")
    assert [hints.unpack(payload) for _, _, payload in abroad.effects] == [hints.Typing("ani", "#ops")]


# --- calls of the realm process ---------------------------------------------------------------------


def test_without_a_session_nobody_of_ours_and_nobody_at_all_is_let_in(abroad: World) -> None:
    call = abroad.call("ani", "message.send", to="budi", body="x", id=abroad.id())
    (answer,) = abroad.take([call._replace(user_id=0, session=0)])
    assert answer.status == "unauthenticated"
    (answer,) = abroad.take([call._replace(session=999)])
    assert answer.status == "unauthenticated"


def test_a_body_that_is_no_delivery_is_refused(abroad: World) -> None:
    (answer,) = abroad.take([foreign(abroad, "Bob@b", "message.deliver", to="ani", body="x", id=b"short")])
    assert answer.status == Invalid.code
