"""Messages to other realms: what is stored, what is to be told there, what is refused; on both engines."""

from __future__ import annotations

import pytest

from protocol import backend
from protocol.errors import OK, Busy, Conflict, Forbidden, NotFound
from services.messaging.outgoing import OVERHEAD
from services.storage import deliveries, outbox
from services.storage.realms import State
from tests.services.realms import close, copy, follow, foreign, is_away, meet, pair, row, told, waiting
from tests.services.world import NOW, World, message_id, send

WAKE = (backend.TELL, "realm", b"")


# --- who can be written to ----------------------------------------------------------------------


def test_a_realm_that_is_not_paired_is_not_found(world: World) -> None:
    with pytest.raises(NotFound, match="no realm b here"):
        world.say("ani", "bob@b")
    with pytest.raises(NotFound, match="no realm b here"):
        world.say("ani", "#team@b")


def test_there_is_no_everyone_in_another_realm(abroad: World) -> None:
    with pytest.raises(NotFound, match="Everyone is who is here"):
        abroad.say("ani", "*@b")
    with pytest.raises(NotFound, match="Everyone is who is here"):
        abroad.do("ani", "message.history", **{"with": "*@b"})


@pytest.mark.parametrize(
    ("state", "sentence"), [(State.BLOCKED, "is blocked here"), (State.REMOVED, "no longer paired with b")]
)
def test_nothing_goes_to_a_realm_that_is_closed(abroad: World, state: State, sentence: str) -> None:
    copy(abroad, "team", "ani")
    abroad.say("ani", "bob@b")
    close(abroad, state)
    for to in ("bob@b", "#team@b"):
        with pytest.raises(Forbidden, match=sentence):
            abroad.say("ani", to)
    assert len(waiting(abroad)) == 1
    assert abroad.do("ani", "message.history", **{"with": "bob@b"})["last_seq"] == 1, "it can still be read"


def test_somebody_nobody_here_has_met_is_the_realm_process_to_ask_for(abroad: World) -> None:
    (answer,) = abroad.batch(("ani", send("eve@b", "halo", abroad.id())))
    assert answer.status == backend.ELSEWHERE
    assert (abroad.stored(), waiting(abroad), abroad.effects) == ([], [], [])


def test_our_own_realm_in_an_address_is_as_if_it_were_not_there(abroad: World) -> None:
    abroad.say("ani", "budi@here")
    assert waiting(abroad) == []
    assert list(abroad.inbox("budi")) == ["*", "ani"]


def test_a_guest_reaches_no_third_realm_through_ours(abroad: World) -> None:
    pair(abroad, "c")
    meet(abroad, "citra", "c")
    (answer,) = abroad.take(
        [foreign(abroad, "bob@b", "message.send", to="citra@c", body="x", id=abroad.id())]
    )
    assert answer.status == "forbidden"
    assert waiting(abroad) == []


# --- direct messages ----------------------------------------------------------------------------


def test_a_message_is_stored_with_what_its_realm_is_to_be_told(abroad: World) -> None:
    reply = abroad.say("ani", "bob@b", "halo")
    number = reply["conversation"]
    assert reply == {
        "conversation": number,
        "seq": 1,
        "sent_at": abroad.now,
        "duplicate": False,
        "queued": True,
    }
    assert waiting(abroad) == [(1, "message", "Bob", number, 1, "")], "its text stands in messages"
    assert abroad.effects == [WAKE]
    (info,) = [each for each in abroad.inbox("ani").values() if each["kind"] == "direct"]
    assert info["name"] == "Bob@b"
    found = row(abroad)
    assert (found.waiting, found.waiting_bytes, found.last_n) == (1, OVERHEAD + 4, 1)


def test_the_case_of_a_name_does_not_matter(abroad: World) -> None:
    one, other = abroad.say("ani", "bob@b"), abroad.say("ani", "BOB@b")
    assert (one["conversation"], one["seq"] + 1) == (other["conversation"], other["seq"])


def test_the_senders_other_devices_hear_it_and_nobody_else_does(abroad: World) -> None:
    abroad.do("ani", "message.send", devices=True, to="bob@b", body="halo", id=abroad.id())
    assert [event["to"] for event in abroad.heard("ani", "message")] == ["Bob@b"]
    known = {person.topic for person in abroad.people.values()}
    unknown = [event.topic for event in abroad.events if event.topic not in known]
    assert unknown == [abroad.row("select topic from users where realm = 'b'")[0]], "which nobody is told"


def test_while_the_realm_is_away_the_reply_says_so(abroad: World) -> None:
    is_away(abroad, NOW)
    reply = abroad.say("ani", "bob@b")
    assert (reply["queued"], reply["away"]) == (True, True)


def test_what_waits_is_in_order_of_commit_whoever_sent_it(abroad: World) -> None:
    pair(abroad, "c")
    meet(abroad, "citra", "c")
    who = [("ani", "bob@b"), ("budi", "bob@b"), ("ani", "citra@c"), ("ani", "bob@b"), ("budi", "dewi")]
    answers = abroad.batch(*((one, send(to, "halo", abroad.id())) for one, to in who))
    assert [answer.status for answer in answers] == [OK] * 5
    assert [answer.body.get("queued", False) for answer in answers] == [True] * 4 + [False]
    numbers = [answer.body["conversation"] for answer in answers]
    abroad.say("budi", "bob@b")
    assert [(n, conversation, seq) for n, _, _, conversation, seq, _ in waiting(abroad)] == [
        (1, numbers[0], 1),
        (2, numbers[1], 1),
        (3, numbers[0], 2),
        (4, numbers[1], 2),
        (1, numbers[2], 1),
    ]


def test_a_retry_puts_nothing_into_the_outbox_again(abroad: World) -> None:
    id = abroad.id()
    first = abroad.say("ani", "bob@b", id=id)
    again = abroad.say("ani", "bob@b", "other words", id=id)
    assert again == {**first, "duplicate": True}
    both = abroad.batch(*(("ani", send("bob@b", "halo", message_id(7))) for _ in range(2)))
    assert [answer.body.get("duplicate") for answer in both] == [False, True]
    assert both[1].body["queued"]
    assert [seq for _, _, _, _, seq, _ in waiting(abroad)] == [1, 2]


def test_a_retry_of_what_has_arrived_there_is_not_queued_any_more(abroad: World) -> None:
    id = abroad.id()
    first = abroad.say("ani", "bob@b", id=id)
    told(abroad, 1)
    with abroad.store.write() as tx:
        deliveries.delivered(tx, {first["conversation"]: 1})
    again = abroad.say("ani", "bob@b", id=id)
    assert (again["duplicate"], "queued" in again) == (True, False)
    assert waiting(abroad) == []


def test_what_is_stored_is_never_denied_though_the_realm_was_blocked_since(abroad: World) -> None:
    id = abroad.id()
    first = abroad.say("ani", "bob@b", id=id)
    close(abroad, State.BLOCKED)
    again = abroad.say("ani", "bob@b", id=id)
    assert (again["seq"], again["duplicate"]) == (first["seq"], True)


def test_a_message_waits_for_the_one_before_it(abroad: World) -> None:
    with pytest.raises(Conflict) as refused:
        abroad.say("ani", "bob@b", after=message_id(1))
    assert refused.value.fields["missing"] == message_id(1)
    assert waiting(abroad) == []


def test_a_local_message_has_nothing_to_do_with_any_of_it(abroad: World) -> None:
    reply = abroad.say("ani", "budi")
    assert set(reply) == {"conversation", "seq", "sent_at", "duplicate"}
    assert (waiting(abroad), abroad.effects) == ([], [])


# --- the bound ----------------------------------------------------------------------------------


def test_a_full_outbox_says_so_and_since_when_the_realm_is_away(narrow: World) -> None:
    is_away(narrow, NOW)
    ids = [narrow.id() for _ in range(5)]
    answers = narrow.batch(*(("ani", send("bob@b", "halo", id)) for id in ids))
    assert [answer.status for answer in answers] == [OK] * 3 + ["busy"] * 2
    with pytest.raises(Busy, match="away since 2023-11-14 22:13 UTC") as refused:
        narrow.say("budi", "bob@b")
    assert refused.value.fields["limit"] == 3
    assert refused.value.fields["retry_after"] > 0
    assert narrow.say("ani", "bob@b", id=ids[0])["duplicate"], "what is stored is not denied"
    assert narrow.say("ani", "budi")["seq"] == 1, "and it is nobody else's matter"
    told(narrow, 1)
    assert narrow.say("budi", "bob@b")["queued"]


def test_a_full_outbox_of_one_realm_is_no_other_realms(narrow: World) -> None:
    pair(narrow, "c")
    meet(narrow, "citra", "c")
    for _ in range(3):
        narrow.say("ani", "bob@b")
    assert narrow.say("ani", "citra@c")["queued"]


def test_long_messages_fill_it_by_their_bytes(narrow: World) -> None:
    long = "ä" * 200
    narrow.say("ani", "bob@b", long)
    with pytest.raises(Busy) as refused:
        narrow.say("ani", "bob@b", long)
    assert refused.value.fields["limit"] == 1000
    assert narrow.say("ani", "bob@b", "short")["seq"] == 2
    assert row(narrow).waiting_bytes == 400 + 5 + 2 * OVERHEAD


# --- groups of other realms -----------------------------------------------------------------------


def test_a_post_to_a_group_there_waits_without_a_number(abroad: World) -> None:
    number = copy(abroad, "team", "ani")
    reply = abroad.say("ani", "#team@b", "halo")
    assert reply == {
        "conversation": number,
        "seq": 0,
        "sent_at": abroad.now,
        "duplicate": False,
        "queued": True,
    }
    assert waiting(abroad) == [(1, "post", "team", number, 0, "halo")]
    assert (abroad.stored(), abroad.events, abroad.effects) == ([], [], [WAKE])


def test_only_members_post(abroad: World) -> None:
    copy(abroad, "team", "ani")
    with pytest.raises(Forbidden, match="not a member of #team@b"):
        abroad.say("budi", "#team@b")
    with pytest.raises(Forbidden, match="not a member of #other@b"):
        abroad.say("ani", "#other@b")
    assert waiting(abroad) == []


def test_a_posts_retry_waits_but_once_even_when_it_is_told_or_has_come_back(abroad: World) -> None:
    number, id = copy(abroad, "team", "ani"), abroad.id()
    first = abroad.say("ani", "#team@b", id=id)
    assert abroad.say("ani", "#team@b", id=id) == {**first, "duplicate": True}
    told(abroad, 1)
    assert abroad.say("ani", "#team@b", id=id) == {**first, "duplicate": True}
    assert len(waiting(abroad)) == 1
    realm = row(abroad).id
    with abroad.store.write() as tx:  # as it is when it has come back with a number
        outbox.back(tx, realm, [(abroad.people["ani"].user_id, id)])
        tx.run("update conversations set last_seq = 1, last_at = $1 where id = $2", (NOW, number))
        tx.run(
            "insert into messages (conversation_id, seq, sender_id, id, body, sent_at)"
            " values ($1, 1, $2, $3, 'halo', $4)",
            (number, abroad.people["ani"].user_id, id, NOW),
        )
    again = abroad.say("ani", "#team@b", id=id)
    assert (again["seq"], again["duplicate"], "queued" in again) == (1, True, False)
    assert waiting(abroad) == []


def test_what_was_queued_is_not_denied_to_who_left_the_group_since(abroad: World) -> None:
    number, id = copy(abroad, "team", "ani", "budi"), abroad.id()
    first = abroad.say("ani", "#team@b", id=id)
    abroad.leave(number, "ani")
    assert abroad.say("ani", "#team@b", id=id) == {**first, "duplicate": True}
    with pytest.raises(Forbidden):
        abroad.say("ani", "#team@b")
    with pytest.raises(Forbidden):
        abroad.say("dewi", "#team@b", id=id)
    assert len(waiting(abroad)) == 1


def test_posts_of_one_batch_wait_in_order_and_each_once(abroad: World) -> None:
    copy(abroad, "team", "ani", "budi")
    ids = [abroad.id() for _ in range(3)]
    calls = [("ani", ids[0]), ("budi", ids[1]), ("ani", ids[0]), ("ani", ids[2])]
    answers = abroad.batch(*((who, send("#team@b", str(n), id)) for n, (who, id) in enumerate(calls)))
    assert [answer.body["duplicate"] for answer in answers] == [False, False, True, False]
    assert [body for *_, body in waiting(abroad)] == ["0", "1", "3"]


def test_a_post_follows_one_that_waits_still(abroad: World) -> None:
    copy(abroad, "team", "ani")
    id = abroad.id()
    with pytest.raises(Conflict):
        abroad.say("ani", "#team@b", after=id)
    abroad.say("ani", "#team@b", id=id)
    assert abroad.say("ani", "#team@b", after=id)["queued"]


def test_a_full_outbox_takes_no_post(narrow: World) -> None:
    copy(narrow, "team", "ani")
    for _ in range(3):
        narrow.say("ani", "#team@b")
    with pytest.raises(Busy):
        narrow.say("ani", "#team@b")


def test_the_realm_process_is_woken_for_groups_that_others_follow_and_for_no_others(abroad: World) -> None:
    number = abroad.group("ops", "ani", "budi")
    abroad.say("ani", "#ops")
    assert abroad.effects == []
    follow(abroad, number)
    abroad.batch(("ani", send("#ops", "1", abroad.id())), ("budi", send("#ops", "2", abroad.id())))
    assert abroad.effects == [WAKE]
