"""Who is in a group between realms: leaving, removal, the home's lists, and realms that part."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from protocol.errors import Busy, Conflict, Forbidden, NotFound, Unavailable
from protocol.realms import Push
from services.storage import users
from services.storage.engine import Transaction
from services.storage.realms import State
from tests.realms.circle import down_and_up, follows, heard, inbox, join, members, said, team
from tests.realms.conftest import Found
from tests.realms.overheard import Overheard, ask_as_peer, call_as_peer
from tests.realms.town import Realm, Town


def outside(realm: Realm) -> list[str]:
    """Members of realm b's groups from elsewhere."""
    rows = realm.rows(
        "select users.name from members join users on users.id = user_id where realm <> '' order by 1"
    )
    return [row[0] for row in rows]


def copies(realm: Realm) -> int:
    """How many there are."""
    return int(realm.rows("select count(*) from copies")[0][0])


def tell(town: Town, members: Sequence[str], at: int, *, here: str = "a") -> bool:
    """Have b say that these are members; whether it is to say so again."""
    answer = ask_as_peer(town[here], "b", "push", Push("Team", 0, [], 0, at, list(members)))
    return bool(answer["again"])


# --- leaving ------------------------------------------------------------------------------------


def test_who_leaves_is_out_here_at_once_and_there_soon(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    assert a.do("ani", "group.leave", group="#team@b") == {}
    assert "#Team@b" not in inbox(a, "ani")
    town.run(1)
    assert outside(b) == []
    left = [event.body for event in b.events if event.kind == "membership" and event.body["change"] == "left"]
    assert {(each["user"], each["by"]) for each in left} == {("ani@a", "")}
    assert heard(b, "team", "membership") == []
    assert follows(b) == []
    assert a.waiting() == 0


def test_the_last_of_us_takes_our_copy_along_and_nothing_else(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    a.person("dewi")
    join(a, "dewi")
    b.say("budi", "#team")
    town.run(1)
    a.do("ani", "group.leave", group="team@b")
    town.run(1)
    assert (copies(a), outside(b)) == (1, ["dewi@a"])
    b.say("budi", "#team")
    town.run(1)
    assert len(said(a, "dewi")) == 2
    a.do("dewi", "group.leave", group="team@b")
    town.run(1)
    assert (copies(a), a.rows("select count(*) from messages")) == (0, [(0,)])
    assert len(said(b, "budi", "#team")) == 2


def test_who_left_while_the_home_was_away_is_not_taken_back(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    town.network.cut("a", "b")
    town.run(20)
    a.do("ani", "group.leave", group="team@b")
    assert tell(town, ["ani"], town.wall) is False
    assert copies(a) == 0
    assert a.waiting() == 1
    town.network.heal("a", "b")
    town.run(60)
    assert (copies(a), outside(b), a.waiting()) == (0, [], 0)


def test_posts_before_leaving_arrive_before_it(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    town.network.cut("a", "b")
    town.run(20)
    a.say("ani", "#team@b", "selamat tinggal")
    a.do("ani", "group.leave", group="team@b")
    town.network.heal("a", "b")
    town.run(60)
    assert said(b, "budi", "#team") == [(1, "ani@a", "selamat tinggal")]
    assert outside(b) == []


def test_no_post_is_remembered_for_a_copy_that_is_gone(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    a.say("ani", "#team@b", "satu")
    a.do("ani", "group.leave", group="team@b")
    assert a.rows("select kind, state from outbox order by n") == [("post", "waiting"), ("leave", "waiting")]
    town.run(1)
    assert a.rows("select count(*) from outbox") == [(0,)]
    assert said(b, "budi", "#team") == [(1, "ani@a", "satu")]


def test_who_posts_and_leaves_has_said_it_to_those_of_us_who_stay(town: Town) -> None:
    a = team(town, ("a", "ani"))["a"]
    a.person("dewi")
    join(a, "dewi")
    a.say("ani", "#team@b", "sampai jumpa")
    a.do("ani", "group.leave", group="team@b")
    town.run(1)
    assert said(a, "dewi") == [(1, "ani", "sampai jumpa")]
    assert inbox(a, "dewi")["#Team@b"]["unread"] == 1


def test_who_left_joins_again_when_the_home_has_heard_of_it(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    b.say("budi", "#team", "lama")
    town.run(1)
    a.do("ani", "group.leave", group="team@b")
    with pytest.raises(Busy, match="b has not heard yet that you left #team@b"):
        join(a, "ani")
    town.run(1)
    assert join(a, "ani")["last_seq"] == 1
    town.run(1)
    assert said(a, "ani") == [(1, "budi@b", "lama")]
    assert outside(b) == ["ani@a"]


def test_who_is_no_member_cannot_leave(town: Town) -> None:
    a = team(town, ("a", "ani"))["a"]
    a.person("dewi")
    with pytest.raises(Forbidden, match="You are not a member of #Team@b"):
        a.do("dewi", "group.leave", group="#team@b")
    with pytest.raises(NotFound, match="There is no group #lain@b"):
        a.do("ani", "group.leave", group="#lain@b")


# --- removal ------------------------------------------------------------------------------------


def test_whom_the_creator_removes_is_out_everywhere(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    b.say("budi", "#team")
    town.run(1)
    topic = bytes(a.rows("select topic from conversations where name_key = 'team@b'")[0][0])
    b.do("budi", "group.remove", group="team", user="ani@a")
    town.run(1)
    assert copies(a) == 0
    removed = [event.body for event in a.events if event.topic == topic and event.kind == "membership"]
    assert (removed[-1]["user"], removed[-1]["change"], removed[-1]["group"]) == ("ani", "removed", "Team@b")
    assert a.heard("ani", "membership") == [removed[-1]]
    with pytest.raises(Forbidden):
        a.say("ani", "#team@b")
    assert follows(b) == []


def test_the_topic_is_replaced_for_those_who_stay(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    a.person("dewi")
    join(a, "dewi")
    town.run(1)
    before = a.rows("select topic from conversations where name_key = 'team@b'")
    b.do("budi", "group.remove", group="team", user="Ani@a")
    town.run(1)
    assert a.rows("select topic from conversations where name_key = 'team@b'") != before
    assert set(inbox(a, "dewi")) == {"*", "#Team@b"}
    assert "#Team@b" not in inbox(a, "ani")


def test_whom_the_creator_removed_while_they_were_away_hears_it_later(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    town.network.cut("a", "b")
    town.run(20)
    b.do("budi", "group.remove", group="team", user="ani@a")
    b.say("budi", "#team", "rahasia")
    a.say("ani", "#team@b", "masih di sini?")
    town.network.heal("a", "b")
    overheard = Overheard(a)
    town.run(60)
    assert copies(a) == 0
    assert [event["code"] for event in a.heard("ani", "undelivered")] == ["forbidden"]
    assert [each.messages for each in overheard.of(Push)] == [[]]
    assert a.waiting() == 0


def test_a_creator_may_be_a_foreigner_and_removes_through_the_home(founded: Found) -> None:
    town = team(founded("a", "b", "c"), ("a", "ani"), ("c", "citra"))
    a, b, c = town["a"], town["b"], town["c"]
    b.person("dewi")
    join(b, "dewi", "team")
    b.do("budi", "group.leave", group="team")
    assert members(b, "dewi", "team") == {"ani@a": True, "citra@c": False, "dewi": False}
    assert members(a, "ani") == {"ani": True, "citra@c": False, "dewi@b": False}
    assert members(c, "citra") == {"ani@a": True, "citra": False, "dewi@b": False}
    with pytest.raises(Forbidden, match=r"^b: Only ani@a, who created it,"):
        c.do("citra", "group.remove", group="team@b", user="ani@a")
    with pytest.raises(Conflict, match="You cannot remove yourself"):
        a.do("ani", "group.remove", group="team@b", user="ani")
    with pytest.raises(NotFound, match=r"^b: There is no user eko\."):
        a.do("ani", "group.remove", group="team@b", user="eko@b")
    a.do("ani", "group.remove", group="team@b", user="citra@c")
    a.do("ani", "group.remove", group="team@b", user="dewi@b")
    town.run(1)
    assert copies(c) == 0
    assert members(a, "ani") == {"ani": True}


def test_members_are_asked_at_home_in_pages(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    for who in ("dewi", "eko"):
        b.person(who)
        join(b, who, "team")
    page = a.do("ani", "group.members", group="team@b", limit=2)
    assert ([each["user"] for each in page["members"]], page["more"]) == (["budi@b", "ani"], True)
    page = a.do("ani", "group.members", group="team@b", limit=2, after="ani")
    assert [each["user"] for each in page["members"]] == ["dewi@b", "eko@b"]
    page = a.do("ani", "group.members", group="team@b", after="dewi@b")
    assert [each["user"] for each in page["members"]] == ["eko@b"]
    town.network.cut("a", "b")
    town.run(20)
    with pytest.raises(Unavailable):
        a.do("ani", "group.members", group="team@b")


# --- what the home's lists do -------------------------------------------------------------------


def test_a_home_that_names_us_in_ever_more_groups_fills_its_outbox_no_further_than_anybody(
    founded: Found,
) -> None:
    town = founded(realm_outbox_messages=3)
    town.run(1)
    town.network.cut("a", "b")
    for nth in range(5):
        push = Push(f"group{nth}", 0, [], 0, town.wall, ["ani"])
        ask_as_peer(town["a"], "b", "push", push)
    kinds = town["a"].rows("select kind, recipient from outbox order by n")
    assert [tuple(row) for row in kinds] == [("leave", f"group{nth}") for nth in range(3)]


def test_nobody_is_made_a_member_who_has_not_asked(town: Town) -> None:
    a, b = team(town)["a"], town["b"]
    call_as_peer(b, "a", "ani", "group.join", group="team")
    assert outside(b) == ["ani@a"]
    town.run(5)
    assert (copies(a), outside(b), a.waiting(), follows(b)) == (0, [], 0, [])


def test_a_list_that_was_under_way_when_somebody_joined_is_asked_for_again(town: Town) -> None:
    a = team(town)["a"]
    join(a, "ani")
    assert a.rows("select state from joinings") == [("joined",)]
    assert tell(town, [], town.wall) is True
    assert a.rows("select state from joinings") == [("doubted",)]
    assert copies(a) == 1
    town.run(5)
    assert (copies(a), a.rows("select count(*) from joinings")) == (1, [(0,)])


def test_who_was_removed_right_after_joining_is_out_when_that_was_said_twice(town: Town) -> None:
    a, b = team(town)["a"], town["b"]
    join(a, "ani")
    b.do("budi", "group.remove", group="team", user="ani@a")
    town.run(10)
    assert (copies(a), outside(b), follows(b)) == (0, [], [])
    assert a.rows("select count(*) from joinings") == [(0,)]


def test_an_older_list_than_the_last_one_changes_nothing(town: Town) -> None:
    a = team(town, ("a", "ani"))["a"]
    assert tell(town, [], town.wall - 10_000_000) is True
    assert copies(a) == 1


def test_a_home_whose_clock_was_set_back_is_believed(town: Town) -> None:
    a = team(town, ("a", "ani"))["a"]
    assert tell(town, [], town.wall - 3_600_000_000) is False
    assert copies(a) == 0


def test_a_list_of_very_many_members_is_looked_up_in_a_few_questions(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = team(town, ("a", "ani"))["a"]
    town.network.cut("a", "b")
    asked: list[str] = []
    named = users.named

    def counted(tx: Transaction, name: str) -> users.User | None:
        asked.append(name)
        return named(tx, name)

    monkeypatch.setattr(users, "named", counted)
    strangers = [f"orang{nth:04}" for nth in range(1200)]
    assert tell(town, [*strangers, "ANI", "ani"], town.wall) is False
    assert (asked, "#Team@b" in inbox(a, "ani"), a.waiting()) == ([], True, 0)


def test_names_of_nobody_in_a_list_are_passed_over(town: Town) -> None:
    a = team(town, ("a", "ani"))["a"]
    assert tell(town, ["ani", "hantu", "budi@b", "x y"], town.wall) is False
    assert (copies(a), a.waiting()) == (1, 0)


def test_a_group_that_is_gone_is_told_to_those_who_have_not_heard(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    town.network.cut("a", "b")
    town.run(20)
    b.do("budi", "group.remove", group="team", user="ani@a")
    b.do("budi", "group.leave", group="team")
    assert b.do("budi", "group.list")["groups"] == []
    town.network.heal("a", "b")
    town.run(60)
    assert copies(a) == 0
    assert b.rows("select count(*) from followers") == [(0,)]


def test_a_new_group_of_an_old_name_is_not_taken_for_the_old_one(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    a.person("dewi")
    b.do("budi", "group.remove", group="team", user="ani@a")
    b.do("budi", "group.leave", group="team")
    town.network.cut("a", "b")
    town.run(20)
    team(town)
    with b.store.write() as tx:
        assert tx.row("select count(*) from followers where name <> ''") is not None
    town.network.heal("a", "b")
    town.run(60)
    join(a, "dewi")
    town.run(5)
    assert set(inbox(a, "dewi")) == {"*", "#Team@b"}
    assert outside(b) == ["dewi@a"]


# --- realms that part ---------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.BLOCKED, State.REMOVED])
def test_members_of_a_realm_that_is_a_peer_no_more_are_out_as_if_they_had_left(
    founded: Found, state: State
) -> None:
    town = team(founded("a", "b", "c"), ("a", "ani"), ("c", "citra"))
    a, b = town["a"], town["b"]
    town.set_state("b", "a", state)
    town.run(5)
    assert outside(b) == ["citra@c"]
    left = [event.body for event in b.events if event.kind == "membership" and event.body["change"] == "left"]
    assert {(each["user"], each["group"]) for each in left} == {("ani@a", "Team")}
    assert set(members(b, "budi", "team")) == {"budi", "citra@c"}
    assert inbox(a, "ani")["#Team@b"]["kind"] == "group"


@pytest.mark.parametrize("state", [State.BLOCKED, State.REMOVED])
def test_copies_of_a_realms_groups_may_be_read_and_left_but_not_posted_to(town: Town, state: State) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    b.say("budi", "#team", "kenangan")
    town.run(1)
    town.set_state("a", "b", state)
    town.run(5)
    assert said(a, "ani") == [(1, "budi@b", "kenangan")]
    with pytest.raises((Forbidden, NotFound), match="b"):
        a.say("ani", "#team@b")
    with pytest.raises((Forbidden, NotFound), match="b"):
        join(a, "ani")
    assert a.do("ani", "message.read", **{"with": "#team@b", "seq": 1})["seq"] == 1
    a.do("ani", "group.leave", group="#team@b")
    assert (copies(a), a.waiting()) == (0, 0)


def test_who_was_taken_out_hears_so_when_the_realms_are_peers_again_and_may_join_again(town: Town) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    town.set_state("b", "a", State.BLOCKED)
    town.run(60)
    assert (outside(b), copies(a)) == ([], 1)
    a.say("ani", "#team@b", "halo?")
    town.set_state("b", "a", State.PAIRED)
    down_and_up(town)
    town.run(5)
    assert copies(a) == 0
    assert b.rows("select count(*) from followers") == [(0,)]
    [refused] = a.heard("ani", "undelivered")
    assert refused["code"] == "forbidden"
    assert join(a, "ani")["last_seq"] == 0
    a.say("ani", "#team@b", "halo lagi")
    town.run(5)
    assert said(a, "ani") == [(1, "ani", "halo lagi")]
