"""A room of many messages in a real browser: opening it, walking up, writing in it while others do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Any, Final

from playwright.async_api import Page, Playwright

from benchmarks.figures import Meter, latency_figures
from benchmarks.own_server import OwnServer
from benchmarks.web.browser import BEAT, log_in, numbers, profile, usable
from benchmarks.wire import PASSWORD
from client import Chat

ROOM: Final = "#team"
PAGE_SIZE: Final = 50
"""Messages of what a window calls a page."""
AT_ONCE: Final = 500
TURN: Final = 400
"""Pixels of one turn of the wheel."""
PATIENCE: Final = 20.0
"""Seconds in which a page of messages must come."""
TEXT: Final = "a line as people write them, not too short"


async def room(
    playwright: Playwright, server: OwnServer, *, messages: int, pages: int, rate: float, seconds: float
) -> dict[str, Any]:
    """All of it with one browser: ``ani`` looks, ``budi`` writes ``rate`` a second."""
    async with _people(server.connection) as budi:
        begun = time.monotonic()
        for first in range(1, messages + 1, AT_ONCE):
            some = range(first, min(first + AT_ONCE, messages + 1))
            await asyncio.gather(*(budi.send(ROOM, f"message {number} {TEXT}") for number in some))
        filled = time.monotonic() - begun
        async with profile(playwright) as context:
            page = await context.new_page()
            await usable(page, server.window)
            await log_in(page, "ani", PASSWORD)
            meter = Meter({"web": server.processes["web"].pid})
            before = meter.rss_kib()["web"]
            return {
                "messages": messages,
                "filled_in_seconds": round(filled, 1),
                "open_seconds": await _open(page, messages),
                "scrolling": await _walk_up(page, messages, pages),
                "web_grew_mib": round((meter.rss_kib()["web"] - before) / 1024, 1),
                **await _written_in(page, server, budi, rate, seconds),
            }


@asynccontextmanager
async def _people(server: str) -> AsyncIterator[Chat]:
    """Both are in the room, and ani has read it; yields budi."""
    async with Chat.connect(server) as chat:
        for name in ("ani", "budi"):
            await chat.register(name, PASSWORD)
    async with Chat.connect(server, username="budi", password=PASSWORD) as budi:
        await budi.create_group(ROOM[1:])
        async with Chat.connect(server, username="ani", password=PASSWORD) as ani:
            await ani.join_group(ROOM[1:])
        yield budi


async def _open(page: Page, newest: int) -> float:
    """Seconds from the click on the room until messages can be read.

    It is full of unread ones, so it opens at the first of those; then we go to the newest.
    """
    row = page.get_by_role("button", name=ROOM).first
    await row.wait_for()
    begun = time.monotonic()
    await row.click()
    await _until(lambda: numbers(page, "message"), "messages in the room")
    opened = round(time.monotonic() - begun, 2)
    await page.get_by_role("textbox", name="Message").first.click()
    await page.keyboard.press("End")
    if newest not in await numbers(page, "message"):
        await page.get_by_role("button", name="newest").first.click()
    await _until(lambda: _shown(page, newest), "the newest message")
    return opened


async def _shown(page: Page, number: int) -> bool:
    return number in await numbers(page, "message")


async def _until(holds: Any, what: str, within: float = PATIENCE) -> None:
    deadline = time.monotonic() + within
    while not await holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"never: {what}")
        await asyncio.sleep(BEAT)


async def _walk_up(page: Page, newest: int, pages: int) -> dict[str, Any]:
    """Turn the wheel until ``pages`` pages of older messages have gone by; seconds for each of them."""
    await page.mouse.move(900, 400)
    took, wheels = [], 0
    top, began = newest, time.monotonic()
    for number in range(1, pages + 1):
        wanted = newest - number * PAGE_SIZE
        deadline = time.monotonic() + PATIENCE
        while top > wanted:
            if time.monotonic() > deadline:
                raise RuntimeError(f"message {wanted} never came while scrolling")
            await page.mouse.wheel(0, -TURN)
            wheels += 1
            await asyncio.sleep(BEAT)
            top = min([*await numbers(page, "message"), top])
        took.append(time.monotonic() - began)
        began = time.monotonic()
    return {
        "pages": pages,
        "seconds_a_page": round(median(took), 2),
        "seconds_a_page_most": round(max(took), 2),
        "turns_of_the_wheel": wheels,
    }


async def _written_in(
    page: Page, server: OwnServer, budi: Chat, rate: float, seconds: float
) -> dict[str, Any]:
    """The same hands in the quiet room and in the flooded one; and whether all of the flood was seen."""
    await page.get_by_role("button", name="newest").first.click()
    quiet = await _hands(page, "quiet", seconds)
    meter = Meter({"web": server.processes["web"].pid})
    meter.begin()
    begun, seen = time.monotonic(), set[int]()
    flood = asyncio.create_task(_flood(budi, rate, seconds))
    watch = asyncio.create_task(_watch(page, seen))
    busy = await _hands(page, "busy", seconds)
    sent = await flood
    cpu = meter.cpu_per((time.monotonic() - begun) / 100)["web"]
    await _look_for(page, sent, seen)
    watch.cancel()
    return {
        "rate": rate,
        "quiet": quiet,
        "flooded": busy,
        "flood_sent": sent,
        "flood_missing_on_screen": sent - len(seen & set(range(1, sent + 1))),
        "flooded_percent_of_a_core": round(cpu, 1),
    }


async def _hands(page: Page, word: str, seconds: float) -> dict[str, Any]:
    """Type and send for so long: times from a key to the frame behind its own, from Enter to the message."""
    await page.evaluate("window.pesan.keys.length = 0")
    await page.get_by_role("textbox", name="Message").first.click()
    echoes, number, until = [], 0, time.monotonic() + seconds
    while time.monotonic() < until:
        number += 1
        await page.keyboard.type(f"{word} {number} and what one says", delay=40)
        begun = time.monotonic()
        await page.keyboard.press("Enter")
        await _until(lambda number=number: _said(page, word, number), f"{word} {number} in the room")
        echoes.append(time.monotonic() - begun)
        await asyncio.sleep(0.3)
    keys = [float(one) / 1000 for one in await page.evaluate("window.pesan.keys")]
    return {
        "key_to_frame": latency_figures(keys),
        "enter_to_message": latency_figures(echoes),
        "keys": len(keys),
    }


async def _said(page: Page, word: str, number: int) -> bool:
    return number in await numbers(page, word)


async def _flood(budi: Chat, rate: float, seconds: float) -> int:
    """Send at an even pace; how many."""
    count, begun = int(rate * seconds), time.monotonic()
    sends = []
    for number in range(1, count + 1):
        sends.append(asyncio.create_task(budi.send(ROOM, f"flood {number} {TEXT}")))
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
    await asyncio.gather(*sends)
    return count


async def _watch(page: Page, seen: set[int]) -> None:
    """Note what goes by."""
    while True:
        seen.update(await numbers(page, "flood"))
        await asyncio.sleep(2 * BEAT)


async def _look_for(page: Page, sent: int, seen: set[int]) -> None:
    """Scroll up for what went by too fast to be noted."""
    await _until(lambda: _said(page, "flood", sent), "the last of the flood")
    await page.mouse.move(900, 400)
    deadline = time.monotonic() + PATIENCE
    while len(seen) < sent and time.monotonic() < deadline:
        await page.mouse.wheel(0, -TURN / 2)
        await asyncio.sleep(BEAT)
        seen.update(await numbers(page, "flood"))
