"""A file in a message: its sign, name and size, a button that fetches it, and the picture if it is one.

Belongs here: how that looks. How a picture is shown large is ``pictures``'.
"""

from __future__ import annotations

from typing import Final

import flet as ft

from client.gui.model.album import is_picture
from client.gui.model.changes import Part
from client.gui.views import look
from client.gui.views.controls import IconAction
from client.gui.views.pictures import Picture
from client.gui.views.piece import Piece
from client.gui.views.window import Window
from protocol.files import FileInfo

WIDTH: Final = 340
"""Of a card, in pixels; less where the window is narrower."""
MARGINS: Final = 152
"""What a narrow window needs beside a card: a face, what messages leave free on the other side, and edges."""
_SIGNS: Final = {
    "image": ft.Icons.IMAGE_OUTLINED,
    "audio": ft.Icons.AUDIO_FILE_OUTLINED,
    "video": ft.Icons.VIDEO_FILE_OUTLINED,
    "text": ft.Icons.ARTICLE_OUTLINED,
    "font": ft.Icons.FONT_DOWNLOAD_OUTLINED,
}
_ARCHIVES: Final = ("zip", "gzip", "x-tar", "x-7z", "zstd", "x-xz", "x-bzip", "rar")


def sign(type: str) -> ft.IconData:
    """The icon that stands for files of a type such as ``image/png``."""
    group, _, kind = type.partition("/")
    if kind == "pdf":
        return ft.Icons.PICTURE_AS_PDF_OUTLINED
    if any(archive in kind for archive in _ARCHIVES):
        return ft.Icons.FOLDER_ZIP_OUTLINED
    return _SIGNS.get(group, ft.Icons.INSERT_DRIVE_FILE_OUTLINED)


def width(window: Window) -> float:
    """How wide a card is drawn."""
    return max(min(WIDTH, (window.page.width or WIDTH) - MARGINS), 160)


class FileCard(Piece):
    """``control`` is put into a message of the conversation at ``address``.

    It never changes but for a picture that comes a moment later, in the place that was kept for it.
    """

    def __init__(self, window: Window, file: FileInfo, address: str) -> None:
        super().__init__(window)
        self._file = file
        self._address = address
        row = self._row()
        self.control = row
        if is_picture(file):
            picture = Picture(window, file, address, width(window))
            self.control = ft.Column(controls=[picture.control, row], spacing=look.GAP // 2, tight=True)

    def refresh(self, parts: frozenset[Part]) -> None:
        """A file stays what it is."""

    def _row(self) -> ft.Control:
        file = self._file
        gone = file.gone
        controls: list[ft.Control] = [
            ft.Container(
                content=ft.Icon(
                    icon=ft.Icons.HIDE_SOURCE_OUTLINED if gone else sign(file.type),
                    size=22,
                    color=ft.Colors.ON_SECONDARY_CONTAINER,
                ),
                width=40,
                height=40,
                alignment=ft.Alignment.CENTER,
                border_radius=look.SMALL_RADIUS,
                bgcolor=ft.Colors.SECONDARY_CONTAINER,
            ),
            self._texts(),
        ]
        if not gone:
            save = IconAction(
                self.words.say("Download {name}", name=file.name), ft.Icons.DOWNLOAD_ROUNDED, self._save
            )
            controls.append(save.control)
        return ft.Container(
            content=ft.Row(
                controls=controls,
                spacing=look.GAP * 1.5,
                vertical_alignment=ft.CrossAxisAlignment.CENTER,
            ),
            width=width(self.window),
            padding=ft.Padding.only(left=look.GAP * 1.5, right=look.GAP, top=look.GAP, bottom=look.GAP),
            border_radius=look.RADIUS,
            bgcolor=ft.Colors.SURFACE_CONTAINER_LOWEST,
            border=ft.Border.all(width=1, color=ft.Colors.OUTLINE_VARIANT),
        )

    def _texts(self) -> ft.Control:
        file = self._file
        gone = self.words.say("This file was deleted.")
        name = ft.Text(
            value=file.name,
            theme_style=ft.TextThemeStyle.BODY_MEDIUM,
            color=ft.Colors.ON_SURFACE,
            weight=ft.FontWeight.W_500,
            max_lines=2,
            overflow=ft.TextOverflow.ELLIPSIS,
            tooltip=file.name if len(file.name) > 40 else None,
        )
        size = ft.Text(
            value=gone if file.gone else self.words.size(file.size),
            theme_style=ft.TextThemeStyle.BODY_SMALL,
            color=ft.Colors.ON_SURFACE_VARIANT,
        )
        return ft.Column(controls=[name, size], spacing=0, tight=True, expand=True)

    def _save(self) -> None:
        self.window.run(self.window.doors.save, self._file, self._address)
