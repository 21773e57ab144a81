"""The settings screen."""

from __future__ import annotations

import flet as ft

from client.gui.model.changes import Part
from client.gui.views.piece import Piece
from client.gui.views.window import Window


class Settings(Piece):
    """Shown in the place of a room while the panel says so."""

    parts = frozenset({Part.ACCOUNT, Part.PREFERENCES})

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.control = ft.Container(expand=True)

    def refresh(self, parts: frozenset[Part]) -> None:
        """Draw what the model says now; ``parts`` have changed."""
