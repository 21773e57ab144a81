"""Sizes, distances, shapes, and the two themes made of the palette.

Belongs here: numbers that more than one piece draws with. Colours are ``palette``'s; pieces name a role
(``ft.Colors.SURFACE``), never a colour, and a style of text by its own role (``ft.TextThemeStyle``).
"""

from __future__ import annotations

from typing import Final

import flet as ft

from client.gui.views.palette import DARK, LIGHT, Palette

NARROW: Final = 720.0
"""Width in pixels below which one thing at a time is shown: the list, or a room."""
GAP: Final = 8
"""Distance between neighbours; others are multiples of it."""
RADIUS: Final = 12
"""Of corners: fields, cards, messages."""
SMALL_RADIUS: Final = 8
LIST_WIDTH: Final = 320
"""Width of the list of conversations beside a room."""
FORM_WIDTH: Final = 400
ROOM_WIDTH: Final = 860
"""Messages are no wider than this, so that lines stay readable."""
DIALOG_WIDTH: Final = 440
PANEL_WIDTH: Final = 640
"""Settings are no wider."""

MONO: Final = "monospace"


def field_border() -> ft.OutlineInputBorder:
    """Around a field; while it is typed into, and when something is wrong with it, the theme's own."""
    return ft.OutlineInputBorder(side=ft.BorderSide(width=1, color=ft.Colors.OUTLINE), border_radius=RADIUS)


def theme() -> ft.Theme:
    """Light."""
    return _theme(LIGHT)


def dark_theme() -> ft.Theme:
    """Dark."""
    return _theme(DARK)


def _theme(palette: Palette) -> ft.Theme:
    rounded = ft.RoundedRectangleBorder(radius=RADIUS)
    shade = {
        ft.ControlState.FOCUSED: ft.Colors.with_opacity(0.35, palette["primary"]),
        ft.ControlState.HOVERED: ft.Colors.with_opacity(0.1, palette["primary"]),
    }
    return ft.Theme(
        color_scheme=ft.ColorScheme(**palette),
        scaffold_bgcolor=palette["surface"],
        divider_color=palette["outline_variant"],
        text_theme=_texts(palette["on_surface"]),
        focus_color=palette["outline_variant"],
        filled_button_theme=ft.FilledButtonTheme(style=_button(2.5, 2, 15, palette["on_surface"])),
        outlined_button_theme=ft.OutlinedButtonTheme(
            style=_button(2, 1.5, 14, palette["primary"], palette["outline"])
        ),
        text_button_theme=ft.TextButtonTheme(style=_button(2, 1.5, 14, palette["primary"])),
        segmented_button_theme=ft.SegmentedButtonTheme(
            style=ft.ButtonStyle(shape=rounded, overlay_color=shade)
        ),
        checkbox_theme=ft.CheckboxTheme(overlay_color=shade),
        radio_theme=ft.RadioTheme(overlay_color=shade),
        icon_button_theme=ft.IconButtonTheme(
            style=ft.ButtonStyle(
                icon_color=palette["on_surface_variant"],
                padding=ft.Padding.all(GAP),
                side=_edge(palette["primary"]),
            )
        ),
        divider_theme=ft.DividerTheme(color=palette["outline_variant"], space=1, thickness=1),
        dialog_theme=ft.DialogTheme(
            bgcolor=palette["surface_container_low"],
            elevation=6,
            shape=ft.RoundedRectangleBorder(radius=RADIUS * 1.5),
        ),
        popup_menu_theme=ft.PopupMenuTheme(
            color=palette["surface_container_low"], shape=rounded, elevation=4
        ),
        tooltip_theme=ft.TooltipTheme(
            decoration=ft.BoxDecoration(bgcolor=palette["inverse_surface"], border_radius=SMALL_RADIUS),
            text_style=ft.TextStyle(size=13, color=palette["on_inverse_surface"]),
            padding=ft.Padding.symmetric(horizontal=10, vertical=6),
            wait_duration=ft.Duration(milliseconds=500),
        ),
        scrollbar_theme=ft.ScrollbarTheme(
            thickness=6, radius=3, thumb_color=palette["outline_variant"], cross_axis_margin=2
        ),
        visual_density=ft.VisualDensity.STANDARD,
    )


def _button(across: float, down: float, size: float, focus: str, edge: str = "") -> ft.ButtonStyle:
    """``across`` and ``down``: room around the text, in gaps."""
    return ft.ButtonStyle(
        shape=ft.RoundedRectangleBorder(radius=RADIUS),
        padding=ft.Padding.symmetric(horizontal=GAP * across, vertical=GAP * down),
        text_style=ft.TextStyle(size=size, weight=ft.FontWeight.W_500, letter_spacing=0),
        side=_edge(focus, edge),
    )


def _edge(focus: str, edge: str = "") -> dict[ft.ControlState, ft.BorderSide]:
    """Where the keyboard is must be seen: a ring, where Flutter has but a shade."""
    sides = {ft.ControlState.FOCUSED: ft.BorderSide(width=2, color=focus)}
    if edge:
        sides[ft.ControlState.DEFAULT] = ft.BorderSide(width=1, color=edge)
    return sides


def _texts(color: str) -> ft.TextTheme:
    """Few sizes: a title, a heading, names, running text, what stands small beside it.

    The colour is named, because a style of ours that names none is black in both themes.
    """

    def style(size: float, weight: ft.FontWeight, height: float) -> ft.TextStyle:
        return ft.TextStyle(size=size, weight=weight, height=height, letter_spacing=0, color=color)

    plain, strong, bold = ft.FontWeight.W_400, ft.FontWeight.W_500, ft.FontWeight.W_600
    return ft.TextTheme(
        headline_medium=style(26, bold, 1.25),
        headline_small=style(22, bold, 1.3),
        title_large=style(19, bold, 1.3),
        title_medium=style(16, bold, 1.35),
        title_small=style(14, bold, 1.35),
        body_large=style(15, plain, 1.45),
        body_medium=style(14, plain, 1.45),
        body_small=style(12.5, plain, 1.4),
        label_large=style(14, strong, 1.3),
        label_medium=style(12.5, strong, 1.3),
        label_small=style(11.5, strong, 1.3),
    )
