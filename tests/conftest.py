"""What tests of several folders ask for: a PostgreSQL server, and an empty store on either engine.

Belongs here: fixtures that more than one folder uses. Not here: what knows services or the whole
system; each folder's own ``conftest`` has that.
"""

from __future__ import annotations

import os
import resource
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from hypothesis import settings as hypothesis

from tests.postgres_server import PostgresServer

# One process of tests may hold a thousand sockets; the usual soft limit of 1,024 is an accident of history.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (max(_soft, _hard), _hard))

# Without deadlines: a machine that is busy with something else is no fault of what is tested.
hypothesis.register_profile("no deadline", deadline=None)
hypothesis.load_profile("no deadline")


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    """The server in ``PESAN_TEST_DATABASE``, or one of our own."""
    named = os.environ.get("PESAN_TEST_DATABASE")
    if named:
        yield named
        return
    server = PostgresServer()
    yield server.address
    server.stop()


@contextmanager
def empty_schema(postgres_address: str) -> Iterator[str]:
    """A connection string that leads to an empty schema, dropped afterwards."""
    schema = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        connection.execute(f"create schema {schema}".encode())
        mark = "&" if "?" in postgres_address else "?"
        yield f"{postgres_address}{mark}options=-csearch_path%3D{schema}"
        connection.execute(f"drop schema {schema} cascade".encode())


@pytest.fixture
def postgres_schema(postgres_address: str) -> Iterator[str]:
    """One for a single test."""
    with empty_schema(postgres_address) as address:
        yield address


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> str:
    """``PESAN_DATABASE`` of an empty store, once for each engine."""
    return str(request.getfixturevalue("postgres_schema")) if request.param == "postgres" else ""
