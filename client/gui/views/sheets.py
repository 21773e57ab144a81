"""Controls that are drawn by themselves: a change around them does not have them looked through.

Belongs here: those. Flet compares everything below what is updated; a room has thousands of controls, so each
page of it, and each row, is a boundary: whoever changes one updates that one.

Flet takes two controls that look alike for the same one, and drops the second when it is put in the first's
place; then nothing that happens to the second is ever seen. These are only themselves.
"""

from __future__ import annotations

import flet as ft


class _Itself:
    """Equal to nothing else, however alike."""

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = ft.BaseControl.__hash__


@ft.control("Column", isolated=True, eq=False)  # type: ignore[arg-type]
class Sheet(_Itself, ft.Column):
    """A column that is updated by itself."""


@ft.control("Container", isolated=True, eq=False)  # type: ignore[arg-type]
class Box(_Itself, ft.Container):
    """A container that is updated by itself."""


@ft.control("ListView", isolated=True, eq=False)  # type: ignore[arg-type]
class Scroll(_Itself, ft.ListView):
    """A list that is updated by itself."""


@ft.control("SafeArea", isolated=True, eq=False)  # type: ignore[arg-type]
class Whole(_Itself, ft.SafeArea):
    """A screen that is updated by itself: another title of the page does not have it looked through."""
