"""What a wide window shows beside the list while no conversation is open."""

from __future__ import annotations

import flet as ft

from client.gui.model.changes import Part
from client.gui.views import controls
from client.gui.views.piece import Piece
from client.gui.views.window import Window


class Nowhere(Piece):
    """A sentence on what one can do."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        say = self.words.say
        self.control = ft.Container(
            content=controls.empty(
                ft.Icons.FORUM_OUTLINED,
                say("No conversation is open"),
                say("Choose one from the list, or press Ctrl+K to search for people and groups."),
            ),
            expand=True,
            alignment=ft.Alignment.CENTER,
        )

    def refresh(self, parts: frozenset[Part]) -> None:
        """It is always the same."""
