"""Who hears what: every row of the table of events, on real processes; and that no kind is left out."""

from __future__ import annotations

from contextlib import closing

import pytest

from protocol.events import EVENTS
from tests.authorisation.audience import ACTS, Audience, act
from tests.authorisation.hearing import ACROSS, LISTENERS, Hearing, hearings
from tests.authorisation.stage import Stage


@pytest.mark.parametrize("hearing", hearings(), ids=str)
def test_an_event_is_heard_by_those_in_the_table_and_nobody_else(stage: Stage, hearing: Hearing) -> None:
    with closing(Audience(stage)) as audience:
        told = act(audience, hearing.kind, hearing.about)
        assert audience.listen(told, hearing.heard_by) == hearing.heard_by


def test_every_kind_of_event_has_a_row_and_every_row_an_act() -> None:
    rows = hearings()
    assert {row.kind for row in rows} == EVENTS.keys() - ACROSS
    assert sorted((row.kind, row.about) for row in rows) == sorted(ACTS)


def test_somebody_hears_each_event_and_a_device_whose_session_ended_none() -> None:
    for row in hearings():
        assert row.heard_by, row
        assert row.heard_by <= set(LISTENERS) - {"ended"}, row
