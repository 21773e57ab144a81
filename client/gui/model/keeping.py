"""What a window remembers from one start to the next, as texts under names.

Belongs here: what whoever keeps them has to do, and one that forgets all. In a browser they are in its local
storage, on the desktop in the user's state folder: ``views/`` and ``serving/`` bring those.
"""

from __future__ import annotations

from typing import Final, Protocol

SERVER: Final = "server"
"""Connection string of the server that was last used."""
LOGIN: Final = "login"
"""JSON of the session to go on with: server, user, token (hex). A secret."""
PREFERENCES: Final = "preferences"
"""JSON of theme and language."""
DRAFTS: Final = "drafts"
"""JSON: address → text that was begun. One for each user of each server: see ``owned``."""
OUTBOX: Final = "outbox"
"""JSON: messages without an answer. One for each user of each server."""


def owned(name: str, server: str, user: str) -> str:
    """The name under which something is kept that belongs to one user of one server.

    The server is named by all of its connection string: whoever takes its place without the key gets nothing.
    """
    return f"{name} {user.lower()} {server}"


class Keeping(Protocol):
    """Where texts are kept. None of these raises: who cannot keep anything forgets."""

    async def get(self, name: str) -> str:
        """What is kept under this name; '' when nothing is."""

    async def put(self, name: str, text: str) -> None:
        """Keep a text; '' removes it."""


class Forgetful:
    """Keeps things while the window is open."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def get(self, name: str) -> str:
        """What is kept under this name; '' when nothing is."""
        return self.texts.get(name, "")

    async def put(self, name: str, text: str) -> None:
        """Keep a text; '' removes it."""
        self.texts[name] = text
