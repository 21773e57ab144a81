"""How large requests are on lines that are slow."""

from __future__ import annotations

from services.realm.pace import LEAST, MOST, Pace
from tests.realms.network import Weather
from tests.realms.town import Town


def test_requests_are_halved_down_to_a_bound_and_doubled_when_full_ones_were_quick() -> None:
    pace = Pace(10.0)
    assert pace.bytes == MOST
    pace.lost()
    assert pace.bytes == MOST // 2
    for _ in range(20):
        pace.lost()
    assert pace.bytes == LEAST
    pace.answered(LEAST, 5.0)
    pace.answered(10, 0.1)
    assert pace.bytes == LEAST
    pace.answered(LEAST, 0.1)
    assert pace.bytes == 2 * LEAST
    for _ in range(20):
        pace.answered(MOST, 0.1)
    assert pace.bytes == MOST


def test_a_slow_line_carries_a_group_all_the_same(town: Town) -> None:
    town.run(1)
    town["a"].do("ani", "group.create", group="team")
    town["b"].do("budi", "group.join", group="#team@a")
    town.network.cut("a", "b")
    bodies = [f"{number} {'x' * 20_000}" for number in range(40)]
    town["a"].say_many("ani", "#team", bodies)
    town.run(60)
    town.network.weather = Weather(rate=15_000.0)
    town.network.heal("a", "b")
    town.until(lambda: len(town["b"].history("budi", "#team@a")) == len(bodies), 900)
    assert town["b"].history("budi", "#team@a") == bodies
    assert len(town["a"].logged("realm is away")) <= 6
