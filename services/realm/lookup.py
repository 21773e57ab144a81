"""Where a host is, asked by a thread of its own.

libzmq looks names up by itself, in the thread that moves everybody's bytes: a name server that does not
answer would stop the talk with every other realm for as long. Here: one question. Not here: connecting
(``ports``).
"""

from __future__ import annotations

import socket
import threading
from typing import NamedTuple


class Found(NamedTuple):
    """Where it is, ``ip:port`` with an IPv6 address in brackets; or ``trouble``, a sentence."""

    address: str
    trouble: str = ""


class Lookup:
    """One question about ``host:port``. ``found`` is None until it is answered; an IP is at once."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.found: Found | None = Found(address) if is_ip(host.strip("[]")) else None
        if self.found is None:
            # A daemon: whoever stops the server does not wait for it.
            threading.Thread(target=self._ask, args=(host, port), name="lookup", daemon=True).start()

    def _ask(self, host: str, port: str) -> None:
        try:
            answers = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
            ip = str(answers[0][4][0])
            self.found = Found(f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}")
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no name"
            self.found = Found("", f"{host} cannot be found: {reason}.")


def is_ip(host: str) -> bool:
    """Whether this is an address already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.inet_pton(family, host.partition("%")[0])
    except OSError:
        return False
    return True
