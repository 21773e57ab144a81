"""Posts that the home of a group refuses: kept for who wrote them, who may not be there to hear of it."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.errors import Forbidden
from services.storage.realms import State
from tests.realms.circle import join, said, team
from tests.realms.town import Realm, Town

TEAM = "#team@b"


def refused(realm: Realm, who: str = "ani", **fields: Any) -> list[dict[str, Any]]:
    """What history has of somebody's own."""
    found: list[dict[str, Any]] = realm.do(who, "message.history", **{"with": TEAM, **fields})["refused"]
    return found


def deaf_team(town: Town) -> Realm:
    """Realm a, with two in b's group, which refuses ani's first three posts: she was taken out."""
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    a.person("dewi")
    join(a, "dewi")
    b.say("budi", "#team", "satu")
    town.run(1)
    with b.store.write() as tx:
        tx.run("delete from members where user_id = (select id from users where name = 'ani@a')")
    for body in ("dua", "tiga", "empat"):
        a.say("ani", TEAM, body)
    town.run(1)
    assert [each["code"] for each in a.heard("ani", "undelivered")] == ["forbidden"] * 3
    return a


def test_what_was_refused_is_kept_for_who_wrote_it_and_nobody_else(town: Town) -> None:
    a = deaf_team(town)
    kept = refused(a)
    assert [(each["body"], each["code"]) for each in kept] == [
        ("dua", "forbidden"),
        ("tiga", "forbidden"),
        ("empat", "forbidden"),
    ]
    assert [each["id"] for each in kept] == [each["id"] for each in a.heard("ani", "undelivered")]
    assert "not a member" in kept[0]["reason"] and 0 < kept[0]["sent_at"] <= town.wall
    assert refused(a, "dewi") == []
    assert refused(a, after=0) == kept == refused(a, after=1)
    assert refused(a, before=1) == [], "only what reaches the newest message has it"
    assert said(a, "ani") == [(1, "budi@b", "satu")]


def test_what_was_refused_goes_when_it_is_sent_again(town: Town) -> None:
    a, b = deaf_team(town), town["b"]
    first, second, third = refused(a)
    with b.store.write() as tx:
        tx.run(
            "insert into members (conversation_id, user_id, joined_at)"
            " select c.id, u.id, 1 from conversations c, users u"
            " where c.name_key = 'team' and u.name = 'ani@a'"
        )
    a.say("ani", TEAM, "tiga", id=second["id"])
    assert refused(a) == [first, third]
    town.run(1)
    assert [body for _, _, body in said(a, "ani")] == ["satu", "tiga"]
    assert refused(a) == [first, third]


def test_what_was_refused_goes_with_who_leaves_the_group(town: Town) -> None:
    a = deaf_team(town)
    a.say("dewi", TEAM, "lima")
    a.do("ani", "group.leave", group=TEAM)
    assert a.rows("select count(*) from refused_posts") == [(0,)]


@pytest.mark.parametrize("back", [False, True])
def test_posts_to_a_realm_that_is_removed_are_given_back_to_who_wrote_them(town: Town, back: bool) -> None:
    a, b = team(town, ("a", "ani"))["a"], town["b"]
    b.say("budi", "#team", "satu")
    town.run(1)
    town.network.cut("a", "b")
    town.run(20)
    sent = a.say("ani", TEAM, "dua")
    if back:  # they have it, and were about to send it back
        with a.store.write() as tx:
            tx.run("update outbox set state = 'told'")
    town.set_state("a", "b", State.REMOVED)
    town.run(2)
    (kept,) = refused(a)
    reason = "b was removed before it sent this back." if back else "b was removed before it had this."
    assert (kept["body"], kept["code"], kept["reason"]) == ("dua", "forbidden", reason)
    assert kept["sent_at"] == sent["sent_at"]
    with pytest.raises(Forbidden):
        a.say("ani", TEAM, "dua", id=kept["id"])
    assert refused(a) == [kept], "what is refused again at once stays"
