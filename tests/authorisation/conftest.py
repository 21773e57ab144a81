"""One server for everything here: real processes, two of each service, so that any of them may disagree."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import zmq

from benchmarks.own_server import OwnServer
from tests.authorisation.stage import SESSIONS_PER_USER, Stage

SETTINGS = {"password_memory_kib": 8, "password_passes": 1, "sessions_per_user": SESSIONS_PER_USER}


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """The stage on a server of this test process."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with OwnServer(counts={"auth": 2, "messaging": 2, "group": 2}, settings=SETTINGS) as server:
        stage = Stage(context, server.connection)
        yield stage
        stage.close()
    context.term()
