"""What browsers keep: their tabs share it, others see nothing of it, one that is cut off is told later."""

from __future__ import annotations

import asyncio
import gc
from typing import cast

import flet as ft
import pytest

from client.gui.serving import keeping
from client.gui.serving.keeping import BrowserKeeping


class Page:
    """A page's view of its storage: as it was when the page was loaded, and what the page itself wrote."""

    def __init__(self, storage: dict[str, str]) -> None:
        self.storage = storage
        self._seen = dict(storage)
        self.gone = False

    async def get(self, key: str) -> str | None:
        await self._answer()
        return self._seen.get(key)

    async def set(self, key: str, value: str) -> bool:
        await self._answer()
        self._seen[key] = self.storage[key] = value
        return True

    async def remove(self, key: str) -> bool:
        await self._answer()
        self._seen.pop(key, None)
        self.storage.pop(key, None)
        return True

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.gone:
            raise RuntimeError("The page is gone.")


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """One browser's."""
    monkeypatch.setattr(ft, "SharedPreferences", lambda: None)
    return {}


def tab(storage: dict[str, str]) -> tuple[BrowserKeeping, Page]:
    page = Page(storage)
    kept = BrowserKeeping(cast(ft.Page, None))
    kept._storage = cast(ft.SharedPreferences, page)
    return kept, page


async def test_what_is_kept_is_there_for_the_next_page(storage: dict[str, str]) -> None:
    kept, _ = tab(storage)
    assert await kept.get("login") == ""
    await kept.put("login", "token")
    assert storage["pesan.login"] == "token"
    del kept
    gc.collect()
    assert await tab(storage)[0].get("login") == "token"


async def test_tabs_of_one_browser_see_what_the_others_write(storage: dict[str, str]) -> None:
    first, _ = tab(storage)
    await first.put("login", "token")
    second, _ = tab(storage)
    assert await second.get("login") == "token"
    await first.put("login", "")
    assert await second.get("login") == ""
    assert "pesan.login" not in storage
    await second.put("drafts", "x")
    assert await first.get("drafts") == "x"


async def test_browsers_see_nothing_of_each_other(storage: dict[str, str]) -> None:
    first, _ = tab(storage)
    await first.put("login", "token")
    other, _ = tab({})
    assert await other.get("login") == ""
    await other.put("login", "another")
    assert await first.get("login") == "token"


async def test_what_a_page_cannot_be_told_is_remembered_and_told_later(storage: dict[str, str]) -> None:
    kept, page = tab(storage)
    await kept.put("login", "token")
    page.gone = True
    await kept.put("login", "")
    assert await kept.get("login") == ""
    page.gone = False
    await kept.put("theme", "dark")
    assert "pesan.login" not in storage


async def test_a_page_that_does_not_answer_has_kept_nothing_and_shares_with_nobody(
    storage: dict[str, str],
) -> None:
    (one, first), (two, second) = tab(storage), tab(storage)
    first.gone = second.gone = True
    await one.put("login", "token")
    assert (await one.get("login"), await two.get("login")) == ("token", "")
    first.gone = False
    await one.put("theme", "dark")
    assert storage == {"pesan.login": "token", "pesan.theme": "dark"}


async def test_what_tabs_share_goes_with_the_last_of_them(storage: dict[str, str]) -> None:
    kept, _ = tab(storage)
    await kept.put("login", "token")
    secret = storage["pesan.browser"]
    assert len(secret) >= 20
    assert secret in keeping._drawers
    del kept
    gc.collect()
    assert secret not in keeping._drawers


async def test_a_page_that_misses_a_question_is_asked_again(
    storage: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = tab(storage)
    await first.put("login", "token")
    del first
    gc.collect()
    monkeypatch.setattr(keeping, "PATIENCE", 0.01)
    kept, page = tab(storage)
    answer = page.get
    missed: list[str] = []

    async def get(key: str) -> str | None:
        if len(missed) < 2:
            missed.append(key)
            await asyncio.Event().wait()
        return await answer(key)

    monkeypatch.setattr(page, "get", get)
    assert await kept.get("login") == "token"
