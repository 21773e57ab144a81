"""What counts as one place that somebody comes from, where limits are counted by network address."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that is handed out to one IPv6 customer.

    Whatever is no address stays as it is.
    """
    return network_or_none(address) or address


def network_or_none(address: str) -> str | None:
    """As ``network_of``, but None for what is no address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return "::1" if parsed.is_loopback else str(ip_network((parsed, 64), strict=False))
