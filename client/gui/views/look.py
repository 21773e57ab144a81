"""Colours, sizes and distances: the only place where they are numbers.

Belongs here: both themes, with every colour named so that a test can compute contrasts. Pieces name a role
(``ft.Colors.SURFACE``), never a colour.
"""

from __future__ import annotations

from typing import Final

import flet as ft

NARROW: Final = 720.0
"""Width in pixels below which one thing at a time is shown: the list, or a room."""
GAP: Final = 8
"""Distance between neighbours; others are multiples of it."""
RADIUS: Final = 12
LIST_WIDTH: Final = 320
"""Width of the list of conversations beside a room."""
FORM_WIDTH: Final = 400
ROOM_WIDTH: Final = 860
"""Messages are no wider than this, so that lines stay readable."""


def theme() -> ft.Theme:
    """Light."""
    return ft.Theme(color_scheme_seed=ft.Colors.TEAL)


def dark_theme() -> ft.Theme:
    """Dark."""
    return ft.Theme(color_scheme_seed=ft.Colors.TEAL)
