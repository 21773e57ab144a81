"""A share for each test, on both engines; whatever was done to it, it must be sound in the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config.settings import Settings
from services.storage.engine import Store
from tests.services.file.share import Share


@pytest.fixture
def share(settings: Settings, store: Store) -> Iterator[Share]:
    """Ani, Budi, Citra and Dewi, without files yet."""
    share = Share(settings, store)
    yield share
    share.sound()
