"""What a realm will not take, and what becomes of it: its sender hears why, and nothing behind it waits."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest

from protocol import realms as language
from protocol.body import Body
from protocol.envelope import pack_body, unpack_body
from protocol.errors import OK, Busy, Forbidden, NotFound
from protocol.realms import Deliver, DeliverReply, Item
from services.realm import people, sending
from services.storage.realms import State
from tests.realms.conftest import Found
from tests.realms.town import Town


class Envoy:
    """Speaks as the realm ``there`` to the realm ``here``, and says whatever it likes."""

    def __init__(self, town: Town, here: str = "b", there: str = "a") -> None:
        town.run(1)
        self._realm = town[here]
        self._key = town[there].key

    def deliver(self, *items: Item) -> tuple[str, dict[str, Any]]:
        """Status and body of what is answered."""
        return self.ask("deliver", Deliver(list(items)))

    def ask(self, kind: str, body: Body) -> tuple[str, dict[str, Any]]:
        """The same of any request."""
        answers: list[bytes] = []
        realm = self._realm
        house = realm.house
        assert house is not None
        route = (Postbox(answers), 0)
        house.asked(self._key, route, language.pack(1, kind, msgspec.msgpack.encode(body)))
        (frame,) = answers
        _, status, packed = language.unpack(frame)
        return status, unpack_body(packed)

    def refused(self, *items: Item) -> dict[int, str]:
        """Codes by number, of items that are all done with."""
        status, body = self.deliver(*items)
        assert (status, body["n"]) == (OK, items[-1].n)
        return {each["n"]: each["code"] for each in body["refused"]}


class Postbox:
    """A dial that only takes replies."""

    def __init__(self, answers: list[bytes]) -> None:
        self._answers = answers

    def carry_back(self, life: int, frame: bytes) -> None:
        """Keep it."""
        self._answers.append(frame)


def message(n: int, user: str = "ani", to: str = "budi", **fields: Any) -> Item:
    """An item as a sound realm would send it."""
    given = {"id": n.to_bytes(16, "big"), "body": f"number {n}", "sent_at": 1, **fields}
    return Item(n, "message", user, to, **given)


# --- what a peer may say --------------------------------------------------------------------------


def test_a_realm_speaks_only_for_its_own_users_and_that_is_logged(founded: Found) -> None:
    town = founded("a", "b", "c")
    refused = Envoy(town).refused(message(1, "citra@c"), message(2), message(3, "budi@b"), message(4, "x@"))
    assert refused == {1: "forbidden", 3: "forbidden", 4: "forbidden"}
    assert town["b"].history("budi", "ani@a") == ["number 2"]
    (line,) = town["b"].logged("foreign sender")
    assert (line["realm"], line["user"], line["count"]) == ("a", "citra@c", 3)
    assert town["b"].rows("select name from users where realm <> ''") == [("ani@a",)]


def test_who_floods_us_with_foreign_senders_does_not_flood_the_log(town: Town) -> None:
    envoy = Envoy(town)
    for n in range(1, 101):
        envoy.refused(message(n, "citra@c"))
    town.run(1)
    envoy.refused(message(101, "citra@c"))
    assert [line["count"] for line in town["b"].logged("foreign sender")] == [1, 100]


@pytest.mark.parametrize(
    "item, code",
    [
        (message(1, to="nobody"), "not_found"),
        (message(1, user="no name"), "invalid"),
        (message(1, user=""), "invalid"),
        (message(1, to="#team"), "invalid"),
        (message(1, to="*"), "invalid"),
        (message(1, to="citra@c"), "invalid"),
        (message(1, body=""), "invalid"),
        (message(1, body="a\0b"), "invalid"),
        (message(1, body="x" * 65_537), "too_large"),
        (message(1, id=None), "invalid"),
        (msgspec.structs.replace(message(1), kind="gift"), "invalid"),
        (msgspec.structs.replace(message(1, to="team"), kind="post"), "not_found"),
    ],
)
def test_what_makes_no_sense_is_refused_and_what_is_behind_it_is_taken(
    town: Town, item: Item, code: str
) -> None:
    status, body = Envoy(town).deliver(item, message(2))
    if item.user == "":  # no struct of ours: the whole of it is no request
        assert status == "invalid"
        return
    assert (status, body["n"]) == (OK, 2)
    assert [(each["n"], each["code"]) for each in body["refused"]] == [(1, code)]
    assert town["b"].history("budi", "ani@a") == ["number 2"]


def test_items_that_are_not_in_order_are_no_delivery(town: Town) -> None:
    envoy = Envoy(town)
    for numbers in ((2, 1), (1, 1)):
        status, _ = envoy.deliver(*(message(n) for n in numbers))
        assert status == "invalid"
    assert envoy.deliver() == (OK, {"n": 0, "refused": []})


def test_nothing_is_known_afterwards_of_who_wrote_to_nobody(town: Town) -> None:
    Envoy(town).refused(*(message(n, f"stranger{n}", "nobody") for n in range(1, 20)))
    assert town["b"].rows("select name from users where realm <> ''") == []


def test_a_realm_has_only_so_many_users_here_and_those_who_are_known_go_on(founded: Found) -> None:
    town = founded(realm_users=3)
    envoy = Envoy(town)
    refused = envoy.refused(*(message(n, f"user{n}") for n in range(1, 6)))
    assert refused == {4: "forbidden", 5: "forbidden"}
    assert envoy.refused(message(6, "user1"), message(7, "USER2"), message(8, "user8")) == {8: "forbidden"}
    assert town["b"].rows("select count(*) from users where realm = 'a'") == [(3,)]


def test_more_people_than_are_remembered_are_all_heard(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "REMEMBERED", 3)
    envoy = Envoy(town)
    for round in range(3):
        first = 100 * round
        assert envoy.refused(*(message(first + n, f"user{n % 8}") for n in range(1, 25))) == {}
    for n in range(8):
        assert len(town["b"].history("budi", f"user{n}@a")) == 9


def test_names_are_compared_without_case_and_shown_as_they_were_first(town: Town) -> None:
    Envoy(town).refused(message(1, "Ani"), message(2, "ANI", "BUDI"))
    assert [each["from"] for each in town["b"].messages("budi", "ani@a")] == ["Ani@a", "Ani@a"]


def test_a_message_is_never_of_a_time_to_come(town: Town) -> None:
    Envoy(town).refused(message(1, sent_at=2**62))
    (found,) = town["b"].messages("budi", "ani@a")
    assert found["sent_at"] <= town.wall


def test_the_same_id_of_another_sender_is_another_message(town: Town) -> None:
    same = uuid.uuid4().bytes
    Envoy(town).refused(message(1, id=same), message(2, "dewi", id=same), message(3, id=same))
    assert town["b"].history("budi", "ani@a") == ["number 1"]
    assert town["b"].history("budi", "dewi@a") == ["number 2"]


# --- what its sender hears ------------------------------------------------------------------------


def test_who_wrote_to_somebody_who_is_not_there_hears_so_when_that_is_known(town: Town) -> None:
    town["a"].say("ani", "budi@b", "first")
    town.network.cut("a", "b")
    town.run(60)
    sent = town["a"].say("ani", "nobody@b", "lost")
    town["a"].say_many("ani", "budi@b", ["second"])
    assert (sent["queued"], sent["away"]) == (True, True)
    town.network.heal("a", "b")
    town.settle()
    assert town["b"].history("budi", "ani@a") == ["first", "second"]
    (event,) = town["a"].heard("ani", "undelivered")
    assert (event["conversation"], event["seq"], event["code"]) == (sent["conversation"], 1, "not_found")
    assert event["message"] == "There is no user nobody."
    (shown,) = town["a"].messages("ani", "nobody@b")
    assert shown["undelivered"] == "There is no user nobody."
    assert [event["conversation"] for event in town["a"].heard("ani", "delivered")] != [sent["conversation"]]


def test_who_writes_to_somebody_who_is_not_there_is_told_at_once_while_the_realm_answers(town: Town) -> None:
    town.run(1)
    with pytest.raises(NotFound):
        town["a"].say("ani", "nobody@b")
    assert town["a"].waiting() == 0


def test_a_message_that_is_too_large_over_there_comes_back_and_holds_up_nobody(
    founded: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = founded()
    town["a"].say("ani", "budi@b", "first")
    town.settle()
    house = town["b"].house
    assert house is not None
    small = msgspec.structs.replace(town["b"].settings, message_max_bytes=10)
    monkeypatch.setattr(house.engines["messaging"], "_settings", small)
    town["a"].say_many("ani", "budi@b", ["short", "much too long for them", "brief"])
    town.settle()
    assert town["b"].history("budi", "ani@a") == ["first", "short", "brief"]
    (event,) = town["a"].heard("ani", "undelivered")
    assert (event["seq"], event["code"]) == (3, "too_large")


def test_of_a_delivery_that_is_refused_as_a_whole_only_what_spoils_it_comes_back(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town["a"].say("ani", "budi@b", "first")
    town.settle()
    house = town["b"].house
    assert house is not None
    plain = house.asked_table["deliver"]

    def picky(house: Any, peer: Any, body: Deliver, reply: Any) -> None:
        if any(item.body == "bad" for item in body.items):
            raise language_error()
        plain(house, peer, body, reply)

    monkeypatch.setattr(house, "asked_table", {**house.asked_table, "deliver": picky})
    bodies = [f"message {number}" for number in range(50)]
    town["a"].say_many("ani", "budi@b", [*bodies[:17], "bad", *bodies[17:], "bad"])
    town.settle()
    assert town["b"].history("budi", "ani@a") == ["first", *bodies]
    assert [event["seq"] for event in town["a"].heard("ani", "undelivered")] == [19, 53]


def language_error() -> Exception:
    """What a peer of another release might say to a field that it does not know."""
    from protocol.errors import Invalid

    return Invalid("Object contains a field that we do not like.")


def test_what_a_peer_says_of_an_item_spoils_neither_terminal_nor_database() -> None:
    hostile = sending._harmless(language.Refused(1, "elsewhere", "a\0b\x1b[2Jc\nd" + "x" * 5000))
    assert hostile.code == "internal"
    assert hostile.message.startswith("a b [2Jc d") and len(hostile.message) == sending.SENTENCE_MAX


@pytest.mark.parametrize(
    "reply",
    [
        (OK, b"nonsense"),
        (OK, pack_body({"n": 0, "refused": []})),
        ("internal", pack_body({"message": "oops"})),
        ("rate_limited", pack_body({"message": "not now", "retry_after": 1e300})),
        ("busy", pack_body({"message": "not now", "retry_after": 0.1})),
        ("no such code", b"\xc1"),
    ],
)
def test_an_answer_that_says_nothing_of_use_is_no_reason_to_give_up(
    town: Town, monkeypatch: pytest.MonkeyPatch, reply: tuple[str, bytes]
) -> None:
    town["a"].say("ani", "budi@b", "first")
    town.settle()
    house = town["b"].house
    assert house is not None
    plain, asked = house.asked_table["deliver"], []

    def deaf(house: Any, peer: Any, body: Any, answer: Any) -> None:
        asked.append(town.network.now)
        answer(*reply)

    monkeypatch.setattr(house, "asked_table", {**house.asked_table, "deliver": deaf})
    town["a"].say_many("ani", "budi@b", ["second"])
    town.run(30)
    assert 1 <= len(asked) <= 120 and town["a"].waiting() == 1
    monkeypatch.setattr(house, "asked_table", {**house.asked_table, "deliver": plain})
    town.settle()
    assert town["b"].history("budi", "ani@a") == ["first", "second"]


def test_more_than_was_delivered_is_not_taken_for_answered(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town["a"].say("ani", "budi@b", "first")
    town.settle()
    house = town["b"].house
    assert house is not None
    plain = house.asked_table["deliver"]

    def eager(house: Any, peer: Any, body: Any, answer: Any) -> None:
        plain(house, peer, body, lambda status, packed: answer(OK, _all(2**40)))

    monkeypatch.setattr(house, "asked_table", {**house.asked_table, "deliver": eager})
    town["a"].say_many("ani", "budi@b", ["second"])
    town.run(1)
    town["a"].say_many("ani", "budi@b", ["third"])
    town.settle()
    assert town["b"].history("budi", "ani@a") == ["first", "second", "third"]


def _all(n: int) -> bytes:
    return msgspec.msgpack.encode(DeliverReply(n, []))


# --- room -----------------------------------------------------------------------------------------


def test_a_full_outbox_is_said_to_senders_and_drains(founded: Found) -> None:
    town = founded(realm_outbox_messages=5, realm_outbox_share=100)
    town["a"].say("ani", "budi@b", "first")
    town.settle()
    town.network.cut("a", "b")
    town.run(60)
    town["a"].say_many("ani", "budi@b", [f"message {number}" for number in range(5)])
    with pytest.raises(Busy, match="away since") as full:
        town["a"].say("ani", "budi@b", "one too many")
    assert full.value.fields["limit"] == 5
    town.network.heal("a", "b")
    town.settle()
    town["a"].say("ani", "budi@b", "now there is room")
    town.settle()
    assert town["b"].history("budi", "ani@a")[-2:] == ["message 4", "now there is room"]


def test_an_outbox_is_bounded_in_bytes_too(founded: Found) -> None:
    town = founded(realm_outbox_bytes=10_000, realm_outbox_share=100)
    town["a"].say("ani", "budi@b", "first")
    town.settle()
    town.network.cut("a", "b")
    town.run(60)
    town["a"].say("ani", "budi@b", "x" * 9_000)
    with pytest.raises(Busy):
        town["a"].say("ani", "budi@b", "x" * 2_000)
    town.network.heal("a", "b")
    town.settle()
    assert town["a"].row_of("b").waiting_bytes == 0


def test_nothing_is_queued_for_a_realm_that_is_blocked(town: Town) -> None:
    town["a"].say("ani", "budi@b", "first")
    town.settle()
    town.set_state("a", "b", State.BLOCKED)
    with pytest.raises(Forbidden):
        town["a"].say("ani", "budi@b", "second")


def test_who_wrote_at_the_very_moment_of_a_removal_sees_that_it_did_not_arrive(town: Town) -> None:
    a = town["a"]
    a.say("ani", "budi@b", "first")
    town.settle()
    town.network.cut("a", "b")
    a.say("ani", "budi@b", "second")  # stored behind what the removal itself gave up
    town.set_state("a", "b", State.REMOVED)
    town.run(1)
    assert a.row_of("b")[-2:] == (0, 0)
    why = [message.get("undelivered", "") for message in a.messages("ani", "budi@b")]
    assert why == ["", "b was removed before it had this."]
