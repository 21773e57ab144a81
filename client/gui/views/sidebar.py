"""The list at the left: who we are, the search field, and conversations, people, or groups.

Belongs here: which list is shown, and the arrow keys in it. What the rows say is in a file for each list.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from enum import StrEnum

import flet as ft

from client.gui.model.changes import Part
from client.gui.views import controls, conversations, groups, look, people, search
from client.gui.views.dialogs import NewGroup, log_out
from client.gui.views.piece import Piece
from client.gui.views.rowlist import Emptiness, Entry, Item, RowList
from client.gui.views.tabs import Tabs
from client.gui.views.window import Panel, Window


class Tab(StrEnum):
    """Which list there is while nothing is searched for."""

    CHATS = "chats"
    PEOPLE = "people"
    GROUPS = "groups"


class Sidebar(Piece):
    """``query`` is what stands in the search field."""

    parts = frozenset({Part.TALKS, Part.PEOPLE, Part.GROUPS, Part.TYPING, Part.SCREEN, Part.SEARCH})

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        say = self.words.say
        self.query = ""
        self._tab = Tab.CHATS
        self._typing = False
        self._marked = -1
        self._entries: list[Entry] = []
        self._field = self._search_field()
        self._tabs = Tabs(
            [(Tab.CHATS, say("Chats")), (Tab.PEOPLE, say("People")), (Tab.GROUPS, say("Groups"))],
            self._choose,
        )
        self._rows = RowList(window, "conversations", Part.SEARCH)
        field = ft.Container(content=self._field, padding=ft.Padding.symmetric(horizontal=look.GAP * 1.5))
        self.control = ft.Container(
            content=ft.Column(
                controls=[self._top(), field, self._tabs.control, self._rows.control],
                expand=True,
                spacing=look.GAP,
                horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
            ),
            bgcolor=ft.Colors.SURFACE_CONTAINER_LOW,
            expand=True,
        )

    def _top(self) -> ft.Control:
        say, user = self.words.say, self.model.user
        name = controls.one_line(user, ft.TextThemeStyle.TITLE_MEDIUM)
        name.expand = True
        buttons = [
            controls.icon_button(say("New group"), ft.Icons.GROUP_ADD_OUTLINED, self._new_group),
            controls.icon_button(say("Settings"), ft.Icons.SETTINGS_OUTLINED, self._settings),
            controls.icon_button(say("Log out"), ft.Icons.LOGOUT_ROUNDED, self._log_out),
        ]
        return ft.Container(
            content=ft.Row(
                controls=[controls.avatar(user, size=36), name, ft.Row(controls=buttons, spacing=0)],
                spacing=look.GAP * 1.5,
            ),
            padding=ft.Padding.only(left=look.GAP * 2, right=look.GAP, top=look.GAP),
        )

    def _search_field(self) -> ft.TextField:
        return ft.TextField(
            label=self.words.say("Search"),
            prefix_icon=ft.Icons.SEARCH_ROUNDED,
            border=look.field_border(),
            content_padding=ft.Padding.symmetric(horizontal=look.GAP * 1.5, vertical=look.GAP),
            dense=True,
            text_size=15,
            autocorrect=False,
            ignore_up_down_keys=True,
            on_change=self._typed,
            on_submit=self._enter,
            on_focus=lambda _: self._focused(True),
            on_blur=lambda _: self._focused(False),
        )

    # --- drawing --------------------------------------------------------------------------------

    def refresh(self, parts: frozenset[Part]) -> None:
        """Draw what the model says now; ``parts`` have changed."""
        self._entries = self._listed()
        items = [entry for entry in self._entries if isinstance(entry, Item)]
        if self.query and self._marked < 0 and items:
            self._marked = 0
        self._marked = min(self._marked, len(items) - 1)
        marked = items[self._marked] if self._marked >= 0 and self._typing else None
        shown = [replace(entry, marked=True) if entry is marked else entry for entry in self._entries]
        if self._tabs.show(self._tab, visible=not self.query):
            self.redraw(self._tabs.control)
        self._rows.show(shown, self._nothing())

    def _listed(self) -> list[Entry]:
        if self.query:
            return search.entries(self.window, self.query)
        if self._tab is Tab.PEOPLE:
            return [*people.rows(self.window, "")]
        if self._tab is Tab.GROUPS:
            return [*groups.rows(self.window, "")]
        return [*conversations.rows(self.window, "")]

    def _nothing(self) -> Emptiness:
        say = self.words.say
        if self.query:
            hint = say("Names of other servers are found when they are complete: name@server.")
            return Emptiness(ft.Icons.SEARCH_OFF_ROUNDED, say("Nothing found"), hint)
        loaded = {
            Tab.CHATS: self.model.talks.loaded,
            Tab.PEOPLE: self.model.people.loaded,
            Tab.GROUPS: self.model.groups.loaded,
        }
        if not loaded[self._tab]:
            return Emptiness(
                ft.Icons.HOURGLASS_EMPTY_ROUNDED, say("One moment…"), say("The list is on its way.")
            )
        if self._tab is Tab.PEOPLE:
            return Emptiness(
                ft.Icons.PERSON_OUTLINE_ROUNDED,
                say("Nobody else yet"),
                say("Who registers on this server appears here."),
            )
        if self._tab is Tab.GROUPS:
            return Emptiness(
                ft.Icons.GROUPS_OUTLINED, say("No groups yet"), say("Create the first with the button above.")
            )
        return Emptiness(
            ft.Icons.FORUM_OUTLINED,
            say("No conversations yet"),
            say("Look among people and groups for somebody to write to."),
        )

    # --- what is done ---------------------------------------------------------------------------

    def search(self) -> None:
        """The cursor goes into the search field."""

        async def focus() -> None:
            with contextlib.suppress(RuntimeError, TimeoutError):  # it is gone by then, or its page is
                await self._field.focus()  # type: ignore[no-untyped-call]

        self.window.run(focus)

    def step(self, by: int) -> None:
        """Open the conversation that many rows below the open one."""
        talks, room = self.model.talks.rows, self.model.room
        at = next((n for n, talk in enumerate(talks) if room is not None and room.is_at(talk.name)), None)
        to = (0 if by > 0 else len(talks) - 1) if at is None else at + by
        if 0 <= to < len(talks):
            self.window.open(talks[to].name)

    def key(self, event: ft.KeyboardEvent) -> bool:
        """A key was pressed; whether it was for us."""
        if not self._typing:
            return False
        items = [at for at, entry in enumerate(self._entries) if isinstance(entry, Item)]
        if event.key == "Escape" and self.query:
            self._put("")
            return True
        if event.key in ("Arrow Down", "Arrow Up") and items:
            by = 1 if event.key == "Arrow Down" else -1
            self._marked = max(0, min(len(items) - 1, self._marked + by))
            self._rows.to(items[self._marked])
            self._again()
            return True
        return False

    def _typed(self, event: ft.Event[ft.TextField]) -> None:
        self.query = (event.control.value or "").strip()
        self._marked = -1
        self._rows.begin()
        self.model.people.watch(bool(self.query) or self._tab is Tab.PEOPLE)
        self._again()

    def _enter(self, _: ft.Event[ft.TextField]) -> None:
        # Of what is found now: somebody quick presses Enter before that is drawn.
        items = [entry for entry in self._listed() if isinstance(entry, Item)]
        at = max(self._marked, 0) if self.query else self._marked
        if items and at >= 0:
            item = items[min(at, len(items) - 1)]
            self._put("")
            item.press()

    def _put(self, query: str) -> None:
        self.query = self._field.value = query
        self._marked = -1
        self.redraw(self._field)
        self._again()

    def _focused(self, focused: bool) -> None:
        self._typing = focused
        self._again()

    def _choose(self, tab: str) -> None:
        self._tab = Tab(tab)
        self._rows.begin()
        self.model.people.watch(self._tab is Tab.PEOPLE)
        if self._tab is Tab.GROUPS:
            self.model.spawn(self.model.groups.load())
        self._again()

    def _again(self) -> None:
        self.model.changes.mark(Part.SEARCH)

    def _new_group(self) -> None:
        NewGroup(self.window).show()

    def _settings(self) -> None:
        self.window.go(Panel.NONE if self.window.panel is Panel.SETTINGS else Panel.SETTINGS)

    def _log_out(self) -> None:
        log_out(self.window)

    def gone(self) -> None:
        """It is on the screen no more."""
        if self.model.user:
            self.model.people.watch(False)
