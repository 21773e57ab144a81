"""A fake broker with a bulk socket, and ani, who is logged in there. Chunks are small: 1,000 bytes."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator

import pytest

from client import Chat
from tests.client.fake_broker import FakeBroker
from tests.client.fake_bulk import FakeBulk
from tests.client.files.transfers import BIG
from tests.client.test_connection import logged_in


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    with FakeBroker() as broker:
        yield broker


@pytest.fixture
def bulk(broker: FakeBroker, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBulk]:
    monkeypatch.setattr("client.files.uploading.SMALL", 100)
    monkeypatch.setattr("client.files.downloading.FILE_CHUNK_BYTES", 1_000)
    with FakeBulk(broker) as bulk:
        yield bulk


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For lines that lose answers: what has none flies again soon."""
    monkeypatch.setattr("client.files.window.PATIENCE_FIRST", 0.3)
    monkeypatch.setattr("client.files.window.PATIENCE_LEAST", 0.1)


@pytest.fixture
async def ani(broker: FakeBroker, bulk: FakeBulk) -> AsyncIterator[Chat]:
    async with logged_in(broker, "ani") as ani:
        yield ani


@pytest.fixture
def data() -> bytes:
    return random.Random(7).randbytes(BIG + 17)
