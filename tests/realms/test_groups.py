"""Groups with a home in b and members in a and c: joining, posting, leaving, removal, and what was said."""

from __future__ import annotations

from typing import Any

from tests.realms.town import Realm, Town


def _inbox(realm: Realm, who: str) -> dict[str, dict[str, Any]]:
    """Somebody's conversations by address."""
    return {each["name"]: each for each in realm.do(who, "conversation.list")["conversations"]}


def _join(realm: Realm, who: str, group: str, **fields: Any) -> dict[str, Any]:
    return realm.do(who, "group.join", group=group, **fields)


def _team(town: Town) -> None:
    """#team in b, created by budi; ani of a is a member."""
    town["b"].do("budi", "group.create", group="Team")
    town.run(1)
    _join(town["a"], "ani", "#team@b")
    town.run(1)


def _said(realm: Realm, who: str, group: str) -> list[tuple[int, str, str]]:
    return [(each["seq"], each["from"], each["body"]) for each in realm.messages(who, group)]


def test_who_joins_elsewhere_has_a_copy_and_both_sides_hear_each_other(town: Town) -> None:
    _team(town)
    a, b = town["a"], town["b"]
    b.say("budi", "#team", "satu")
    town.run(1)
    sent = a.say("ani", "#team@b", "dua")
    assert (sent["seq"], sent.get("queued"), sent.get("away", False)) == (0, True, False)
    town.run(1)
    b.say("budi", "#team", "tiga")
    town.run(1)
    assert _said(b, "budi", "#team") == [(1, "budi", "satu"), (2, "ani@a", "dua"), (3, "budi", "tiga")]
    assert _said(a, "ani", "#team@b") == [(1, "budi@b", "satu"), (2, "ani", "dua"), (3, "budi@b", "tiga")]
    assert a.waiting() == b.waiting() == 0
    assert a.rows("select count(*) from outbox") == [(0,)]
    row = _inbox(a, "ani")["#Team@b"]
    assert (row["last_seq"], row["unread"]) == (3, 2)
