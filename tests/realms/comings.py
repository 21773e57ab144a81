"""Who comes and goes across realms, as it is seen in one."""

from __future__ import annotations

from tests.realms.town import Realm, Town


def talking(town: Town) -> Town:
    """Ani and Budi have written to each other; Citra of a and Dewi of b to nobody abroad."""
    town["a"].person("citra")
    town["b"].person("dewi")
    town["a"].say("ani", "budi@b")
    town.settle()
    town.run(2)
    return town


def online(realm: Realm) -> list[str]:
    """Foreigners whom a realm takes for online."""
    rows = realm.rows("select name from users where realm <> '' and id in (select user_id from presence)")
    return [row[0] for row in rows]


def seen(realm: Realm, who: str) -> list[tuple[str, bool]]:
    """Who came and went, as somebody heard it."""
    return [(body["user"], body["online"]) for body in realm.heard(who, "presence")]
