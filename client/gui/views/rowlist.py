"""Lists of conversations, people, groups, members: a row each, all of the same make.

Belongs here: what such a row shows, as a value, and a list that redraws the rows that differ. Which rows
there are is said by ``conversations``, ``people``, ``groups``, ``search``, ``members``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import flet as ft

from client.gui.model.changes import Part
from client.gui.views import controls, look
from client.gui.views.piece import Piece
from client.gui.views.window import Window

FIRST: Final = 60
"""Rows shown at first: a row costs a little each time that another one moves."""
MORE: Final = 200
"""Rows added at a time when somebody wants to see more."""
HEIGHT: Final = 64.0
"""Pixels of a row."""
HEADING_HEIGHT: Final = 36.0

Press = Callable[[], object]


@dataclass(frozen=True)
class Action:
    """A second thing that can be done with a row, as a small button at its end."""

    name: str
    icon: ft.IconData
    act: Press = field(compare=False)


@dataclass(frozen=True)
class Item:
    """One row. ``label`` is all that a screen reader says of it, and begins with ``name``.

    ``sign`` is the address that its avatar stands for. ``selected``: it is open; ``marked``: the arrow keys
    are at it. ``lively``: ``text`` is about what happens right now.
    """

    key: str
    name: str
    label: str
    sign: str
    press: Press = field(compare=False)
    text: str = ""
    when: str = ""
    unread: int = 0
    online: bool = False
    selected: bool = False
    marked: bool = False
    lively: bool = False
    action: Action | None = None


@dataclass(frozen=True)
class Heading:
    """A line above rows of one kind."""

    key: str
    text: str


Entry = Item | Heading


@dataclass(frozen=True)
class Emptiness:
    """What stands in a list that has no row: why, and what one can do."""

    icon: ft.IconData
    name: str
    text: str


class _Row:
    """An ``Item``, drawn."""

    def __init__(self, item: Item) -> None:
        self.item = item
        body, label = ft.TextThemeStyle.BODY_MEDIUM, ft.TextThemeStyle.LABEL_SMALL
        self._name = controls.one_line("", ft.TextThemeStyle.TITLE_SMALL)
        self._name.expand = True
        self._text = controls.one_line("", body, ft.Colors.ON_SURFACE_VARIANT)
        self._text.expand = True
        self._when = ft.Text(theme_style=label, color=ft.Colors.ON_SURFACE_VARIANT, no_wrap=True)
        self._badge = ft.Container(visible=False)
        self._sign = ft.Container(width=40, height=40)
        self._second = ft.Row(controls=[self._text, self._badge], spacing=look.GAP, height=20)
        lines = ft.Column(
            controls=[ft.Row(controls=[self._name, self._when], spacing=look.GAP), self._second],
            alignment=ft.MainAxisAlignment.CENTER,
            spacing=2,
            expand=True,
        )
        seen = ft.Row(controls=[self._sign, lines], spacing=look.GAP * 1.5)
        self._box = ft.Container(
            content=ft.Semantics(content=seen, exclude_semantics=True),
            height=HEIGHT,
            padding=ft.Padding.symmetric(horizontal=look.GAP * 1.5),
            border_radius=look.RADIUS,
            ink=True,
            on_click=self._press,
        )
        self._named = ft.Semantics(content=self._box, button=True)
        whole: ft.Control = ft.MergeSemantics(content=self._named)
        if item.action is not None:
            button = controls.icon_button(item.action.name, item.action.icon, self._act)
            whole.expand = True
            whole = ft.Row(controls=[whole, button], spacing=0)
        self.control = whole
        self._draw(item)

    def take(self, item: Item) -> bool:
        """Show this; whether anything differs."""
        differs = item != self.item
        before, self.item = self.item, item
        if differs:
            self._draw(item, before)
        return differs

    def _draw(self, item: Item, before: Item | None = None) -> None:
        fresh = bool(item.unread)
        self._named.label, self._named.selected = item.label, item.selected or None
        self._name.value = item.name
        self._name.weight = ft.FontWeight.W_700 if fresh else None
        self._text.value = item.text
        self._text.color = (
            ft.Colors.PRIMARY
            if item.lively
            else ft.Colors.ON_SURFACE
            if fresh
            else ft.Colors.ON_SURFACE_VARIANT
        )
        self._second.visible = bool(item.text or fresh)
        self._when.value = item.when
        self._when.color = ft.Colors.PRIMARY if fresh else ft.Colors.ON_SURFACE_VARIANT
        self._box.bgcolor = ft.Colors.SECONDARY_CONTAINER if item.selected else None
        self._box.border = ft.Border.all(
            width=2, color=ft.Colors.PRIMARY if item.marked else ft.Colors.TRANSPARENT
        )
        if before is None or before.unread != item.unread:
            self._badge.content = controls.badge("99+" if item.unread > 99 else str(item.unread))
            self._badge.visible = fresh
        if before is None or (before.sign, before.online) != (item.sign, item.online):
            self._sign.content = controls.avatar(item.sign, online=item.online)

    def _press(self, _: ft.Event[ft.Container]) -> None:
        self.item.press()

    def _act(self) -> None:
        if self.item.action is not None:
            self.item.action.act()


class RowList:
    """Rows one below the other. ``show`` gives it all of them each time; only what differs is sent.

    ``part``: of the model; whoever draws that shows the list anew.
    """

    def __init__(self, window: Window, identifier: str, part: Part) -> None:
        self._window = window
        self._part = part
        self._rows: dict[str, ft.Control] = {}
        self._drawn: dict[str, _Row] = {}
        self._entries: list[Entry] = []
        self._most = FIRST
        self._list = ft.ListView(
            expand=True,
            padding=ft.Padding.only(left=look.GAP, right=look.GAP, bottom=look.GAP * 2),
            spacing=2,
        )
        self._more: ft.Control | None = None
        self._nothing: Emptiness | None = None
        self._empty = ft.Container(visible=False, expand=True)
        self.control = ft.Semantics(
            content=ft.Column(controls=[self._list, self._empty], expand=True, spacing=0),
            identifier=identifier,
            expand=True,
        )

    def show(self, entries: Sequence[Entry], nothing: Emptiness) -> None:
        """Show these, or ``nothing`` when there are none."""
        self._entries = list(entries)
        seen = self._entries[: self._most]
        changed = self._take(seen)
        rows = [self._rows[entry.key] for entry in seen]
        if len(seen) < len(self._entries):
            self._more = self._more or self._button()
            rows.append(self._more)
        empty = None if entries else nothing
        if empty == self._nothing and not self._differ(rows):
            Piece.redraw(*changed)
            return
        self._list.controls = rows
        self._list.visible = empty is None
        self._empty.visible = empty is not None
        if empty is not None and empty != self._nothing:
            self._empty.content = controls.empty(empty.icon, empty.name, empty.text)
        self._nothing = empty
        Piece.redraw(self.control)

    def to(self, at: int) -> None:
        """Scroll so that the entry at this position is seen."""
        above = sum(HEADING_HEIGHT if isinstance(entry, Heading) else HEIGHT for entry in self._entries[:at])

        async def scroll() -> None:
            await self._list.scroll_to(offset=max(0.0, above + 2 * at - 2 * HEIGHT), duration=100)

        self._window.run(scroll)

    def _take(self, entries: list[Entry]) -> list[ft.Control]:
        """Have a control for each; those of them that are there already and show something else now."""
        changed: list[ft.Control] = []
        present = set()
        for entry in entries:
            present.add(entry.key)
            if isinstance(entry, Heading):
                if entry.key not in self._rows:
                    self._rows[entry.key] = _heading(entry.text)
            elif entry.key not in self._drawn:
                row = self._drawn[entry.key] = _Row(entry)
                self._rows[entry.key] = row.control
            elif self._drawn[entry.key].take(entry):
                changed.append(self._rows[entry.key])
        for key in self._rows.keys() - present:
            del self._rows[key]
            self._drawn.pop(key, None)
        return changed

    def _differ(self, rows: list[ft.Control]) -> bool:
        there = self._list.controls
        return len(there) != len(rows) or any(
            one is not other for one, other in zip(there, rows, strict=True)
        )

    def _button(self) -> ft.Control:
        return ft.Row(
            controls=[controls.text_button(self._window.words.say("Show more"), self._show_more)],
            alignment=ft.MainAxisAlignment.CENTER,
        )

    def _show_more(self) -> None:
        self._most += MORE
        self._window.model.changes.mark(self._part)

    def begin(self) -> None:
        """What is shown next is another list: from its top."""
        self._most = FIRST


def _heading(text: str) -> ft.Control:
    return ft.Container(
        content=controls.heading(text),
        height=HEADING_HEIGHT,
        alignment=ft.Alignment.CENTER_LEFT,
        padding=ft.Padding.symmetric(horizontal=look.GAP * 1.5),
    )
