"""How often what others change is drawn. Values alone."""

from __future__ import annotations

import pytest

from client.gui.model.changes import Part
from client.gui.views.pace import APART, DONE_HERE, Pace

COMING = frozenset({Part.COMING})


def test_what_comes_rarely_is_drawn_at_once() -> None:
    pace = Pace()
    for second in range(3):
        assert pace.due(COMING, float(second)) == COMING
        assert pace.rest(float(second)) is None


def test_what_comes_often_is_drawn_a_few_times_a_second_and_the_last_of_it_is_not_forgotten() -> None:
    pace = Pace()
    drawn = [at for at in range(20) if pace.due(COMING, at / 20)]
    assert 4 <= len(drawn) <= 5
    rest = pace.rest(0.95)
    assert rest is not None
    assert pace.due(frozenset(), 0.95 + rest) == COMING
    assert pace.rest(2.0) is None


@pytest.mark.parametrize("part", [part for part in Part if part in DONE_HERE])
def test_what_somebody_does_here_is_drawn_at_once_with_all_that_waited(part: Part) -> None:
    pace = Pace()
    pace.due(frozenset(APART), 10.0)
    assert pace.due(frozenset(APART), 10.1) == frozenset()
    assert pace.due(frozenset({part}), 10.15) == {part, *APART}


def test_pages_that_are_scrolled_to_are_drawn_while_much_is_said() -> None:
    pace = Pace()
    pace.due(COMING, 10.0)
    assert pace.due(COMING | {Part.ROOM}, 10.05) == {Part.ROOM}
