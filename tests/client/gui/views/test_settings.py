"""The settings."""

from __future__ import annotations

import flet as ft

from client.gui.model.keeping import PREFERENCES, Forgetful
from client.gui.model.model import Screen
from client.gui.model.preferences import Theme
from client.gui.views.window import Panel
from tests.client.gui.views.panes import PASSWORD, Seen, entered


async def _settings(seen: Seen) -> None:
    await seen.pane.click("Settings")
    await seen.pane.until("Appearance")
    await seen.pane.until("This session")


async def test_the_theme_is_chosen_and_kept() -> None:
    async with entered(keeping=(kept := Forgetful())) as seen:
        await _settings(seen)
        themes = seen.pane.controls(ft.SegmentedButton)[0]
        seen.pane.session.apply_patch(themes._i, {"selected": [Theme.DARK.value]})
        await seen.pane.fire(themes, "change")
        await seen.pane.until(lambda: seen.pane.page.theme_mode is ft.ThemeMode.DARK)
        assert '"theme": "dark"' in await kept.get(PREFERENCES)


async def test_the_language_is_chosen_and_the_settings_stay_open() -> None:
    async with entered() as seen:
        await _settings(seen)
        languages = seen.pane.controls(ft.RadioGroup)[0]
        seen.pane.session.apply_patch(languages._i, {"value": "id"})
        await seen.pane.fire(languages, "change")
        await seen.pane.until("Tampilan")
        assert seen.window.panel is Panel.SETTINGS
        assert seen.pane.controls(ft.RadioGroup)[0].value == "id"


async def test_sessions_are_ended_after_a_question_and_ours_has_no_button() -> None:
    async with entered() as seen:
        other = seen.server.connect("pesan://x:1", token=b"")
        await other.login("ani", PASSWORD, "Telephone of ani")
        await _settings(seen)
        await seen.pane.until("Telephone of ani")
        ends = [button for button in seen.pane.controls(ft.TextButton) if button.content == "End"]
        assert [button.tooltip for button in ends] == ["End the session Telephone of ani"]
        await seen.pane.click("End")
        await seen.pane.until("End this session?")
        await seen.pane.click("Cancel")
        assert seen.server.called("revoke") == []
        await seen.pane.click("End")
        await seen.pane.click("End session")
        await seen.pane.until(
            lambda: not any(button.content == "End" for button in seen.pane.controls(ft.TextButton))
        )
        assert len(seen.server.called("revoke")) == 1


async def test_the_password_is_changed_and_its_fields_are_empty_then() -> None:
    async with entered() as seen:
        await _settings(seen)
        pane = seen.pane
        await pane.click("Save")
        await pane.until("Type your current password.")
        await pane.write("Current password", "wrong-wrong")
        await pane.write("New password", "another-secret")
        await pane.write("New password again", "another-secre")
        await pane.click("Save")
        await pane.until("The two passwords differ.")
        await pane.write("New password again", "another-secret")
        await pane.enter("New password again")
        await pane.until(lambda: pane.find("Current password", ft.TextField).error)
        await pane.write("Current password", PASSWORD)
        await pane.click("Save")
        await pane.until(lambda: not any(field.value for field in pane.controls(ft.TextField)))
        assert seen.server.called("change_password")


async def test_esc_and_back_leave_the_settings() -> None:
    async with entered() as seen:
        await _settings(seen)
        await seen.pane.press("Escape")
        await seen.pane.until(lambda: not seen.pane.shows("Appearance"))
        await _settings(seen)
        await seen.pane.click("Back")
        await seen.pane.until(lambda: not seen.pane.shows("Appearance"))


async def test_logging_out_leads_to_the_login_screen_and_keeps_nothing() -> None:
    async with entered(keeping=(kept := Forgetful())) as seen:
        await _settings(seen)
        await seen.pane.click("Log out")
        await seen.pane.until(lambda: seen.model.screen is Screen.LOGIN)
        await seen.pane.until("New here?")
        assert not [name for name, text in kept.texts.items() if text and "login" in name]
