"""Who is in the group that is open.

Belongs here: the panel. It stands beside the room on a broad window, in its place on others.
"""

from __future__ import annotations

import flet as ft

from client.gui.model.changes import Part
from client.gui.model.groups import Member
from client.gui.views import controls, look
from client.gui.views.dialogs import LeaveGroup, RemoveMember
from client.gui.views.piece import Piece
from client.gui.views.rowlist import Action, Emptiness, Item, RowList
from client.gui.views.window import Panel, Window


class Members(Piece):
    """Members, longest-standing first; the group's creator can remove others. ``group`` without ``#``.

    ``aside``: it stands beside the room.
    """

    parts = frozenset({Part.GROUPS, Part.PEOPLE})

    def __init__(self, window: Window, *, aside: bool = False) -> None:
        super().__init__(window)
        assert self.model.room is not None
        self.group = self.model.room.address.removeprefix("#")
        self._count = ft.Text(theme_style=ft.TextThemeStyle.BODY_MEDIUM, color=ft.Colors.ON_SURFACE_VARIANT)
        names = ft.Column(
            controls=[controls.title(self.words.say("Members")), self._count], spacing=0, expand=True
        )
        say = self.words.say
        leave = controls.icon_button(
            say("Leave"), ft.Icons.EXIT_TO_APP_ROUNDED, lambda: LeaveGroup(window, self.group).show()
        )
        if aside:
            row = [names, leave, controls.icon_button(say("Close"), ft.Icons.CLOSE_ROUNDED, self._close)]
        else:
            back = controls.icon_button(say("Back"), ft.Icons.ARROW_BACK_ROUNDED, self._close)
            row = [back, names, leave]
        top = ft.Container(
            content=ft.Row(controls=row, spacing=look.GAP // 2),
            padding=ft.Padding.only(
                left=look.GAP * (2 if aside else 1), right=look.GAP, top=look.GAP * 1.5, bottom=look.GAP
            ),
        )
        self._list = RowList(window, "members", Part.GROUPS)
        self.control = ft.Container(
            content=ft.Column(controls=[top, self._list.control], expand=True, spacing=0),
            bgcolor=ft.Colors.SURFACE_CONTAINER_LOW,
            expand=True,
        )
        window.run(self.model.groups.look, self.group)

    def refresh(self, parts: frozenset[Part]) -> None:
        """Draw what the model says now; ``parts`` have changed."""
        members = self.model.groups.members if self.model.groups.of.lower() == self.group.lower() else []
        ours = any(member.creator and member.user == self.model.user for member in members)
        online = sum(member.online for member in members)
        said = self.words.count("One member", "{n} members", len(members))
        said = f"{said} · {self.words.say('{n} online', n=online)}" if members else ""
        if said != self._count.value:
            self._count.value = said
            self.redraw(self._count)
        wrong = self.model.groups.problem
        why = self.words.problem(wrong) if wrong is not None else self.words.say("Asking who is here…")
        nothing = Emptiness(ft.Icons.GROUP_OUTLINED, f"#{self.group}", why)
        self._list.show([self._row(member, ours) for member in members], nothing)

    def key(self, event: ft.KeyboardEvent) -> bool:
        """A key was pressed; whether it was for us."""
        if event.key != "Escape":
            return False
        self._close()
        return True

    def gone(self) -> None:
        """It is on the screen no more."""
        if self.model.user and self.window.panel is not Panel.MEMBERS:  # else it only moves to another place
            self.window.run(self.model.groups.look, "")

    def _close(self) -> None:
        self.window.go(Panel.NONE)

    def _row(self, member: Member, ours: bool) -> Item:
        say, me = self.words.say, member.user == self.model.user
        parts = [say("you")] if me else []
        parts += [say("creator")] if member.creator else []
        parts += [say("online") if member.online or me else say("offline")]
        text = " · ".join(parts)

        def press() -> None:
            if not me:
                self.window.open(member.user)

        def remove() -> None:
            RemoveMember(self.window, self.group, member.user).show()

        name = say("Remove {name}", name=member.user)
        action = Action(name, ft.Icons.PERSON_REMOVE_OUTLINED, remove) if ours and not me else None
        return Item(
            key=f"member {member.user} {action is not None}",
            name=member.user,
            label=f"{member.user}, {text}",
            sign=member.user,
            press=press,
            text=text,
            online=member.online or me,
            action=action,
        )
