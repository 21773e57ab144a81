"""Broken ZMTP at both doors of a real server while two people chat: they notice nothing, it lives on."""

from __future__ import annotations

import pytest

from tests.fuzz.zmtp.run import against, faults

PATIENCE_MS = 3000.0
"""For the slowest of a hundred messages: other tests use the machine as well. Alone it is a tenth of that."""


@pytest.mark.parametrize("curve", [True, False], ids=["curve", "plain"])
async def test_two_people_notice_nothing_of_all_that_is_thrown_at_the_doors(curve: bool) -> None:
    figures = await against(curve, seconds=3.0, seed=7)
    assert not faults(figures, PATIENCE_MS), figures
    assert sum(figures["inputs"].values()) > 300
    assert len(figures["inputs"]) > 8
    assert figures["broker"]["connections_after"] <= 4
