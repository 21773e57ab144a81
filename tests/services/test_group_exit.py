"""Leave a group, be removed from it: the topic is replaced, the role handed on, the empty group deleted."""

from __future__ import annotations

import pytest

from protocol.errors import Conflict, Forbidden, NotFound
from services import topics
from tests.services.house import House, Person


def _group(house: House, *members: Person) -> tuple[int, bytes]:
    """#Ops, created by the first, joined by the others: its number and topic."""
    reply = house.do("group.create", members[0], group="Ops")
    for who in members[1:]:
        house.do("group.join", who, group="ops")
    return reply["conversation"], reply["topic"]


def _members(house: House, who: Person) -> dict[str, bool]:
    """Members of #Ops, and whether each is the creator."""
    found = house.do("group.members", who, group="ops")["members"]
    return {member["user"]: member["creator"] for member in found}


def test_leaving_replaces_the_topic_and_tells_those_who_stay(house: House) -> None:
    ani, budi, citra, dewi = house.people("ani", "budi", "citra", "dewi")
    group, old = _group(house, ani, budi, citra)
    assert house.do("group.leave", citra, group="#ops") == {}
    left = (
        "membership",
        {"conversation": group, "group": "Ops", "user": "citra", "change": "left", "by": ""},
    )
    replaced = ("topics", {"conversation": group})
    assert house.on(old) == [left, replaced]
    assert house.on(citra.topic) == [left]
    assert house.on(ani.topic) == house.on(budi.topic) == [replaced]
    assert house.on(dewi.topic) == []
    assert len(house.events) == 5


def test_the_new_topic_is_in_no_event(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    group, old = _group(house, ani, budi)
    house.do("group.leave", budi, group="ops")
    events = house.events
    new = house.topic_of(group)
    assert new != old
    assert new.startswith(b"c")
    assert len(new) == 16
    assert new not in {event.topic for event in events}
    assert not any(new in event.body.values() for event in events)


def test_who_stays_or_comes_back_hears_the_new_topic(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    group, old = _group(house, ani, budi)
    house.do("group.leave", budi, group="ops")
    assert house.do("group.join", ani, group="ops")["topic"] == house.topic_of(group) != old
    assert house.do("group.join", budi, group="ops")["topic"] == house.topic_of(group)


def test_who_left_is_no_member_and_cannot_leave_again(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    group, _ = _group(house, ani, budi)
    house.do("group.leave", budi, group="ops")
    topic = house.topic_of(group)
    assert _members(house, ani) == {"ani": True}
    with pytest.raises(Forbidden, match="not a member of #Ops"):
        house.do("group.leave", budi, group="ops")
    assert house.topic_of(group) == topic


def test_the_creator_who_leaves_hands_the_role_to_the_longest_standing_member(house: House) -> None:
    ani, dewi, citra = house.people("ani", "dewi", "citra")
    _group(house, ani, dewi, citra)
    house.do("group.leave", ani, group="ops")
    assert _members(house, citra) == {"dewi": True, "citra": False}
    house.do("group.join", ani, group="ops")
    with pytest.raises(Forbidden, match="dewi"):
        house.do("group.remove", ani, group="ops", user="citra")
    house.do("group.remove", dewi, group="ops", user="citra")


def test_a_member_who_leaves_takes_no_role_with_them(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    _group(house, ani, budi)
    house.do("group.leave", budi, group="ops")
    assert _members(house, ani) == {"ani": True}


def test_the_last_member_to_leave_deletes_the_group_and_its_messages(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    group, old = _group(house, ani, budi)
    other = house.do("group.create", budi, group="other")["conversation"]
    for conversation in (group, other):
        _message(house, conversation, ani)
    house.do("group.leave", ani, group="ops")
    assert house.row("select count(*) from messages") == (2,)
    old = house.topic_of(group)
    house.do("group.leave", budi, group="ops")
    left = ("membership", {"conversation": group, "group": "Ops", "user": "budi", "change": "left", "by": ""})
    assert house.on(old) == house.on(budi.topic) == [left]
    assert len(house.events) == 2
    assert house.row("select conversation_id from messages") == (other,)
    assert house.row("select count(*) from conversations where id = $1", group) == (0,)
    assert house.row("select count(*) from members where conversation_id = $1", group) == (0,)
    assert [found["group"] for found in house.do("group.list", ani)["groups"]] == ["other"]


def test_a_name_is_free_again_once_its_group_is_deleted(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    _, topic = _group(house, ani)
    house.do("group.leave", ani, group="ops")
    with pytest.raises(NotFound):
        house.do("group.join", budi, group="ops")
    assert house.do("group.create", budi, group="OPS")["topic"] != topic


def test_removing_replaces_the_topic_and_tells_the_removed_one(house: House) -> None:
    ani, budi, citra = house.people("ani", "budi", "citra")
    group, old = _group(house, ani, budi, citra)
    assert house.do("group.remove", ani, group="ops", user="BUDI") == {}
    removed = (
        "membership",
        {"conversation": group, "group": "Ops", "user": "budi", "change": "removed", "by": "ani"},
    )
    replaced = ("topics", {"conversation": group})
    assert house.on(old) == [removed, replaced]
    assert house.on(budi.topic) == [removed]
    assert house.on(ani.topic) == house.on(citra.topic) == [replaced]
    assert house.topic_of(group) not in {old, *(event.topic for event in house.events)}
    assert _members(house, ani) == {"ani": True, "citra": False}


def test_who_was_removed_may_join_again(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    group, _ = _group(house, ani, budi)
    house.do("group.remove", ani, group="ops", user="budi")
    assert house.do("group.join", budi, group="ops")["topic"] == house.topic_of(group)


def test_only_the_creator_may_remove(house: House) -> None:
    ani, budi, citra, dewi = house.people("ani", "budi", "citra", "dewi")
    group, topic = _group(house, ani, budi, citra)
    with pytest.raises(Forbidden, match="Only ani"):
        house.do("group.remove", budi, group="ops", user="citra")
    with pytest.raises(Forbidden, match="not a member"):
        house.do("group.remove", dewi, group="ops", user="citra")
    with pytest.raises(Forbidden, match="Only ani"):
        house.do("group.remove", budi, group="ops", user="budi")
    assert house.events == []
    assert house.topic_of(group) == topic
    assert len(_members(house, ani)) == 3


@pytest.mark.parametrize(
    ("creator", "sentence"),
    [
        ("ani", r"^Only ani, who created it, may remove members of #Ops\.$"),
        ("", r"^Only its creator may remove members of #Ops\.$"),
    ],
)
def test_who_may_not_remove_reads_who_may(house: House, creator: str, sentence: str) -> None:
    ani, budi, citra = house.people("ani", "budi", "citra")
    group, _ = _group(house, ani, budi, citra)
    if not creator:
        with house.store.write() as tx:
            tx.run("update conversations set creator_id = 4711 where id = $1", (group,))
    with pytest.raises(Forbidden, match=sentence):
        house.do("group.remove", budi, group="ops", user="citra")


def test_removing_who_is_not_there_changes_nothing(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    group, topic = _group(house, ani)
    with pytest.raises(NotFound, match="budi is not a member of #Ops"):
        house.do("group.remove", ani, group="ops", user=budi.name)
    with pytest.raises(NotFound, match="no user citra"):
        house.do("group.remove", ani, group="ops", user="citra")
    with pytest.raises(Conflict, match="leave #Ops instead"):
        house.do("group.remove", ani, group="ops", user="ani")
    assert house.events == []
    assert house.topic_of(group) == topic


def test_in_a_large_group_those_online_are_told_first(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "MOST_TOLD", 2)
    people = house.people("ani", "budi", "citra", "dewi")
    _, old = _group(house, *people)
    ani, budi, citra, dewi = people
    house.report(online=[citra.user_id, dewi.user_id])
    house.do("group.leave", budi, group="ops")
    told = {event.topic for event in house.events if event.kind == "topics"}
    assert told == {old, citra.topic, dewi.topic}
    phone = house.login("ani")
    house.do("auth.revoke", ani, session=phone.session)
    told = {event.topic for event in house.events if event.topic in {one.topic for one in people}}
    assert told == {ani.topic, citra.topic, dewi.topic}


def _message(house: House, conversation: int, sender: Person) -> None:
    with house.store.write() as tx:
        tx.run(
            "insert into messages (conversation_id, seq, sender_id, id, body, sent_at)"
            " values ($1, 1, $2, $3, 'hi', 0)",
            (conversation, sender.user_id, conversation.to_bytes(16, "big")),
        )
