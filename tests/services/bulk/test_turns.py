"""Whose turn it is: users among each other, and the connections of each."""

from __future__ import annotations

from collections import Counter

import pytest

from services.file.bulk import turns
from services.file.bulk.desk import Reading
from services.file.bulk.turns import READINGS_PER_PEER, READINGS_PER_USER, Readings, Seals
from tests.services.bulk.yard import CHUNK, Yard

ANI, BUDI = 1, 2


def part(user: int, number: int = 0) -> Reading:
    return Reading(number, user, b"", 0, 1)


def test_each_connection_has_its_turn_and_what_is_beyond_a_bound_is_dropped() -> None:
    readings = Readings()
    for number in range(READINGS_PER_PEER):
        assert readings.add(b"greedy", part(ANI, number))
    assert not readings.add(b"greedy", part(ANI))
    assert readings.add(b"modest", part(ANI))
    assert [readings.next()[0] for _ in range(4)] == [b"greedy", b"modest", b"greedy", b"greedy"]
    assert readings.add(b"greedy", part(ANI))
    while len(readings):
        readings.next()
    with pytest.raises(KeyError):
        readings.next()


def test_a_user_with_twelve_connections_has_as_many_turns_as_one_with_one() -> None:
    readings, turn = Readings(), Counter[int]()
    for number in range(READINGS_PER_PEER):
        for which in range(12):
            assert readings.add(b"ani %d" % which, part(ANI, number))
        assert readings.add(b"budi", part(BUDI, number))
    peers = []
    for _ in range(2 * READINGS_PER_PEER):
        peer, reading = readings.next()
        turn[reading.user] += 1
        peers.append(peer)
    assert turn == {ANI: READINGS_PER_PEER, BUDI: READINGS_PER_PEER}
    assert len({peer for peer in peers[:24] if peer != b"budi"}) == 12, "and each of the twelve its turn"


def test_a_user_with_any_number_of_connections_leaves_room_for_others() -> None:
    readings = Readings()
    taken = sum(readings.add(b"%d" % peer, part(ANI)) for peer in range(2 * READINGS_PER_USER))
    assert taken == len(readings) == READINGS_PER_USER < turns.READINGS
    assert readings.add(b"budi", part(BUDI))


def test_all_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "READINGS", 2)
    readings = Readings()
    assert [readings.add(b"%d" % user, part(user)) for user in range(3)] == [True, True, False]


def test_a_part_is_read_in_the_turn_of_who_asks_for_it(yard: Yard) -> None:
    group = yard.world.group("rt05", "ani", "budi")
    file = yard.file("ani", b"x" * CHUNK, group)
    for who in ("ani", "budi"):
        reading = yard.ask("chunk.get", who, file=file, offset=0, length=1)
        assert isinstance(reading, Reading)
        assert reading.user == yard.user(who)


def test_who_waits_longest_of_those_with_nothing_at_work_is_sealed_next() -> None:
    seals: Seals[str] = Seals(2)
    for user, upload in ((1, "a1"), (1, "a2"), (2, "b1"), (3, "c1"), (2, "b2")):
        assert seals.add(user, upload)
    assert [seals.begin() for _ in range(3)] == ["a1", "b1", None]
    seals.done(1)
    assert seals.begin() == "c1"
    seals.done(3)
    assert [seals.begin(), seals.begin()] == ["a2", None]
    seals.done(2)
    seals.done(1)
    assert [seals.begin(), seals.begin()] == ["b2", None]


def test_only_so_many_wait_to_be_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SEALS", 2)
    seals: Seals[str] = Seals(1)
    assert [seals.add(1, "a"), seals.add(2, "b"), seals.add(3, "c")] == [True, True, False]
    assert seals.begin() == "a"
    assert seals.add(3, "c")
