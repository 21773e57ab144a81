"""The settings: what the window looks like, where we are logged in, the password, and leaving.

Belongs here: the panel and its sections. What is chosen, and what is asked of the server, is the model's.
"""

from __future__ import annotations

import flet as ft

from client.gui.model.changes import Part
from client.gui.model.preferences import LANGUAGES, Theme
from client.gui.views import look
from client.gui.views.controls import (
    apart,
    avatar,
    heading,
    icon_button,
    one_line,
    outlined_button,
    quiet,
    title,
)
from client.gui.views.dialogs import log_out
from client.gui.views.password import Password
from client.gui.views.piece import Piece
from client.gui.views.sessions import Sessions
from client.gui.views.window import Panel, Window
from client.gui.words.words import OWN_NAMES
from config.version import VERSION
from protocol import connection_string


class Settings(Piece):
    """Shown in the place of a room while the panel says so."""

    parts = frozenset({Part.ACCOUNT, Part.PREFERENCES})

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        say = self.words.say
        self.sessions = Sessions(window)
        self.password = Password(window)
        self._theme = self._themes()
        self._language = self._languages()
        sections = [
            self._account(),
            section(
                say("Appearance"),
                _named(say("Theme"), self._theme),
                _named(say("Language"), self._language),
            ),
            section(say("Sessions"), self.sessions.control),
            section(say("Password"), self.password.control),
            apart(ft.Container(content=quiet(f"Pesan {VERSION}"), alignment=ft.Alignment.CENTER)),
        ]
        self.control = ft.Container(
            content=ft.Column(
                controls=[self._head(), ft.Divider(height=1), _scrolled(sections)], spacing=0, expand=True
            ),
            bgcolor=ft.Colors.SURFACE,
            expand=True,
        )

    # --- sections -------------------------------------------------------------------------------

    def _head(self) -> ft.Control:
        name = ft.Container(content=title(self.words.say("Settings")), expand=True)
        back = icon_button(self.words.say("Back"), ft.Icons.ARROW_BACK_ROUNDED, self._back)
        return ft.Container(
            content=ft.Row(controls=[back, name], spacing=look.GAP),
            padding=ft.Padding.symmetric(horizontal=look.GAP, vertical=look.GAP),
            height=look.GAP * 8,
        )

    def _account(self) -> ft.Control:
        say, user = self.words.say, self.model.user
        names = ft.Column(
            controls=[
                one_line(user, ft.TextThemeStyle.TITLE_MEDIUM),
                one_line(self._server(), ft.TextThemeStyle.BODY_MEDIUM, ft.Colors.ON_SURFACE_VARIANT),
            ],
            spacing=0,
        )
        leave = outlined_button(say("Log out"), lambda: log_out(self.window), icon=ft.Icons.LOGOUT_ROUNDED)
        return ft.Row(
            controls=[avatar(user, size=48), ft.Container(content=apart(names), expand=True), leave],
            spacing=look.GAP * 2,
        )

    def _server(self) -> str:
        try:
            server = connection_string.parse(self.model.entry.server)
        except ValueError:
            return ""
        return self.words.say("Server: {server}", server=server.host)

    def _themes(self) -> ft.SegmentedButton:
        say = self.words.say
        names = {Theme.SYSTEM: say("System"), Theme.LIGHT: say("Light"), Theme.DARK: say("Dark")}
        return ft.SegmentedButton(
            segments=[
                ft.Segment(value=theme.value, label=ft.Text(value=name)) for theme, name in names.items()
            ],
            selected=[self.model.preferences.theme.value],
            show_selected_icon=False,
            on_change=lambda _: self.window.run(self._choose_theme),
        )

    def _languages(self) -> ft.RadioGroup:
        names = {"": self.words.say("As the browser or the system says")}
        names.update({language: OWN_NAMES[language] for language in LANGUAGES})
        radios: list[ft.Control] = [ft.Radio(value=code, label=name) for code, name in names.items()]
        return ft.RadioGroup(
            content=ft.Column(controls=radios, spacing=0),
            value=self.model.preferences.language,
            on_change=lambda _: self.window.run(self._choose_language),
        )

    # --- drawing --------------------------------------------------------------------------------

    def refresh(self, parts: frozenset[Part]) -> None:
        """Draw what the model says now; ``parts`` have changed."""
        if Part.PREFERENCES in parts:
            self._theme.selected = [self.model.preferences.theme.value]
            self._language.value = self.model.preferences.language
            self.redraw(self._theme, self._language)
        if Part.ACCOUNT in parts:
            self.sessions.refresh(parts)
            self.password.refresh(parts)

    def shown(self) -> None:
        """Sessions are asked for anew each time somebody looks."""
        self.window.run(self.model.account.load)

    def gone(self) -> None:
        """Whoever comes back finds nothing wrong."""
        self.model.account.clear()

    def key(self, event: ft.KeyboardEvent) -> bool:
        """Esc goes back."""
        if event.key == "Escape":
            self._back()
            return True
        return False

    # --- what is done ---------------------------------------------------------------------------

    def _back(self) -> None:
        self.window.go(Panel.NONE)

    async def _choose_theme(self) -> None:
        await self.model.preferences.choose(theme=Theme(self._theme.selected[0]))

    async def _choose_language(self) -> None:
        await self.model.preferences.choose(language=self._language.value or "")


def section(name: str, *controls: ft.Control) -> ft.Control:
    """A part of the panel under its heading."""
    card = ft.Container(
        content=ft.Column(
            controls=list(controls),
            spacing=look.GAP * 2,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        ),
        padding=ft.Padding.all(look.GAP * 2),
        border_radius=look.RADIUS,
        bgcolor=ft.Colors.SURFACE_CONTAINER_LOW,
    )
    return ft.Column(
        controls=[heading(name), card],
        spacing=look.GAP,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def _named(name: str, control: ft.Control) -> ft.Control:
    return ft.Column(
        controls=[apart(ft.Text(value=name, theme_style=ft.TextThemeStyle.LABEL_LARGE)), control],
        spacing=look.GAP,
    )


def _scrolled(sections: list[ft.Control]) -> ft.Control:
    """The sections one below the other, in the middle of a wide window."""
    column = ft.Column(
        controls=sections,
        spacing=look.GAP * 4,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        width=look.PANEL_WIDTH,
    )
    return ft.ListView(
        controls=[ft.Container(content=column, alignment=ft.Alignment.TOP_CENTER)],
        padding=ft.Padding.symmetric(horizontal=look.GAP * 2, vertical=look.GAP * 3),
        expand=True,
    )
