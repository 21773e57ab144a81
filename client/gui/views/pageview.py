"""One page of a room's messages as controls: drawn, or let go and a space of its height.

Belongs here: that, and having a column show rows, keeping what is the same. Where pages stand: ``messages``.
"""

from __future__ import annotations

import math
from typing import Final

import flet as ft

from client.gui.model.pages import PAGE, Page
from client.gui.model.rows import Row
from client.gui.views.message import RowView
from client.gui.views.piece import Piece
from client.gui.views.sheets import Box, Sheet
from client.gui.views.window import Window

GUESS: Final = 52.0 * PAGE
"""Height of a page that was never drawn."""


class PageView:
    """One page, drawn or let go. ``control`` is what stands in the list now."""

    def __init__(self, window: Window, page: Page, named: bool) -> None:
        self.page = page
        self.version = -1
        self.drawn = False
        self.control: ft.Control = Sheet()
        self._window = window
        self._named = named
        self._views: dict[str, RowView] = {}
        self._sheet: Sheet | None = None

    @property
    def height(self) -> float:
        """In pixels, as far as is known."""
        return self.page.height or GUESS

    def below(self, pixels: float) -> int:
        """The newest message that ends no lower than ``pixels`` above the page's bottom, about.

        Of messages of one height this would be exact; it is the one before the page when nothing is known.
        """
        if not self.page.height:
            return self.page.first - 1
        hidden = math.ceil(pixels / self.page.height * (self.page.last - self.page.first + 1))
        return max(self.page.last - max(hidden, 0), self.page.first - 1)

    def stale(self) -> bool:
        """Whether the page is otherwise than it was drawn."""
        return self.version != self.page.version or self.drawn != (self.page.rows is not None)

    def draw(self) -> None:
        """Draw it as it is now, and send what differs."""
        self.version = self.page.version
        rows = self.page.rows
        if rows is None:
            self._let_go()
        else:
            self._set(rows)

    def _let_go(self) -> None:
        self.drawn = False
        self._sheet = None
        self._views = {}
        self.control = Box(height=self.height)

    def _set(self, rows: list[Row]) -> None:
        self.drawn = True
        if self._sheet is None:
            self._sheet = Sheet(
                spacing=0,
                horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
                on_size_change=self._sized,
                size_change_interval=50,
            )
            self.control = self._sheet
        changed = fill(self._window, self._sheet, self._views, rows, self._named)
        Piece.redraw(*changed)

    def _sized(self, event: ft.LayoutSizeChangeEvent[ft.LayoutControl]) -> None:
        if self.drawn:
            self.page.height = event.height


def fill(
    window: Window, sheet: Sheet, views: dict[str, RowView], rows: list[Row], named: bool
) -> list[ft.Control]:
    """Have ``sheet`` show ``rows``, keeping what is the same; what has to be sent."""
    changed: list[ft.Control] = []
    kept: dict[str, RowView] = {}
    for row in rows:
        view = views.get(row.key)
        if view is None:
            view = RowView(window, row, named)
        elif view.set(row):
            changed.append(view.control)
        kept[row.key] = view
    views.clear()
    views.update(kept)
    shown = [view.control for view in kept.values()]
    if len(shown) != len(sheet.controls) or any(
        new is not old for new, old in zip(shown, sheet.controls, strict=True)
    ):
        sheet.controls = list[ft.Control](shown)
        return [sheet, *changed]
    return changed
