"""One server for everything here: real processes, two of each service, so that any of them may disagree.

But one for other realms, of which there is never more than one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zmq

from benchmarks.own_server import OwnServer
from tests.authorisation.stage import SESSIONS_PER_USER, Stage

COUNTS = {"auth": 2, "messaging": 2, "group": 2, "file": 2, "realm": 1}
SETTINGS = {
    "password_memory_kib": 8,
    "password_passes": 1,
    "sessions_per_user": SESSIONS_PER_USER,
    "uploads_per_user": 1000,
}


@contextmanager
def staged(server: OwnServer) -> Iterator[Stage]:
    """A stage on a server; every connection is closed with it."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    stage = Stage(context, server.connection)
    try:
        yield stage
    finally:
        stage.close()
        context.term()


@pytest.fixture(scope="session")
def server() -> Iterator[OwnServer]:
    """The server of this test process."""
    with OwnServer(counts=COUNTS, settings=SETTINGS) as server:
        yield server


@pytest.fixture(scope="session")
def stage(server: OwnServer) -> Iterator[Stage]:
    """The stage on it."""
    with staged(server) as stage:
        yield stage


@pytest.fixture(scope="session")
def port_base(server: OwnServer) -> int:
    """Where the older protocols are spoken, once somebody wants them, ten ports higher and on."""
    server.start_gateway()
    return server.port
