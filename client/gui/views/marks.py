"""How far a message of ours has come, as a sign with a name.

Belongs here: which sign, which colour, which word. What the marks mean is ``model.rows``'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import flet as ft

from client.gui.model.rows import Mark
from client.gui.words import Words


@dataclass(frozen=True)
class Sign:
    """What stands for a mark."""

    icon: ft.IconData
    color: ft.ColorValue


SIGNS: Final[dict[Mark, Sign]] = {
    Mark.REFUSED: Sign(ft.Icons.ERROR_OUTLINE_ROUNDED, ft.Colors.ERROR),
    Mark.WAITING: Sign(ft.Icons.SCHEDULE_ROUNDED, ft.Colors.ON_SURFACE_VARIANT),
    Mark.SENT: Sign(ft.Icons.DONE_ROUNDED, ft.Colors.ON_SURFACE_VARIANT),
    Mark.DELIVERED: Sign(ft.Icons.DONE_ALL_ROUNDED, ft.Colors.ON_SURFACE_VARIANT),
    Mark.READ: Sign(ft.Icons.DONE_ALL_ROUNDED, ft.Colors.PRIMARY),
}
SIZE: Final = 15


def name(words: Words, mark: Mark) -> str:
    """What a mark says, in words; '' for none."""
    names = {
        Mark.REFUSED: words.say("not sent"),
        Mark.WAITING: words.say("waiting"),
        Mark.SENT: words.say("sent"),
        Mark.DELIVERED: words.say("delivered"),
        Mark.READ: words.say("read"),
    }
    return names.get(mark, "")


def put(icon: ft.Icon, words: Words, mark: Mark) -> None:
    """Have ``icon`` show a mark."""
    sign = SIGNS.get(mark)
    icon.visible = sign is not None
    if sign is not None:
        icon.icon, icon.color, icon.tooltip = sign.icon, sign.color, name(words, mark)
