"""The same between a realm on SQLite and one on PostgreSQL, in both directions."""

from __future__ import annotations

import pytest

from tests.realms.conftest import Found
from tests.realms.network import CALM, STORM
from tests.realms.test_delivery import MANY
from tests.realms.test_markers import read_all, seen
from tests.realms.town import Town

pytestmark = pytest.mark.postgres


@pytest.fixture
def mixed(founded: Found, postgres_schema: str) -> Town:
    """b is on PostgreSQL."""
    return founded(databases={"b": postgres_schema})


def test_a_storm_loses_doubles_and_reorders_nothing_on_either_engine(mixed: Town) -> None:
    mixed.run(1)
    mixed["a"].say("ani", "budi@b", "first")
    mixed["b"].say("budi", "ani@a", "first")
    mixed.settle()
    mixed.network.weather = STORM
    mixed["a"].say_many("ani", "budi@b", [f"a {body}" for body in MANY])
    mixed["b"].say_many("budi", "ani@a", [f"b {body}" for body in MANY])
    mixed.settle(6 * 3600)
    mixed.network.weather = CALM
    mixed.run(60)
    for realm, who, other in (("a", "ani", "budi@b"), ("b", "budi", "ani@a")):
        found = mixed[realm].history(who, other)
        for name in ("a", "b"):
            assert [body for body in found if body.startswith(f"{name} ")] == [f"{name} {b}" for b in MANY]
        assert len(found) == 2 + 2 * len(MANY)


def test_refusals_markers_and_new_people_on_postgres(mixed: Town) -> None:
    mixed.run(1)
    mixed["b"].say("budi", "ani@a", "halo")
    mixed.network.cut("a", "b")
    mixed.run(60)
    mixed["b"].say("budi", "nobody@a", "lost")
    mixed["a"].person("citra")
    mixed["a"].say("citra", "budi@b", "from somebody new")
    mixed["b"].store.full = True
    mixed.network.heal("a", "b")
    mixed.run(30)
    mixed["b"].store.full = False
    mixed.settle()
    assert [event["code"] for event in mixed["b"].heard("budi", "undelivered")] == ["not_found"]
    assert mixed["b"].history("budi", "citra@a") == ["from somebody new"]
    read_all(mixed["a"], "ani", "budi@b")
    read_all(mixed["b"], "budi", "citra@a")
    mixed.settle()
    assert seen(mixed["b"], "budi", "ani@a") == 1
    assert seen(mixed["a"], "citra", "budi@b") == 1
