"""Real servers, and people at shells of their own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.own_server import OwnServer
from tests.system.cli.person import Person

QUICK = {"password_memory_kib": 8, "password_passes": 1}
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[OwnServer]:
    """One for all tests that break nothing; each has people of its own."""
    with OwnServer(realm=True, settings=QUICK) as found:
        yield found


@pytest.fixture
def own_server() -> Iterator[OwnServer]:
    """One for a test that breaks something."""
    with OwnServer(settings=QUICK) as found:
        yield found


class House:
    """People on one machine: a home folder, a profile for each."""

    def __init__(self, folder: Path, server: OwnServer) -> None:
        self.folder = folder
        self.server = server
        self.number = next(_numbers)

    def name(self, name: str) -> str:
        """A name nobody else at this server has: ``ani.3``."""
        return f"{name}.{self.number}"

    def person(self, name: str) -> Person:
        """Somebody, registered and logged in."""
        return Person(self.folder, self.server.connection, name).register(self.name(name))


@pytest.fixture
def house(tmp_path: Path, server: OwnServer) -> House:
    """A home folder at the shared server."""
    return House(tmp_path, server)
