"""The gateway's load generators, in small: they do what they say, and see what went wrong."""

from __future__ import annotations

import json

import pytest

from benchmarks.figures import Meter
from benchmarks.gateway import pests
from benchmarks.gateway.callers import WAYS, enter, leave, register
from benchmarks.gateway.honest import Pair
from benchmarks.gateway.messages import Sender, drive, messages, unfaithful
from tests.gateway.conftest import Town


def people(town: Town, *names: str) -> list[str]:
    """With accounts that the load generators can use."""
    fresh = [town.name(name) for name in names]
    register(town.server.port, fresh)
    return fresh


@pytest.mark.parametrize("dialect", WAYS)
def test_people_come_in_through_every_dialect(town: Town, dialect: str) -> None:
    callers, answers = enter(town.server.port, dialect, people(town, "ani", "budi", "citra"))
    leave(callers)
    assert all(WAYS[dialect].welcome in answer for answer in answers)


def test_who_cannot_come_in_is_told_so(town: Town) -> None:
    with pytest.raises(RuntimeError, match="could not log in"):
        enter(town.server.port, "bracket", [town.name("nobody")])


def test_pairs_talk_and_all_that_was_answered_is_in_the_store(town: Town) -> None:
    names = people(town, "ani", "budi", "citra", "dewi")
    figures = messages(town.server.port, town.connection, Meter({}), names, 0.1)
    assert figures["pairs"] == 2
    assert figures["answered"] >= 2
    assert figures["refused"] == {}
    assert figures["not_stored_once_in_order"] == 0


def test_what_is_not_in_the_store_as_it_was_said_is_found(town: Town) -> None:
    names = people(town, "ani", "budi", "citra", "dewi")
    callers, answers = enter(town.server.port, "json", names)
    tokens = [json.loads(answer)["token_id"] for answer in answers]
    lost, swapped = Sender(callers[0], tokens[0], names[1]), Sender(callers[2], tokens[2], names[3])
    drive([lost, swapped], 0.05)
    drive([lost, swapped], 0.05)
    assert unfaithful(town.connection, [lost, swapped]) == 0
    lost.answered.append(lost.said + 1)
    swapped.answered[:2] = reversed(swapped.answered[:2])
    assert unfaithful(town.connection, [lost, swapped]) == 2
    leave(callers)


def test_a_pair_measures_how_long_it_waits(town: Town) -> None:
    names = people(town, "ani", "budi")
    (sender, recipient), _ = enter(town.server.port, "bracket", names)
    figures = Pair(names[0], names[1], sender, recipient).talk(0.1)
    leave([sender, recipient])
    assert figures["messages"] > 0
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]


@pytest.mark.parametrize("kind", pests.KINDS)
def test_each_pest_does_what_it_does(town: Town, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(pests, "LINES", 5)
    monkeypatch.setattr(pests, "LONG", 100_000)
    monkeypatch.setattr(pests, "FILE", 75_000)
    monkeypatch.setattr(pests, "HALF_OPEN", 4)
    monkeypatch.setattr(pests, "HOLD", 0.0)
    (name,) = people(town, "ani")
    work = pests.KINDS[kind](town.server.port, name)
    assert next(work) == 0
    assert sum(next(work) for _ in range(3)) > 0
    work.close()  # type: ignore[attr-defined]
