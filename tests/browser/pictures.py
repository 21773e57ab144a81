"""``make pictures``: every screen as a picture in docs/pictures, in both themes, on a desk and on a phone.

Belongs here: which screens, and how one comes there. Who and what is seen on them is ``scenery``'s.
"""

from __future__ import annotations

from typing import Final, Literal

from playwright.sync_api import Browser, sync_playwright

from benchmarks.own_server import ROOT, OwnServer
from benchmarks.web.browser import ARGUMENTS
from tests.browser.aside import aside
from tests.browser.conftest import DESK, PHONE, QUICK, browser_found
from tests.browser.scenery import TEAM, furnish
from tests.browser.tab import Tab
from tests.browser.visitor import Visitor

FOLDER: Final = ROOT / "docs" / "pictures"
QUIET: Final = 1500
"""Milliseconds in which whatever moves on a screen comes to rest."""
VIEW: Final = """<style>
body { margin: 0; background: linear-gradient(#8ec5e8 0 45%, #f3d9b1 62%, #4f8a8b 62%, #1f4e5f) }
div { position: absolute; left: 430px; top: 150px; width: 90px; height: 90px; border-radius: 50%;
      background: #fff3c4 }
</style><div></div>"""
"""What the picture that somebody sent shows: a sea, and a sun over it."""
Theme = Literal["light", "dark"]


def view(browser: Browser) -> bytes:
    """A PNG to be sent."""
    page = browser.new_page(viewport={"width": 640, "height": 400})
    page.set_content(VIEW)
    picture = page.screenshot()
    page.close()
    return picture


class Album:
    """Pictures of one theme and size, named ``what-size-theme.png``."""

    def __init__(self, browser: Browser, home: str, theme: Theme, size: str) -> None:
        width, height = PHONE if size == "phone" else DESK
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            locale="en-GB",
            timezone_id="Asia/Jakarta",
            service_workers="block",
        )
        self.visitor = Visitor("ani", Tab(context, home))
        self.phone = size == "phone"
        self._ending = f"{size}-{theme}.png"

    def takes(self, what: str) -> None:
        """One picture of what is there now, without a pointer on anything."""
        self.visitor.tab.page.mouse.move(1, 1)
        self.visitor.tab.page.wait_for_timeout(QUIET)
        self.visitor.tab.page.screenshot(path=FOLDER / f"{what}-{self._ending}")

    def fills(self) -> None:
        """All that a server which is there shows."""
        tab = self.visitor.tab
        tab.opens()
        tab.control("textbox", "User name").wait_for()
        self._entry()
        self.visitor.logs_in()
        tab.sees("budi, 3 unread")
        self.takes("list")
        for section, row in (("People", "person-001"), ("Groups", "#village, ")):
            tab.clicks(section)
            tab.sees(row)
            self.takes(section.lower())
        tab.clicks("Chats")
        tab.sees("budi, 3 unread")
        self._search()
        self._rooms()
        self._panels()

    def _entry(self) -> None:
        visitor, tab = self.visitor, self.visitor.tab
        self.takes("login")
        visitor.fills(user="ani", password="not this one")
        tab.presses("Enter")
        tab.sees("do not fit")
        self.takes("login-refused")
        tab.clicks("Create account")
        tab.control("textbox", "Password again").wait_for()
        self.takes("register")
        tab.clicks("Log in")
        tab.until(lambda: "Password again" not in tab.text(), "the login screen")
        tab.clicks("Change server")
        tab.control("button", "Connect").wait_for()
        self.takes("connect")
        tab.clicks("Connect")
        tab.control("textbox", "User name").wait_for()
        tab.page.wait_for_timeout(QUIET)

    def _search(self) -> None:
        tab = self.visitor.tab
        tab.writes("Search", "wi")
        tab.sees("Conversations")
        self.takes("search")
        tab.writes("Search", "nobody at all")
        tab.sees("Nothing found")
        self.takes("search-nothing")
        tab.presses("Escape")
        tab.sees("budi, 3 unread")

    def _rooms(self) -> None:
        visitor, tab = self.visitor, self.visitor.tab
        visitor.opens(f"#{TEAM}")
        visitor.reads("minutes")
        tab.page.wait_for_timeout(2 * QUIET)  # the picture in it comes by itself
        self.takes("room")
        for _ in range(4 if self.phone else 1):
            tab.presses("PageUp")
            tab.page.wait_for_timeout(QUIET)
        self.takes("room-code")
        self.goes_back()
        visitor.opens("#village")
        tab.clicks("Members")
        tab.sees("person-00", within="members")
        self.takes("members")
        tab.presses("Escape")
        self.goes_back()
        visitor.opens("#planning")
        tab.sees("No messages yet")
        self.takes("room-empty")
        self.goes_back()

    def _panels(self) -> None:
        tab = self.visitor.tab
        tab.clicks("New group")
        tab.control("textbox", "Group name").wait_for()
        self.takes("new-group")
        tab.presses("Escape")
        tab.control("textbox", "Group name").wait_for(state="hidden")
        tab.clicks("Settings")
        tab.sees("Theme")
        self.takes("settings")
        tab.control("button", "Back").click()
        tab.control("textbox", "Search").wait_for()

    def breaks(self, server: OwnServer) -> None:
        """What is seen while the server does not answer: a message and a file wait."""
        visitor, tab = self.visitor, self.visitor.tab
        visitor.opens(f"#{TEAM}")
        visitor.reads("minutes")
        server.kill("broker")
        tab.sees("Reconnecting")
        visitor.says("See you downstairs")
        with tab.page.expect_file_chooser() as choosing:
            tab.clicks("Attach files")
        choosing.value.set_files(
            {"name": "holiday plans.zip", "mimeType": "application/zip", "buffer": bytes(3_000_000)}
        )
        tab.sees("holiday plans.zip")
        self.takes("reconnecting")
        tab.page.context.close()

    def goes_back(self) -> None:
        """On a phone one thing is shown at a time."""
        while self.phone and "Search" not in self.visitor.tab.text():
            self.visitor.tab.clicks("Back")
            self.visitor.tab.page.wait_for_timeout(QUIET)


def main() -> None:
    """Take them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    themes: tuple[Theme, ...] = ("light", "dark")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_found(), args=ARGUMENTS)
        picture = view(browser)
        for theme in themes:
            for size in ("desktop", "phone"):
                # A server for each: what one album reads is not new in the next.
                with OwnServer(settings=QUICK, web=True) as server:
                    aside(furnish(server.connection, picture))
                    album = Album(browser, server.window, theme, size)
                    album.fills()
                    album.breaks(server)
        browser.close()
    taken = sorted(FOLDER.glob("*.png"))
    print(f"{len(taken)} pictures in {FOLDER.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
