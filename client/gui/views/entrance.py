"""What the screens before one is logged in have in common: a card in the middle, a form, what is wrong there.

Belongs here: the frame, and showing the entry's problem at its field. Which fields there are, screens say.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

import flet as ft

from client.gui.model.changes import Part
from client.gui.model.preferences import LANGUAGES
from client.gui.model.problem import PASSWORDS_DIFFER, Problem
from client.gui.views import look
from client.gui.views.controls import Alarm, BusyButton, Field, quiet, title
from client.gui.views.piece import Piece, mounted
from client.gui.views.window import Window
from client.gui.words.words import OWN_NAMES

LOGO: Final = 56.0


def logo(size: float = LOGO) -> ft.Control:
    """The sign of Pesan. Screen readers skip it: its name stands beside it."""
    return ft.Semantics(
        exclude_semantics=True,
        content=ft.Container(
            content=ft.Icon(icon=ft.Icons.TEXTSMS_ROUNDED, size=size * 0.55, color=ft.Colors.ON_PRIMARY),
            width=size,
            height=size,
            alignment=ft.Alignment.CENTER,
            border_radius=size * 0.28,
            bgcolor=ft.Colors.PRIMARY,
        ),
    )


class Entrance(Piece):
    """A form. ``fields``: by what a problem of the entry may be about; ``first`` to last."""

    parts = frozenset({Part.ENTRY, Part.SCREEN})

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.alarm = Alarm()
        self.fields: dict[str, Field] = {}
        self.button = BusyButton("", self.submit)
        self._card = ft.Container()
        self._told: Problem | None = None

    # --- what each screen says ------------------------------------------------------------------

    def submit(self) -> None:
        """Somebody pressed the button, or Enter."""
        raise NotImplementedError

    # --- the frame ------------------------------------------------------------------------------

    def frame(self, name: str, text: str, main: str, *rest: ft.Control, beside: list[ft.Control]) -> None:
        """Build it: heading, text, the fields, ``rest``, the button ``main``, and ``beside``: other ways."""
        self.button = BusyButton(main, self.submit)
        head: list[ft.Control] = [title(name)]
        if text:
            head.append(quiet(text))
        form = ft.Column(
            controls=[
                ft.Column(controls=head, spacing=look.GAP / 2),
                self.alarm.control,
                *(field.control for field in self.fields.values()),
                *rest,
                self.button.control,
                *beside,
            ],
            spacing=look.GAP * 2,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        )
        self._card = ft.Container(
            content=ft.AutofillGroup(content=form),
            width=look.FORM_WIDTH + look.GAP * 8,
            border_radius=look.RADIUS * 2,
        )
        brand = ft.Row(
            controls=[
                logo(40),
                ft.Text(value="Pesan", theme_style=ft.TextThemeStyle.HEADLINE_SMALL),
            ],
            alignment=ft.MainAxisAlignment.CENTER,
            spacing=look.GAP * 1.5,
        )
        column = ft.Column(
            controls=[brand, self._card, self._languages()],
            alignment=ft.MainAxisAlignment.CENTER,
            horizontal_alignment=ft.CrossAxisAlignment.CENTER,
            spacing=look.GAP * 3,
            scroll=ft.ScrollMode.AUTO,
            expand=True,
        )
        self._ground = ft.Container(
            content=ft.SafeArea(content=ft.Row(controls=[column], expand=True), expand=True), expand=True
        )
        self.control = self._ground
        self.resized()

    def _languages(self) -> ft.Control:
        """Every language by its own name, so that who cannot read this one finds theirs."""
        return ft.Row(
            controls=[self._language(language) for language in LANGUAGES],
            alignment=ft.MainAxisAlignment.CENTER,
            spacing=look.GAP / 2,
        )

    def _language(self, language: str) -> ft.Control:
        mine = language == self.words.language
        color = ft.Colors.ON_SURFACE if mine else ft.Colors.ON_SURFACE_VARIANT
        weight = ft.FontWeight.W_600 if mine else ft.FontWeight.W_400
        button = ft.TextButton(
            content=ft.Text(value=OWN_NAMES[language], size=13, weight=weight, color=color),
            on_click=lambda _: self.window.run(self._speak, language),
        )
        return ft.MergeSemantics(content=ft.Semantics(selected=mine, content=button))

    async def _speak(self, language: str) -> None:
        name = self.fields.get("user")
        if name is not None:  # the form is made anew in the other language
            self.model.entry.user = name.text.strip()
        await self.model.preferences.choose(language=language)

    # --- drawing --------------------------------------------------------------------------------

    def refresh(self, parts: frozenset[Part]) -> None:
        """Show what is wrong, where it is wrong; and whether the server is being asked."""
        entry = self.model.entry
        problem = entry.problem
        sentence = self.words.problem(problem) if problem is not None else ""
        about = self._about(problem)
        for name, field in self.fields.items():
            field.wrong(sentence if name == about else "")
        self.alarm.say("" if about in self.fields else sentence)
        self.button.busy(entry.busy)
        self.redraw(self.control)
        if sentence and not entry.busy and self._told is not problem:
            self._correct(about)
        self._told = problem

    def _about(self, problem: Problem | None) -> str:
        if problem is None:
            return ""
        return "again" if problem.code == PASSWORDS_DIFFER and "again" in self.fields else problem.about

    def _correct(self, about: str) -> None:
        """The cursor goes to what is wrong: the button was switched off meanwhile, and has lost it."""
        field = self.fields.get(about) or next(reversed(self.fields.values()), None)
        if field is not None and mounted(field.control):
            self.window.run(field.focus)

    def resized(self) -> None:
        """A card where there is room around it; the whole window where there is none."""
        narrow = self.window.narrow
        self._card.bgcolor = None if narrow else ft.Colors.SURFACE_BRIGHT
        self._card.border = None if narrow else ft.Border.all(width=1, color=ft.Colors.OUTLINE_VARIANT)
        self._card.padding = ft.Padding.all(look.GAP * (2 if narrow else 4))
        self._ground.bgcolor = ft.Colors.SURFACE if narrow else ft.Colors.SURFACE_CONTAINER_LOW
        self.redraw(self.control)

    def shown(self) -> None:
        """The cursor stands in the first field that is empty, so that one can type at once."""
        field = next((field for field in self.fields.values() if not field.text), None)
        if field is not None:
            self.window.run(field.focus)

    # --- for the screens ------------------------------------------------------------------------

    def send(self, action: Callable[..., Coroutine[Any, Any, Any]]) -> None:
        """Do what the form is for, unless it is being done."""
        if not self.model.entry.busy:
            self.window.run(action)

    def entered(self) -> None:
        """Enter: on to the first field that is empty; when there is none, as if the button was pressed."""
        empty = next((field for field in self.fields.values() if not field.text), None)
        if empty is not None:
            self.window.run(empty.focus)
        else:
            self.submit()

    def typed(self) -> None:
        """Somebody types: what was wrong is said no more."""
        if self.model.entry.problem is not None:
            self.model.entry.clear()
