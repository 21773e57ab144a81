"""Chromium as it is measured here: beginning it, and what is read and done on a page of ours.

A page's texts are in the tree that Flutter keeps for screen readers; it is turned on as they do it.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from playwright.async_api import BrowserContext, Page, Playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE: Final = 40.0
"""Seconds for what must come."""

BEAT: Final = 0.05
"""Seconds between two looks at the screen."""
_FOCUSED: Final = "label => document.activeElement?.getAttribute('aria-label')?.startsWith(label)"

WATCH: Final = """
window.pesan = {usable: 0, seen: new Set(), keys: []};
const usable = setInterval(() => {
  document.querySelector('flt-semantics-placeholder')?.click();
  if (document.querySelector('input[aria-label^="User name"]')) {
    window.pesan.usable = performance.now();
    clearInterval(usable);
  }
}, 10);
document.addEventListener('keydown', event => {
  const struck = event.timeStamp;
  const drawn = () => window.pesan.keys.push(performance.now() - struck);
  requestAnimationFrame(() => requestAnimationFrame(drawn));
}, true);
"""
"""In every page from its first moment: when the form can be used; from a key to the frame behind its own."""

NUMBERS: Final = """(pattern) => {
  const found = [];
  const wanted = '[flt-semantics-identifier="messages"] flt-semantics';
  for (const each of document.querySelectorAll(wanted)) {
    const text = (each.getAttribute('aria-label') || '') + ' ' + each.textContent;
    for (const one of text.matchAll(new RegExp(pattern, 'g'))) found.push(Number(one[1]));
  }
  return [...new Set(found)];
}"""
"""Numbers behind a word in the messages that are on the screen."""


def found() -> str:
    """The browser's path, '' if there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), "")


@asynccontextmanager
async def profile(playwright: Playwright) -> AsyncIterator[BrowserContext]:
    """A browser that was never used, with a profile on the disk as people have: it keeps what it loads."""
    with tempfile.TemporaryDirectory(prefix="pesan-browser-", ignore_cleanup_errors=True) as folder:
        context = await playwright.chromium.launch_persistent_context(
            folder,
            executable_path=found(),
            args=list(ARGUMENTS),
            viewport={"width": 1280, "height": 800},
            locale="en-GB",
        )
        context.set_default_timeout(PATIENCE * 1000)
        await context.add_init_script(WATCH)
        try:
            yield context
        finally:
            await context.close()


async def usable(page: Page, url: str) -> float:
    """Seconds from going there until the login form can be used."""
    await page.goto(url)
    await until(page, "() => window.pesan.usable > 0")
    return float(await page.evaluate("window.pesan.usable")) / 1000


async def log_in(page: Page, name: str, password: str) -> None:
    """From the login form to the main screen."""
    for label, text in (("User name", name), ("Password", password)):
        field = page.get_by_role("textbox", name=label).first
        await field.click()
        await until(page, _FOCUSED, label)
        await field.press_sequentially(text, delay=10)
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Settings").first.wait_for()


async def until(page: Page, holds: str, given: str = "") -> None:
    """Wait until a function in the page says so. Playwright's own way needs ``eval``, which ours forbids."""
    async with asyncio.timeout(PATIENCE):
        while not await page.evaluate(holds, given):  # noqa: ASYNC110  # nothing tells us
            await asyncio.sleep(BEAT)


async def numbers(page: Page, word: str) -> list[int]:
    """The numbers behind ``word`` that can be read among the messages."""
    return [int(one) for one in await page.evaluate(NUMBERS, f"{word} (\\d+)")]
