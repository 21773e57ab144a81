"""How much another realm may ask: what counts, and that a debt is made up for."""

from __future__ import annotations

import pytest

from config.settings import RateLimits
from protocol.realms import Deliver, FetchChunk, Hello, Item, PeerCall
from services.realm.allowance import HELLOS_BURST, KIB, SINGLE, Allowance, Bucket

RATES = RateLimits(
    peer_rate=2.0,
    peer_burst=4,
    peer_item_rate=10.0,
    peer_item_burst=100,
    peer_kib_rate=64.0,
    peer_kib_burst=128,
)
CALL = PeerCall("citra", "user.get", b"")
DELIVERY = Deliver([Item(number, "message", "citra", "budi") for number in range(1, 101)])


@pytest.fixture
def allowance() -> Allowance:
    return Allowance(RATES)


def test_a_bucket_lets_so_much_through_at_once_and_then_by_its_rate() -> None:
    bucket = Bucket(2.0, 4)
    for _ in range(4):
        assert bucket.wait(10.0) == 0.0
        bucket.take(1)
    assert bucket.wait(10.0) == pytest.approx(0.5)
    assert bucket.wait(10.5) == 0.0


def test_a_debt_is_made_up_for() -> None:
    bucket = Bucket(10.0, 100)
    bucket.take(200)
    assert bucket.wait(0.0) == pytest.approx(10.1)
    assert bucket.wait(9.0) == pytest.approx(1.1)
    assert bucket.wait(10.1) == 0.0


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    bucket = Bucket(10.0, 1)
    bucket.wait(5.0)
    bucket.take(1)
    assert bucket.wait(1.0) > 0


def test_calls_and_messages_do_not_hold_each_other_up(allowance: Allowance) -> None:
    for _ in range(4):
        allowance.take("call", 10, CALL)
    assert allowance.wait(0.0, "call") > 0 and allowance.wait(0.0, "deliver") == 0.0
    allowance.take("deliver", 10, DELIVERY)
    assert allowance.wait(0.0, "deliver") > 0


def test_a_delivery_counts_as_many_as_it_brings_and_at_least_one(allowance: Allowance) -> None:
    for _ in range(99):
        allowance.take("deliver", 10, Deliver([]))
    assert allowance.wait(0.0, "deliver") == 0.0
    allowance.take("deliver", 10, DELIVERY)
    assert allowance.wait(0.0, "deliver") == pytest.approx((99 + 1) / 10)


def test_hello_has_room_of_its_own(allowance: Allowance) -> None:
    allowance.take("deliver", 1024 * KIB, DELIVERY)
    assert allowance.wait(0.0, "hello") == 0.0
    for _ in range(HELLOS_BURST):
        allowance.take("hello", 10, Hello("c", 1, 1))
    assert allowance.wait(0.0, "hello") > 0


def test_what_could_not_be_read_counts_too(allowance: Allowance) -> None:
    for _ in range(4):
        allowance.take("typing", 0)
    assert allowance.wait(0.0, "typing") > 0


@pytest.mark.parametrize("kind", ["call", "deliver", "nonsense"])
def test_bytes_count_whatever_they_are(allowance: Allowance, kind: str) -> None:
    allowance.take("call", 256 * KIB)
    assert allowance.wait(0.0, kind) > 2.0


def test_pieces_of_files_count_by_their_bytes(allowance: Allowance) -> None:
    allowance.take("fetch", 10, FetchChunk(1, 0, 256 * KIB))
    assert allowance.wait(0.0, "deliver") > 2.0


def test_every_kind_that_counts_singly_is_one() -> None:
    from protocol.realms import ASKED

    assert set(ASKED) > SINGLE
