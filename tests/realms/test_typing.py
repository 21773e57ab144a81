"""Typing across realms: heard by the other one, and by the members of a group wherever they are."""

from __future__ import annotations

import pytest

from protocol.errors import Failure, Forbidden, Invalid, NotFound
from protocol.realms import PeerTyping
from services import hints
from services.realm.typing import MOST
from tests.realms.conftest import Found
from tests.realms.overheard import Overheard, ask_as_peer
from tests.realms.town import Realm, Town


@pytest.fixture
def talking(town: Town) -> Town:
    """Ani and Budi have written to each other."""
    town["a"].say("ani", "budi@b")
    town.settle()
    town.run(2)
    return town


def typed(realm: Realm, topic: bytes) -> list[str]:
    """Who typed, as heard on a topic."""
    return [event.body["user"] for event in realm.events if (event.topic, event.kind) == (topic, "typing")]


def group_topic(realm: Realm, name: str) -> bytes:
    """The topic of a group, or of a copy of one."""
    return bytes(realm.rows("select topic from conversations where name_key = $1", name)[0][0])


def tell(realm: Realm, user: str, to: str) -> None:
    """What the handler of ``message.typing`` tells the realm process."""
    assert realm.house is not None
    realm.house.told(hints.typing(user, to))


# --- between two people -------------------------------------------------------------------------


def test_somebody_in_another_realm_sees_that_one_types_to_them(talking: Town) -> None:
    talking["a"].do("ani", "message.typing", to="budi@b")
    talking.run(1)
    assert typed(talking["b"], talking["b"].people["budi"].topic) == ["ani@a"]
    assert typed(talking["a"], talking["a"].people["ani"].topic) == []


def test_it_is_told_at_once(talking: Town) -> None:
    talking["a"].do("ani", "message.typing", to="budi@b")
    topic = talking["b"].people["budi"].topic
    talking.until(lambda: typed(talking["b"], topic) == ["ani@a"], seconds=0.1)


def test_nobody_hears_it_of_strangers(talking: Town) -> None:
    talking["b"].person("dewi")
    with pytest.raises(Forbidden, match="no conversation with dewi"):
        ask_as_peer(talking["b"], "a", "typing", PeerTyping("ani", "dewi"))
    with pytest.raises(Forbidden, match="no conversation with nobody"):
        ask_as_peer(talking["b"], "a", "typing", PeerTyping("ani", "nobody"))
    with pytest.raises(Forbidden, match="in no conversation here"):
        ask_as_peer(talking["b"], "a", "typing", PeerTyping("citra", "budi"))
    assert typed(talking["b"], talking["b"].people["dewi"].topic) == []


def test_what_was_typed_while_a_realm_was_away_is_not_told_afterwards(talking: Town) -> None:
    talking.network.cut("a", "b")
    talking.run(20)
    talking["a"].do("ani", "message.typing", to="budi@b")
    talking.run(1)
    talking.network.heal("a", "b")
    talking.run(60)
    assert typed(talking["b"], talking["b"].people["budi"].topic) == []


def test_only_so_much_typing_waits_to_be_told(talking: Town) -> None:
    heard = Overheard(talking["b"])
    for number in range(2 * MOST):
        tell(talking["a"], f"ani{number}", "budi@b")
    talking.run(1)
    assert len(heard.of(PeerTyping)) == MOST


# --- in groups ----------------------------------------------------------------------------------


@pytest.fixture
def team(founded: Found) -> Town:
    """A group of a's with members in b and c."""
    town = founded("a", "b", "c")
    town["a"].do("ani", "group.create", group="team")
    town.run(2)
    for realm, who in (("b", "budi"), ("c", "citra")):
        town[realm].do(who, "group.join", group="#team@a")
    town.run(2)
    return town


def test_a_member_elsewhere_is_heard_at_home_and_in_the_other_realms(team: Town) -> None:
    tell(team["b"], "budi", "#team@a")
    team.run(2)
    assert typed(team["a"], group_topic(team["a"], "team")) == ["budi@b"]
    assert typed(team["c"], group_topic(team["c"], "team@a")) == ["budi@b"]
    assert typed(team["b"], group_topic(team["b"], "team@a")) == []


def test_a_member_at_home_is_heard_in_all_realms(team: Town) -> None:
    team["a"].do("ani", "message.typing", to="#team")
    team.run(2)
    for realm in ("b", "c"):
        assert typed(team[realm], group_topic(team[realm], "team@a")) == ["ani@a"]


def test_a_realm_without_members_hears_nothing_of_a_group(team: Town) -> None:
    team["a"].do("ani", "group.create", group="lain")
    heard = Overheard(team["b"])
    tell(team["a"], "ani", "#lain")
    team.run(2)
    assert heard.of(PeerTyping) == []


def test_who_is_no_member_types_in_no_group(team: Town) -> None:
    team["b"].person("dewi")
    with pytest.raises(Forbidden):
        ask_as_peer(team["a"], "b", "typing", PeerTyping("dewi", "#team"))
    with pytest.raises(Forbidden):
        ask_as_peer(team["a"], "b", "typing", PeerTyping("budi", "#nosuch"))
    with pytest.raises(NotFound):
        ask_as_peer(team["a"], "b", "typing", PeerTyping("budi", "#nosuch@b"))


# --- what a peer may say ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "to"),
    [
        ("ani@a", "budi"),
        ("citra@c", "budi"),
        ("ani@a", "#team"),
        ("budi@b", "#team@a"),
        ("#team", "#team@a"),
        ("ani", "*"),
        ("ani", "budi@c"),
        ("ani", "#team@c"),
        ("ani", "a b"),
        ("a b", "budi"),
    ],
)
def test_a_realm_says_nothing_of_anybody_elses_users_and_conversations(
    talking: Town, user: str, to: str
) -> None:
    before = len(talking["b"].events)
    with pytest.raises(Failure) as refusal:
        ask_as_peer(talking["b"], "a", "typing", PeerTyping(user, to))
    assert isinstance(refusal.value, Forbidden | Invalid | NotFound)
    assert len(talking["b"].events) == before
