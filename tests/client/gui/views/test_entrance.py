"""The screens before one is logged in."""

from __future__ import annotations

import flet as ft

from client.errors import Offline
from client.gui.model.keeping import Forgetful
from client.gui.model.model import Screen
from protocol.errors import Busy
from tests.client.gui.fake_chat import SERVER
from tests.client.gui.harness import Pane
from tests.client.gui.views.panes import PASSWORD, opened


def _focused(pane: Pane) -> int:
    """How often a field was given the cursor so far."""
    return sum(kind == "TextField" and method == "focus" for kind, method, _ in pane.called)


async def test_enter_goes_through_the_form_and_logs_in_at_its_end() -> None:
    async with opened() as seen:
        pane = seen.pane
        await pane.until("Log in")
        await pane.until(lambda: _focused(pane) == 1, "the cursor stands in the first field")
        await pane.write("User name", "ani")
        await pane.enter("User name")
        assert not seen.model.entry.busy
        await pane.until(lambda: _focused(pane) == 2, "Enter went to the next field")
        await pane.write("Password", PASSWORD)
        await pane.enter("Password")
        await pane.until(lambda: seen.model.screen is Screen.MAIN)


async def test_the_button_says_what_is_missing() -> None:
    async with opened() as seen:
        pane = seen.pane
        await pane.until("Log in")
        await pane.click("Log in")
        await pane.until("Type a user name.")
        await pane.write("User name", "ani")
        await pane.until(lambda: not pane.shows("Type a user name."))
        await pane.click("Log in")
        await pane.until("Type a password.")


async def test_a_wrong_password_is_said_at_its_field_and_the_cursor_is_there() -> None:
    async with opened() as seen:
        pane = seen.pane
        await pane.until("Log in")
        await pane.write("User name", "ani")
        await pane.write("Password", "wrong-wrong")
        before = _focused(pane)
        await pane.enter("Password")
        await pane.until("User name and password do not fit.")
        assert pane.find("Password", ft.TextField).error == "User name and password do not fit."
        await pane.until(lambda: _focused(pane) > before)
        assert not pane.find("Log in", ft.FilledButton).disabled
        await pane.write("Password", PASSWORD)
        await pane.until(lambda: not pane.find("Password", ft.TextField).error)


async def test_while_the_server_is_asked_the_button_cannot_be_pressed() -> None:
    async with opened() as seen:
        pane = seen.pane
        await pane.until("Log in")
        answered = seen.server.hold("login")
        await pane.write("User name", "ani")
        await pane.write("Password", PASSWORD)
        await pane.enter("Password")
        await pane.until(lambda: pane.controls(ft.ProgressRing), "it is shown that something is done")
        assert pane.find("Log in", ft.FilledButton).disabled
        await pane.enter("Password")
        answered.set()
        await pane.until(lambda: seen.model.screen is Screen.MAIN)
        assert len(seen.server.called("login")) == 1


async def test_an_account_is_created_with_the_password_typed_twice() -> None:
    async with opened() as seen:
        pane = seen.pane
        await pane.until("Log in")
        await pane.write("User name", "eka")
        await pane.click("Create account")
        await pane.until("Others find you by your user name.")
        assert pane.find("User name", ft.TextField).value == "eka"
        await pane.write("Password", PASSWORD)
        await pane.write("Password again", PASSWORD + "x")
        await pane.click("Create account")
        await pane.until("The two passwords differ.")
        assert pane.find("Password again", ft.TextField).error
        await pane.write("Password again", PASSWORD)
        await pane.enter("Password again")
        await pane.until(lambda: seen.model.user == "eka")


async def test_another_language_is_spoken_at_once_and_the_name_that_was_typed_stays() -> None:
    async with opened(keeping=(kept := Forgetful())) as seen:
        pane = seen.pane
        await pane.until("Log in")
        await pane.write("User name", "ani")
        await pane.click("Bahasa Indonesia")
        await pane.until("Nama pengguna")
        assert pane.find("Nama pengguna", ft.TextField).value == "ani"
        assert pane.page.locale_configuration is not None
        assert pane.page.locale_configuration.current_locale == ft.Locale(language_code="id")
        await pane.write("Kata sandi", "wrong-wrong")
        await pane.enter("Kata sandi")
        await pane.until("Nama pengguna dan kata sandi tidak cocok.")
    async with opened(keeping=kept) as again:
        await again.pane.until("Masuk")


async def test_a_password_is_shown_when_asked_for() -> None:
    async with opened() as seen:
        pane = seen.pane
        await pane.until("Log in")
        assert pane.find("Password", ft.TextField).password
        await pane.click("Show password")
        assert not pane.find("Password", ft.TextField).password
        await pane.click("Hide password")
        assert pane.find("Password", ft.TextField).password


async def test_a_server_is_named_first_where_none_is_known() -> None:
    async with opened(at="") as seen:
        pane = seen.pane
        await pane.until("Connect to a server")
        seen.server.fail("hello", Offline("The server was not reached."))
        await pane.write("Server", "pesan://127.0.0.1:1")
        await pane.click("Connect")
        await pane.until(lambda: pane.find("Server", ft.TextField).error)
        await pane.write("Server", f"  {SERVER} ")
        await pane.enter("Server")
        await pane.until("New here?")
        await pane.click("Change server")
        await pane.until("Connect to a server")


async def test_where_there_is_one_server_no_other_can_be_named() -> None:
    async with opened(fixed=True) as seen:
        await seen.pane.until("Log in")
        assert not seen.pane.shows("Change server")
        assert not seen.pane.shows("Server:")


async def test_the_card_becomes_the_window_where_it_is_narrow() -> None:
    async with opened(width=1200) as seen:
        await seen.pane.until("Log in")

        def cards() -> list[ft.Container]:
            return [each for each in seen.pane.controls(ft.Container) if each.border is not None]

        assert len(cards()) == 1
        await seen.pane.resize(360, 740)
        assert cards() == []


async def test_who_does_not_want_to_wait_for_a_session_that_was_kept_logs_in_anew() -> None:
    kept = Forgetful()
    async with opened(keeping=kept) as first:
        await first.pane.until("Log in")
        assert await first.model.entry.login("ani", PASSWORD, remember=True)
        server = first.server
    server.fail("whoami", *[Busy("The server has much to do.", retry_after=1.0)] * 9)
    async with opened(server, keeping=kept) as seen:
        await seen.pane.until("The server has much to do.")
        await seen.pane.click("Do not wait")
        await seen.pane.until(lambda: seen.model.screen is Screen.LOGIN)
        await seen.pane.until("Log in")
