"""Peers come and go while a realm process runs: whatever the operator says takes effect within a second."""

from __future__ import annotations

import pytest

from protocol.errors import Internal
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


def fails(*ignored: object) -> None:
    raise KeyError("a mistake")


def faults(town: Town) -> set[str]:
    return {line["where"] for line in town["a"].logged("fault")}


def test_a_fault_of_ours_in_what_a_user_asks_of_a_realm_ends_that_question_alone(
    talking: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = talking["a"].house
    assert house is not None
    monkeypatch.setattr(house, "passed_table", {**house.passed_table, "user.get": fails})
    with pytest.raises(Internal, match="its log says more"):
        talking["a"].do("ani", "user.get", user="budi@b")
    assert faults(talking) == {"user.get"}
    talking["a"].say("ani", "budi@b", "all else goes on")
    talking.settle()
    assert talking["b"].history("budi", "ani@a") == ["all else goes on"]


def test_a_fault_of_ours_in_the_line_to_one_realm_is_no_other_realms(
    founded: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = founded("a", "b", "c")
    house, broken = town["a"].house, peer(town, "a", "b")
    assert house is not None and broken is not None
    monkeypatch.setattr(broken.line, "tick", fails)
    town.until(lambda: up(town, "a", "c"), 30)
    house.broken(broken, "nothing is wrong but this")
    monkeypatch.setattr(broken.line, "broken", fails)
    house.broken(broken, "and this is")
    town["a"].say("ani", "citra@c", "halo")
    town.until(lambda: town["c"].history("citra", "ani@a") == ["halo"], 30)
    assert faults(town) == {"line"}


def test_a_greeting_that_fails_in_the_making_is_tried_again_after_a_pause(
    talking: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = peer(talking, "a", "b")
    assert found is not None
    talking.network.cut("a", "b")
    talking.until(lambda: not up(talking, "a", "b"), 60)
    monkeypatch.setattr(found.dial, "redial", fails)
    talking.run(10)
    assert 1 <= len(talking["a"].logged("fault")) <= 20
    monkeypatch.undo()
    talking.network.heal("a", "b")
    talking.until(lambda: both_up(talking), 60)
