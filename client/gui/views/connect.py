"""The connect screen: which server.

Belongs here: the form. What becomes of it is the entry's.
"""

from __future__ import annotations

from client.gui.model.model import Screen
from client.gui.views.controls import Field, text_button
from client.gui.views.entrance import Entrance
from client.gui.views.login import other_screen
from client.gui.views.window import Window


class Connect(Entrance):
    """One field: the connection string."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        say = self.words.say
        self._server = Field(
            say("Server"),
            value=self.model.entry.server,
            changed=self.typed,
            entered=self.entered,
        )
        self.fields = {"server": self._server}
        self.frame(
            say("Connect to a server"),
            say("Paste the connection string that you were given, all of it. It begins with pesan://"),
            say("Connect"),
            beside=[text_button(say("Back"), self._back)] if self.model.entry.server else [],
        )

    def submit(self) -> None:
        """Try the server."""
        self.send(self._connect)

    def _back(self) -> None:
        """To the server that was there before."""
        other_screen(self, Screen.LOGIN)

    async def _connect(self) -> None:
        await self.model.entry.connect(self._server.text.strip())
