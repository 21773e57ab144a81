"""Who is at the other end of a connection: the network address of each, and what that address may do.

Belongs here: addresses by routing id, the gateways, whose word is taken on whom they speak for, and the
buckets that are counted by address. Not here: sessions, which outlive a connection (``broker.sessions``).
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from typing import Final

from broker.buckets import AddressBuckets
from config.settings import RateLimits
from protocol.commands import Rate
from protocol.networks import network_of, network_or_none

UNKNOWN_ADDRESS = "?"
HANDED_OUT_BYTES = 5
"""A routing id that libzmq made up has so many bytes, the first of them 0. It takes one of that form from a
client as well: who has such a one probably did not choose it, and who did has a number of 32 bits to hit."""
GATEWAYS_MOST: Final = 256
"""Gateways known at once; one more makes the one silent longest a stranger. A gateway has a connection for
every few hundred visitors and introduces each anew, so this is far above what is used at any time."""
GATEWAY_SILENCE: Final = 300.0
"""Seconds without a word after which a gateway is a stranger again: its connection may be closed, and another
have its routing id. Ours introduce themselves anew every minute."""
FOR_ITSELF: Final = frozenset((Rate.HELLO, Rate.RESUME, Rate.REFUSAL))
"""What a gateway may ask for itself without being counted. Not what only visitors ask, where passwords are
tried: should a gateway forget to say whom it speaks for, all of them are one address."""


class Peers:
    """Connections by routing id; of ``most`` of them the address is remembered.

    ``gateway_secret``: what a gateway has to show; with an empty one there are none.

    ``origin``, in what follows, is what a *gateway* says about where a request comes from; of anyone else's
    word it is empty. It counts if it is an address.
    """

    def __init__(self, rates: RateLimits, most: int, gateway_secret: bytes = b"") -> None:
        self._most = most
        self._secret = gateway_secret
        self._buckets = AddressBuckets(rates)
        self._addresses: dict[bytes, str] = {}
        self._claimed = (b"", UNKNOWN_ADDRESS)
        """The peer met last that has chosen its routing id, and its address."""
        self._gateways: OrderedDict[bytes, float] = OrderedDict()
        """When each was last heard; the one silent longest first."""
        self.known = self._addresses.__contains__
        """Whether this routing id need not be met."""

    def __len__(self) -> int:
        return len(self._addresses)

    def meet(self, peer: bytes, address: str) -> None:
        """A connection that is not known yet: its network address.

        A routing id that the client chose itself may be another connection's tomorrow: asked for each time.
        """
        if not _handed_out(peer):
            self._claimed = peer, network_of(address)
            return
        if len(self._addresses) >= self._most:
            del self._addresses[next(iter(self._addresses))]
        self._addresses[peer] = network_of(address)

    def introduce(self, peer: bytes, secret: bytes, now: float) -> bool:
        """Whether this is our secret; then the peer is a gateway until it is silent for ``GATEWAY_SILENCE``.

        Never one whose routing id is not of libzmq's own form: whoever connects next may choose the same.
        """
        ours = hmac.compare_digest(self._secret, secret)
        if not ours or not self._secret or not _handed_out(peer):
            return False
        if peer not in self._gateways and len(self._gateways) >= GATEWAYS_MOST:
            self._gateways.popitem(last=False)
        self._gateways[peer] = now
        self._gateways.move_to_end(peer)
        return True

    def gateway(self, peer: bytes, now: float) -> bool:
        """Whether it is a gateway, which was just heard."""
        heard = self._gateways.get(peer)
        if heard is None:
            return False
        if now - heard > GATEWAY_SILENCE:
            del self._gateways[peer]
            return False
        self._gateways[peer] = now
        self._gateways.move_to_end(peer)
        return True

    def address(self, peer: bytes, origin: str = "") -> str:
        """The network address of who asks, or ``UNKNOWN_ADDRESS``."""
        if origin:
            network = network_or_none(origin)
            if network is not None:
                return network
        address = self._addresses.get(peer)
        if address is None:
            claimed, address = self._claimed
            return address if claimed == peer else UNKNOWN_ADDRESS
        return address

    def take(self, peer: bytes, rate: Rate, now: float, origin: str = "") -> float:
        """As ``Bucket.take``, from the bucket of this rate class of its address.

        A gateway that speaks for itself takes nothing: its visitors would have to share what it takes.
        """
        if not origin and rate in FOR_ITSELF and self.gateway(peer, now):
            return 0.0
        return self._buckets.take(self.address(peer, origin), rate, now)


def _handed_out(peer: bytes) -> bool:
    """Whether libzmq made up this routing id, as it does for whoever brings none."""
    return len(peer) == HANDED_OUT_BYTES and not peer[0]
