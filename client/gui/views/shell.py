"""The window itself: one screen at a time, drawn again when the model changes.

Belongs here: choosing the screen, the loop that draws, theme and language, keys, size, title.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final

import flet as ft

from client.gui import faults
from client.gui.model.changes import Part
from client.gui.model.model import Screen
from client.gui.model.preferences import LANGUAGES, Theme
from client.gui.views import look
from client.gui.views.connect import Connect
from client.gui.views.login import Login
from client.gui.views.main import Main
from client.gui.views.pace import Pace
from client.gui.views.piece import Piece
from client.gui.views.register import Register
from client.gui.views.starting import Starting
from client.gui.views.window import Window
from client.gui.words import Words

PACE: Final = 0.05
"""Seconds in which changes gather before they are drawn."""

SCREENS: Final[dict[Screen, Callable[[Window], Piece]]] = {
    Screen.STARTING: Starting,
    Screen.CONNECT: Connect,
    Screen.LOGIN: Login,
    Screen.REGISTER: Register,
    Screen.MAIN: Main,
}
_MODES: Final = {
    Theme.SYSTEM: ft.ThemeMode.SYSTEM,
    Theme.LIGHT: ft.ThemeMode.LIGHT,
    Theme.DARK: ft.ThemeMode.DARK,
}


class Shell:
    """Draws one window until it is closed."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.model = window.model
        self._own_language = window.words.language
        self._shown: tuple[Screen, str] | None = None
        self._piece: Piece | None = None
        self._pace = Pace()
        self._drawing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to draw; what there is to be seen comes."""
        page = self.window.page
        page.title = "Pesan"
        page.padding = 0
        page.theme, page.dark_theme = look.theme(), look.dark_theme()
        page.locale_configuration = self._locale()
        page.on_keyboard_event = self._key
        page.on_resize = self._resized
        page.on_app_lifecycle_state_change = self._lifecycle
        page.on_connect = page.on_disconnect = self._reached
        self._drawing = asyncio.get_running_loop().create_task(self._draw_on())
        self.window.run(self.model.start)  # which may take as long as the server is away

    async def close(self, _: Any = None) -> None:
        """The page is gone."""
        if self._drawing is not None:
            self._drawing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._drawing
        self.window.doors.close()
        await self.model.close()

    # --- drawing --------------------------------------------------------------------------------

    async def _due(self, now: float) -> None:
        """Until something is to be drawn: what has changed, or what waits for its turn."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.rest(now)):
                await self.model.changes.wait()
                await asyncio.sleep(PACE)

    async def _draw_on(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._due(loop.time())
            parts = self._pace.due(self.model.changes.take(), loop.time())
            if not parts:
                continue
            try:
                self.draw(parts)
            except Exception as error:
                faults.tell("drawing", error)  # one piece is wrong now; what comes next is drawn again

    def draw(self, parts: frozenset[Part]) -> None:
        """Draw what has changed."""
        if Part.PREFERENCES in parts:
            self._prefer()
        self._title()
        if self._shown != (self.model.screen, self.window.words.language):
            self._show()
        elif self._piece is not None and parts & self._piece.parts:
            self._piece.refresh(parts)

    def _show(self) -> None:
        if self._piece is not None:
            self._piece.gone()
        self._shown = (self.model.screen, self.window.words.language)
        self._piece = SCREENS[self.model.screen](self.window)
        self._piece.refresh(frozenset(Part))
        page = self.window.page
        page.controls = [self._piece.control]
        page.update()
        self._piece.shown()

    def _prefer(self) -> None:
        page, chosen = self.window.page, self.model.preferences
        page.theme_mode = _MODES[chosen.theme]
        language = chosen.language or self._own_language
        if language != self.window.words.language:
            self.window.words = Words(language, self.window.words.zone)
            page.locale_configuration = self._locale()
        page.update()

    def _locale(self) -> ft.LocaleConfiguration:
        """For what Flutter says by itself: menus of fields, and the like."""
        return ft.LocaleConfiguration(
            supported_locales=[ft.Locale(language_code=language) for language in LANGUAGES],
            current_locale=ft.Locale(language_code=self.window.words.language),
        )

    def _title(self) -> None:
        unread = self.model.talks.unread if self.model.user else 0
        title = f"({unread}) Pesan" if unread else "Pesan"
        if self.window.page.title != title:
            self.window.page.title = title
            self.window.page.update()

    # --- what the page hears --------------------------------------------------------------------

    def _key(self, event: ft.KeyboardEvent) -> None:
        if self._piece is not None:
            self._piece.key(event)

    def _resized(self, _: Any) -> None:
        if self._piece is not None:
            self._piece.resized()

    def _lifecycle(self, event: ft.AppLifecycleStateChangeEvent) -> None:
        hidden = (ft.AppLifecycleState.HIDE, ft.AppLifecycleState.PAUSE, ft.AppLifecycleState.DETACH)
        if event.state in hidden:
            self.model.seen(False)
        elif event.state in (ft.AppLifecycleState.SHOW, ft.AppLifecycleState.RESUME):
            self.model.seen(True)

    def _reached(self, _: Any) -> None:
        """It was cut off, or is back: one that is loaded anew has said that it hides, and says no more."""
        connection: object = self.window.page.session.connection  # None while there is none
        self.model.seen(connection is not None)
