"""The open conversation: its name, its messages, and where one writes.

Belongs here: putting these together, and what stands at the top. Messages are ``messages``', writing is
``composer``'s.
"""

from __future__ import annotations

import flet as ft

from client.gui.model.changes import Part
from client.gui.model.room import Room
from client.gui.model.transfers import Crate
from client.gui.views import controls, look
from client.gui.views.composer import Composer
from client.gui.views.messages import Messages
from client.gui.views.piece import Piece
from client.gui.views.window import Panel, Window


class RoomPiece(Piece):
    """Drawn while a conversation is open."""

    parts = Messages.parts | {Part.TYPING, Part.COMPOSER, Part.PEOPLE, Part.GROUPS, Part.LINE}

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._room: Room | None = None
        self._messages = Messages(window, self._margins)
        self._composer = Composer(window, self._messages.to_newest)
        self._face = ft.Container()
        self._title = controls.one_line("", ft.TextThemeStyle.TITLE_MEDIUM)
        self._subtitle = controls.one_line("", ft.TextThemeStyle.BODY_SMALL, ft.Colors.ON_SURFACE_VARIANT)
        self._back = ft.Container(
            content=controls.icon_button(self.words.say("Back"), ft.Icons.ARROW_BACK_ROUNDED, self._leave)
        )
        self._members = ft.Container(
            content=controls.icon_button(
                self.words.say("Members"), ft.Icons.GROUP_OUTLINED, lambda: self.window.go(Panel.MEMBERS)
            )
        )
        self._head = self._header()
        self._typing = ft.Text(
            theme_style=ft.TextThemeStyle.BODY_SMALL,
            color=ft.Colors.ON_SURFACE_VARIANT,
            max_lines=1,
            overflow=ft.TextOverflow.ELLIPSIS,
        )
        typing = ft.Semantics(
            live_region=True,
            content=ft.Container(content=self._typing, height=20),
        )
        self._below = ft.Container(
            content=ft.Column(
                controls=[typing, self._composer.control],
                spacing=0,
                horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
                tight=True,
            ),
        )
        self._set_margins(look.GAP * 2)
        self.control = ft.Column(
            controls=[self._head, self._messages.control, self._below],
            spacing=0,
            expand=True,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        )

    def _header(self) -> ft.Container:
        names = ft.Semantics(
            identifier="room",
            container=True,
            content=ft.Column(controls=[self._title, self._subtitle], spacing=0, tight=True),
            expand=True,
        )
        return ft.Container(
            content=ft.Row(
                controls=[self._back, self._face, names, self._members],
                spacing=look.GAP,
                vertical_alignment=ft.CrossAxisAlignment.CENTER,
            ),
            height=64,
            padding=ft.Padding.symmetric(horizontal=look.GAP * 1.5),
            border=ft.Border.only(bottom=ft.BorderSide(width=1, color=ft.Colors.OUTLINE_VARIANT)),
        )

    # --- drawing --------------------------------------------------------------------------------

    def refresh(self, parts: frozenset[Part]) -> None:
        """Draw what the model says now."""
        room = self.model.room
        begun = room is not self._room
        if begun:
            self._room = room
            if room is not None:
                self.window.doors.on_drop(self._dropped)
        if begun or parts & Messages.parts:
            self._messages.refresh(parts)
        if begun or Part.COMPOSER in parts:
            self._composer.refresh(parts)
        if room is not None:
            self._draw_head(room, begun)
            self._draw_typing(room)

    def _draw_head(self, room: Room, begun: bool) -> None:
        was = (self._title.value, self._subtitle.value, self._back.visible)
        self._title.value = self.words.say("Everyone") if room.address == "*" else room.address
        self._subtitle.value = self._about(room)
        self._subtitle.visible = bool(self._subtitle.value)
        self._back.visible = self.window.narrow
        self._members.visible = room.address.startswith("#")
        if begun:
            self._face.content = controls.avatar(room.address, 38)
        if begun or was != (self._title.value, self._subtitle.value, self._back.visible):
            self.redraw(self._head)

    def _about(self, room: Room) -> str:
        """What stands below the name: whether somebody is there, how many are members."""
        if room.address == "*":
            return self.words.say("What is written here is read by every user")
        if room.address.startswith("#"):
            return self._members_of(room.address[1:])
        person = self.model.people.get(room.address)
        if person is None:
            return ""
        if person.online:
            return self.words.say("online")
        if person.last_seen:
            return self.words.say("last seen {when}", when=self.words.ago(person.last_seen))
        return self.words.say("offline")

    def _members_of(self, group: str) -> str:
        for row in self.model.groups.rows:
            if row.name.casefold() == group.casefold():
                return self.words.count("{n} member", "{n} members", row.members)
        return ""

    def _draw_typing(self, room: Room) -> None:
        names = room.typists
        if not names:
            text = ""
        elif len(names) == 1:
            text = self.words.say("{user} is typing …", user=names[0])
        elif len(names) == 2:
            text = self.words.say("{user} and {other} are typing …", user=names[0], other=names[1])
        else:
            text = self.words.say("Several people are typing …")
        if text != self._typing.value:
            self._typing.value = text
            self.redraw(self._typing)

    def _set_margins(self, side: float) -> None:
        """One writes as wide as one reads."""
        self._below.padding = ft.Padding(left=side - 4, top=0, right=side - 4, bottom=look.GAP)

    def _margins(self, side: float) -> None:
        self._set_margins(side)
        self.redraw(self._below)

    # --- what somebody does ---------------------------------------------------------------------

    def _leave(self) -> None:
        self.window.go(Panel.NONE)
        self.model.leave_room()

    def _dropped(self, crates: list[Crate]) -> None:
        room = self.model.room
        for crate in crates:
            if room is None:
                crate.drop()
            else:
                self.model.transfers.send(crate, room.address)

    def resized(self) -> None:
        """Narrow windows have a way back."""
        if self._room is not None:
            self._draw_head(self._room, False)

    def shown(self) -> None:
        """Put the cursor where one writes."""
        self._composer.shown()

    def key(self, event: ft.KeyboardEvent) -> bool:
        """Page Up and Page Down scroll, wherever the cursor is; Ctrl+End goes to the newest."""
        if self.model.room is None:
            return False
        if event.key in ("Page Up", "Page Down"):
            self._messages.page_up(0.85 if event.key == "Page Up" else -0.85)
            return True
        if event.key == "End" and event.ctrl:
            self._messages.to_newest()
            return True
        return False
