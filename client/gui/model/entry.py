"""Before somebody is logged in: which server, who, and what was wrong with either.

Belongs here: connecting, registering, logging in, going on with a session that was kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from client.gui.model.problem import Problem

if TYPE_CHECKING:
    from client.gui.model.model import Model

PATIENCE: Final = 10.0
"""Seconds that a server has to answer before one is told that it does not."""


class Entry:
    """``server``: connection string, '' when none is known; ``fixed``: it may not be changed here.

    ``busy``: something was asked for and is not answered. ``problem``: what went wrong last, with ``about``
    one of ``server``, ``user``, ``password``. ``remembered``: the token is kept for the next start.
    """

    def __init__(self, model: Model, server: str, fixed: bool) -> None:
        self.server = server
        self.fixed = fixed
        self.user = ""
        self.busy = False
        self.problem: Problem | None = None
        self.remembered = False
        self._model = model

    async def connect(self, server: str) -> bool:
        """Choose a server, if it answers there; then one can log in."""
        raise NotImplementedError

    async def login(self, user: str, password: str, *, remember: bool) -> bool:
        """Log in. ``remember``: keep the token, so that the next start goes on with this session."""
        raise NotImplementedError

    async def register(self, user: str, password: str, again: str, *, remember: bool) -> bool:
        """Create a user, and log in. ``again``: the password once more."""
        raise NotImplementedError

    async def resume(self) -> bool:
        """Go on with the session that was kept; False when there is none, or it is over.

        While the server does not answer it is not over: it is tried until it does, and ``problem`` says so.
        """
        raise NotImplementedError

    def clear(self) -> None:
        """Another form is shown, or somebody types: what was wrong is said no more."""
        raise NotImplementedError
