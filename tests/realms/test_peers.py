"""Peers come and go while a realm process runs: whatever the operator says takes effect within a second."""

from __future__ import annotations

import pytest

from protocol.realms import PeerTyping
from services.realm.line import LOST
from services.realm.peer import Peer
from services.storage import realms
from services.storage.realms import State
from tests.realms.conftest import Found
from tests.realms.town import Town

A_SECOND = 1.0


def peer(town: Town, here: str, there: str) -> Peer | None:
    house = town[here].house
    assert house is not None
    return house.peers.get(there)


def up(town: Town, here: str, there: str) -> bool:
    found = peer(town, here, there)
    return found is not None and found.line.up


def both_up(town: Town) -> bool:
    return up(town, "a", "b") and up(town, "b", "a")


@pytest.fixture
def talking(town: Town) -> Town:
    town.until(lambda: both_up(town), 5)
    return town


def test_two_paired_realms_find_each_other_and_note_the_contact(talking: Town) -> None:
    row = talking["a"].row_of("b")
    assert (row.away_since, row.trouble) == (0, "") and row.contact_at >= row.paired_at


@pytest.mark.parametrize("state", [State.BLOCKED, State.REMOVED])
def test_who_is_blocked_or_removed_is_no_peer_within_a_second(talking: Town, state: State) -> None:
    talking.set_state("a", "b", state)
    talking.run(A_SECOND)
    assert peer(talking, "a", "b") is None
    talking.set_state("a", "b", State.PAIRED)
    talking.until(lambda: both_up(talking), 60)


def test_a_realm_that_is_paired_while_others_talk_is_dialled_within_a_second(founded: Found) -> None:
    town = founded("a", "b", "c")
    town.set_state("a", "c", State.REMOVED)
    town.set_state("c", "a", State.REMOVED)
    town.run(2)
    assert both_up(town) and peer(town, "a", "c") is None
    town.pair("a", "c")
    town.until(lambda: up(town, "a", "c") and up(town, "c", "a"), A_SECOND)
    assert both_up(town)


def test_a_realm_that_is_paired_once_more_is_dialled_once_more(talking: Town) -> None:
    before = peer(talking, "a", "b")
    talking.run(2)
    talking.pair("a", "b")
    talking.run(A_SECOND)
    assert peer(talking, "a", "b") is not before
    talking.until(lambda: both_up(talking), 5)
    row = talking["a"].row_of("b")
    assert row.contact_at > row.paired_at


def test_a_realm_that_has_another_address_is_dialled_there(talking: Town) -> None:
    before = peer(talking, "a", "b")
    number = talking["a"].row_of("b").id
    with talking["a"].store.write() as tx:
        realms.set_address(tx, number, "elsewhere:1")
    talking.run(A_SECOND)
    after = peer(talking, "a", "b")
    assert after is not None and after is not before
    assert after.realm.address == "elsewhere:1"


def test_a_quiet_realm_is_noted_as_heard_of_every_half_minute(talking: Town) -> None:
    first = talking["a"].row_of("b").contact_at
    talking.run(100)
    last = talking["a"].row_of("b").contact_at
    assert talking.wall - last <= 40_000_000 < last - first


def test_a_realm_that_is_away_is_noted_with_the_reason_and_since_when(talking: Town) -> None:
    talking.network.cut("a", "b")
    talking.run(60)
    row = talking["a"].row_of("b")
    assert row.trouble == "It does not answer."
    assert 0 < row.away_since < talking.wall - 30_000_000
    since = row.away_since
    talking.run(60)
    assert talking["a"].row_of("b").away_since == since
    talking.network.heal("a", "b")
    talking.until(lambda: both_up(talking), 60)
    assert (talking["a"].row_of("b").away_since, talking["a"].row_of("b").trouble) == (0, "")


def test_a_fault_of_ours_in_one_answer_costs_nobody_else_theirs(
    talking: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = peer(talking, "a", "b")
    assert found is not None
    heard: list[str] = []

    def fails(*ignored: object) -> None:
        raise KeyError("a mistake")

    talking.network.cut("a", "b")
    assert found.ask("typing", PeerTyping("ani", "budi"), fails)
    assert found.ask("typing", PeerTyping("ani", "budi"), lambda answer: heard.append(answer.status))
    monkeypatch.setattr(type(found.parts[0]), "changed", fails)
    talking.run(15)
    assert heard == [LOST.status] and not found.line.up
    talking.network.heal("a", "b")
    talking.until(lambda: both_up(talking), 60)
