"""Items that come more than once, in all the ways in which a delivery may be repeated."""

from __future__ import annotations

import msgspec

from protocol.realms import Hello, Item
from services.storage import foreigners, groups
from tests.realms.test_refused_items import Envoy, message
from tests.realms.town import Town


def joined(town: Town) -> None:
    """Ani of a is in the group #team of b."""
    b = town["b"]
    with b.store.write() as tx:
        group = groups.named(tx, "team")
        assert group is not None
        groups.add_member(tx, group.id, foreigners.met(tx, "ani", "a", town.wall).id, town.wall)


def members(town: Town) -> list[str]:
    """Who is in #team."""
    rows = town["b"].rows(
        "select u.name from members m join users u on u.id = m.user_id"
        " join conversations c on c.id = m.conversation_id where c.name = 'team' order by u.name"
    )
    return [row[0] for row in rows]


def leave(n: int, user: str = "ani") -> Item:
    """Somebody leaves the group."""
    return Item(n, "leave", user, "team")


def post(n: int) -> Item:
    """Ani says something in the group."""
    return msgspec.structs.replace(message(n, to="team"), kind="post")


def test_every_prefix_of_what_waits_may_come_again_in_any_order(town: Town) -> None:
    envoy = Envoy(town)
    items = [message(n, who) for n, who in enumerate(("ani", "citra", "ani", "dewi", "citra", "ani"), 1)]
    for length in (1, 3, 1, 2, 6, 4, 6, 1):
        assert envoy.refused(*items[:length]) == {}
    assert town["b"].history("budi", "ani@a") == ["number 1", "number 3", "number 6"]
    assert town["b"].history("budi", "citra@a") == ["number 2", "number 5"]
    assert town["b"].history("budi", "dewi@a") == ["number 4"]


def test_who_left_and_came_back_is_not_taken_out_by_the_same_word_again(town: Town) -> None:
    town["b"].do("budi", "group.create", group="team")
    envoy = Envoy(town)
    joined(town)
    assert members(town) == ["ani@a", "budi"]
    assert envoy.refused(leave(5)) == {}
    assert members(town) == ["budi"]
    joined(town)
    assert envoy.refused(message(4), leave(5)) == {}
    assert members(town) == ["ani@a", "budi"]
    assert envoy.refused(leave(6)) == {}
    assert members(town) == ["budi"]


def test_a_process_that_began_anew_may_count_anew(town: Town) -> None:
    town["b"].do("budi", "group.create", group="team")
    envoy = Envoy(town)
    joined(town)
    assert envoy.refused(message(7)) == {}
    town["a"].kill()
    envoy.ask("hello", Hello("a", 99, town.wall))
    assert envoy.refused(leave(3)) == {}
    assert members(town) == ["budi"]


def test_what_is_said_in_a_group_before_leaving_it_is_said_first(town: Town) -> None:
    town["b"].do("budi", "group.create", group="team")
    envoy = Envoy(town)
    joined(town)
    assert envoy.refused(message(1), post(2), leave(3), post(4), message(5)) == {4: "forbidden"}
    assert town["b"].history("budi", "#team") == ["number 2"]
    assert town["b"].history("budi", "ani@a") == ["number 1", "number 5"]
    assert members(town) == ["budi"]


def test_who_is_in_no_group_leaves_none(town: Town) -> None:
    town["b"].do("budi", "group.create", group="team")
    assert Envoy(town).refused(leave(1, "stranger"), message(2), leave(3)).keys() <= {3}
    assert members(town) == ["budi"]
