"""The form for another password.

Belongs here: that. Whether it is good enough the server says.
"""

from __future__ import annotations

import flet as ft

from client.gui.model.changes import Part
from client.gui.model.problem import PASSWORDS_DIFFER
from client.gui.views import look
from client.gui.views.controls import BusyButton, Field, apart, quiet
from client.gui.views.piece import Piece
from client.gui.views.window import Window


class Password(Piece):
    """The old one, and the new one twice."""

    parts = frozenset({Part.ACCOUNT})

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        say = self.words.say
        self.old = self._field(say("Current password"), ft.AutofillHint.PASSWORD)
        self.new = self._field(say("New password"), ft.AutofillHint.NEW_PASSWORD)
        self.again = self._field(say("New password again"), ft.AutofillHint.NEW_PASSWORD)
        self.button = BusyButton(say("Save"), self._save)
        self.control = ft.AutofillGroup(
            content=ft.Column(
                controls=[
                    apart(quiet(say("Every other session of yours ends when the password changes."))),
                    self.old.control,
                    self.new.control,
                    self.again.control,
                    ft.Row(controls=[self.button.control], alignment=ft.MainAxisAlignment.END),
                ],
                spacing=look.GAP * 2,
                horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
            )
        )

    def _field(self, name: str, autofill: ft.AutofillHint) -> Field:
        say = self.words.say
        return Field(
            name,
            secret=(say("Show password"), say("Hide password")),
            changed=self._typed,
            entered=self._save,
            autofill=autofill,
        )

    def refresh(self, parts: frozenset[Part]) -> None:
        """Say what is wrong where it is wrong."""
        account = self.model.account
        problem = account.problem
        sentence = self.words.problem(problem) if problem is not None else ""
        about = problem.about if problem is not None else ""
        if problem is not None and problem.code == PASSWORDS_DIFFER:
            about = "again"
        self.old.wrong(sentence if about == "old" else "")
        self.new.wrong(sentence if about == "new" else "")
        self.again.wrong(sentence if about == "again" else "")
        self.button.busy(account.busy)
        self.redraw(self.control)

    def _typed(self) -> None:
        self.model.account.clear()

    def _save(self) -> None:
        if not self.model.account.busy:
            self.window.run(self._change)

    async def _change(self) -> None:
        done = await self.model.account.change_password(self.old.text, self.new.text, self.again.text)
        if done:
            for field in (self.old, self.new, self.again):
                field.put("")
            self.redraw(self.control)
