"""The rows of a room as controls: a message, a day line, the line above what is new, who came and went.

Belongs here: what one row looks like and is called. Which rows there are is the model's, where they stand
``messages``'.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import flet as ft
from msgspec.structs import replace

from client.gui.model.markup import Paragraph
from client.gui.model.problem import Problem
from client.gui.model.rows import DayLine, Happened, Mark, NewLine, Row, Said
from client.gui.views import controls, look, marks, texts
from client.gui.views.filecard import FileCard
from client.gui.views.sheets import Box
from client.gui.views.window import Window

AVATAR: Final = 32
ASIDE: Final = 56
"""What a message leaves free on the other side, so that one sees whose it is."""
NEW: Final = ft.ScrollKey("new")  # type: ignore[call-arg]
"""What the line above what is new is found by; one room is on a window at a time."""
INSIDE: Final = ft.Padding.symmetric(horizontal=look.GAP * 1.5, vertical=look.GAP * 0.75)
_R: Final = look.RADIUS + 2
ROUND: Final = ft.BorderRadius.all(_R)
ROUND_OWN: Final = ft.BorderRadius(top_left=_R, top_right=4, bottom_left=_R, bottom_right=_R)
ROUND_OTHER: Final = ft.BorderRadius(top_left=4, top_right=_R, bottom_left=_R, bottom_right=_R)


class RowView:
    """One row. ``control`` stays the same while it changes. ``named``: whether senders are named."""

    def __init__(self, window: Window, row: Row, named: bool) -> None:
        self.window = window
        self.named = named
        self.row = row
        self.control = Box()
        self._icon: ft.Icon | None = None
        self._label = ft.Semantics()
        self._card: FileCard | None = None
        self._draw()

    def set(self, row: Row) -> bool:
        """Another state of the same row; whether ``control`` has to be sent."""
        was, self.row = self.row, row
        if row == was:
            return False
        if not self._remark(was, row):
            self._draw()
        return True

    def _remark(self, was: Row, row: Row) -> bool:
        """Whether a mark that moved is all that is new; then only its sign is drawn."""
        if not (isinstance(was, Said) and isinstance(row, Said)) or self._icon is None:
            return False
        if Mark.REFUSED in (was.mark, row.mark) or replace(was, mark=row.mark) != row:
            return False
        marks.put(self._icon, self.window.words, row.mark)
        self._label.label = self.name(row)
        return True

    def _draw(self) -> None:
        row = self.row
        box = self.control
        if isinstance(row, Said):
            self._said(row)
        elif isinstance(row, DayLine):
            box.padding = ft.Padding.symmetric(vertical=look.GAP * 1.5)
            box.content = self._day(row)
        elif isinstance(row, NewLine):
            box.key = NEW
            box.padding = ft.Padding.symmetric(vertical=look.GAP)
            box.content = self._new()
        else:
            box.padding = ft.Padding.symmetric(vertical=look.GAP / 2)
            box.content = self._happened(row)

    # --- lines between messages -----------------------------------------------------------------

    def _day(self, row: DayLine) -> ft.Control:
        words = self.window.words
        text = ft.Text(
            value=words.day(row.day, datetime.now(words.zone).date()),
            theme_style=ft.TextThemeStyle.LABEL_MEDIUM,
            color=ft.Colors.ON_SURFACE_VARIANT,
        )
        pill = ft.Container(
            content=text,
            bgcolor=ft.Colors.SURFACE_CONTAINER_HIGH,
            border_radius=look.RADIUS,
            padding=ft.Padding.symmetric(horizontal=look.GAP * 1.5, vertical=3),
        )
        return ft.Semantics(
            header=True,
            container=True,
            content=ft.Row(controls=[pill], alignment=ft.MainAxisAlignment.CENTER),
        )

    def _new(self) -> ft.Control:
        def line() -> ft.Control:
            return ft.Container(height=1, bgcolor=ft.Colors.PRIMARY, expand=True)

        text = ft.Text(
            value=self.window.words.say("New messages"),
            theme_style=ft.TextThemeStyle.LABEL_MEDIUM,
            color=ft.Colors.PRIMARY,
        )
        return ft.Semantics(
            header=True,
            container=True,
            content=ft.Row(controls=[line(), text, line()], spacing=look.GAP * 1.5),
        )

    def _happened(self, row: Happened) -> ft.Control:
        text = ft.Text(
            value=self._news(row),
            theme_style=ft.TextThemeStyle.BODY_SMALL,
            color=ft.Colors.ON_SURFACE_VARIANT,
            text_align=ft.TextAlign.CENTER,
            expand=True,
        )
        return ft.Semantics(container=True, content=ft.Row(controls=[text]))

    def _news(self, row: Happened) -> str:
        words = self.window.words
        if row.change == "joined":
            return words.say("{user} joined", user=row.user)
        if row.change == "left":
            return words.say("{user} left", user=row.user)
        if row.by:
            return words.say("{user} was removed by {by}", user=row.user, by=row.by)
        return words.say("{user} was removed", user=row.user)

    # --- a message ------------------------------------------------------------------------------

    def _said(self, row: Said) -> None:
        """Ours on the right, others' on the left, beside who it was. Of few controls: messages are many."""
        ink = self._ink(row)
        parts: list[ft.Control] = []
        if row.head and self.named and not row.own:
            parts.append(controls.one_line(row.sender, ft.TextThemeStyle.LABEL_LARGE, ft.Colors.PRIMARY))
        parts.extend(self._body(row, ink))
        if row.mark is Mark.REFUSED:
            parts.append(self._refused(row))
        bubble = ft.Container(
            content=parts[0] if len(parts) == 1 else ft.Column(controls=parts, spacing=2, tight=True),
            bgcolor=self._ground(row),
            border_radius=self._corners(row),
            padding=INSIDE,
        )
        self._label = ft.Semantics(
            container=True,
            label=self.name(row),
            exclude_semantics=not self._usable(row),
            content=bubble,
        )
        self._stand(row)

    def _stand(self, row: Said) -> None:
        """Put a message where it belongs."""
        box = self.control
        top = look.GAP if row.head else 2
        box.alignment = ft.Alignment.TOP_RIGHT if row.own else ft.Alignment.TOP_LEFT
        if row.own:
            box.padding = ft.Padding(left=ASIDE, top=top, right=0, bottom=0)
            box.content = self._label
        elif self.named and row.head:
            box.padding = ft.Padding(left=0, top=top, right=ASIDE, bottom=0)
            self._label.expand = self._label.expand_loose = True
            box.content = ft.Row(
                controls=[controls.avatar(row.sender, AVATAR), self._label],
                spacing=look.GAP,
                vertical_alignment=ft.CrossAxisAlignment.START,
            )
        else:
            left = AVATAR + look.GAP if self.named else 0
            box.padding = ft.Padding(left=left, top=top, right=ASIDE, bottom=0)
            box.content = self._label

    @staticmethod
    def _ground(row: Said) -> ft.ColorValue:
        if row.mark is Mark.REFUSED:
            return ft.Colors.ERROR_CONTAINER
        return ft.Colors.PRIMARY_CONTAINER if row.own else ft.Colors.SURFACE_CONTAINER

    @staticmethod
    def _ink(row: Said) -> ft.ColorValue:
        if row.mark is Mark.REFUSED:
            return ft.Colors.ON_ERROR_CONTAINER
        return ft.Colors.ON_PRIMARY_CONTAINER if row.own else ft.Colors.ON_SURFACE

    @staticmethod
    def _corners(row: Said) -> ft.BorderRadius:
        if not row.head:
            return ROUND
        return ROUND_OWN if row.own else ROUND_OTHER

    def _body(self, row: Said, ink: ft.ColorValue) -> list[ft.Control]:
        """Text with the time behind it: on the same line if there is room."""
        drawn = texts.draw(self.window, row.blocks, ink) if row.blocks and self._has_text(row) else []
        meta = self._meta(row)
        if drawn and isinstance(row.blocks[-1], Paragraph):
            last = ft.Row(
                controls=[drawn[-1], meta],
                wrap=True,
                spacing=look.GAP * 1.25,
                run_spacing=0,
                alignment=ft.MainAxisAlignment.END,
                vertical_alignment=ft.CrossAxisAlignment.END,
            )
            return [*self._file(row), *drawn[:-1], last]
        end = ft.Row(controls=[meta], alignment=ft.MainAxisAlignment.END, tight=not drawn)
        return [*self._file(row), *drawn, end]

    def _meta(self, row: Said) -> ft.Control:
        time = ft.Text(
            value=self.window.words.moment(row.sent_at),
            theme_style=ft.TextThemeStyle.LABEL_SMALL,
            color=ft.Colors.ON_SURFACE_VARIANT,
        )
        if row.mark is Mark.NONE:
            return time
        self._icon = ft.Icon(icon=ft.Icons.SCHEDULE_ROUNDED, size=marks.SIZE)
        marks.put(self._icon, self.window.words, row.mark)
        return ft.Row(controls=[time, self._icon], spacing=3, tight=True)

    def _file(self, row: Said) -> list[ft.Control]:
        if row.file is None:
            return []
        if self._card is None:
            room = self.window.model.room
            self._card = FileCard(self.window, row.file, room.address if room is not None else "")
        return [self._card.control]

    @staticmethod
    def _has_text(row: Said) -> bool:
        """What comes with a file is its name when nothing was said."""
        return row.file is None or row.body != row.file.name

    def _refused(self, row: Said) -> ft.Control:
        words = self.window.words
        outbox = self.window.model.outbox
        parcel = outbox.get(row.id)
        why = parcel.refusal if parcel is not None else None
        why = why or Problem("", row.refusal)
        reason = ft.Text(
            value=words.problem(why) if why.message else words.say("This message was not sent."),
            theme_style=ft.TextThemeStyle.BODY_SMALL,
            color=ft.Colors.ON_ERROR_CONTAINER,
        )
        retry = controls.text_button(
            words.say("Retry"), lambda: outbox.retry(row.id), icon=ft.Icons.REFRESH_ROUNDED
        )
        remove = controls.text_button(words.say("Remove"), lambda: outbox.drop(row.id), danger=True)
        buttons = ft.Row(controls=[retry, remove], spacing=0, wrap=True)
        parts: list[ft.Control] = [reason]
        if not row.seq:
            parts.append(buttons)
        return ft.Column(controls=parts, spacing=0, tight=True)

    # --- its name -------------------------------------------------------------------------------

    def name(self, row: Said) -> str:
        """What a screen reader says: who, what, when, and how far it has come."""
        parts = [f"{row.sender}: {row.body}", self.window.words.moment(row.sent_at)]
        mark = marks.name(self.window.words, row.mark)
        if mark:
            parts.append(mark)
        if row.refusal:
            parts.append(row.refusal)
        return ", ".join(parts)

    @staticmethod
    def _usable(row: Said) -> bool:
        """Whether there is something in it that can be used, and so must be found by itself."""
        return row.file is not None or row.mark is Mark.REFUSED or texts.interactive(row.blocks)
