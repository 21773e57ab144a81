"""Where we are logged in: one row for each session, with a way to end it.

Belongs here: the list. Asking for it, and ending one, is the account's.
"""

from __future__ import annotations

import flet as ft

from client.gui.model.changes import Part
from client.gui.views import look
from client.gui.views.controls import Alarm, apart, ask, one_line, quiet, text_button
from client.gui.views.piece import Piece
from client.gui.views.window import Window
from protocol.commands import SessionInfo


class Sessions(Piece):
    """Newest first, as the server says; ours is marked, and has no button: it is ended by logging out."""

    parts = frozenset({Part.ACCOUNT})

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._shown: list[SessionInfo] | None = None
        self._alarm = Alarm()
        self._rows = ft.Column(controls=[quiet(self.words.say("One moment…"))], spacing=look.GAP * 1.5)
        self.control = ft.Column(controls=[self._alarm.control, self._rows], spacing=look.GAP)

    def refresh(self, parts: frozenset[Part]) -> None:
        """Draw the list again if it is another."""
        account = self.model.account
        problem = account.problem
        about_this = problem is not None and not problem.about
        self._alarm.say(self.words.problem(problem) if problem is not None and about_this else "")
        if account.loaded and account.sessions != self._shown:
            self._shown = list(account.sessions)
            self._rows.controls = [self._row(session) for session in self._shown]
        self.redraw(self.control)

    def _row(self, session: SessionInfo) -> ft.Control:
        say = self.words.say
        name = session.device or say("Unnamed device")
        if session.current:
            seen = say("This session")
        else:
            seen = say("Last active {when}", when=self.words.ago(session.seen_at))
        texts = ft.Column(
            controls=[
                one_line(name, ft.TextThemeStyle.LABEL_LARGE),
                one_line(
                    seen,
                    ft.TextThemeStyle.BODY_SMALL,
                    ft.Colors.PRIMARY if session.current else ft.Colors.ON_SURFACE_VARIANT,
                ),
            ],
            spacing=0,
        )
        icon = ft.Icon(icon=ft.Icons.DEVICES_ROUNDED, size=22, color=ft.Colors.ON_SURFACE_VARIANT)
        controls: list[ft.Control] = [icon, ft.Container(content=apart(texts), expand=True)]
        if not session.current:
            controls.append(self._end(session, name))
        return ft.Row(
            controls=controls, spacing=look.GAP * 1.5, vertical_alignment=ft.CrossAxisAlignment.CENTER
        )

    def _end(self, session: SessionInfo, name: str) -> ft.Control:
        """Its name says which session it ends: there are several such buttons."""
        say = self.words.say
        button = text_button(say("End"), lambda: self._ask(session, name), danger=True)
        button.tooltip = say("End the session {name}", name=name)
        return ft.MergeSemantics(content=button)

    def _ask(self, session: SessionInfo, name: str) -> None:
        say = self.words.say
        ask(
            self.window.page,
            say("End this session?"),
            say("{name} is logged out at once.", name=name),
            yes=say("End session"),
            no=say("Cancel"),
            act=lambda: self.window.run(self.model.account.revoke, session.session),
        )
