"""Pictures: one in a message, in a place that is kept for it, and one looked at in large.

Belongs here: how these look. Which files are pictures is ``model.album``'s, where the bytes come from the
doors'.
"""

from __future__ import annotations

from typing import Final

import flet as ft

from client.gui.model.changes import Part
from client.gui.views import look
from client.gui.views.controls import icon_button
from client.gui.views.piece import Piece
from client.gui.views.window import Window
from protocol.files import FileInfo

HEIGHT: Final = 220
"""Of a picture in a message, in pixels, whatever its own is: nothing moves when it comes."""
SLANT: Final = 0.65
"""Height of that place for each pixel of its width, where there is less: most pictures are wide."""


class Picture(Piece):
    """A picture in a message, ``width`` wide. Fetched when this is made; clicked, it is shown large."""

    def __init__(self, window: Window, file: FileInfo, address: str, width: float) -> None:
        super().__init__(window)
        self._file = file
        self._address = address
        self._source: str | bytes | None = None
        self._height = min(HEIGHT, round(width * SLANT))
        self._inner = ft.Container(
            content=self._sign(ft.Icons.IMAGE_OUTLINED),
            height=self._height,
            width=width,
            alignment=ft.Alignment.CENTER,
            border_radius=look.RADIUS,
            bgcolor=ft.Colors.SURFACE_CONTAINER,
            clip_behavior=ft.ClipBehavior.ANTI_ALIAS,
            ink=True,
            on_click=self._clicked,
        )
        self.control = ft.Semantics(
            button=True,
            label=self.words.say("Picture {name}", name=file.name),
            content=self._inner,
        )
        self.window.run(self._load)

    def refresh(self, parts: frozenset[Part]) -> None:
        """A picture stays what it is."""

    @staticmethod
    def _sign(icon: ft.IconData) -> ft.Control:
        return ft.Icon(icon=icon, size=36, color=ft.Colors.OUTLINE)

    async def _load(self) -> None:
        self._source = await self.window.doors.picture(self._file)
        if self._source is None:
            self._inner.content = self._sign(ft.Icons.BROKEN_IMAGE_OUTLINED)
        else:
            self._inner.bgcolor = None
            self._inner.content = ft.Image(
                src=self._source,
                height=self._height,
                width=self._inner.width,
                fit=ft.BoxFit.SCALE_DOWN,
                exclude_from_semantics=True,
                gapless_playback=True,
                error_content=self._sign(ft.Icons.BROKEN_IMAGE_OUTLINED),
            )
        self.redraw(self._inner)

    async def _clicked(self, _: ft.Event[ft.Container]) -> None:
        if self._source is None:
            await self._load()
        else:
            Large(self.window, self._file, self._address, self._source).show()


class Large(Piece):
    """A picture, as large as the window has room for; Esc and a click beside it close it."""

    def __init__(self, window: Window, file: FileInfo, address: str, source: str | bytes) -> None:
        super().__init__(window)
        self._file = file
        self._address = address
        name = ft.Text(
            value=file.name,
            theme_style=ft.TextThemeStyle.TITLE_SMALL,
            max_lines=1,
            overflow=ft.TextOverflow.ELLIPSIS,
            expand=True,
        )
        buttons = [
            icon_button(
                self.words.say("Download {name}", name=file.name), ft.Icons.DOWNLOAD_ROUNDED, self._save
            ),
            icon_button(self.words.say("Close"), ft.Icons.CLOSE_ROUNDED, self.close),
        ]
        self.control: ft.AlertDialog = ft.AlertDialog(
            title=ft.Row(controls=[name, *buttons], spacing=look.GAP),
            title_padding=ft.Padding.only(left=look.GAP * 3, right=look.GAP * 1.5, top=look.GAP * 1.5),
            content=self._picture(source),
            content_padding=ft.Padding.all(look.GAP * 2),
            inset_padding=ft.Padding.all(look.GAP * 2),
            on_dismiss=self._dismissed,
        )

    def _picture(self, source: str | bytes) -> ft.Control:
        """It can be moved and made larger with two fingers, or with the wheel."""
        image = ft.Image(
            src=source,
            fit=ft.BoxFit.SCALE_DOWN,
            semantics_label=self.words.say("Picture {name}", name=self._file.name),
        )
        page = self.window.page
        return ft.Container(
            content=ft.InteractiveViewer(content=image, min_scale=1.0, max_scale=8.0),
            width=(page.width or 360) * 0.86,
            height=(page.height or 640) * 0.74,
            alignment=ft.Alignment.CENTER,
        )

    def show(self) -> None:
        """Open it."""
        if self.window.dialog is None:
            self.window.dialog = self
            self.window.page.show_dialog(self.control)

    def close(self) -> None:
        """Close it."""
        if self.window.dialog is self:
            self.window.dialog = None
            self.control.open = False
            self.redraw(self.control)

    def refresh(self, parts: frozenset[Part]) -> None:
        """A picture stays what it is."""

    def gone(self) -> None:
        """The screen beneath is gone."""
        self.close()

    def _save(self) -> None:
        self.window.run(self.window.doors.save, self._file, self._address)

    def _dismissed(self, _: ft.Event[ft.DialogControl]) -> None:
        if self.window.dialog is self:
            self.window.dialog = None
