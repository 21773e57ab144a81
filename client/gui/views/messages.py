"""The messages of a room: pages in a list that grows upwards, and never moves under anybody's eyes.

Belongs here: where pages stand, how high each is, which of them are seen, and going to the newest. A list
that is reversed keeps its distance from the bottom: what is added above moves nothing, and a page that is let
go gives its place to a space of the same height.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import flet as ft

from client.gui.model.changes import Part
from client.gui.model.room import Room
from client.gui.views import controls, look
from client.gui.views.message import NEW, RowView
from client.gui.views.pageview import PageView, fill
from client.gui.views.piece import Piece, mounted
from client.gui.views.sheets import Box, Scroll, Sheet
from client.gui.views.window import Window

AT_BOTTOM: Final = 40.0
"""Pixels from the newest message within which somebody follows what is said."""
AHEAD: Final = 2.5
"""Screens above what is seen that are loaded before they are."""
TRIES: Final = 30
STEP: Final = 0.1
"""Seconds after which it is looked whether the client has built what it was sent."""


class Messages(Piece):
    """Drawn for the room that is open."""

    parts = frozenset({Part.ROOM, Part.COMING})

    def __init__(self, window: Window, margins: Callable[[float], object]) -> None:
        """``margins`` is called with the pixels that are free on both sides when these have changed."""
        super().__init__(window)
        self._margins = margins
        self._room: Room | None = None
        self._pages: dict[int, PageView] = {}
        self._waiting: dict[str, RowView] = {}
        self._pixels = 0.0
        self._screen = 0.0
        self._returning = False
        """Whether it is on its way to where it was left when something else covered it."""
        self._placed = False
        """Whether it was scrolled to where one begins to read."""
        self._tail = Sheet(spacing=0, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
        self._top = Box(height=64, alignment=ft.Alignment.CENTER)
        self._list = self._new_list()
        self._middle = ft.Container(expand=True)
        self._area = ft.SelectionArea(content=self._list)
        self._newest = self._pill()
        self.control = ft.Semantics(
            identifier="messages",
            container=True,
            content=ft.Stack(
                controls=[self._middle, ft.Container(content=self._area, expand=True), self._newest],
                expand=True,
                fit=ft.StackFit.EXPAND,
            ),
            expand=True,
        )

    def _new_list(self) -> Scroll:
        return Scroll(
            reverse=True,
            controls=[self._tail],
            padding=ft.Padding.symmetric(horizontal=look.GAP * 2, vertical=look.GAP),
            on_scroll=self._scrolled,
            scroll_interval=30,
            on_size_change=self._sized,
            expand=True,
        )

    def _pill(self) -> ft.Container:
        self._held = ft.Text(
            theme_style=ft.TextThemeStyle.LABEL_LARGE, color=ft.Colors.ON_INVERSE_SURFACE, visible=False
        )
        arrow = ft.Icon(icon=ft.Icons.ARROW_DOWNWARD_ROUNDED, size=18, color=ft.Colors.ON_INVERSE_SURFACE)
        self._pill_button = ft.Container(
            content=ft.Row(controls=[arrow, self._held], spacing=look.GAP * 0.75, tight=True),
            bgcolor=ft.Colors.INVERSE_SURFACE,
            border_radius=20,
            height=40,
            padding=ft.Padding.symmetric(horizontal=11),
            on_click=self._to_newest,
            ink=True,
        )
        return ft.Container(
            content=ft.MergeSemantics(
                content=ft.Semantics(
                    button=True, label=self.words.say("Newest messages"), content=self._pill_button
                )
            ),
            right=look.GAP * 2,
            bottom=look.GAP * 1.5,
            visible=False,
        )

    # --- drawing --------------------------------------------------------------------------------

    def refresh(self, parts: frozenset[Part]) -> None:
        """Draw what the model says now."""
        room = self.model.room
        if room is not self._room:
            self._begin(room)
        if room is None:
            return
        named = not self._direct(room)
        if self._place(room, named):
            self.redraw(self._list)
        self._state(room)
        if not self._placed and not room.loading:
            self._placed = True
            if room.reading.place > AT_BOTTOM:
                self._returning = True
                self.window.run(self._return, room)
            elif room.reading.arriving:
                self.window.run(self._arrive, room)

    def _begin(self, room: Room | None) -> None:
        """Another room: nothing of the one before."""
        self._room = room
        self._pages, self._waiting = {}, {}
        self._pixels = 0.0
        self._placed = False
        self._tail = Sheet(spacing=0, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
        self._top = Box(height=64, alignment=ft.Alignment.CENTER)
        self._list = self._new_list()
        self._area.content = self._list
        self.redraw(self._area)

    @staticmethod
    def _direct(room: Room) -> bool:
        return room.address[:1] not in ("#", "*")

    def _place(self, room: Room, named: bool) -> bool:
        """Draw the pages that have changed; whether other controls stand in the list now."""
        views = {}
        for page in room.pages:
            view = self._pages.get(page.number)
            if view is None or view.page is not page:
                view = PageView(self.window, page, named)
            if view.stale():
                view.draw()
            views[page.number] = view
        self._pages = views
        self.redraw(*fill(self.window, self._tail, self._waiting, room.waiting, named))
        shown = [self._tail, *(view.control for view in reversed(views.values())), self._top]
        same = len(shown) == len(self._list.controls) and all(
            new is old for new, old in zip(shown, self._list.controls, strict=True)
        )
        if not same:
            self._list.controls = shown
        return not same

    def _state(self, room: Room) -> None:
        """What stands around the messages."""
        empty = not room.pages and not room.waiting
        was = (self._newest.visible, self._held.value)
        self._newest.visible = not room.following and not empty
        self._held.visible = room.held > 0
        self._held.value = self.words.count("{n} new message", "{n} new messages", room.held)
        if was != (self._newest.visible, self._held.value):
            self.redraw(self._newest)
        self._above(room, empty)
        self._between(room, empty)

    def _above(self, room: Room, empty: bool) -> None:
        """What stands above the oldest message."""
        kind = "" if empty else "ring" if room.older_loading else "start" if room.at_start else ""
        if kind == self._top.data:
            return
        self._top.data = kind
        if kind == "ring":
            self._top.content = ft.ProgressRing(width=20, height=20, stroke_width=2)
        elif kind == "start":
            self._top.content = controls.quiet(self.words.say("This is where the conversation begins."))
        else:
            self._top.content = None
        self.redraw(self._top)

    def _between(self, room: Room, empty: bool) -> None:
        """What stands in the middle while there are no messages."""
        kind = "ring" if room.loading and empty else "empty" if empty else ""
        if kind == self._middle.data:
            return
        self._middle.data = kind
        if kind == "ring":
            self._middle.content = ft.Container(
                content=ft.ProgressRing(width=28, height=28, stroke_width=3), alignment=ft.Alignment.CENTER
            )
        elif kind == "empty":
            self._middle.content = controls.empty(
                ft.Icons.CHAT_BUBBLE_OUTLINE_ROUNDED,
                self.words.say("No messages yet"),
                self.words.say("What you write below is the first."),
            )
        else:
            self._middle.content = None
        self.redraw(self._middle)

    # --- scrolling ------------------------------------------------------------------------------

    def _sized(self, event: ft.LayoutSizeChangeEvent[ft.LayoutControl]) -> None:
        self._screen = event.height
        side = max(look.GAP * 2, (event.width - look.ROOM_WIDTH) / 2)
        padding = ft.Padding.symmetric(horizontal=side, vertical=look.GAP)
        if padding != self._list.padding:
            self._list.padding = padding
            self.redraw(self._list)
            self._margins(side)
        self._look()

    def _scrolled(self, event: ft.OnScrollEvent) -> None:
        self._pixels, self._screen = event.pixels, event.viewport_dimension
        self._look()

    def _look(self) -> None:
        """Tell the model which pages are seen, and ask for older ones in time."""
        room = self._room
        if room is None or room is not self.model.room or not room.pages or self._returning:
            return
        room.reading.place = self._pixels
        following = self._pixels <= AT_BOTTOM
        if following != room.following:
            room.follow(following)
        if not room.reading.arriving:
            room.reading.saw(self._newest_seen())
            room.read()
        first, last = self._seen()
        oldest = next(iter(self._pages.values())).page if self._pages else None
        more = next((at for at, page in enumerate(room.pages) if page is oldest), 0)
        room.near(first + more, last + more)
        above = sum(view.height for view in self._pages.values()) - self._pixels - self._screen
        if above < AHEAD * self._screen and not room.at_start and not room.older_loading:
            self.window.run(room.older)

    def _seen(self) -> tuple[int, int]:
        """Positions of the oldest and the newest page on the screen."""
        bottom, top = self._pixels, self._pixels + self._screen
        at, first, last = 0.0, 0, -1
        position = len(self._pages)
        for view in reversed(self._pages.values()):
            position -= 1
            if at + view.height >= bottom and last < 0:
                last = position
            first = position
            at += view.height
            if at >= top:
                break
        return first, max(first, last)

    def _newest_seen(self) -> int:
        """Seq of the newest message on the screen, as far as one can tell; 0 when none is."""
        at = 0.0
        for view in reversed(self._pages.values()):
            if at + view.height >= self._pixels:
                return view.below(self._pixels - at)
            at += view.height
        return 0

    def page_up(self, screens: float) -> None:
        """Scroll by so many screens; upwards is positive."""
        self.window.run(self._scroll, screens * self._screen)

    async def _scroll(self, delta: float) -> None:
        if mounted(self._list):
            await self._list.scroll_to(delta=delta, duration=120)

    def to_newest(self) -> None:
        """Show the newest messages."""
        if self._room is not None:
            self._room.to_newest()
            self._pixels = 0.0
            self.window.run(self._down)

    async def _down(self) -> None:
        """To the bottom; and again, if what was still to be heard of the way says otherwise."""
        room = self._room
        for _ in range(2):
            if not mounted(self._list) or room is not self._room:
                return
            await self._list.scroll_to(offset=0, duration=0)
            await asyncio.sleep(STEP)
            if self._pixels <= AT_BOTTOM:
                return

    async def _arrive(self, room: Room) -> None:
        """Stand where one begins to read. What is seen from there on is read, and not before."""
        try:
            await self._to_new(room)
        finally:
            room.reading.arrived()
            self._look()

    async def _return(self, room: Room) -> None:
        """Stand where one was before something else was shown in the room's place."""
        place = room.reading.place
        try:
            for _ in range(TRIES):
                await asyncio.sleep(STEP)
                if room is not self.model.room or not mounted(self._list):
                    return
                if abs(self._pixels - place) < 1:
                    break
                await self._list.scroll_to(offset=place)
        finally:
            self._returning = False
            self._look()

    async def _to_new(self, room: Room) -> None:
        """Show what is new from its beginning on, if that does not fit on the screen anyway.

        Only what was built can be scrolled to, and only what was near the screen is built: first go where
        its page must be.
        """
        asked = 0.0
        for _ in range(TRIES):
            await asyncio.sleep(STEP)
            at, height = self._bottom_of(room.new_at)
            gone = room is not self.model.room or not mounted(self._list) or height < 0
            if gone or (self._pixels > AT_BOTTOM and not asked):
                return  # they read something else already
            if height and at + self._within(room.new_at) < self._screen / 2:
                return  # it is all on the screen
            if height and at <= self._pixels + self._screen:
                break
            if (there := max(at - self._screen / 2, 0.0)) != asked:
                asked = there
                await self._list.scroll_to(offset=there)
        await asyncio.sleep(STEP)
        before = self._pixels
        await self._list.scroll_to(scroll_key=NEW)
        for _ in range(TRIES):
            await asyncio.sleep(STEP)
            if self._pixels != before:
                break
        await asyncio.sleep(STEP)  # the client keeps quiet about what moves just after it said something
        # It stands at the bottom of the screen now; what is new is to be below it.
        await self._list.scroll_to(offset=max(self._pixels - self._screen + look.GAP * 12, 0))

    def _bottom_of(self, seq: int) -> tuple[float, float]:
        """Where the page with a message begins, in pixels from the bottom, and its height as far as is known.

        The height is -1 when there is no such page.
        """
        at = 0.0
        for view in reversed(self._pages.values()):
            if view.page.first <= seq <= view.page.last:
                return at, view.page.height
            at += view.height
        return at, -1.0

    def _within(self, seq: int) -> float:
        """How high a message stands in its page, in pixels, about."""
        for view in self._pages.values():
            if view.page.first <= seq <= view.page.last:
                return view.height * (view.page.last - seq + 1) / (view.page.last - view.page.first + 1)
        return 0.0

    def _to_newest(self, _: ft.Event[ft.Container]) -> None:
        self.to_newest()
