"""``python -m benchmarks web``: the window in Chromium, against a server of our own. Under four minutes.

Belongs here: what is measured in which order, on which server. ``short``: fewer runs and messages, a minute.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any, Final, NamedTuple

from playwright.async_api import async_playwright

from benchmarks.figures import OthersShare
from benchmarks.own_server import OwnServer
from benchmarks.web import browser
from benchmarks.web.loading import loading
from benchmarks.web.room import room
from benchmarks.web.tabs import tabs

GONE_AFTER: Final = 3.0
"""Seconds after which a closed tab is let go: by default it is two minutes, too long to wait."""
DESKTOP: Final = "not measured: Flet downloads its program for the desktop at the first start"


class Size(NamedTuple):
    """How much of everything."""

    runs: int = 5
    tabs: int = 20
    messages: int = 50_000
    pages: int = 20
    seconds: float = 12.0


SHORT: Final = Size(runs=1, tabs=5, messages=2_000, pages=4, seconds=4.0)


def web(short: bool = False) -> dict[str, Any]:
    """Figures of one run; says so where there is no browser."""
    if not browser.found():
        return {"scenario": "web", "not_measured": "there is no Chromium on this machine"}
    size, others = SHORT if short else Size(), OthersShare()
    figures = asyncio.run(_measured(size))
    return {"scenario": "web", **figures, "desktop_window": DESKTOP, "cpu_of_others": others.share()}


async def _measured(size: Size) -> dict[str, Any]:
    """Tabs first, with a process that nobody has visited; the rest on another server."""
    settings = {"web_tab_timeout": GONE_AFTER}
    with OwnServer(settings=settings, web=True) as server:
        held = await tabs(server, size.tabs, size.seconds, GONE_AFTER)
    async with async_playwright() as playwright:
        with OwnServer(web=True) as server:
            loaded = await loading(playwright, server.window, server.window_port, size.runs)
            told = await room(
                playwright, server, messages=size.messages, pages=size.pages, rate=20.0, seconds=size.seconds
            )
    return {"cores": os.cpu_count(), "loading": loaded, "open_tabs": held, "room": told}
