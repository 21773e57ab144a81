"""Files under way, one line each: how far it is, how fast, and what can be done with it.

Belongs here: how that looks, and that what went well is gone a moment later. Nothing is drawn while there are
none.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

import flet as ft

from client.gui.model.changes import Part
from client.gui.model.transfers import State, Transfer, Transfers
from client.gui.views import look
from client.gui.views.controls import IconAction, one_line
from client.gui.views.piece import Piece
from client.gui.views.window import Window

STAYS: Final = 5.0
"""Seconds that a file which is through is still listed."""
HEIGHT_MOST: Final = 220
"""Of the list, in pixels; more files scroll."""
_SIGNS: Final = {
    State.DONE: ft.Icons.CHECK_CIRCLE_OUTLINE_ROUNDED,
    State.FAILED: ft.Icons.ERROR_OUTLINE_ROUNDED,
    State.CANCELLED: ft.Icons.CANCEL_OUTLINED,
    State.PAUSED: ft.Icons.PAUSE_CIRCLE_OUTLINE_ROUNDED,
}


class Line(Piece):
    """One file. Its controls are made once; what differs is set as it moves."""

    def __init__(self, window: Window, transfer: Transfer) -> None:
        super().__init__(window)
        self.transfer = transfer
        number, transfers = transfer.number, self.model.transfers
        name = transfer.name
        self._drawn: tuple[object, ...] = ()
        self._icon = ft.Icon(icon=ft.Icons.UPLOAD_ROUNDED, size=20, color=ft.Colors.ON_SURFACE_VARIANT)
        self._name = one_line(name, ft.TextThemeStyle.BODY_MEDIUM)
        self._name.expand = True
        self._says = ft.Text(
            theme_style=ft.TextThemeStyle.BODY_SMALL,
            color=ft.Colors.ON_SURFACE_VARIANT,
            max_lines=2,
            overflow=ft.TextOverflow.ELLIPSIS,
        )
        self._bar = ft.ProgressBar(
            value=0,
            bar_height=4,
            border_radius=2,
            color=ft.Colors.PRIMARY,
            bgcolor=ft.Colors.SURFACE_CONTAINER_HIGHEST,
            semantics_label=self.words.say("How far {name} is", name=name),
        )
        self._pause = IconAction(
            self.words.say("Pause"), ft.Icons.PAUSE_ROUNDED, lambda: transfers.pause(number), size=20
        )
        self._resume = IconAction(
            self.words.say("Resume"), ft.Icons.PLAY_ARROW_ROUNDED, lambda: transfers.resume(number), size=20
        )
        self._cancel = IconAction(
            self.words.say("Cancel"), ft.Icons.CLOSE_ROUNDED, lambda: transfers.cancel(number), size=20
        )
        self._dismiss = IconAction(
            self.words.say("Dismiss"), ft.Icons.CLOSE_ROUNDED, lambda: transfers.dismiss(number), size=20
        )
        buttons = (self._pause, self._resume, self._cancel, self._dismiss)
        self.control = ft.Container(
            content=ft.Row(
                controls=[
                    self._icon,
                    ft.Column(
                        controls=[ft.Row(controls=[self._name]), self._bar, self._says],
                        spacing=look.GAP // 2,
                        tight=True,
                        expand=True,
                    ),
                    ft.Row(controls=[button.control for button in buttons], spacing=0, tight=True),
                ],
                spacing=look.GAP * 1.5,
                vertical_alignment=ft.CrossAxisAlignment.CENTER,
            ),
            padding=ft.Padding.only(left=look.GAP * 2, right=look.GAP, top=look.GAP, bottom=look.GAP),
        )

    @property
    def state(self) -> State:
        """As it is shown: while the server is away nothing moves, whether or not that was noticed."""
        away = self.transfer.state is State.MOVING and not self.model.line.connected
        return State.WAITING if away else self.transfer.state

    def refresh(self, parts: frozenset[Part]) -> None:
        """Draw how far it is."""
        transfer, state = self.transfer, self.state
        drawn = (state, transfer.done, self._sentence(state))
        if drawn == self._drawn:
            return
        self._drawn = drawn
        self._icon.icon = _SIGNS.get(
            state, ft.Icons.UPLOAD_ROUNDED if transfer.up else ft.Icons.DOWNLOAD_ROUNDED
        )
        failed = state is State.FAILED
        self._icon.color = ft.Colors.ERROR if failed else ft.Colors.ON_SURFACE_VARIANT
        self._says.color = ft.Colors.ERROR if failed else ft.Colors.ON_SURFACE_VARIANT
        self._says.value = self._sentence(state)
        self._bar.visible = not transfer.over and not failed
        self._bar.value = transfer.part
        lasting = failed and transfer.lasting
        self._pause.control.visible = state in (State.QUEUED, State.COMING, State.MOVING, State.WAITING)
        self._resume.control.visible = state is State.PAUSED or lasting
        self._cancel.control.visible = not transfer.over and (not failed or lasting)
        self._dismiss.control.visible = transfer.over or (failed and not lasting)
        self.redraw(self.control)

    def _sentence(self, state: State) -> str:
        transfer, words = self.transfer, self.words
        if state is State.FAILED and transfer.problem is not None:
            return words.problem(transfer.problem)
        if state is State.DONE:
            done = (
                words.say("Sent to {address}", address=self._where())
                if transfer.up
                else words.say("Downloaded")
            )
            return f"{done} · {words.size(transfer.size)}"
        if state is State.CANCELLED:
            return words.say("Cancelled")
        if state is State.COMING and not transfer.done:
            state = State.QUEUED  # a browser sends one after the other
        stage = {
            State.QUEUED: words.say("Waits for its turn"),
            State.COMING: words.say("Comes from your browser"),
            State.PAUSED: words.say("Paused"),
            State.WAITING: words.say("Waits for the server"),
            State.MOVING: words.say("To {address}", address=self._where()) if transfer.up else "",
        }.get(state, "")
        far = words.say("{done} of {size}", done=words.size(transfer.done), size=words.size(transfer.size))
        moves = transfer.rate and state in (State.COMING, State.MOVING)
        fast = words.say("{size} a second", size=words.size(int(transfer.rate))) if moves else ""
        return " · ".join(part for part in (stage, far, fast) if part)

    def _where(self) -> str:
        return self.words.say("Everyone") if self.transfer.address == "*" else self.transfer.address


class TransfersStrip(Piece):
    """Every file under way in this window, wherever it goes, in the order of their turns."""

    parts: ClassVar[frozenset[Part]] = frozenset({Part.TRANSFERS, Part.LINE})

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._lines: dict[int, Line] = {}
        self._shown: list[int] = []
        self._leaving: set[int] = set()
        self._list = ft.Column(
            controls=[], spacing=0, tight=True, scroll=ft.ScrollMode.AUTO, horizontal_alignment=_STRETCH
        )
        self._box = ft.Container(
            content=self._list,
            bgcolor=ft.Colors.SURFACE_CONTAINER_LOW,
            border=ft.Border.only(top=ft.BorderSide(width=1, color=ft.Colors.OUTLINE_VARIANT)),
        )
        self.control = ft.Semantics(
            identifier="transfers",
            container=True,
            label=self.words.say("Files on their way"),
            content=self._box,
            visible=False,
        )

    def refresh(self, parts: frozenset[Part]) -> None:
        """Draw those that differ; the list only when it has others."""
        rows = self.model.transfers.rows
        numbers = [row.number for row in rows]
        for row in rows:
            line = self._lines.get(row.number) or Line(self.window, row)
            self._lines[row.number] = line
            line.refresh(parts)
            if row.over and row.number not in self._leaving:
                self._leaving.add(row.number)
                self.window.run(self._leave, self.model.transfers, row.number)
        if numbers != self._shown:
            self._relist(numbers)

    def _relist(self, numbers: list[int]) -> None:
        self._shown = numbers
        self._lines = {number: self._lines[number] for number in numbers}
        self._list.controls = [line.control for line in self._lines.values()]
        self._box.height = HEIGHT_MOST if len(numbers) > 3 else None
        self.control.visible = bool(numbers)
        self.redraw(self.control)

    async def _leave(self, transfers: Transfers, number: int) -> None:
        await asyncio.sleep(STAYS)
        self._leaving.discard(number)
        transfers.dismiss(number)


_STRETCH: Final = ft.CrossAxisAlignment.STRETCH
