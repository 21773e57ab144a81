"""Whatever can be read on the window stands on a ground on which its contrast was computed.

The pairs of the palette are a promise; here screens are walked with people, groups and messages on them, and
each text and icon is looked up there, with the ground that is really behind it.
"""

from __future__ import annotations

from collections.abc import Iterator

import flet as ft
from flet.controls.base_control import BaseControl

from client.gui.views.palette import AVATARS, LIGHT, ON_AVATAR, PAIRS
from tests.client.gui.fake_chat import FakeServer
from tests.client.gui.harness import Pane, walk
from tests.client.gui.views.panes import PASSWORD, entered, opened

COMPUTED = {(text, ground) for text, ground, _ in PAIRS}
GROUNDS = (ft.Container, ft.AlertDialog, ft.IconButton, ft.Button)


def _role(color: object) -> str:
    """``ft.Colors.ON_SURFACE`` and "#RRGGBB" alike, as the palette has them."""
    if isinstance(color, ft.Colors):
        return color.name.lower()
    return str(color)


def _pairs(pane: Pane) -> Iterator[tuple[str, str, str]]:
    """Colour of a text or icon, the ground behind it, and what it is."""
    for control in walk(pane.page):
        if isinstance(control, (ft.Text, ft.Icon)):
            above = _above(control)
            buttons = [each for each in above if isinstance(each, (ft.Button, ft.IconButton, ft.TextButton))]
            if buttons and control.color is None:
                continue  # the button's own colours, which the theme makes of a role and its on_ role
            said = control.value if isinstance(control, ft.Text) else f"icon {control.icon}"
            yield _role(control.color or ft.Colors.ON_SURFACE), _ground(above), str(said)
            for span in (control.spans or []) if isinstance(control, ft.Text) else []:
                if span.style is not None and span.style.color is not None:
                    yield _role(span.style.color), _role(span.style.bgcolor or _ground(above)), str(span.text)


def _above(control: BaseControl) -> list[BaseControl]:
    found: list[BaseControl] = []
    at = control.parent
    while at is not None:
        found.append(at)
        at = at.parent
    return found


def _ground(above: list[BaseControl]) -> str:
    for each in above:
        color = getattr(each, "bgcolor", None) if isinstance(each, GROUNDS) else None
        if color not in (None, ft.Colors.TRANSPARENT):
            return _role(color)
        if isinstance(each, ft.AlertDialog):
            return "surface_container_low"
    return "surface"


def _unknown(pane: Pane) -> list[tuple[str, str, str]]:
    allowed = COMPUTED | {(ON_AVATAR, ground) for ground in AVATARS}
    seen = list(_pairs(pane))
    assert seen
    return [(text, ground, said) for text, ground, said in seen if (text, ground) not in allowed]


async def test_of_the_entry_screens() -> None:
    async with opened() as seen:
        pane = seen.pane
        await pane.until("Log in")
        assert _unknown(pane) == []
        await pane.click("Create account")
        await pane.until("Others find you")
        assert _unknown(pane) == []
        await pane.resize(360, 740)
        assert _unknown(pane) == []


async def test_of_the_main_screen_with_a_room_and_settings() -> None:
    server = FakeServer()
    server.add("ani", "budi", "citra", password=PASSWORD)
    server.group("team", "ani", "budi")
    server.say("budi", "#team", "See https://example.org\n```\ncode\n```")
    server.say("ani", "#team", "Mine, with `code` and https://example.org")
    server.say("citra", "ani", "hello")
    async with entered(server=server) as seen:
        pane = seen.pane
        await pane.until("hello")
        assert _unknown(pane) == []
        seen.window.open("#team")
        await pane.until("Mine, with")
        assert _unknown(pane) == []
        server.say("citra", "ani", "are you there?")
        await pane.until("are you there?")
        assert _unknown(pane) == []
        await pane.click("New group")
        await pane.until("Group name")
        assert _unknown(pane) == []
        await pane.click("Cancel")
        await pane.click("Settings")
        await pane.until("Appearance")
        assert _unknown(pane) == []


def test_what_is_computed_is_of_the_palette() -> None:
    assert {role for pair in COMPUTED for role in pair} <= set(LIGHT)
