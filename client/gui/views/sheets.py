"""Controls that are drawn by themselves: a change around them does not have them looked through.

Belongs here: those. Flet compares everything below what is updated; a room has thousands of controls, so each
page of it, and each row, is a boundary: whoever changes one updates that one.
"""

from __future__ import annotations

import flet as ft


@ft.control("Column", isolated=True)
class Sheet(ft.Column):
    """A column that is updated by itself."""


@ft.control("Container", isolated=True)
class Box(ft.Container):
    """A container that is updated by itself."""


@ft.control("ListView", isolated=True)
class Scroll(ft.ListView):
    """A list that is updated by itself."""
