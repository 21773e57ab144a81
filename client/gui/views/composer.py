"""Where messages are written: the field, what is attached, sending.

Belongs here: that. Drafts, and who is told that somebody types, are the model's.
"""

from __future__ import annotations

import flet as ft

from client.gui.model.changes import Part
from client.gui.model.room import Room
from client.gui.views import controls, look
from client.gui.views.piece import Piece, mounted
from client.gui.views.window import Window


class Composer(Piece):
    """Drawn for the room that is open. ``sent`` is called after something was."""

    parts = frozenset({Part.COMPOSER})

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._room: Room | None = None
        self.field = ft.TextField(
            hint_text=self.words.say("Message"),
            multiline=True,
            shift_enter=True,
            min_lines=1,
            max_lines=6,
            text_size=15,
            border=ft.NoInputBorder(),
            content_padding=ft.Padding.symmetric(horizontal=look.GAP * 2, vertical=look.GAP * 1.5),
            expand=True,
            on_change=self._typed,
            on_submit=self._submit,
        )
        self._send = controls.IconAction(
            self.words.say("Send"), ft.Icons.ARROW_UPWARD_ROUNDED, self.send, filled=True
        )
        attach = controls.icon_button(
            self.words.say("Attach files"),
            ft.Icons.ATTACH_FILE_ROUNDED,
            lambda: self.window.run(self._attach),
        )
        ground = ft.Container(
            content=ft.Row(
                controls=[attach, self.field, self._send.control],
                spacing=look.GAP / 2,
                vertical_alignment=ft.CrossAxisAlignment.END,
            ),
            bgcolor=ft.Colors.SURFACE_CONTAINER,
            border_radius=look.RADIUS * 2,
            padding=ft.Padding.all(4),
        )
        self.control = ft.Container(
            content=ground,
            padding=ft.Padding.only(left=look.GAP * 1.5, right=look.GAP * 1.5, bottom=look.GAP),
        )

    def refresh(self, parts: frozenset[Part]) -> None:
        """Another room's draft, or what the model says stands here now."""
        room = self.model.room
        if room is None:
            self._room = None
            return
        if room is not self._room or self.field.value != room.draft:
            self._room = room
            self.field.value = room.draft
            self.redraw(self.field)

    def shown(self) -> None:
        """Put the cursor where one writes."""
        if mounted(self.field):
            self.window.run(self.field.focus)

    def send(self) -> None:
        """Send what was written."""
        room = self._room
        if room is None or room is not self.model.room:
            return
        if room.say(self.field.value or ""):
            self.field.value = ""
            self.redraw(self.field)
            self.sent()
        self.shown()

    def sent(self) -> None:
        """Something was sent."""

    def _typed(self, _: ft.Event[ft.TextField]) -> None:
        if self._room is not None and self._room is self.model.room:
            self._room.typed(self.field.value or "")

    def _submit(self, _: ft.Event[ft.TextField]) -> None:
        self.send()

    async def _attach(self) -> None:
        room = self._room
        if room is None:
            return
        for crate in await self.window.doors.choose():
            self.model.transfers.send(crate, room.address)
