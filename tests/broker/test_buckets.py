"""Token buckets: the burst, the average, and a bounded memory of addresses."""

from __future__ import annotations

import pytest

from broker.buckets import AddressBuckets, Bucket
from config.settings import RateLimits
from protocol.commands import Rate


def test_a_burst_is_allowed_and_then_the_average() -> None:
    bucket = Bucket(rate=10, burst=3, now=0)
    assert [bucket.take(0) for _ in range(3)] == [0, 0, 0]
    wait = bucket.take(0)
    assert wait == pytest.approx(0.1)
    assert bucket.take(wait) == 0
    assert bucket.take(wait) > 0


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket = Bucket(rate=10, burst=2, now=0)
    assert [bucket.take(1000) > 0 for _ in range(3)] == [False, False, True]


def test_asking_too_often_does_not_push_the_next_token_away() -> None:
    bucket = Bucket(rate=1, burst=1, now=0)
    bucket.take(0)
    for tenth in range(1, 10):
        assert bucket.take(tenth / 10) > 0
    assert bucket.take(1.0) == 0


def test_addresses_are_bounded_and_one_does_not_pay_for_another() -> None:
    buckets = AddressBuckets(RateLimits(entry_rate=1, entry_burst=1))
    buckets.MOST = 5
    assert buckets.take("192.0.2.1", Rate.ENTRY, 0) == 0
    assert buckets.take("192.0.2.1", Rate.ENTRY, 0) > 0
    for number in range(20):
        assert buckets.take(f"198.51.100.{number}", Rate.ENTRY, 0) == 0
    assert len(buckets) <= 5
