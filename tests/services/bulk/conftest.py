"""A yard on either engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config.settings import Settings
from services.storage.engine import Store
from tests.services.bulk.yard import Yard


@pytest.fixture
def yard(settings: Settings, store: Store) -> Iterator[Yard]:
    """With files in the data folder."""
    made = Yard(settings, store)
    yield made
    made.close()
