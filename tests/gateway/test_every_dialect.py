"""What holds for every dialect that the gateway listens for, the next one too."""

from __future__ import annotations

import pytest

from gateway.dialect import GENERAL, Dialect
from gateway.server import DIALECTS


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_has_a_sentence_for_every_trouble(dialect: type[Dialect]) -> None:
    assert set(GENERAL) <= set(dialect.TROUBLES)


def test_no_two_share_a_port_or_a_name() -> None:
    assert (
        len({dialect.PORT for dialect in DIALECTS})
        == len({dialect.NAME for dialect in DIALECTS})
        == len(DIALECTS)
    )
