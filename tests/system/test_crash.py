"""The crash matrix in short: a few people, one blow each, and nothing lost, doubled or out of order.

How soon messages flow again is measured by ``make crash`` and asserted nowhere here, for tests share
their machine; that they do flow again is.
"""

from __future__ import annotations

import pytest
from msgspec import structs

from benchmarks.crash.cast import Cast
from benchmarks.crash.judge import KINDS
from benchmarks.crash.run import crash

FEW = Cast(pairs=3, members=4, posters=2, programs=2, rate=20.0)


@pytest.mark.parametrize("scenario", ["messaging", "client", "everything"])
def test_nothing_is_lost_doubled_or_out_of_order(scenario: str) -> None:
    (figures,) = crash([scenario], cast=FEW, rounds=1)
    assert {kind: figures[kind] for kind in KINDS} == dict.fromkeys(KINDS, 0), figures
    assert figures["flow_missing"] == 0, figures
    assert figures["caught_up_seconds"] is not None, figures
    assert 100 < figures["acknowledged"] == figures["sent"]
    # Everyone of a pair hears each message, and everyone of the group.
    assert figures["handed_out"] > 2 * figures["acknowledged"]
    assert "errors" not in figures, figures["errors"]


def test_a_library_that_takes_the_highest_number_for_how_far_it_heard_is_condemned() -> None:
    broken = structs.replace(FEW, module="tests.benchmarks.broken_client", rate=60.0)
    (figures,) = crash(["broker"], cast=broken, rounds=2)
    assert figures["lost"] > 0, figures
    assert figures["doubled"] == figures["out_of_order"] == 0, "what it breaks is that alone"
