"""The first moment: what was kept is looked for, and a session is gone on with.

Belongs here: saying so, and a way out while the server does not answer.
"""

from __future__ import annotations

import flet as ft

from client.gui.model.changes import Part
from client.gui.views import look
from client.gui.views.controls import quiet, text_button
from client.gui.views.entrance import logo
from client.gui.views.piece import Piece
from client.gui.views.window import Window


class Starting(Piece):
    """The sign of Pesan, and what keeps it."""

    parts = frozenset({Part.ENTRY, Part.SCREEN})

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._text = quiet(self.words.say("One moment…"), align=ft.TextAlign.CENTER)
        self._way_out = text_button(
            self.words.say("Do not wait"), lambda: window.run(self.model.entry.give_up)
        )
        self._way_out.visible = False
        self.control = ft.Container(
            content=ft.Column(
                controls=[
                    logo(72),
                    ft.ProgressRing(width=24, height=24, stroke_width=3, semantics_label=""),
                    ft.Semantics(
                        live_region=True, content=ft.Container(content=self._text, width=look.FORM_WIDTH)
                    ),
                    self._way_out,
                ],
                alignment=ft.MainAxisAlignment.CENTER,
                horizontal_alignment=ft.CrossAxisAlignment.CENTER,
                spacing=look.GAP * 3,
            ),
            alignment=ft.Alignment.CENTER,
            padding=ft.Padding.all(look.GAP * 3),
            bgcolor=ft.Colors.SURFACE_CONTAINER_LOW,
            expand=True,
        )

    def refresh(self, parts: frozenset[Part]) -> None:
        """Say why it takes longer, if it does."""
        problem = self.model.entry.problem
        if problem is not None:
            self._text.value = self.words.problem(problem)
            self._way_out.visible = True
        self.redraw(self.control)
