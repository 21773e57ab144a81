"""The harness itself: what it shows of a page is what the page has, and a broken page is seen."""

from __future__ import annotations

import flet as ft
import pytest

from client.gui.window import open_window
from tests.client.gui.harness import Pane


async def greeting(page: ft.Page) -> None:
    """A field, a button, and what they bring about."""
    said = ft.Text(value="Nobody yet")
    name = ft.TextField(label="Name")

    async def greet() -> None:
        said.value = f"Hello {name.value}"
        said.update()
        await name.focus()  # type: ignore[no-untyped-call]

    page.add(name, ft.Button(content="Greet", on_click=greet), said)


async def test_what_is_typed_and_clicked_shows() -> None:
    pane = await Pane.opened(greeting)
    await pane.write("Name", "ani")
    await pane.click("Greet")
    await pane.until("Hello ani")
    assert ("TextField", "focus") in [(kind, name) for kind, name, _ in pane.called]
    await pane.close()


async def test_a_handler_that_raises_fails_the_test() -> None:
    def fall() -> None:
        raise LookupError("broken")

    async def main(page: ft.Page) -> None:
        page.add(ft.Button(content="Fall", on_click=fall))

    pane = await Pane.opened(main)
    with pytest.raises(AssertionError, match="broken"):
        await pane.click("Fall")
    await pane.close()


async def test_a_control_that_is_hidden_or_disabled_cannot_be_used() -> None:
    async def main(page: ft.Page) -> None:
        page.add(
            ft.Button(content="Hidden", visible=False, on_click=print),
            ft.Button(content="Disabled", disabled=True, on_click=print),
        )

    pane = await Pane.opened(main)
    assert not pane.shows("Hidden")
    for name in ("Hidden", "Disabled"):
        with pytest.raises(AssertionError, match="nothing to click"):
            await pane.click(name)
    await pane.close()


async def test_a_window_draws_by_itself_and_not_after_each_event() -> None:
    """Else whatever is clicked would cost a comparison of the whole page."""
    assert callable(open_window), "its module says so for the whole program"

    async def main(page: ft.Page) -> None:
        def redden() -> None:
            page.bgcolor = ft.Colors.RED

        page.add(ft.Button(content="Redden", on_click=redden))

    pane = await Pane.opened(main)
    drawn = len(pane.wire.sent)
    await pane.click("Redden")
    assert pane.page.bgcolor == ft.Colors.RED
    assert pane.wire.sent[drawn:] == []
    await pane.close()
