"""Who is at the other end of a connection: the network address of each, and what that address may do.

Belongs here: addresses by routing id, and the buckets that are counted by address. Not here: sessions,
which outlive a connection (``broker.sessions``).
"""

from __future__ import annotations

from broker.buckets import AddressBuckets, network_of
from config.settings import RateLimits
from protocol.commands import Rate

UNKNOWN_ADDRESS = "?"
HANDED_OUT_BYTES = 5
"""A routing id that libzmq made up has so many bytes, the first of them 0."""


class Peers:
    """Connections by routing id; of ``most`` of them the address is remembered."""

    def __init__(self, rates: RateLimits, most: int) -> None:
        self._most = most
        self._buckets = AddressBuckets(rates)
        self._addresses: dict[bytes, str] = {}
        self._claimed = (b"", UNKNOWN_ADDRESS)
        """The peer met last that has chosen its routing id, and its address."""
        self.known = self._addresses.__contains__
        """Whether this routing id need not be met."""

    def __len__(self) -> int:
        return len(self._addresses)

    def meet(self, peer: bytes, address: str) -> None:
        """A connection that is not known yet: its network address.

        A routing id that the client chose itself may be another connection's tomorrow: asked for each time.
        """
        if len(peer) != HANDED_OUT_BYTES or peer[0]:
            self._claimed = peer, network_of(address)
            return
        if len(self._addresses) >= self._most:
            del self._addresses[next(iter(self._addresses))]
        self._addresses[peer] = network_of(address)

    def address(self, peer: bytes) -> str:
        """Its network address, or ``UNKNOWN_ADDRESS``."""
        address = self._addresses.get(peer)
        if address is None:
            claimed, address = self._claimed
            return address if claimed == peer else UNKNOWN_ADDRESS
        return address

    def take(self, peer: bytes, rate: Rate, now: float) -> float:
        """As ``Bucket.take``, from its address's bucket of this rate class."""
        return self._buckets.take(self.address(peer), rate, now)
