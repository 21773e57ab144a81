"""The main screen: the list of conversations, and beside it a room, a group's members, or the settings.

Belongs here: which of these are on the window at its present width, which keys go where, and handing on what
has changed. What is in each is its own file's.
"""

from __future__ import annotations

from typing import Final

import flet as ft

from client.gui.model.changes import Part
from client.gui.model.room import Room
from client.gui.views import look
from client.gui.views.members import Members
from client.gui.views.nowhere import Nowhere
from client.gui.views.piece import Piece
from client.gui.views.reconnecting import Reconnecting
from client.gui.views.room import RoomPiece
from client.gui.views.settings import Settings
from client.gui.views.sheets import Whole
from client.gui.views.sidebar import Sidebar
from client.gui.views.toasts import Toasts
from client.gui.views.transfers import TransfersStrip
from client.gui.views.window import Panel, Window

BROAD: Final = 1120.0
"""Width in pixels from which a group's members are shown beside its room, and not in its place."""

STEPS: Final = {"Arrow Down": 1, "Arrow Up": -1}
"""With Alt: to the next conversation of the list, or the one before."""

Spot = tuple[type[Piece], Room | None]
"""What stands in a place, and for which room; a piece is made anew when it is another one."""


class Main(Piece):
    """The list is there always, except on a narrow window that shows something else.

    A room's piece is made anew for each room that is opened; ``place`` is what stands beside the list.
    """

    parts = frozenset(Part) - {Part.ENTRY}

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.sidebar = Sidebar(window)
        self.line = Reconnecting(window)
        self.toasts = Toasts(window)
        self.transfers = TransfersStrip(window)
        self.place: Piece = Nowhere(window)
        self.aside: Members | None = None
        self._spot: Spot = (Nowhere, None)
        self._list = ft.Container(content=self.sidebar.control)
        self._edge = ft.VerticalDivider(width=1, thickness=1, color=ft.Colors.OUTLINE_VARIANT)
        self._place = ft.Container(content=self.place.control, expand=True)
        self._aside_edge = ft.VerticalDivider(width=1, thickness=1, color=ft.Colors.OUTLINE_VARIANT)
        self._aside = ft.Container(width=look.LIST_WIDTH)
        row = ft.Row(
            controls=[self._list, self._edge, self._place, self._aside_edge, self._aside],
            expand=True,
            spacing=0,
            vertical_alignment=ft.CrossAxisAlignment.STRETCH,
        )
        below = ft.Column(controls=[self.line.control, row, self.transfers.control], expand=True, spacing=0)
        self.control = Whole(
            content=ft.Stack(controls=[below, self.toasts.control], expand=True, fit=ft.StackFit.EXPAND),
            expand=True,
        )

    # --- drawing --------------------------------------------------------------------------------

    def refresh(self, parts: frozenset[Part]) -> None:
        """Draw what the model says now; ``parts`` have changed."""
        fresh = self._arrange()
        for piece in self._pieces():
            if piece in fresh:
                piece.refresh(frozenset(Part))
            elif parts & piece.parts:
                piece.refresh(parts)
        if fresh or Part.SCREEN in parts:
            self._show()
        for piece in fresh:
            piece.shown()

    def resized(self) -> None:
        """The window has another size, or became narrow or wide."""
        self.refresh(frozenset({Part.SCREEN}))
        for piece in self._pieces():
            piece.resized()

    def shown(self) -> None:
        """It is on the screen now: put the cursor where somebody will type."""
        if not self.window.narrow and self.model.room is None:
            self.sidebar.search()

    def gone(self) -> None:
        """It is on the screen no more."""
        for piece in self._pieces():
            piece.gone()

    def _pieces(self) -> list[Piece]:
        below = (self.transfers, self.window.dialog, self.toasts)
        every = (self.line, self.sidebar, self.place, self.aside, *below)
        return [piece for piece in every if piece is not None]

    def _arrange(self) -> list[Piece]:
        """Have the pieces that belong on the window; which of them are new."""
        fresh: list[Piece] = []
        kind = self._kind()
        spot: Spot = (kind, self.model.room if kind in (RoomPiece, Members) else None)
        moved = spot[1] is not self._spot[1]
        if spot != self._spot:
            self.place.gone()
            self.place, self._spot = kind(self.window), spot
            fresh.append(self.place)
        aside = self._members and kind is RoomPiece
        if self.aside is not None and (moved or not aside):
            self.aside.gone()
            self.aside = None
        if aside and self.aside is None:
            self.aside = Members(self.window, aside=True)
            fresh.append(self.aside)
        return fresh

    @property
    def _members(self) -> bool:
        """Whether a group's members are to be seen."""
        room = self.model.room
        return self.window.panel is Panel.MEMBERS and room is not None and room.address.startswith("#")

    def _kind(self) -> type[Piece]:
        if self.window.panel is Panel.SETTINGS:
            return Settings
        if self._members and (self.window.page.width or 0) < BROAD:
            return Members
        return RoomPiece if self.model.room is not None else Nowhere

    def _show(self) -> None:
        """Put the pieces where they belong at this width."""
        narrow, nowhere = self.window.narrow, isinstance(self.place, Nowhere)
        self._list.visible = not narrow or nowhere
        self._list.width = None if narrow else look.LIST_WIDTH
        self._list.expand = narrow
        self._edge.visible = not narrow
        self._place.visible = not narrow or not nowhere
        self._place.content = self.place.control
        self._aside.visible = self._aside_edge.visible = self.aside is not None
        self._aside.content = self.aside.control if self.aside is not None else None
        self.redraw(self.control)

    # --- keys -----------------------------------------------------------------------------------

    def key(self, event: ft.KeyboardEvent) -> bool:
        """A key was pressed; whether it was for us."""
        if self.window.dialog is not None:
            return self.window.dialog.key(event)
        if event.key.upper() == "K" and (event.ctrl or event.meta):
            self._search()
            return True
        if event.alt and event.key in STEPS:
            self.sidebar.step(STEPS[event.key])
            return True
        if self.sidebar.key(event) or self.place.key(event):
            return True
        if self.aside is not None and self.aside.key(event):
            return True
        return event.key == "Escape" and self._back()

    def _search(self) -> None:
        """The cursor goes into the search field, whatever a narrow window shows."""
        if self.window.narrow:
            self.window.go(Panel.NONE)
            self.model.leave_room()
            self.refresh(frozenset({Part.SCREEN}))
        self.sidebar.search()

    def _back(self) -> bool:
        """Close what was opened last; on a wide window a room stays, and gets the cursor."""
        if self.window.panel is not Panel.NONE:
            self.window.go(Panel.NONE)
        elif self.model.room is None:
            return False
        elif self.window.narrow:
            self.model.leave_room()
            self.window.go(Panel.NONE)
        else:
            self.place.shown()
        return True
