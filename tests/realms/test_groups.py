"""Groups with members in other realms: joining, posting, what was said before, and homes that are away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from protocol.backend import Call
from protocol.commands import JoinGroup
from protocol.envelope import pack_body
from protocol.errors import Conflict, Invalid, InvalidCredentials, NotFound, RateLimited, Unavailable
from services.storage import foreigners
from tests.conftest import empty_schema
from tests.realms.circle import down_and_up, follows, heard, inbox, join, members, said, team
from tests.realms.conftest import Found
from tests.realms.overheard import call_as_peer
from tests.realms.town import Realm, Town


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def either(request: pytest.FixtureRequest, founded: Found) -> Iterator[Town]:
    """A town whose databases are of either engine."""
    with ExitStack() as schemas:
        databases = {}
        if request.param == "postgres":
            address = request.getfixturevalue("postgres_address")
            databases = {name: schemas.enter_context(empty_schema(address)) for name in ("a", "b")}
        yield founded(databases=databases)


def posts(realm: Realm) -> int:
    """How many posts have not come back."""
    return int(realm.rows("select count(*) from outbox where kind = 'post'")[0][0])


# --- joining ------------------------------------------------------------------------------------


def test_who_joins_elsewhere_has_a_copy_and_both_sides_hear_each_other(either: Town) -> None:
    a, b = team(either, ("a", "ani"))["a"], either["b"]
    b.say("budi", "#team", "satu")
    either.run(1)
    sent = a.say("ani", "#team@b", "dua")
    assert (sent["seq"], sent["queued"], sent.get("away", False)) == (0, True, False)
    either.run(1)
    b.say("budi", "#team", "tiga")
    either.run(1)
    assert said(b, "budi", "#team") == [(1, "budi", "satu"), (2, "ani@a", "dua"), (3, "budi", "tiga")]
    assert said(a, "ani") == [(1, "budi@b", "satu"), (2, "ani", "dua"), (3, "budi@b", "tiga")]
    assert (a.waiting(), b.waiting(), posts(a)) == (0, 0, 0)
    row = inbox(a, "ani")["#Team@b"]
    assert (row["last_seq"], row["unread"]) == (3, 2)
    assert [each["body"] for each in heard(a, "team@b")] == ["satu", "dua", "tiga"]
    assert {each["to"] for each in heard(a, "team@b")} == {"#Team@b"}
    assert a.do("ani", "conversation.verify", **{"with": "#team@b"})["complete"]


def test_a_post_is_on_its_way_at_once(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    a.say("ani", "#team@b", "halo")
    town.until(lambda: bool(heard(a, "team@b")), seconds=0.2)
    b.say("budi", "#team", "hai")
    town.until(lambda: len(heard(a, "team@b")) == 2, seconds=0.2)


def test_the_password_is_checked_at_home(town: Town) -> None:
    a = team(town, password="buka pintu")["a"]
    with pytest.raises(InvalidCredentials, match=r"^b: #Team needs a password\.$"):
        join(a, "ani")
    with pytest.raises(InvalidCredentials, match=r"^b: The password does not fit #Team\.$"):
        join(a, "ani", password="tutup pintu")
    assert a.rows("select count(*) from joinings") == a.rows("select count(*) from copies") == [(0,)]
    assert join(a, "ani", password="buka pintu")["last_seq"] == 0
    assert members(town["b"], "budi", "team") == {"budi": True, "ani@a": False}


def test_who_guesses_from_elsewhere_has_to_wait_like_anybody(founded: Found) -> None:
    a = team(founded(password_tries=2), password="buka pintu")["a"]
    for _ in range(2):
        with pytest.raises(InvalidCredentials):
            join(a, "ani", password="tutup pintu")
    with pytest.raises(RateLimited, match=r"^b: Too many"):
        join(a, "ani", password="buka pintu")


def test_there_is_no_group_of_that_name_there_or_no_realm(town: Town) -> None:
    town.run(1)
    with pytest.raises(NotFound, match=r"^b: There is no group #lain"):
        join(town["a"], "ani", "#lain@b")
    with pytest.raises(NotFound, match="There is no realm z"):
        join(town["a"], "ani", "#team@z")


def test_a_group_of_our_own_may_be_called_with_our_realm(town: Town) -> None:
    b = team(town)["b"]
    b.person("dewi")
    join(b, "dewi", "team@b")
    assert members(b, "dewi", "#team@b") == {"budi": True, "dewi": False}
    b.do("budi", "group.remove", group="team@b", user="dewi@b")
    assert members(b, "budi", "team") == {"budi": True}


def test_joining_twice_changes_nothing(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    b.say("budi", "#team")
    town.run(1)
    first = join(a, "ani")
    assert first["last_seq"] == 1
    assert first["topic"] == a.rows("select topic from conversations where name_key = 'team@b'")[0][0]
    town.network.cut("a", "b")
    town.run(20)
    assert join(a, "ani") == first
    assert [each["change"] for each in heard(b, "team", "membership")] == ["joined"]
    assert inbox(a, "ani")["#Team@b"]["unread"] == 1


def test_who_is_no_member_cannot_join_while_the_home_is_away(town: Town) -> None:
    team(town, ("a", "ani"))
    town["a"].person("dewi")
    town.network.cut("a", "b")
    town.run(20)
    with pytest.raises(Unavailable, match="b does not answer since"):
        join(town["a"], "dewi")


def test_our_topic_is_told_and_never_the_homes(town: Town) -> None:
    a, b = team(town)["a"], town["b"]
    topic = join(a, "ani")["topic"]
    (home,) = b.rows("select topic from conversations where name_key = 'team'")[0]
    assert topic != home
    assert topic[:1] == b"c"


def test_a_copy_is_in_nobodys_list_of_groups(town: Town) -> None:
    a = team(town, ("a", "ani"))["a"]
    assert a.do("ani", "group.list")["groups"] == []
    assert [each["group"] for each in town["b"].do("budi", "group.list")["groups"]] == ["Team"]
    assert set(inbox(a, "ani")) == {"*", "#Team@b"}


def test_a_second_member_of_a_copy_joins_at_home_too(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    a.person("dewi")
    b.say("budi", "#team")
    town.run(1)
    assert join(a, "dewi")["conversation"] == inbox(a, "ani")["#Team@b"]["conversation"]
    assert inbox(a, "dewi")["#Team@b"]["unread"] == 0
    assert set(members(b, "budi", "team")) == {"budi", "ani@a", "dewi@a"}


def test_whoever_dies_between_the_homes_yes_and_the_copy_makes_it_with_the_next_list(either: Town) -> None:
    a, b = team(either)["a"], either["b"]
    for number in range(3):
        b.say("budi", "#team", f"sebelum {number}")
    call = a.call("ani", "group.join", group="team@b")
    assert a.house is not None
    a.house.pass_on(call, JoinGroup("team@b"), lambda status, body: None)
    either.until(lambda: b.rows("select count(*) from members join users on users.id = user_id"
                                " where realm = 'a'") == [(1,)])  # fmt: skip
    a.kill()
    either.run(5)
    assert a.rows("select count(*) from copies") == [(0,)]
    a.start()
    either.run(60)
    assert len(said(a, "ani")) == 3
    assert inbox(a, "ani")["#Team@b"]["unread"] == 0
    assert a.rows("select count(*) from joinings") == [(0,)]


# --- what was said before -----------------------------------------------------------------------


def test_what_was_said_before_fills_in_and_counts_as_read(town: Town) -> None:
    a, b = town["a"], team(town)["b"]
    b.say_many("budi", "#team", [f"sebelum {number}" for number in range(10)])
    assert join(a, "ani")["last_seq"] == 10
    town.run(1)
    b.say("budi", "#team", "sesudah")
    town.run(1)
    row = inbox(a, "ani")["#Team@b"]
    assert (row["last_seq"], row["read_seq"], row["unread"]) == (11, 10, 1)
    assert len(said(a, "ani")) == 11
    assert [each["body"] for each in heard(a, "team@b")] == ["sesudah"]


def test_a_long_history_fills_in_batches_while_members_post_and_counts_are_never_negative(
    either: Town,
) -> None:
    a, b = either["a"], team(either)["b"]
    b.say_many("budi", "#team", [f"sebelum {number}" for number in range(2500)])
    assert join(a, "ani")["last_seq"] == 2500
    steps = 0
    a.say("ani", "#team@b", "di tengah")
    copied = "select last_seq from conversations where name_key = 'team@b'"
    while a.rows(copied) != [(2501,)]:
        either.step(either.network.now + 0.01)
        row = inbox(a, "ani")["#Team@b"]
        assert (row["unread"], row["read_seq"]) == (0, 2500)
        assert row["last_seq"] >= 2500
        if a.rows(copied)[0][0]:
            page = a.do("ani", "message.read", conversation=row["conversation"], seq=1)
            assert (page["seq"], page["unread"]) == (2500, 0)
        steps += 1
        assert steps < 1000
    assert said(a, "ani")[-1] == (2501, "ani", "di tengah")
    b.say("budi", "#team", "sesudah")
    either.run(1)
    assert inbox(a, "ani")["#Team@b"]["unread"] == 1
    assert a.do("ani", "conversation.verify", **{"with": "#team@b"})["complete"]
    assert [each["seq"] for each in heard(a, "team@b")] == [2501, 2502]


def test_one_long_history_keeps_no_other_group_waiting(town: Town) -> None:
    a, b = town["a"], team(town, ("a", "ani"))["b"]
    b.do("budi", "group.create", group="lama")
    b.say_many("budi", "#lama", ["x" * 4000] * 2000)
    join(a, "ani", "lama@b")
    b.say("budi", "#team", "halo")
    town.until(lambda: len(heard(a, "team@b")) == 1, seconds=1)
    copied = "select last_seq from conversations where name_key = 'lama@b'"
    assert a.rows(copied)[0][0] < 2000
    town.until(lambda: a.rows(copied) == [(2000,)])


# --- three realms -------------------------------------------------------------------------------


def test_members_of_third_realms_are_called_by_their_addresses(founded: Found) -> None:
    town = team(founded("a", "b", "c"), ("a", "ani"), ("c", "citra"))
    for realm, who, group in (("a", "ani", "#team@b"), ("b", "budi", "#team"), ("c", "citra", "#team@b")):
        town[realm].say(who, group, f"dari {who}")
        town.run(1)
    expected = {
        "a": ["ani", "budi@b", "citra@c"],
        "b": ["ani@a", "budi", "citra@c"],
        "c": ["ani@a", "budi@b", "citra"],
    }
    for (realm, names), who in zip(expected.items(), ("ani", "budi", "citra"), strict=True):
        group = "#team" if realm == "b" else "#team@b"
        found = said(town[realm], who, group)
        assert [sender for _, sender, _ in found] == names
        assert [seq for seq, _, _ in found] == [1, 2, 3]
        assert set(members(town[realm], who, group)) == set(names)


@pytest.mark.parametrize("command", ["group.join", "group.members", "group.leave"])
def test_no_realm_is_a_way_to_a_third_ones_groups(founded: Found, command: str) -> None:
    town = team(founded("a", "b", "c"), ("c", "citra"))
    c = town["c"]
    with c.store.write() as tx:
        ani = foreigners.met(tx, "ani", "a", town.wall)
    call = Call(0, command, ani.id, ani.name, 0, False, pack_body({"group": "team@b"}))
    [(status, _)] = c.take([call])
    assert status == "not_found"
    with pytest.raises(Invalid):
        call_as_peer(c, "a", "ani", command if command != "group.leave" else "group.join", group="team@b")


# --- a home that is away ------------------------------------------------------------------------


def test_while_the_home_is_away_posts_wait_and_arrive_in_order(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    town.network.cut("a", "b")
    town.run(20)
    for number in range(5):
        sent = a.say("ani", "#team@b", f"tunggu {number}")
        assert (sent["seq"], sent["queued"], sent["away"]) == (0, True, True)
    b.say("budi", "#team", "di rumah")
    assert said(a, "ani") == []
    town.network.heal("a", "b")
    town.run(60)
    expected = ["di rumah", *(f"tunggu {number}" for number in range(5))]
    assert [text for _, _, text in said(a, "ani")] == expected
    assert [text for _, _, text in said(b, "budi", "#team")] == expected
    assert set(members(b, "budi", "team")) == {"budi", "ani@a"}
    assert posts(a) == 0


def test_the_same_post_twice_is_one_message(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    town.network.cut("a", "b")
    town.run(20)
    for _ in range(2):
        a.say("ani", "#team@b", "sekali", id=b"1" * 16)
    town.network.heal("a", "b")
    town.run(60)
    again = a.say("ani", "#team@b", "sekali", id=b"1" * 16)
    assert (again["seq"], again["duplicate"]) == (1, True)
    assert said(b, "budi", "#team") == [(1, "ani@a", "sekali")]
    assert said(a, "ani") == [(1, "ani", "sekali")]


def test_nobody_is_dropped_by_an_outage(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    for _ in range(2):
        down_and_up(town)
    assert set(members(b, "budi", "team")) == {"budi", "ani@a"}
    assert "#Team@b" in inbox(a, "ani")
    assert follows(b) == [(0, 0)]


def test_a_copy_out_of_a_backup_finds_its_place(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    b.say_many("budi", "#team", [f"pesan {number}" for number in range(10)])
    town.run(1)
    with a.store.write() as tx:
        tx.run("delete from messages where seq > 4 and conversation_id ="
               " (select id from conversations where name_key = 'team@b')")  # fmt: skip
        tx.run("update conversations set last_seq = 4 where name_key = 'team@b'")
    down_and_up(town)
    assert [seq for seq, _, _ in said(a, "ani")] == list(range(1, 11))


def test_a_home_out_of_a_backup_says_that_its_copy_is_ahead(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    b.say_many("budi", "#team", ["satu", "dua"])
    town.run(1)
    with b.store.write() as tx:
        tx.run("delete from messages where seq = 2 and conversation_id ="
               " (select id from conversations where name_key = 'team')")  # fmt: skip
        tx.run("update conversations set last_seq = 1 where name_key = 'team'")
        tx.run("update followers set sent_seq = 1")
    down_and_up(town)
    assert b.logged("copy is ahead")
    assert len(said(a, "ani")) == 2


def test_a_home_that_begins_anew_is_noticed_by_who_joins(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    b.say_many("budi", "#team", ["satu", "dua"])
    town.run(1)
    with b.store.write() as tx:
        tx.run("delete from followers")
        tx.run("delete from members where user_id in (select id from users where realm <> '')")
        tx.run("delete from messages")
        tx.run("update conversations set last_seq = 0 where name_key = 'team'")
    with pytest.raises(Conflict, match="b has begun #team@b anew"):
        join(a, "ani")
    a.do("ani", "group.leave", group="team@b")
    town.run(1)
    assert join(a, "ani")["last_seq"] == 0
    b.say("budi", "#team", "dari awal")
    town.run(1)
    assert said(a, "ani") == [(1, "budi@b", "dari awal")]
