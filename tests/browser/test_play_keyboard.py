"""The whole window without a mouse."""

from __future__ import annotations

from benchmarks.own_server import OwnServer
from tests.browser.aside import aside
from tests.browser.conftest import PHONE, Comes
from tests.browser.scenery import move_in


def test_from_login_to_logout_with_the_keyboard_alone(server: OwnServer, comes: Comes) -> None:
    aside(move_in(server.connection, ["dewi", "eko"]))
    dewi = comes("dewi")
    tab = dewi.tab
    tab.tabs_to("User name", "textbox")
    tab.page.keyboard.type("dewi", delay=20)
    tab.tabs_to("Password", "textbox")
    tab.page.keyboard.type(dewi.password, delay=20)
    tab.presses("Enter")
    dewi.is_in()
    tab.presses("Control+k")
    tab.listens("Search")
    tab.page.keyboard.type("eko", delay=40)
    tab.control("button", "eko").wait_for()
    tab.presses("Enter")
    tab.control("textbox", "Message").wait_for()
    tab.tabs_to("Message", "textbox")
    tab.page.keyboard.type("no mouse", delay=20)
    tab.presses("Enter")
    dewi.reads_once("no mouse")
    tab.tabs_to("Log out", "button", most=60)
    tab.presses("Enter")
    tab.control("textbox", "User name").wait_for()


def test_on_a_phone_one_thing_at_a_time_is_shown(server: OwnServer, comes: Comes) -> None:
    gita = comes("gita", PHONE)
    gita.can_use_all("login")
    gita.registers()
    gita.can_use_all("list")
    gita.opens("Everyone")
    gita.says("hello from a phone")
    gita.can_use_all("room")
    gita.tab.clicks("Back")
    gita.tab.control("textbox", "Search").wait_for()
    gita.tab.clicks("Settings")
    gita.tab.sees("Theme")
    gita.can_use_all("settings")
    gita.tab.clicks("Back")
    gita.tab.control("textbox", "Search").wait_for()
    gita.logs_out()
