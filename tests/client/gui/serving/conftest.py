"""A scene for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.client.gui.model.scene import Scene


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """A server of values, and windows at it that are closed in the end."""
    scene = Scene()
    yield scene
    await scene.close()
