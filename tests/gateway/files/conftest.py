"""A gateway whose visitors store files in a model of the system."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.client.fake_broker import FakeBroker
from tests.client.fake_bulk import FakeBulk
from tests.gateway.files.storing import Gateway, all_leave


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    with FakeBroker() as broker:
        yield broker


@pytest.fixture
def bulk(broker: FakeBroker, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBulk]:
    monkeypatch.setattr("client.files.downloading.FILE_CHUNK_BYTES", 1_000)
    with FakeBulk(broker) as bulk:
        yield bulk


@pytest.fixture
async def gateway(broker: FakeBroker, bulk: FakeBulk) -> AsyncIterator[Gateway]:
    gateway = Gateway(broker)
    yield gateway
    await all_leave(gateway)
    assert not gateway.faults
