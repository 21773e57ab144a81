"""A server of values with ani, budi, citra and dewi, and windows' models at it.

Belongs here: beginning and ending these, and waiting until what was begun is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from client.gui.model.keeping import Forgetful
from client.gui.model.model import Model
from client.gui.model.talks import Talk
from tests.client.gui.fake_chat import SERVER, FakeServer

PASSWORD: Final = "secret"
TURNS_MOST: Final = 5_000
"""Turns of the loop that something may take."""


class Scene:
    """``keeping`` is that of one browser: every model of the test has it unless it brings another."""

    def __init__(self) -> None:
        self.server = FakeServer()
        self.server.add("ani", "budi", "citra", "dewi", password=PASSWORD)
        self.keeping = Forgetful()
        self._models: list[Model] = []

    def window(self, keeping: Forgetful | None = None, server: str = SERVER, fixed: bool = False) -> Model:
        """A window that is not begun yet."""
        kept = self.keeping if keeping is None else keeping
        model = Model(kept, server=server, fixed=fixed, device="browser", chats=self.server.connect)
        self._models.append(model)
        return model

    async def enter(self, user: str, *, remember: bool = False) -> Model:
        """A window in which somebody has logged in; another browser's."""
        model = self.window(Forgetful())
        await model.start()
        assert await model.entry.login(user, PASSWORD, remember=remember), model.entry.problem
        await settle()
        return model

    async def close(self) -> None:
        """Every window is closed."""
        for model in self._models:
            await model.close()


async def until(true: Callable[[], object]) -> None:
    """Turns of the loop until something is so."""
    for _ in range(TURNS_MOST):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("It never came about.")


async def settle() -> None:
    """Whatever needs no time is done."""
    for _ in range(60):
        await asyncio.sleep(0)


def talk(model: Model, address: str) -> Talk:
    """A conversation that there is."""
    found = model.talks.named(address)
    assert found is not None, address
    return found
