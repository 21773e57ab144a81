"""Two people in the json dialect."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway.conftest import Town
from tests.gateway.json_peer import JsonPeer


@pytest.fixture
def ani(town: Town) -> Iterator[JsonPeer]:
    """Ani, who has logged in."""
    with JsonPeer(town) as peer:
        peer.enters(town.name("ani"))
        yield peer


@pytest.fixture
def budi(town: Town) -> Iterator[JsonPeer]:
    """Budi, who has logged in."""
    with JsonPeer(town) as peer:
        peer.enters(town.name("budi"))
        yield peer
