"""A small broker in a thread."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client.fake_broker import FakeBroker


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    with FakeBroker() as broker:
        yield broker
