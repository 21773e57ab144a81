"""The line that says that the server is away, since when, and what waits for it."""

from __future__ import annotations

import flet as ft

from client.gui.model.changes import Part
from client.gui.views import look
from client.gui.views.piece import Piece
from client.gui.views.window import Window


class Reconnecting(Piece):
    """A band across the window; there only while the server is not."""

    parts = frozenset({Part.LINE, Part.ROOM})

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._said = ""
        self._text = ft.Text(
            theme_style=ft.TextThemeStyle.BODY_MEDIUM, color=ft.Colors.ON_TERTIARY_CONTAINER, expand=True
        )
        # Nothing that turns: a server may be away for hours, and each turn is sixty pictures a second.
        sign = ft.Icon(icon=ft.Icons.CLOUD_OFF_ROUNDED, size=18, color=ft.Colors.ON_TERTIARY_CONTAINER)
        band = ft.Container(
            content=ft.Row(
                controls=[ft.Semantics(content=sign, exclude_semantics=True), self._text],
                spacing=look.GAP * 1.5,
            ),
            bgcolor=ft.Colors.TERTIARY_CONTAINER,
            padding=ft.Padding.symmetric(horizontal=look.GAP * 2, vertical=look.GAP),
        )
        self.control = ft.Semantics(identifier="line", live_region=True, content=band, visible=False)

    def refresh(self, parts: frozenset[Part]) -> None:
        """Draw what the model says now; ``parts`` have changed."""
        said = "" if self.model.line.connected else self._sentence()
        if said == self._said:
            return
        self._said = said
        self.control.visible = bool(said)
        self._text.value = said
        self.redraw(self.control)

    def _sentence(self) -> str:
        since = self.words.moment(int(self.model.line.since * 1_000_000))
        away = self.words.say("Reconnecting: the server has not answered since {time}.", time=since)
        waiting = sum(parcel.refusal is None for parcel in self.model.outbox.parcels)
        if not waiting:
            return f"{away} {self.words.say('What you write now is sent when it is back.')}"
        waits = self.words.count(
            "One message waits and is sent when it is back.",
            "{n} messages wait and are sent when it is back.",
            waiting,
        )
        return f"{away} {waits}"
