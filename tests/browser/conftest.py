"""A server with its window, and a browser in front of it; and saying so when there is no browser.

Belongs here: making these, once for all plays, and ending them. ``make test`` runs this folder by itself,
after everything else: five processes with a browser each would only be in each other's way.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, sync_playwright

from benchmarks.own_server import OwnServer
from benchmarks.web.browser import ARGUMENTS, found
from tests.browser.tab import Tab
from tests.browser.visitor import Visitor

QUICK: Final = {"password_memory_kib": 8, "password_passes": 1}
DESK: Final = (1280, 800)
PHONE: Final = (360, 740)
Comes = Callable[..., Visitor]


def browser_found() -> str:
    """The browser's path, or '': the one in ``PESAN_TEST_BROWSER``, or Chromium as systems name it."""
    named = os.environ.get("PESAN_TEST_BROWSER")
    if named is not None:
        return named if shutil.which(named) else ""
    return found()


def pytest_ignore_collect(collection_path: os.PathLike[str]) -> bool | None:
    """Without a browser the plays are not there."""
    plays = Path(collection_path).name.startswith("test_play_")
    return True if plays and not browser_found() else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """And that is said where somebody reads it."""
    if not browser_found():
        terminalreporter.section("no browser", yellow=True)
        terminalreporter.line("The browser tests did not run: there is no Chromium on this machine.")
        terminalreporter.line(
            "Install one, on Debian with `apt install chromium`, or name it in PESAN_TEST_BROWSER."
        )


@pytest.fixture(scope="package")
def server() -> Iterator[OwnServer]:
    """Every process, the window's included."""
    with OwnServer(settings=QUICK, web=True) as server:
        yield server


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_found(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One play at a time, whatever number of processes runs the tests."""
    with (tmp_path_factory.getbasetemp().parent / "one-play-at-a-time").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def comes(alone: None, server: OwnServer, browser: Browser) -> Iterator[Comes]:
    """``comes("ani")``: somebody opens the window in a browser of their own.

    In the end nobody's window has asked anything of anybody but the server.
    """
    visitors: list[Visitor] = []

    def come(name: str, size: tuple[int, int] = DESK, locale: str = "en-GB") -> Visitor:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=locale,
            timezone_id="Asia/Jakarta",
            service_workers="block",
        )
        visitor = Visitor(name, Tab(context, server.window))
        visitors.append(visitor)
        visitor.tab.opens()
        return visitor

    yield come
    for visitor in visitors:
        visitor.tab.page.context.close()
    for visitor in visitors:
        assert not visitor.tab.foreign, visitor.tab.foreign
        assert not visitor.tab.said, visitor.tab.said
