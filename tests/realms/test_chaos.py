"""Two real servers in short: the line is cut, processes killed, and nothing lost, doubled or out of order.

Three of them, 10,000 messages each way and much more trouble: ``make realms``.
"""

from __future__ import annotations

from typing import Any

from benchmarks.crash.judge import KINDS
from benchmarks.realms.cast import RealmCast
from benchmarks.realms.chaos import play
from benchmarks.realms.installation import REALM
from benchmarks.realms.scene import Scene

FEW = RealmCast(pairs=2, others=0, members=2, rate=40.0, programs=1)
EACH_WAY = 150


def test_nothing_is_lost_between_realms_and_a_realm_process_that_loses_something_is_condemned() -> None:
    with Scene(FEW, names=("a", "b")) as scene:
        figures = play(scene, EACH_WAY, ["flow", "cut all", "kill realm", "kill broker"])
        assert faults(figures) == dict.fromkeys(KINDS, 0), figures
        assert figures["caught_up_seconds"] is not None, figures
        assert figures["acknowledged"] >= figures["sent"] >= 2 * EACH_WAY
        assert min(figures["a_to_b"], figures["b_to_a"]) >= EACH_WAY
        assert figures["in_the_group"] > 20
        assert "errors" not in figures, figures["errors"]

        scene.realms["a"].kill([REALM])
        scene.realms["a"].restart([REALM], module="tests.realms.broken_delivery")
        figures = play(scene, 2 * EACH_WAY, ["flow", "drop many"])
        assert figures["lost"] > 0, figures
        assert figures["caught_up_seconds"] is not None, "nothing waits: it does not even know"


def faults(figures: dict[str, Any]) -> dict[str, int]:
    return {kind: figures[kind] for kind in KINDS}
