"""One person in two browsers that speak two languages, one of which is shown the door."""

from __future__ import annotations

from benchmarks.own_server import OwnServer
from tests.browser.aside import aside
from tests.browser.conftest import Comes
from tests.browser.scenery import move_in


def test_a_session_is_ended_from_another_browser(server: OwnServer, comes: Comes) -> None:
    aside(move_in(server.connection, ["fajar"]))
    abroad, home = comes("fajar", locale="en-GB").tab, comes("fajar", locale="id-ID").tab
    for tab, user, password in ((abroad, "User name", "Password"), (home, "Nama pengguna", "Kata sandi")):
        tab.writes(user, "fajar")
        tab.writes(password, "a password of fajar")
        tab.presses("Enter")
    abroad.control("button", "Settings").wait_for()
    home.clicks("Pengaturan")
    home.clicks("Akhiri sesi")
    home.sees("Akhiri sesi ini?")
    home.control("button", "Akhiri sesi").last.click()
    home.sees("Sesi sudah diakhiri.")
    abroad.control("textbox", "User name").wait_for()
    abroad.sees("The session has ended; log in again.")
    home.clicks("Keluar")
    home.control("textbox", "Nama pengguna").wait_for()
