"""Somebody who uses the window in a browser: the words of the plays.

Belongs here: what people do, in the names that the window shows. How a page is read and clicked is ``tab``'s.
"""

from __future__ import annotations

from tests.browser.tab import Tab

PASSWORD = "a password of {name}"
WRITTEN = 3
"""Times that a message is written until it is seen."""


class Visitor:
    """``name`` in front of ``tab``."""

    def __init__(self, name: str, tab: Tab) -> None:
        self.name = name
        self.tab = tab
        self.password = PASSWORD.format(name=name)

    # --- coming and going -----------------------------------------------------------------------

    def registers(self) -> None:
        """Create a user from the login screen, and be logged in."""
        self.tab.clicks("Create account")
        self.tab.control("textbox", "Password again").wait_for()
        self.fills(user=self.name, password=self.password)
        self.tab.writes("Password again", self.password)
        self.tab.clicks("Create account")
        self.is_in()

    def logs_in(self, password: str = "") -> None:
        """Log in from the login screen."""
        self.fills(user=self.name, password=password or self.password)
        self.tab.presses("Enter")
        self.is_in()

    def fills(self, *, user: str, password: str) -> None:
        """Fill the form."""
        self.tab.writes("User name", user)
        self.tab.writes("Password", password)

    def is_in(self) -> None:
        """Wait for the main screen."""
        self.tab.control("button", "Settings").wait_for()

    def logs_out(self) -> None:
        """Log out, and see the login screen."""
        self.tab.clicks("Log out")
        self.tab.control("textbox", "User name").wait_for()

    # --- talking --------------------------------------------------------------------------------

    def opens(self, conversation: str) -> None:
        """Open a conversation from the list, whose row begins so."""
        self.tab.clicks(conversation)
        self.tab.sees(conversation.partition(",")[0], within="room")
        self.tab.control("textbox", "Message").wait_for()

    def says(self, text: str) -> None:
        """Type a message, and send it; whoever sees that it is not there writes it once more.

        Told of a screen reader, Flutter's engine now and then listens to no field although the browser has
        its cursor in one, most of all after a file was chosen or fetched; what is typed then reaches nobody.
        """
        for _ in range(WRITTEN):
            self.tab.writes("Message", text)
            self.tab.presses("Enter")
            if self.tab.comes(text, within="messages"):
                return
        raise AssertionError(f"never: {text!r} in messages\n{self.tab.text()}")

    def reads(self, *texts: str) -> None:
        """Wait until the open conversation shows these."""
        self.tab.sees(*texts, within="messages")

    def reads_once(self, text: str) -> None:
        """It is there, and not twice."""
        self.reads(text)
        assert self.tab.times(text, within="messages") == 1, self.tab.text("messages")

    # --- what must hold on every screen ---------------------------------------------------------

    def can_use_all(self, where: str) -> None:
        """Everything that can be used has a name, and is within the window."""
        assert not self.tab.nameless(), f"{where}: {self.tab.nameless()}\n{self.tab.text()}"
        assert not self.tab.outside(), f"{where}: {self.tab.outside()}"
