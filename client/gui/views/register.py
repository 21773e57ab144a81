"""The screen for new users.

Belongs here: the form.
"""

from __future__ import annotations

import flet as ft

from client.gui.model.model import Screen
from client.gui.views.controls import Field
from client.gui.views.entrance import Entrance
from client.gui.views.login import other_screen, other_way, server, stay
from client.gui.views.window import Window


class Register(Entrance):
    """User name, and the password twice."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        say = self.words.say
        secret = (say("Show password"), say("Hide password"))
        self._user = Field(
            say("User name"),
            value=self.model.entry.user,
            changed=self.typed,
            entered=self.entered,
            autofill=ft.AutofillHint.NEW_USERNAME,
        )
        self._password = self._new_password(say("Password"), secret)
        self._again = self._new_password(say("Password again"), secret)
        self._remember = stay(say("Stay logged in"))
        self.fields = {"user": self._user, "password": self._password, "again": self._again}
        self.frame(
            say("Create account"),
            say("Others find you by your user name. It cannot be changed later."),
            say("Create account"),
            self._remember,
            beside=[
                other_way(
                    say("Already have an account?"), say("Log in"), lambda: other_screen(self, Screen.LOGIN)
                ),
                *server(self),
            ],
        )

    def _new_password(self, name: str, secret: tuple[str, str]) -> Field:
        return Field(
            name,
            secret=secret,
            changed=self.typed,
            entered=self.entered,
            autofill=ft.AutofillHint.NEW_PASSWORD,
        )

    def submit(self) -> None:
        """Create the account, and log in."""
        self.send(self._register)

    async def _register(self) -> None:
        await self.model.entry.register(
            self._user.text.strip(),
            self._password.text,
            self._again.text,
            remember=bool(self._remember.value),
        )
