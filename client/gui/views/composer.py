"""Where messages are written: the field, what is attached, sending.

Belongs here: that. Drafts, and who is told that somebody types, are the model's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import flet as ft

from client.gui.model.changes import Part
from client.gui.model.room import Room
from client.gui.views import controls, look
from client.gui.views.piece import Piece, mounted
from client.gui.views.window import Window
from client.gui.views.written import Written

PATIENCE: Final = 5.0
"""Seconds until a page that does not answer is taken to have been loaded anew; then it has what was sent."""


@ft.control("TextField")  # type: ignore[arg-type]
class Writing(ft.TextField):
    """A field in which Enter sends. Flet's call ``focus`` does nothing to such a one: its client focuses
    another field that is not shown. It has the right one focused when a property of that name changes."""

    focus: str | None = None  # type: ignore[assignment]

    async def arrived(self) -> None:
        """Until the client has what was sent to it. What it is called for does nothing; see above."""
        await self._invoke_method("focus", timeout=PATIENCE)


FRAME: Final = 0.05
"""Seconds until what a client has is drawn; what is typed before stands behind what was there."""


class Composer(Piece):
    """Drawn for the room that is open. ``sent`` is called after something was."""

    parts = frozenset({Part.COMPOSER})

    def __init__(self, window: Window, sent: Callable[[], object]) -> None:
        super().__init__(window)
        self._sent = sent
        self._room: Room | None = None
        self._focused = 0
        self._written = Written()
        self.field = Writing(
            hint_text=self.words.say("Write a message"),
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
        # What is hinted at is gone with the first letter; the name stays.
        named = ft.MergeSemantics(
            content=ft.Semantics(label=self.words.say("Message"), content=self.field), expand=True
        )
        ground = ft.Container(
            content=ft.Row(
                controls=[attach, named, self._send.control],
                spacing=look.GAP / 2,
                vertical_alignment=ft.CrossAxisAlignment.END,
            ),
            bgcolor=ft.Colors.SURFACE_CONTAINER,
            border_radius=look.RADIUS * 2,
            padding=ft.Padding.all(4),
        )
        self.control = ground

    def refresh(self, parts: frozenset[Part]) -> None:
        """Another room's draft, or what the model says stands here now."""
        room = self.model.room
        if room is None:
            self._room = None
            return
        if room is not self._room or self._written.text != room.draft:
            self._room = room
            self._written.text = room.draft
            self._put()

    def shown(self) -> None:
        """Put the cursor where one writes."""
        self._focused += 1
        self.field.focus = str(self._focused)
        self.redraw(self.field)

    def send(self) -> None:
        """Send what was written."""
        room = self._room
        if room is None or room is not self.model.room:
            return
        if room.say(self._written.text):
            self._written.text = ""
            self._put()
            self._sent()
        self.shown()

    def _typed(self, event: ft.Event[ft.TextField]) -> None:
        # The field's value may be newer: of a key that comes after the Enter which is not dealt with yet.
        self._written.typed(str(event.data or ""))
        if self._room is not None and self._room is self.model.room:
            self._room.typed(self._written.text)

    def _put(self) -> None:
        """Have what they mean stand in the field."""
        text = self._written.put()
        if text is not None:
            self.field.value = text
            self.redraw(self.field)
            if mounted(self.field):
                self.window.run(self._settle)
            else:
                self._written.settled()

    async def _settle(self) -> None:
        with contextlib.suppress(TimeoutError, RuntimeError):  # the page was loaded anew, or is gone
            await self.field.arrived()
        await asyncio.sleep(FRAME)
        self._written.settled()
        self._put()

    def _submit(self, _: ft.Event[ft.TextField]) -> None:
        self.send()

    async def _attach(self) -> None:
        room, transfers = self._room, self.model.transfers
        if room is None:
            return
        for crate in await self.window.doors.choose():
            if transfers is self.model.transfers:
                transfers.send(crate, room.address)
            else:  # the session has ended meanwhile: they chose it, not whoever is there now
                crate.drop()
