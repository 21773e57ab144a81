"""A row of names of which one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import flet as ft

from client.gui.views import look


class Tabs:
    """``choices``: key and name of each. ``chosen`` is called with the key of the one that was clicked."""

    def __init__(self, choices: Sequence[tuple[str, str]], chosen: Callable[[str], object]) -> None:
        self._shown: tuple[str, bool] | None = None
        self._boxes = {key: self._box(name, key, chosen) for key, name in choices}
        row = ft.Row(
            controls=[ft.MergeSemantics(content=named, expand=True) for named, _, _ in self._boxes.values()],
            spacing=2,
        )
        self.control = ft.Container(
            content=ft.Container(
                content=row, bgcolor=ft.Colors.SURFACE_CONTAINER_HIGH, border_radius=look.RADIUS, padding=3
            ),
            padding=ft.Padding.symmetric(horizontal=look.GAP * 1.5),
        )

    def show(self, key: str, *, visible: bool) -> bool:
        """Which one is chosen, and whether any can be; whether that differs from before."""
        if (key, visible) == self._shown:
            return False
        self._shown = (key, visible)
        self.control.visible = visible
        for each, (named, box, text) in self._boxes.items():
            named.selected = each == key
            box.bgcolor = ft.Colors.SURFACE if each == key else None
            text.color = ft.Colors.ON_SURFACE if each == key else ft.Colors.ON_SURFACE_VARIANT
            text.weight = ft.FontWeight.W_600 if each == key else ft.FontWeight.W_500
        return True

    @staticmethod
    def _box(
        name: str, key: str, chosen: Callable[[str], object]
    ) -> tuple[ft.Semantics, ft.Container, ft.Text]:
        text = ft.Text(value=name, theme_style=ft.TextThemeStyle.LABEL_LARGE, no_wrap=True)
        box = ft.Container(
            content=text,
            alignment=ft.Alignment.CENTER,
            height=36,
            border_radius=look.RADIUS - 3,
            ink=True,
            on_click=lambda _: chosen(key),
        )
        return ft.Semantics(content=box, button=True), box, text
