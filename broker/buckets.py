"""Token buckets: how often something may be done, on average and at once."""

from __future__ import annotations

from config.settings import RateLimits
from protocol.commands import Rate


class Bucket:
    """A bucket that fills at ``rate`` a second up to ``burst``; starts full."""

    __slots__ = ("at", "burst", "level", "rate")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self.level = float(burst)
        self.at = now

    def take(self, now: float) -> float:
        """Take one token: 0.0 when there was one, else the seconds until there will be."""
        level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        if level >= 1.0:
            self.level = level - 1.0
            return 0.0
        self.level = level
        return (1.0 - level) / self.rate

    def full(self, now: float) -> bool:
        """Whether forgetting this bucket would change nothing."""
        return self.level + (now - self.at) * self.rate >= self.burst


class Buckets:
    """The buckets of one session, or of one network address, made when first drawn from."""

    __slots__ = ("_made", "_rates")

    def __init__(self, rates: RateLimits) -> None:
        self._rates = rates
        self._made: dict[Rate, Bucket] = {}

    def take(self, rate: Rate, now: float) -> float:
        """As ``Bucket.take``, from the bucket of this rate class."""
        bucket = self._made.get(rate)
        if bucket is None:
            per_second = getattr(self._rates, f"{rate}_rate")
            bucket = self._made[rate] = Bucket(per_second, getattr(self._rates, f"{rate}_burst"), now)
        return bucket.take(now)

    def full(self, now: float) -> bool:
        """Whether forgetting these buckets would change nothing."""
        return all(bucket.full(now) for bucket in self._made.values())


class AddressBuckets:
    """Buckets by network address, for those who have no session yet. Bounded."""

    MOST = 10_000
    """Addresses remembered; beyond that full buckets are forgotten, then the oldest."""

    def __init__(self, rates: RateLimits) -> None:
        self._rates = rates
        self._of: dict[str, Buckets] = {}

    def __len__(self) -> int:
        return len(self._of)

    def take(self, address: str, rate: Rate, now: float) -> float:
        """As ``Bucket.take``, for this address."""
        buckets = self._of.get(address)
        if buckets is None:
            if len(self._of) >= self.MOST:
                self._forget(now)
            buckets = self._of[address] = Buckets(self._rates)
        return buckets.take(rate, now)

    def _forget(self, now: float) -> None:
        for address in [address for address, buckets in self._of.items() if buckets.full(now)]:
            del self._of[address]
        while len(self._of) >= self.MOST:
            del self._of[next(iter(self._of))]
