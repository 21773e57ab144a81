"""Who follows our groups, what we have of others', and who asked to be in them."""

from __future__ import annotations

import pytest

from protocol.addresses import TopicKind, new_topic
from services.storage import copies, followers, foreigners, groups, outbox, realms
from services.storage.engine import Store, Transaction
from services.storage.outbox import Entry
from tests.services.world import NOW, World, message_id


def _realm(tx: Transaction, name: str) -> int:
    return realms.pair(tx, name, name.encode().ljust(32), "127.0.0.1:1", NOW)


def _follower(tx: Transaction, name: str, *, realm: str = "b") -> int:
    """Somebody of another realm."""
    return foreigners.met(tx, name, realm, NOW).id


def _leave(user: int, group: str) -> Entry:
    return Entry("leave", user, group, 1, 0, None, "", 10)


def _post(user: int, number: int, conversation: int, body: str = "halo") -> Entry:
    return Entry("post", user, "team", conversation, 0, message_id(number), body, 100)


@pytest.fixture
def group(world: World) -> int:
    """#ops, with ani."""
    return world.group("ops", "ani")


def test_a_follower_is_behind_until_it_was_told_of_members_and_messages(world: World, group: int) -> None:
    with world.store.write() as tx:
        realm = _realm(tx, "b")
        followers.changed(tx, group, realm)
        [(conversation, name, sent, last, changes, gone)] = followers.behind(tx, realm)
        assert (conversation, name, sent, last, changes, gone) == (group, "ops", 0, 0, 1, False)
        followers.told(tx, group, realm, 0, changes)
        assert followers.behind(tx, realm) == []
        assert followers.followed(tx, [group, group + 1]) == {group}
    world.say("ani", "#ops")
    with world.store.write() as tx:
        assert [each.last_seq for each in followers.behind(tx, realm)] == [1]
        followers.told(tx, group, realm, 1, 0)
        assert followers.behind(tx, realm) == []


def test_members_who_changed_while_a_list_was_told_are_told_again(world: World, group: int) -> None:
    with world.store.write() as tx:
        realm = _realm(tx, "b")
        followers.changed(tx, group, realm)
        followers.changed(tx, group, realm)
        [seen] = followers.behind(tx, realm)
        followers.changed(tx, group, realm)
        followers.told(tx, group, realm, 0, seen.members_changed)
        [again] = followers.behind(tx, realm)
        followers.told(tx, group, realm, 0, again.members_changed)
        assert followers.behind(tx, realm) == []
        followers.doubt(tx, realm)
        assert len(followers.behind(tx, realm)) == 1


def test_a_realms_members_are_told_by_their_bare_names_and_no_others(world: World, group: int) -> None:
    with world.store.write() as tx:
        for name, realm in (("Eko", "b"), ("fajar", "b"), ("gita", "c")):
            groups.add_member(tx, group, _follower(tx, name, realm=realm), NOW)
        assert followers.members(tx, group, "b") == ["Eko", "fajar"]
        assert followers.members(tx, group, "c") == ["gita"]
        found = followers.memberships(tx, "b", 10)
        assert [conversation for conversation, _ in found] == [group, group]
        assert followers.memberships(tx, "b", 1) == found[:1]


def test_a_deleted_group_is_remembered_for_those_who_have_not_heard(world: World, group: int) -> None:
    with world.store.write() as tx:
        behind, told = _realm(tx, "b"), _realm(tx, "c")
        followers.changed(tx, group, behind)
        followers.changed(tx, group, told)
        followers.told(tx, group, told, 0, 1)
        followers.bereave(tx, group, "ops")
        groups.delete(tx, group)
        assert followers.behind(tx, told) == []
        [left] = followers.behind(tx, behind)
        assert (left.name, left.gone, left.last_seq) == ("ops", True, 0)
        followers.forget_namesakes(tx, "ops", behind)
        assert followers.behind(tx, behind) == []


def test_a_copy_is_begun_once_and_found_by_its_name_at_home(store: Store) -> None:
    with store.write() as tx:
        realm = _realm(tx, "b")
        copies.add(tx, "Team", "b", realm, 7, NOW)
        copies.add(tx, "team", "b", realm, 9, NOW)
        copy = copies.locked(tx, "TEAM", "b")
        assert copy is not None
        assert (copy.name, copy.last_seq, copy.home_seq, copy.begun_seq) == ("Team@b", 0, 7, 7)
        assert copies.numbered(tx, copy.conversation) == copy
        assert copies.named(tx, "team", "c") is None
        copies.heard_of(tx, copy.conversation, 5)
        copies.heard_of(tx, copy.conversation, 8)
        copies.rename(tx, copy.conversation, "TEAM@b")
        copy = copies.named(tx, "team", "b")
        assert copy is not None
        assert (copy.name, copy.home_seq) == ("TEAM@b", 8)
        groups.delete(tx, copy.conversation)
        copies.forget(tx, copy.conversation)
        assert copies.named(tx, "team", "b") is None


def test_no_group_of_our_own_is_a_copy(world: World, group: int) -> None:
    with world.store.read() as tx:
        assert copies.numbered(tx, group) is None


def test_a_member_of_a_copy_begins_where_the_home_is(world: World) -> None:
    ani = world.people["ani"]
    with world.store.write() as tx:
        copies.add(tx, "team", "b", _realm(tx, "b"), 50, NOW)
        copy = copies.named(tx, "team", "b")
        assert copy is not None
        assert copies.add_member(tx, copy.conversation, ani.user_id, 50, NOW)
        assert not copies.add_member(tx, copy.conversation, ani.user_id, 60, NOW)
        assert copies.members(tx, copy.conversation) == [(ani.user_id, "ani", ani.topic, 50)]


def test_who_asked_to_join_is_remembered_until_it_is_settled(world: World) -> None:
    ani, budi = world.people["ani"].user_id, world.people["budi"].user_id
    with world.store.write() as tx:
        realm = _realm(tx, "b")
        copies.asks(tx, realm, "Team", ani, NOW)
        copies.asks(tx, realm, "team", ani, NOW + 1)
        copies.asks(tx, realm, "team", budi, NOW)
        copies.set_joining(tx, realm, "team", ani, "joined")
        assert copies.joinings(tx, realm, "TEAM") == {ani: "joined", budi: "asked"}
        copies.end_joinings(tx, realm, "team", [ani])
        assert copies.joinings(tx, realm, "team") == {budi: "asked"}


def test_a_post_is_known_as_ours_until_it_came_back(world: World) -> None:
    ani = world.people["ani"].user_id
    with world.store.write() as tx:
        realm, other = _realm(tx, "b"), _realm(tx, "c")
        outbox.add(tx, realm, [_post(ani, 1, 5, "satu"), _post(ani, 2, 5, "dua")], NOW)
        asked = [(ani, message_id(1)), (ani, message_id(2)), (ani, message_id(3))]
        texts = {(ani, message_id(1)): "satu", (ani, message_id(2)): "dua"}
        assert outbox.posts(tx, realm, 5, asked) == texts
        assert outbox.posts(tx, realm, 6, asked) == {}
        assert outbox.posts(tx, other, 5, asked) == {}
        outbox.told(tx, realm, 1)
        outbox.back(tx, realm, asked)
        assert outbox.posts(tx, realm, 5, asked) == {}
        found = realms.numbered(tx, realm)
        assert found is not None
        assert (found.waiting, found.waiting_bytes) == (0, 0)


def test_who_is_leaving_is_known_until_it_was_told(world: World) -> None:
    ani = world.people["ani"].user_id
    with world.store.write() as tx:
        realm = _realm(tx, "b")
        outbox.add(tx, realm, [_leave(ani, "Team")], NOW)
        assert outbox.leaving(tx, realm, "team") == {ani}
        assert outbox.leaving(tx, realm, "tea") == set()
        outbox.told(tx, realm, 1)
        assert outbox.leaving(tx, realm, "team") == set()


def test_a_topic_of_a_copy_is_a_conversations(store: Store) -> None:
    with store.write() as tx:
        copies.add(tx, "team", "b", _realm(tx, "b"), 0, NOW)
        copy = copies.named(tx, "team", "b")
    assert copy is not None
    assert (copy.topic[:1], len(copy.topic)) == (TopicKind.CONVERSATION, len(new_topic(b"c")))
