"""Coming and going across realms: told to who shares a conversation, and to nobody else."""

from __future__ import annotations

import pytest

from protocol.realms import PeerPresence, Presences
from services.realm import presence, visitors
from services.realm.presence import ANEW, LEAST, SOON
from services.storage import acquaintances
from services.storage.engine import Transaction
from services.storage.realms import Realm as Row
from services.storage.realms import State
from tests.realms import comings
from tests.realms.comings import online, seen
from tests.realms.conftest import Found
from tests.realms.overheard import Overheard, ask_as_peer, report
from tests.realms.town import Town


@pytest.fixture
def talking(town: Town) -> Town:
    return comings.talking(town)


# --- who hears what -----------------------------------------------------------------------------


def test_who_shares_a_conversation_sees_the_other_come_and_go(talking: Town) -> None:
    report(talking["a"], online=["ani"])
    report(talking["b"], online=["budi"])
    talking.run(1)
    report(talking["b"], offline=["budi"])
    talking.run(1)
    assert seen(talking["a"], "ani") == [("budi@b", True), ("budi@b", False)]


def test_coming_and_going_is_told_at_once(talking: Town) -> None:
    report(talking["a"], online=["ani"])
    report(talking["b"], online=["budi"])
    talking.until(lambda: seen(talking["a"], "ani") == [("budi@b", True)], seconds=0.1)


def test_nothing_is_said_of_strangers(talking: Town) -> None:
    heard = Overheard(talking["a"])
    report(talking["b"], online=["budi", "dewi"])
    talking.run(2 * ANEW)
    report(talking["b"], offline=["dewi"])
    talking.run(2 * ANEW)
    assert {each.user for said in heard.of(Presences) for each in said.users} == {"budi"}


def test_a_change_is_said_once(talking: Town) -> None:
    heard = Overheard(talking["a"])
    report(talking["b"], online=["budi"])
    report(talking["b"], online=["budi"])
    talking.run(3 * ANEW)
    assert [len(said.users) for said in heard.of(Presences)] == [1]


def test_those_who_share_nothing_do_not_hear_of_it(talking: Town) -> None:
    report(talking["a"], online=["ani", "citra"])
    report(talking["b"], online=["budi"])
    talking.run(1)
    assert seen(talking["a"], "citra") == []


def test_members_of_a_group_hear_it_at_its_home(town: Town) -> None:
    town["a"].do("ani", "group.create", group="team")
    town.run(2)
    town["b"].do("budi", "group.join", group="#team@a")
    town.run(2)
    report(town["b"], online=["budi"])
    town.run(2)
    topic = town["a"].rows("select topic from conversations where name = 'team'")[0][0]
    heard = [event.body for event in town["a"].events if event.topic == topic and event.kind == "presence"]
    assert [(body["user"], body["online"]) for body in heard] == [("budi@b", True)]
    members = town["a"].do("ani", "group.members", group="team")["members"]
    assert [(member["user"], member["online"]) for member in members] == [("ani", False), ("budi@b", True)]


@pytest.fixture
def team(town: Town) -> Town:
    """Ani of a is in a group of b's, with Budi and Dewi of b; she has never written to anybody there."""
    town["b"].person("dewi")
    town["b"].do("budi", "group.create", group="team")
    town["b"].do("dewi", "group.join", group="team")
    town.run(2)
    town["a"].do("ani", "group.join", group="#Team@b")
    town.run(2)
    return town


def in_copy(town: Town, name: str = "a") -> list[tuple[str, bool]]:
    """Who came and went, as heard by members of the copy."""
    topic = town[name].rows("select topic from conversations where name_key = 'team@b'")[0][0]
    heard = [event.body for event in town[name].events if event.topic == topic and event.kind == "presence"]
    return [(body["user"], body["online"]) for body in heard]


def test_members_of_a_copy_hear_it_though_nobody_of_that_realm_is_known_here(team: Town) -> None:
    report(team["b"], online=["budi", "dewi"])
    team.run(1)
    report(team["b"], offline=["dewi"])
    team.run(1)
    assert in_copy(team) == [("budi@b", True), ("dewi@b", True), ("dewi@b", False)]
    assert online(team["a"]) == []


def test_in_a_copy_of_a_realm_that_is_away_nobody_is_online(team: Town) -> None:
    report(team["b"], online=["budi"])
    team.run(1)
    team.network.cut("a", "b")
    team.run(30)
    assert in_copy(team) == [("budi@b", True), ("budi@b", False)]
    team.network.heal("a", "b")
    team.until(lambda: in_copy(team)[2:] == [("budi@b", True)], seconds=60)


def test_who_joins_a_group_while_online_is_seen_in_it_soon(team: Town) -> None:
    team["b"].person("eka")
    report(team["b"], online=["eka"])
    team.run(1)
    assert in_copy(team) == []
    team["b"].do("eka", "group.join", group="team")
    team.run(ANEW + 1)
    assert in_copy(team) == [("eka@b", True)]


def test_a_home_says_where_somebody_comes_only_of_groups_that_are_shared(team: Town) -> None:
    team["b"].do("budi", "group.create", group="rahasia")
    heard = Overheard(team["a"])
    report(team["b"], online=["budi"])
    team.run(1)
    assert [each.groups for said in heard.of(Presences) for each in said.users] == [["team"]]


def test_groups_of_which_nobody_here_is_a_member_are_passed_over(team: Town) -> None:
    said = Presences([PeerPresence("budi", True, 1, ["team", "lain", "team@c"])], all=False)
    ask_as_peer(team["a"], "b", "presence", said)
    assert in_copy(team) == [("budi@b", True)]


def test_of_more_groups_than_there_is_room_for_nothing_is_remembered(
    team: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitors, "GROUPS_REMEMBERED", 2)
    for users in (["budi", "dewi"], ["budi", "eka"]):
        said = [PeerPresence(user, True, 1, ["team", user]) for user in users]
        ask_as_peer(team["a"], "b", "presence", Presences(said, all=False))
    assert in_copy(team) == [("budi@b", True)]
    ask_as_peer(team["a"], "b", "presence", Presences([PeerPresence("budi", False, 1)], all=False))
    said = [PeerPresence("dewi", True, 1, ["team", "lain"])]
    ask_as_peer(team["a"], "b", "presence", Presences(said, all=False))
    assert in_copy(team)[1:] == [("budi@b", False), ("dewi@b", True)]


def test_who_becomes_acquainted_while_online_is_seen_in_a_moment(town: Town) -> None:
    town.run(2)
    report(town["a"], online=["ani"])
    report(town["b"], online=["budi"])
    town["a"].say("ani", "budi@b")
    town.settle()
    town.run(LEAST + SOON)
    assert (online(town["a"]), online(town["b"])) == (["budi@b"], ["ani@a"])


def test_who_joins_a_group_elsewhere_while_online_is_seen_in_a_moment(town: Town) -> None:
    town.run(2)
    report(town["a"], online=["ani"])
    town["b"].do("budi", "group.create", group="team")
    town["a"].do("ani", "group.join", group="#team@b")
    town.run(LEAST + SOON)
    assert online(town["b"]) == ["ani@a"]


def test_strangers_who_come_one_after_the_other_do_not_keep_us_looking(
    talking: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = talking["a"].house
    assert house is not None
    looks: list[str] = []
    look = acquaintances.online

    def counted(tx: Transaction, realm: Row) -> list[int]:
        looks.append(realm.name)
        return look(tx, realm)

    monkeypatch.setattr(acquaintances, "online", counted)
    for _ in range(100):
        presence.nudge(house, "b")
        talking.run(0.2)
    assert 3 <= looks.count("b") <= 20 / LEAST + 1


def test_acquaintances_of_people_who_were_known_before_are_seen_soon(talking: Town) -> None:
    talking["b"].person("eka")
    report(talking["a"], online=["ani"])
    report(talking["b"], online=["eka"])
    talking["a"].say("ani", "eka@b")
    talking.settle()
    talking["a"].say("citra", "eka@b")
    talking.settle()
    report(talking["a"], online=["citra"])
    talking.run(ANEW + 1)
    assert sorted(online(talking["b"])) == ["ani@a", "citra@a"]


def test_foreigners_are_not_among_our_users(talking: Town) -> None:
    report(talking["a"], online=["ani"])
    report(talking["b"], online=["budi"])
    talking.run(1)
    assert talking["a"].do("ani", "user.online")["users"] == ["ani"]
    assert [user["user"] for user in talking["a"].do("ani", "user.list")["users"]] == ["ani", "citra"]


@pytest.mark.postgres
def test_it_is_the_same_on_postgres(founded: Found, postgres_schema: str) -> None:
    town = founded(databases={"b": postgres_schema})
    town.run(2)
    report(town["a"], online=["ani"])
    report(town["b"], online=["budi"])
    town["a"].say("ani", "budi@b")
    town["b"].do("budi", "group.create", group="team")
    town["a"].do("ani", "group.join", group="#team@b")
    town.run(LEAST + SOON)
    assert (online(town["a"]), online(town["b"])) == (["budi@b"], ["ani@a"])
    assert town["b"].do("budi", "user.get", user="ani@a")["online"]
    assert town["a"].do("ani", "user.get", user="budi@b")["online"]
    report(town["b"], offline=["budi"])
    town.run(1)
    assert (seen(town["a"], "ani")[-1], in_copy(town, "a")[-1]) == (("budi@b", False), ("budi@b", False))
    town.network.cut("a", "b")
    town.run(30)
    assert (online(town["a"]), online(town["b"])) == ([], [])


# --- lines and lives ----------------------------------------------------------------------------


def test_a_realm_that_is_away_has_nobody_online(talking: Town) -> None:
    report(talking["a"], online=["ani"])
    report(talking["b"], online=["budi"])
    talking.run(1)
    talking.network.cut("a", "b")
    talking.run(30)
    assert online(talking["a"]) == [] == online(talking["b"])
    assert seen(talking["a"], "ani") == [("budi@b", True), ("budi@b", False)]


def test_all_who_are_online_are_told_when_the_line_is_back(talking: Town) -> None:
    report(talking["b"], online=["budi"])
    talking.network.cut("a", "b")
    talking.run(30)
    talking.network.heal("a", "b")
    talking.until(lambda: online(talking["a"]) == ["budi@b"], seconds=60)


def test_who_went_while_the_line_was_cut_is_not_online_afterwards(talking: Town) -> None:
    report(talking["b"], online=["budi"])
    talking.run(1)
    talking.network.cut("a", "b")
    talking.run(3)
    report(talking["b"], offline=["budi"])
    talking.network.heal("a", "b")
    talking.run(2 * ANEW)
    assert online(talking["a"]) == []


def test_a_realm_process_that_starts_anew_is_told_everything(talking: Town) -> None:
    report(talking["b"], online=["budi"])
    talking.run(1)
    with talking["a"].store.write() as tx:
        tx.run("delete from presence")
    talking["a"].kill()
    talking["a"].start()
    talking.until(lambda: online(talking["a"]) == ["budi@b"], seconds=60)


@pytest.mark.parametrize("state", [State.REMOVED, State.BLOCKED])
def test_nobody_of_a_realm_that_is_gone_is_online(talking: Town, state: State) -> None:
    report(talking["b"], online=["budi"])
    talking.run(1)
    talking.set_state("a", "b", state)
    talking.run(3)
    assert online(talking["a"]) == []


def test_nobody_of_a_realm_is_online_that_was_removed_while_nothing_ran(talking: Town) -> None:
    report(talking["b"], online=["budi"])
    talking.run(1)
    talking["a"].kill()
    talking.set_state("a", "b", State.REMOVED)
    assert online(talking["a"]) == ["budi@b"]
    talking["a"].start()
    talking.run(3)
    assert online(talking["a"]) == []


def test_a_hint_that_was_lost_is_made_up_for(talking: Town) -> None:
    house = talking["b"].house
    assert house is not None
    house.told = lambda payload: None  # type: ignore[method-assign]
    report(talking["b"], online=["budi"])
    talking.run(ANEW + 2)
    assert online(talking["a"]) == ["budi@b"]


def test_many_who_are_online_are_told_in_parts(founded: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "AT_ONCE", 2)
    town = founded()
    people = [f"dewi{number}" for number in range(5)]
    for name in people:
        town["b"].person(name)
        town["a"].say("ani", f"{name}@b")
    town.settle()
    town.run(2)
    heard = Overheard(town["a"])
    report(town["b"], online=people)
    town["b"].kill()
    town["b"].start()
    town.until(lambda: len(online(town["a"])) == 5, seconds=60)
    whole = [(len(said.users), said.all) for said in heard.of(Presences)][-3:]
    assert whole == [(2, True), (2, False), (1, False)]
