"""How soon somebody can log in, and what that weighs: in a browser that is new, and in one that was there."""

from __future__ import annotations

from statistics import median
from typing import Any

from playwright.async_api import Playwright

from benchmarks.web.browser import profile, usable
from benchmarks.web.counted import counted


async def loading(playwright: Playwright, url: str, port: int, runs: int) -> dict[str, Any]:
    """``cold``: a fresh profile; ``warm``: the same one, a page later. Seconds are medians over ``runs``."""
    cold: list[float] = []
    warm: list[float] = []
    for _ in range(runs):
        async with profile(playwright) as context:
            for times in (cold, warm):
                page = await context.new_page()
                times.append(await usable(page, url))
                await page.close()
    return {
        "runs": runs,
        "cold_usable_seconds": round(median(cold), 2),
        "cold_usable_most": round(max(cold), 2),
        "warm_usable_seconds": round(median(warm), 2),
        "warm_usable_most": round(max(warm), 2),
        **await _weights(playwright, port),
    }


async def _weights(playwright: Playwright, port: int) -> dict[str, float]:
    """Megabytes (of 1,000,000 bytes) to the browser, headers included; a run of its own, not timed."""
    async with counted(port) as line, profile(playwright) as context:
        weights = []
        for _ in range(2):
            before = line.down
            page = await context.new_page()
            await usable(page, line.url)
            await page.wait_for_timeout(1000)  # what is loaded behind the form's back counts
            weights.append(round((line.down - before) / 1e6, 3))
            await page.close()
        return {"cold_megabytes": weights[0], "warm_megabytes": weights[1]}
