"""Who shares a conversation with another realm, on both engines."""

from __future__ import annotations

import pytest

from protocol import backend
from protocol.addresses import TopicKind, new_topic
from services import hints
from services.storage import acquaintances, conversations, copies, followers, foreigners, groups, realms
from services.storage.engine import Store, Transaction
from services.storage.presence import came
from tests.services.house import House, Person

NOW = 1_700_000_000_000_000


class Scene:
    """Ani talks to Budi of b; Citra is in a group that b follows; Dewi in a copy of b's; Eka in nothing."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.store: Store = house.store
        self.ani, self.citra, self.dewi, self.eka = house.people("ani", "citra", "dewi", "eka")
        with self.store.write() as tx:
            number = realms.pair(tx, "b", b"b" * 32, "b:1", NOW)
            realms.pair(tx, "c", b"c" * 32, "c:1", NOW)
            self.budi = foreigners.met(tx, "Budi", "b", NOW).id
            self.gita = foreigners.met(tx, "gita", "b", NOW).id
            conversations.add_direct(tx, self.ani.user_id, self.budi, NOW)
            self.team = self._group(tx, "team", self.citra)
            groups.add_member(tx, self.team, self.gita, NOW)
            followers.changed(tx, self.team, number)
            self._group(tx, "lain", self.eka)
            copies.add(tx, "jauh", "b", number, 0, NOW)
            copy = copies.named(tx, "jauh", "b")
            assert copy is not None
            self.copy = copy
            copies.add_member(tx, copy.conversation, self.dewi.user_id, 0, NOW)

    @staticmethod
    def _group(tx: Transaction, name: str, who: Person) -> int:
        group = groups.add(tx, name, "", who.user_id, new_topic(TopicKind.CONVERSATION), NOW)
        assert group is not None
        groups.add_member(tx, group, who.user_id, NOW)
        return group

    @property
    def locals(self) -> list[int]:
        """Everybody of ours."""
        return [each.user_id for each in (self.ani, self.citra, self.dewi, self.eka)]


@pytest.fixture
def scene(house: House) -> Scene:
    return Scene(house)


def realm(tx: Transaction, name: str) -> realms.Realm:
    found = realms.named(tx, name)
    assert found is not None
    return found


def test_who_talks_to_a_realm_or_is_in_a_group_with_it_is_acquainted(scene: Scene) -> None:
    with scene.store.read() as tx:
        found = acquaintances.among(tx, realm(tx, "b"), scene.locals)
        assert sorted(each.name for each in found) == ["ani", "citra", "dewi"]
        assert acquaintances.among(tx, realm(tx, "c"), scene.locals) == []
        assert sorted(acquaintances.abroad(tx, [*scene.locals, scene.budi])) == sorted(scene.locals[:3])


def test_only_who_is_online_and_ours_is_told_of(scene: Scene) -> None:
    with scene.store.write() as tx:
        assert acquaintances.online(tx, realm(tx, "b")) == []
        came(tx, b"broker", [scene.ani.user_id, scene.dewi.user_id, scene.eka.user_id, scene.budi])
        assert acquaintances.online(tx, realm(tx, "b")) == [scene.ani.user_id, scene.dewi.user_id]
        assert acquaintances.online(tx, realm(tx, "c")) == []
        found = {each.name: each.online for each in acquaintances.among(tx, realm(tx, "b"), scene.locals)}
        assert found == {"ani": True, "citra": False, "dewi": True}


def test_a_follower_whose_last_member_left_is_told_of_nobody_though_it_has_not_confirmed_it(
    scene: Scene,
) -> None:
    with scene.store.write() as tx:
        groups.remove_member(tx, scene.team, scene.gita)
        came(tx, b"broker", [scene.citra.user_id])
        assert acquaintances.online(tx, realm(tx, "b")) == []
        found = acquaintances.among(tx, realm(tx, "b"), scene.locals)
        assert sorted(each.name for each in found) == ["ani", "dewi"]
        assert acquaintances.groups_with(tx, realm(tx, "b"), [scene.citra.user_id]) == {}
        assert scene.citra.user_id not in acquaintances.abroad(tx, scene.locals)


def test_where_there_is_no_peer_nobody_is_abroad(house: House) -> None:
    ani = house.person("ani")
    with house.store.read() as tx:
        assert acquaintances.abroad(tx, [ani.user_id]) == []


def test_two_share_what_not_everybody_is_in(scene: Scene) -> None:
    with scene.store.read() as tx:
        assert acquaintances.share(tx, scene.ani.user_id, scene.budi)
        assert acquaintances.share(tx, scene.gita, scene.citra.user_id)
        assert not acquaintances.share(tx, scene.ani.user_id, scene.citra.user_id)
        assert not acquaintances.share(tx, scene.ani.user_id, scene.gita)
        assert not acquaintances.share(tx, -1, scene.ani.user_id)


def test_groups_that_are_shared_are_found_from_either_side(scene: Scene) -> None:
    with scene.store.read() as tx:
        shared = acquaintances.groups_with(tx, realm(tx, "b"), scene.locals)
        assert shared == {scene.citra.user_id: ["team"]}
        assert acquaintances.groups_with(tx, realm(tx, "c"), scene.locals) == {}
        assert acquaintances.follows(tx, realm(tx, "b"), scene.team)
        assert not acquaintances.follows(tx, realm(tx, "c"), scene.team)
        assert acquaintances.copied(tx, realm(tx, "b")) == {"jauh": scene.copy.topic}


def test_foreigners_are_found_by_their_bare_names(scene: Scene) -> None:
    with scene.store.read() as tx:
        known = acquaintances.known(tx, "b", ["BUDI", "nobody", "gita"])
        assert known == {"budi": scene.budi, "gita": scene.gita}
        assert acquaintances.known(tx, "c", ["budi"]) == {}


def test_the_realm_process_is_told_who_came_and_went_of_those_who_share_anything(scene: Scene) -> None:
    house, told = scene.house, [scene.ani.user_id, scene.citra.user_id]
    house.report(online=[*told, scene.eka.user_id])
    assert house.effects == [(backend.TELL, "realm", hint) for hint in hints.presence(told)]
    house.report(online=told)
    assert house.effects == []
    house.report(offline=[scene.eka.user_id])
    assert house.effects == []
