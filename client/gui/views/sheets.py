"""Controls that are drawn by themselves: a change around them does not have them looked through.

Belongs here: those. Flet compares everything below what is updated; a room has thousands of controls, so each
page of it, and each row, is a boundary: whoever changes one updates that one.

Flet takes two controls that look alike for the same one, and drops the second when it is put in the first's
place; then nothing that happens to the second is ever seen. These are only themselves.
"""

from __future__ import annotations

import flet as ft


@ft.control("Column", isolated=True)  # type: ignore[arg-type]
class Sheet(ft.Column):
    """A column that is updated by itself."""

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = ft.BaseControl.__hash__


@ft.control("Container", isolated=True)  # type: ignore[arg-type]
class Box(ft.Container):
    """A container that is updated by itself."""

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = ft.BaseControl.__hash__


@ft.control("ListView", isolated=True)  # type: ignore[arg-type]
class Scroll(ft.ListView):
    """A list that is updated by itself."""

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = ft.BaseControl.__hash__


@ft.control("SafeArea", isolated=True)  # type: ignore[arg-type]
class Whole(ft.SafeArea):
    """A screen that is updated by itself: another title of the page does not have it looked through."""

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = ft.BaseControl.__hash__
