"""Our own account: the sessions that are logged in, and the password.

Belongs here: that. Logging in and out is ``entry``'s and ``model``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.gui.model.problem import Problem
from protocol.commands import SessionInfo

if TYPE_CHECKING:
    from client.gui.model.model import Model


class Account:
    """``sessions``: newest first. ``problem``: why the last thing was not done, with
    ``about`` ``old`` or ``new``.
    """

    def __init__(self, model: Model) -> None:
        self.sessions: list[SessionInfo] = []
        self.loaded = False
        self.busy = False
        self.problem: Problem | None = None
        self._model = model

    async def load(self) -> None:
        """Ask which sessions there are."""
        raise NotImplementedError

    async def revoke(self, session: int) -> bool:
        """End one of them, at once."""
        raise NotImplementedError

    async def change_password(self, old: str, new: str, again: str) -> bool:
        """Set a new password; every other session of ours ends."""
        raise NotImplementedError

    def clear(self) -> None:
        """Somebody types: what was wrong is said no more."""
        raise NotImplementedError
