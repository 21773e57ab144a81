"""Create a group and join one: answers, refusals, passwords, and who is told."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.errors import Busy, Conflict, Forbidden, Invalid, InvalidCredentials, NotFound, TooLarge
from tests.services.house import House


def test_the_creator_is_a_member_and_hears_the_topic(house: House) -> None:
    ani = house.person("ani")
    reply = house.do("group.create", ani, group="ops")
    assert set(reply) == {"conversation", "topic", "last_seq"}
    assert reply["last_seq"] == 0
    assert reply["topic"].startswith(b"c")
    assert len(reply["topic"]) == 16
    assert house.on(ani.topic) == [("topics", {"conversation": reply["conversation"]})]
    assert len(house.events) == 1
    created = house.now
    assert house.do("group.members", ani, group="ops") == {
        "members": [{"user": "ani", "creator": True, "online": False, "joined_at": created}]
    }


@pytest.mark.parametrize("again", ["ops", "#ops", "OPS", "#Ops"])
def test_a_group_name_can_be_taken_once_whatever_its_case_and_mark(house: House, again: str) -> None:
    ani, budi = house.people("ani", "budi")
    house.do("group.create", ani, group="#ops")
    for who in (ani, budi):
        with pytest.raises(Conflict, match=r"already a group #"):
            house.do("group.create", who, group=again)
    assert len(house.do("group.list", ani)["groups"]) == 1


def test_a_group_and_a_user_may_have_the_same_name(house: House) -> None:
    ani = house.person("ani")
    assert house.do("group.create", ani, group="ani")["conversation"] > 0


def test_two_who_create_at_the_same_time_make_one_group(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    house.between = lambda: house.do("group.create", budi, group="ops")
    with pytest.raises(Conflict):
        house.do("group.create", ani, group="ops")
    assert [m["user"] for m in house.do("group.members", budi, group="ops")["members"]] == ["budi"]


@pytest.mark.parametrize("command", ["group.create", "group.join", "group.leave", "group.members"])
@pytest.mark.parametrize("fields", [{}, {"group": ""}, {"group": "#"}, {"group": "##ops"}, {"group": "a b"}])
def test_what_names_no_group_is_invalid(house: House, command: str, fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        house.do(command, house.person("ani"), **fields)


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("group.create", {"group": 7}),
        ("group.create", {"group": "x" * 33}),
        ("group.create", {"group": "ops", "password": 7}),
        ("group.create", {"group": "ops", "password": "x" * 1025}),
        ("group.join", {"group": "ops", "password": b"x"}),
        ("group.remove", {"group": "ops"}),
        ("group.remove", {"user": "ani"}),
        ("group.remove", {"group": "ops", "user": "a b"}),
        ("group.list", {"limit": 0}),
        ("group.list", {"after": 7}),
        ("group.members", {"group": "ops", "limit": 1001}),
    ],
)
def test_a_malformed_command_is_invalid_and_changes_nothing(
    house: House, command: str, fields: dict[str, Any]
) -> None:
    ani = house.person("ani")
    with pytest.raises(Invalid):
        house.do(command, ani, **fields)
    assert house.events == house.effects == []
    assert house.do("group.list", ani)["groups"] == []


@pytest.mark.parametrize(
    ("command", "fields"),
    [("group.join", {}), ("group.leave", {}), ("group.members", {}), ("group.remove", {"user": "ani"})],
)
def test_a_group_that_does_not_exist_is_not_found(house: House, command: str, fields: dict[str, Any]) -> None:
    ani = house.person("ani")
    with pytest.raises(NotFound, match=r"no group #ops\."):
        house.do(command, ani, group="ops", **fields)


def test_joining_tells_the_group_and_the_joiners_own_devices(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    ops = house.do("group.create", ani, group="Ops")
    reply = house.do("group.join", budi, group="#oPS")
    assert reply == ops
    joined = {
        "conversation": ops["conversation"],
        "group": "Ops",
        "user": "budi",
        "change": "joined",
        "by": "",
    }
    assert house.on(ops["topic"]) == [("membership", joined)]
    assert house.on(budi.topic) == [("topics", {"conversation": ops["conversation"]})]
    assert len(house.events) == 2


def test_who_joins_has_read_everything_so_far(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    ops = house.do("group.create", ani, group="ops")
    with house.store.write() as tx:
        tx.run("update conversations set last_seq = 41 where id = $1", (ops["conversation"],))
    assert house.do("group.join", budi, group="ops")["last_seq"] == 41
    row = house.row(
        "select read_seq, own_unread from members where conversation_id = $1 and user_id = $2",
        ops["conversation"],
        budi.user_id,
    )
    assert row == (41, 0)


def test_joining_again_answers_the_same_and_tells_nobody(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    house.do("group.create", ani, group="ops", password="tea")
    first = house.do("group.join", budi, group="ops", password="tea")
    assert house.do("group.join", budi, group="ops") == first
    assert house.events == []
    assert len(house.do("group.members", ani, group="ops")["members"]) == 2


@pytest.mark.parametrize(
    ("given", "sentence"),
    [("", "needs a password"), ("coffee", "does not fit"), ("tea ", "does not fit"), ("TEA", "does not fit")],
)
def test_a_group_with_a_password_is_joined_with_it_alone(house: House, given: str, sentence: str) -> None:
    ani, budi = house.people("ani", "budi")
    ops = house.do("group.create", ani, group="ops", password="tea")
    with pytest.raises(InvalidCredentials, match=sentence):
        house.do("group.join", budi, group="ops", password=given)
    with pytest.raises(Forbidden):
        house.do("group.members", budi, group="ops")
    assert house.do("group.join", budi, group="ops", password="tea") == ops


def test_the_password_of_a_group_is_stored_as_a_hash(house: House) -> None:
    ani = house.person("ani")
    ops = house.do("group.create", ani, group="ops", password="tea")
    row = house.row("select password from conversations where id = $1", ops["conversation"])
    assert row is not None
    assert row[0].startswith("$argon2id$")


def test_a_password_given_where_none_is_needed_does_no_harm(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    ops = house.do("group.create", ani, group="ops")
    assert house.do("group.join", budi, group="ops", password="tea") == ops


def test_a_full_group_takes_nobody_more_but_answers_its_members(house: House) -> None:
    house.set(group_max_members=2)
    ani, budi, citra = house.people("ani", "budi", "citra")
    house.do("group.create", ani, group="ops")
    house.do("group.join", budi, group="ops")
    with pytest.raises(TooLarge, match="full") as refusal:
        house.do("group.join", citra, group="ops")
    assert refusal.value.fields == {"limit": 2}
    house.do("group.join", budi, group="ops")
    house.do("group.leave", ani, group="ops")
    house.do("group.join", citra, group="ops")


def test_a_group_made_anew_under_the_name_while_a_password_is_checked_is_tried_again(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    house.do("group.create", ani, group="ops", password="tea")

    def replace() -> None:
        house.do("group.leave", ani, group="ops")
        house.do("group.create", ani, group="ops", password="coffee")

    house.between = replace
    with pytest.raises(Busy, match="try again"):
        house.do("group.join", budi, group="ops", password="tea")


def test_a_member_removed_while_joining_again_needs_the_password(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    house.do("group.create", ani, group="ops", password="tea")
    house.do("group.join", budi, group="ops", password="tea")
    house.between = lambda: house.do("group.remove", ani, group="ops", user="budi")
    with pytest.raises(Busy):
        house.do("group.join", budi, group="ops")
    assert len(house.do("group.members", ani, group="ops")["members"]) == 1


def test_a_group_deleted_while_joining_is_not_found(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    house.do("group.create", ani, group="ops")
    house.between = lambda: house.do("group.leave", ani, group="ops")
    with pytest.raises(NotFound):
        house.do("group.join", budi, group="ops")


# --- listings -----------------------------------------------------------------------------------


def test_groups_are_listed_by_name_page_by_page_as_anyone_may_see_them(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    house.do("group.create", ani, group="ops")
    house.do("group.create", ani, group="Books", password="tea")
    house.do("group.create", budi, group="zoo")
    house.do("group.join", budi, group="ops")
    books = {"group": "Books", "members": 1, "password": True, "member": False}
    ops = {"group": "ops", "members": 2, "password": False, "member": True}
    zoo = {"group": "zoo", "members": 1, "password": False, "member": True}
    assert house.do("group.list", budi) == {"groups": [books, ops, zoo], "more": False}
    assert house.do("group.list", budi, limit=2) == {"groups": [books, ops], "more": True}
    assert house.do("group.list", budi, limit=2, after="#OPS") == {"groups": [zoo], "more": False}


def test_members_are_listed_longest_standing_first_page_by_page(house: House) -> None:
    dewi, ani, citra, budi = house.people("dewi", "ani", "citra", "budi")
    house.do("group.create", dewi, group="ops")
    for who in (citra, ani, budi):
        house.do("group.join", who, group="ops")
    house.report(online=[citra.user_id])
    everyone = house.do("group.members", ani, group="ops")["members"]
    assert [(m["user"], m["creator"], m["online"]) for m in everyone] == [
        ("dewi", True, False),
        ("citra", False, True),
        ("ani", False, False),
        ("budi", False, False),
    ]
    assert house.do("group.members", ani, group="ops", limit=3) == {"members": everyone[:3], "more": True}
    assert house.do("group.members", ani, group="ops", after="ANI") == {"members": everyone[3:]}


def test_a_page_behind_a_member_who_has_left_is_a_conflict(house: House) -> None:
    ani = house.person("ani")
    house.do("group.create", ani, group="ops")
    with pytest.raises(Conflict, match="from the start"):
        house.do("group.members", ani, group="ops", after="budi")


def test_members_who_joined_in_the_same_moment_are_each_listed_once(house: House) -> None:
    people = house.people("ani", "budi", "citra", "dewi")
    house.do("group.create", people[0], group="ops")
    for who in people[1:]:
        house.do("group.join", who, group="ops")
    with house.store.write() as tx:
        tx.run("update members set joined_at = 5")
    seen, after = [], ""
    for _ in people:
        page = house.do("group.members", people[0], group="ops", after=after, limit=1)["members"]
        seen += [after := member["user"] for member in page]
    assert seen == ["ani", "budi", "citra", "dewi"]


def test_only_members_see_who_is_a_member(house: House) -> None:
    ani, budi = house.people("ani", "budi")
    house.do("group.create", ani, group="ops")
    with pytest.raises(Forbidden, match="not a member of #ops"):
        house.do("group.members", budi, group="ops")
