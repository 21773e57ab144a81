"""Every outcome that the table promises, in every older protocol that has words for it."""

from __future__ import annotations

import pytest

from protocol.errors import FAILURES
from tests.authorisation.crowd import Crowd, cases_at
from tests.authorisation.dialects import DIALECTS
from tests.authorisation.stage import Stage
from tests.authorisation.table import LOGGED_IN, SESSION_ENDED, rows


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_outcomes_in_a_dialect_are_those_in_the_table(stage: Stage, port_base: int, dialect: str) -> None:
    door = DIALECTS[dialect](port_base)
    crowd = Crowd(stage, door)
    wrong = []
    for case in cases_at(DIALECTS[dialect]):
        outcome = crowd.play(case)
        if case.code not in outcome.code.split("|"):
            wrong.append(f"{case}, and not {outcome.code}")
    crowd.close()
    door.close()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_dialect_has_words_for_is_in_the_table_in_all_states(dialect: str) -> None:
    door = DIALECTS[dialect]
    assert door.SAYS.keys() <= {(row.command, row.about) for row in rows()}
    states = {case.state for case in cases_at(door)}
    assert states == {"none", *SESSION_ENDED, *LOGGED_IN}
    assert len(cases_at(door)) > 7 * len(door.SAYS) - 1


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_sentence_means_an_outcome_of_the_protocol(dialect: str) -> None:
    assert set(DIALECTS[dialect].SEAT.SENTENCES.values()) <= {"ok", "forbidden|not_found", *FAILURES}
