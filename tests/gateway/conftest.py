"""One server with a gateway for everything here, and names that nobody had before."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest

from benchmarks.own_server import OwnServer
from tests.gateway.peer import Peer

PASSWORD = "rahasia-sekali"
MIB = 1 << 20
FILE_MAX, QUOTA = 16 * MIB, 24 * MIB
SETTINGS = {
    "password_memory_kib": 8,
    "password_passes": 1,
    "file_max_bytes": FILE_MAX,
    "file_quota_bytes": QUOTA,
}
PORTS = {"signup": 10, "bracket": 11, "ftp": 12, "json": 13}

_numbers = itertools.count(1)


class Town:
    """A server, and who comes to it."""

    def __init__(self, server: OwnServer) -> None:
        self.server = server
        self.connection = server.connection

    def port(self, dialect: str) -> int:
        """Where a dialect is spoken."""
        return self.server.port + PORTS[dialect]

    def peer(self, dialect: str) -> Peer:
        """A connection there; enter it with ``with``."""
        return Peer(self.port(dialect))

    def name(self, name: str) -> str:
        """The name, made one that nobody has; letters and digits alone, as some dialects want it."""
        return f"{name}{os.getpid()}x{next(_numbers)}"


@pytest.fixture(scope="session")
def town() -> Iterator[Town]:
    """The server of this test process."""
    with OwnServer(settings=SETTINGS, gateway=True) as server:
        yield Town(server)
