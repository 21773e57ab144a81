"""Something that is filled in and asked for: whether it is under way, and why it was not done.

Belongs here: what the forms of a logged-in user have in common. What each asks for is its own; the form for
coming in, whose connection may be given up, is ``entry``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from client.errors import ClientError
from client.gui.model.changes import Changes, Part
from client.gui.model.problem import Problem, problem
from protocol.errors import Failure


class Form:
    """``busy``: something was asked for and is not answered. ``problem``: why the last thing was not done."""

    def __init__(self, changes: Changes, part: Part) -> None:
        self.busy = False
        self.problem: Problem | None = None
        self._changes = changes
        self._part = part

    def clear(self) -> None:
        """Another form is shown, or somebody types: what was wrong is said no more."""
        if self.problem is not None:
            self.problem = None
            self._changed()

    async def _do(
        self, work: Callable[[], Coroutine[Any, Any, None]], about: Callable[[Exception], str]
    ) -> bool:
        """Whether it was done; ``about`` says which field an error is about, or ''. One thing at a time."""
        if self.busy:
            return False
        self.busy, self.problem = True, None
        self._changed()
        try:
            await work()
        except (Failure, ClientError) as error:
            self.problem = problem(error, about(error))
        finally:
            self.busy = False
            self._changed()
        return self.problem is None

    def _refuse(self, problem: Problem) -> bool:
        self.problem = problem
        self._changed()
        return False

    def _changed(self) -> None:
        self._changes.mark(self._part)
