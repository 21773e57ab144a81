"""What is told for a moment, in a corner above everything: see ``model.notices``.

Belongs here: drawing them, and when they go by themselves.
"""

from __future__ import annotations

import asyncio
from typing import Final

import flet as ft

from client.gui.model.changes import Part
from client.gui.model.notices import Notice
from client.gui.views import controls, look
from client.gui.views.conversations import called
from client.gui.views.piece import Piece
from client.gui.views.window import Window

STAYS: Final = 7.0
"""Seconds until a notice goes by itself."""
WIDTH: Final = 360
TOP: Final = 72
"""Pixels from the top, so that the name of a room and its buttons stay free."""


class Toasts(Piece):
    """Newest below. Screen readers say each as it comes."""

    parts = frozenset({Part.NOTICES, Part.SCREEN})

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._cards: dict[int, ft.Control] = {}
        self._column = ft.Column(spacing=look.GAP, tight=True)
        named = ft.Semantics(content=self._column, identifier="notices", live_region=True)
        self.control: ft.Container = ft.Container(content=named, top=TOP, visible=False)
        self._place()

    def refresh(self, parts: frozenset[Part]) -> None:
        """Draw what the model says now; ``parts`` have changed."""
        rows = self.model.notices.rows
        present = {row.number for row in rows}
        for number in self._cards.keys() - present:
            del self._cards[number]
        for row in rows:
            if row.number not in self._cards:
                self._cards[row.number] = self._card(row)
                self.window.run(self._expire, row.number)
        shown = [self._cards[row.number] for row in rows]
        if self._place() or shown != self._column.controls:
            self._column.controls = shown
            self.control.visible = bool(shown)
            self.redraw(self.control)

    def _place(self) -> bool:
        """Put it where it is not in the way at this width; whether that is elsewhere."""
        left = look.GAP if self.window.narrow else None
        width = None if self.window.narrow else WIDTH
        differs = (left, width) != (self.control.left, self.control.width)
        self.control.left, self.control.width = left, width
        self.control.right = look.GAP if self.window.narrow else look.GAP * 2
        return differs

    async def _expire(self, number: int) -> None:
        await asyncio.sleep(STAYS)
        if number in self._cards:
            self.model.notices.dismiss(number)

    def _card(self, notice: Notice) -> ft.Control:
        say = self.words.say
        actions: list[ft.Control] = []
        if notice.address:
            actions.append(controls.text_button(say("Open"), lambda: self._open(notice)))
        dismiss = controls.icon_button(
            say("Dismiss"), ft.Icons.CLOSE_ROUNDED, lambda: self.model.notices.dismiss(notice.number), size=18
        )
        sign, lines = self._said(notice)
        row = ft.Row(
            controls=[sign, ft.Column(controls=lines, spacing=2, tight=True, expand=True), *actions, dismiss],
            spacing=look.GAP,
        )
        wrong = notice.problem is not None
        return ft.Container(
            content=row,
            padding=ft.Padding.only(left=look.GAP * 1.5, right=look.GAP // 2, top=look.GAP, bottom=look.GAP),
            border_radius=look.RADIUS,
            bgcolor=ft.Colors.ERROR_CONTAINER if wrong else ft.Colors.SURFACE_CONTAINER_HIGH,
            border=ft.Border.all(width=1, color=ft.Colors.OUTLINE_VARIANT),
            shadow=ft.BoxShadow(blur_radius=16, color=ft.Colors.with_opacity(0.2, ft.Colors.SHADOW)),
        )

    def _said(self, notice: Notice) -> tuple[ft.Control, list[ft.Control]]:
        """Its sign, and its lines."""
        if notice.address:
            name = called(self.window, notice.address)
            if notice.sender and notice.sender != notice.address:
                name = self.words.say("{name} in {room}", name=notice.sender, room=name)
            text = controls.quiet(notice.message)
            text.max_lines, text.overflow = 2, ft.TextOverflow.ELLIPSIS
            title = controls.one_line(name, ft.TextThemeStyle.TITLE_SMALL)
            return controls.avatar(notice.address, size=36), [title, text]
        if notice.problem is not None:
            said, icon, color = (
                self.words.problem(notice.problem),
                ft.Icons.ERROR_OUTLINE_ROUNDED,
                ft.Colors.ON_ERROR_CONTAINER,
            )
        else:
            values = dict(notice.values)
            said = self.words.say(notice.done, **values)
            icon, color = ft.Icons.CHECK_CIRCLE_OUTLINE_ROUNDED, ft.Colors.ON_SURFACE
        text = ft.Text(value=said, theme_style=ft.TextThemeStyle.BODY_MEDIUM, color=color)
        text.max_lines, text.overflow = 4, ft.TextOverflow.ELLIPSIS
        return ft.Icon(icon=icon, size=24, color=color), [text]

    def _open(self, notice: Notice) -> None:
        self.model.notices.dismiss(notice.number)
        self.window.open(notice.address)
