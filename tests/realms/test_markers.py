"""Read markers between realms: who has read what, by the numbers of each side."""

from __future__ import annotations

import uuid

from protocol.realms import Item
from tests.realms.conftest import Found
from tests.realms.network import CALM, STORM
from tests.realms.test_refused_items import Envoy
from tests.realms.town import Realm, Town


def read_all(realm: Realm, who: str, address: str) -> None:
    """Have somebody read everything in a conversation."""
    newest = realm.do(who, "message.history", **{"with": address})["last_seq"]
    realm.do(who, "message.read", **{"with": address, "seq": newest})


def seen(realm: Realm, who: str, address: str) -> int:
    """Up to where the other one has read."""
    return int(realm.do(who, "message.history", **{"with": address})["seen_seq"])


def unread(realm: Realm, who: str, address: str) -> int:
    """What somebody has yet to read in a conversation."""
    found = {each["name"]: each for each in realm.do(who, "conversation.list")["conversations"]}
    return int(found[address]["unread"])


def test_who_wrote_sees_that_it_was_read(town: Town) -> None:
    for number in range(3):
        town["a"].say("ani", "budi@b", f"message {number}")
    town.settle()
    assert seen(town["a"], "ani", "budi@b") == 0
    assert unread(town["b"], "budi", "ani@a") == 3
    read_all(town["b"], "budi", "ani@a")
    town.settle()
    assert seen(town["a"], "ani", "budi@b") == 3
    (event,) = town["a"].heard("ani", "read")
    assert (event["user"], event["seq"]) == ("budi@b", 3)


def test_the_numbers_of_both_sides_differ_and_the_marker_is_right_on_each(town: Town) -> None:
    town["a"].say("ani", "budi@b", "first")
    town.settle()
    town.network.cut("a", "b")
    town["a"].say("ani", "budi@b", "ani's second")
    town["b"].say("budi", "ani@a", "budi's first")
    town["b"].say("budi", "ani@a", "budi's second")
    town.network.heal("a", "b")
    town.settle()
    assert town["a"].history("ani", "budi@b") != town["b"].history("budi", "ani@a")
    read_all(town["b"], "budi", "ani@a")
    town.settle()
    # Ani's second is her number 2, whatever it is over there.
    assert seen(town["a"], "ani", "budi@b") == 2
    read_all(town["a"], "ani", "budi@b")
    town.settle()
    newest = town["b"].history("budi", "ani@a").index("budi's second") + 1
    assert seen(town["b"], "budi", "ani@a") == newest


def test_a_marker_arrives_after_an_outage_and_never_goes_back(founded: Found) -> None:
    for seed in range(2):
        town = founded(seed=seed)
        for number in range(4):
            town["a"].say("ani", "budi@b", f"message {number}")
        town.settle()
        town.network.weather = STORM
        for number in range(1, 5):
            town["b"].do("budi", "message.read", **{"with": "ani@a", "seq": number})
            town.run(3)
        town.settle(6 * 3600)
        town.network.weather = CALM
        town.run(60)
        told = [event["seq"] for event in town["a"].heard("ani", "read")]
        assert told == sorted(told) and told[-1] == 4
        assert seen(town["a"], "ani", "budi@b") == 4


def test_a_marker_of_another_realm_sends_none_back(town: Town) -> None:
    town["a"].say("ani", "budi@b")
    town.settle()
    read_all(town["b"], "budi", "ani@a")
    town.settle()
    numbers = [town[name].row_of(other).last_n for name, other in (("a", "b"), ("b", "a"))]
    assert numbers == [1, 1]


def test_a_realm_moves_no_marker_but_that_of_its_user_in_their_own_conversation(town: Town) -> None:
    b = town["b"]
    b.person("dewi")
    team = b.do("budi", "group.create", group="team")["conversation"]
    private, public = uuid.uuid4().bytes, uuid.uuid4().bytes
    b.say("budi", "dewi", "not for a", private)
    b.say("budi", "#team", "nor this", public)
    town["a"].say("ani", "budi@b")
    town.settle()
    unknown = uuid.uuid4().bytes
    marks = [
        Item(n, "read", "ani", "budi", id=id) for n, id in enumerate((private, public, unknown), start=10)
    ]
    stranger = Item(20, "read", "citra", "budi", id=private)
    assert Envoy(town).refused(*marks, stranger) == {}
    moved = b.rows(
        "select conversation_id from members m join users u on u.id = m.user_id"
        " where u.realm <> '' and m.read_seq > 0"
    )
    assert moved == []
    assert b.rows("select name from users where realm <> ''") == [("ani@a",)]
    assert b.do("budi", "message.history", conversation=team)["last_seq"] == 1


def test_many_markers_of_one_conversation_are_one(town: Town) -> None:
    for number in range(5):
        town["a"].say("ani", "budi@b", f"message {number}")
    town.settle()
    town.network.cut("a", "b")
    for number in range(1, 6):
        town["b"].do("budi", "message.read", **{"with": "ani@a", "seq": number})
    town.network.heal("a", "b")
    town.settle()
    assert [event["seq"] for event in town["a"].heard("ani", "read")] == [5]


def test_what_a_foreigner_reads_counts_for_them_alone(town: Town) -> None:
    town["a"].say("ani", "budi@b")
    town["b"].say("budi", "ani@a")
    town.settle()
    read_all(town["a"], "ani", "budi@b")
    town.settle()
    assert unread(town["b"], "budi", "ani@a") == 1
    assert unread(town["a"], "ani", "budi@b") == 0
