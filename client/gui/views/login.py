"""The login screen: who, and the password.

Belongs here: the form, and the ways to the other entry screens.
"""

from __future__ import annotations

import flet as ft

from client.gui.model.model import Screen
from client.gui.views import look
from client.gui.views.controls import Act, Field, quiet, text_button
from client.gui.views.entrance import Entrance
from client.gui.views.window import Window
from protocol import connection_string


class Login(Entrance):
    """User name and password of the server that was chosen."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        say = self.words.say
        self._user = Field(
            say("User name"),
            value=self.model.entry.user,
            changed=self.typed,
            entered=self.entered,
            autofill=ft.AutofillHint.USERNAME,
        )
        self._password = Field(
            say("Password"),
            secret=(say("Show password"), say("Hide password")),
            changed=self.typed,
            entered=self.entered,
            autofill=ft.AutofillHint.PASSWORD,
        )
        self._remember = stay(say("Stay logged in"))
        self.fields = {"user": self._user, "password": self._password}
        self.frame(
            say("Log in"),
            "",
            say("Log in"),
            self._remember,
            beside=[
                other_way(
                    say("New here?"), say("Create account"), lambda: other_screen(self, Screen.REGISTER)
                ),
                *server(self),
            ],
        )

    def submit(self) -> None:
        """Log in."""
        self.send(self._login)

    async def _login(self) -> None:
        remember = bool(self._remember.value)
        await self.model.entry.login(self._user.text.strip(), self._password.text, remember=remember)


# --- shared with the screen for new users -------------------------------------------------------


def stay(name: str) -> ft.Checkbox:
    """Whether the next start goes on with this session."""
    return ft.Checkbox(label=name, value=True)


def other_way(question: str, name: str, act: Act) -> ft.Control:
    """A question, and a button for those who say yes."""
    return ft.Row(
        controls=[quiet(question), text_button(name, act)],
        alignment=ft.MainAxisAlignment.CENTER,
        vertical_alignment=ft.CrossAxisAlignment.CENTER,
        spacing=look.GAP / 2,
        wrap=True,
    )


def other_screen(piece: Entrance, screen: Screen) -> None:
    """Go to another entry screen: nothing is wrong there yet, and the name that was typed stays."""
    piece.model.entry.clear()
    name = piece.fields.get("user")
    if name is not None:
        piece.model.entry.user = name.text.strip()
    piece.model.show(screen)


def server(piece: Entrance) -> list[ft.Control]:
    """Which server this is, and a way to another one; nothing where there is no choice."""
    entry = piece.model.entry
    if entry.fixed:
        return []
    try:
        host = connection_string.parse(entry.server).host
    except ValueError:
        host = entry.server
    say = piece.words.say
    name = quiet(say("Server: {server}", server=host))
    name.max_lines, name.overflow = 1, ft.TextOverflow.ELLIPSIS
    return [
        ft.Divider(height=1),
        ft.Row(
            controls=[
                ft.Container(content=name, expand=True),
                text_button(say("Change server"), lambda: other_screen(piece, Screen.CONNECT)),
            ],
            spacing=look.GAP,
        ),
    ]
