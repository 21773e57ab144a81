"""Addresses of hosts as they stand in settings: which are this machine's own, and how they are written.

Belongs here: that. Where a server listens is ``settings``', where one is found ``whereabouts``'.
"""

from __future__ import annotations


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach this address; with or without brackets."""
    from ipaddress import ip_address  # here, for every process that starts would pay for what few need

    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def bracketed(host: str) -> str:
    """As it stands in a ZeroMQ address."""
    # No name is looked up here: one that leads elsewhere must not open a door that was meant to be local.
    host = "127.0.0.1" if host == "localhost" else host
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
