"""A group with members in several realms, for tests: who is in it, and what each of them can read."""

from __future__ import annotations

from typing import Any

from services.storage import conversations
from tests.realms.town import Realm, Town

HOME = "b"


def join(realm: Realm, who: str, group: str = "#team@b", **fields: Any) -> dict[str, Any]:
    """Become a member."""
    return realm.do(who, "group.join", group=group, **fields)


def team(town: Town, *members: tuple[str, str], **fields: Any) -> Town:
    """#Team in b, created by budi; ``members`` (realm, name) join it."""
    town[HOME].do("budi", "group.create", group="Team", **fields)
    town.run(1)
    for realm, who in members:
        join(town[realm], who)
    town.run(1)
    return town


def inbox(realm: Realm, who: str) -> dict[str, dict[str, Any]]:
    """Somebody's conversations by address."""
    return {each["name"]: each for each in realm.do(who, "conversation.list")["conversations"]}


def said(realm: Realm, who: str, group: str = "#team@b") -> list[tuple[int, str, str]]:
    """(seq, sender, text) of everything in a group, as one of its members reads it."""
    return [(each["seq"], each["from"], each["body"]) for each in realm.messages(who, group)]


def members(realm: Realm, who: str, group: str = "#team@b") -> dict[str, bool]:
    """Who is in it, and who of them created it."""
    found = realm.do(who, "group.members", group=group)["members"]
    return {each["user"]: each["creator"] for each in found}


def heard(realm: Realm, group: str, kind: str = "message") -> list[dict[str, Any]]:
    """What was said on the topic in force of a group, or of a copy of one."""
    with realm.store.read() as tx:
        found = conversations.keyed(tx, group)
    assert found is not None
    return [event.body for event in realm.events if (event.topic, event.kind) == (found.topic, kind)]


def follows(realm: Realm) -> list[tuple[int, int]]:
    """(sent_seq, members_changed) of everything that is followed."""
    return [
        (row[0], row[1]) for row in realm.rows("select sent_seq, members_changed from followers order by 1")
    ]


def down_and_up(town: Town, one: str = "a", other: str = "b") -> None:
    """The line between two realms is cut until both have noticed, and healed."""
    town.network.cut(one, other)
    town.run(20)
    town.network.heal(one, other)
    town.run(60)
