"""A piece of the window: a control, which changes it draws, and drawing them."""

from __future__ import annotations

from typing import ClassVar

import flet as ft

from client.gui.model.changes import Part
from client.gui.views.window import Window


class Piece:
    """``control`` is made once; ``refresh`` sets its properties from the model and sends what differs.

    Pieces within pieces are refreshed by the outer one. Handlers call actions of the model and draw nothing
    themselves: the shell refreshes pieces whose ``parts`` the model marks, some 20 times a second at most.
    """

    parts: ClassVar[frozenset[Part]] = frozenset()
    control: ft.Control

    def __init__(self, window: Window) -> None:
        self.window = window
        self.model = window.model
        self.words = window.words

    def refresh(self, parts: frozenset[Part]) -> None:
        """Draw what the model says now; ``parts`` have changed."""
        raise NotImplementedError

    @staticmethod
    def redraw(*controls: ft.Control) -> None:
        """Send what differs of these. What is not on the window yet comes with whatever it is put into."""
        for control in controls:
            if mounted(control):
                control.update()

    def resized(self) -> None:
        """The window has another size, or became narrow or wide."""

    def key(self, event: ft.KeyboardEvent) -> bool:
        """A key was pressed; whether it was for us."""
        return False

    def shown(self) -> None:
        """It is on the screen now: put the cursor where somebody will type."""

    def gone(self) -> None:
        """It is on the screen no more."""


def mounted(control: ft.BaseControl) -> bool:
    """Whether a control is on the window."""
    above: ft.BaseControl | None = control
    while above is not None and not isinstance(above, ft.Page):
        above = above.parent
    return above is not None
