"""Our own account: the sessions that are logged in, and the password.

Belongs here: that. Logging in and out is ``entry``'s and ``model``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.errors import ClientError
from client.gui.model.changes import Part
from client.gui.model.form import Form
from client.gui.model.problem import NO_PASSWORD, PASSWORDS_DIFFER, Problem, problem
from protocol.commands import SessionInfo
from protocol.errors import Failure, Invalid, InvalidCredentials

if TYPE_CHECKING:
    from client.gui.model.model import Model


class Account(Form):
    """``sessions``: newest first. What a ``problem`` is ``about``: ``old`` or ``new``."""

    def __init__(self, model: Model) -> None:
        super().__init__(model.changes, Part.ACCOUNT)
        self.sessions: list[SessionInfo] = []
        self.loaded = False
        self._model = model

    async def load(self) -> None:
        """Ask which sessions there are."""
        try:
            self.sessions = await self._model.chat.sessions()
        except (Failure, ClientError) as error:
            self.problem = problem(error)
        else:
            self.loaded = True
        self._changed()

    async def revoke(self, session: int) -> bool:
        """End one of them, at once; our own is a logout."""
        if any(one.session == session and one.current for one in self.sessions):
            await self._model.logout()
            return True

        async def work() -> None:
            await self._model.chat.revoke(session)
            self.sessions = [one for one in self.sessions if one.session != session]
            self._model.notices.done("The session was ended.")

        return await self._do(work, _about)

    async def change_password(self, old: str, new: str, again: str) -> bool:
        """Set a new password; every other session of ours ends."""
        if not old:
            return self._refuse(Problem(NO_PASSWORD, "Type your current password.", "old"))
        if not new:
            return self._refuse(Problem(NO_PASSWORD, "Type a password.", "new"))
        if new != again:
            return self._refuse(Problem(PASSWORDS_DIFFER, "The two passwords differ.", "new"))

        async def work() -> None:
            await self._model.chat.change_password(old, new)
            self.sessions = [one for one in self.sessions if one.current]
            self._model.notices.done("The password was changed. Every other session of yours has ended.")

        return await self._do(work, _about)


def _about(error: Exception) -> str:
    if isinstance(error, InvalidCredentials):
        return "old"
    return "new" if isinstance(error, Invalid) else ""
