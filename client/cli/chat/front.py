"""What the desk needs of whoever shows lines and asks questions: ``terminal``, ``plain``, or a test."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Front(Protocol):
    """Where lines are shown and questions asked."""

    seen: bool
    """Whether whoever types sees what became of a line before the next one is typed."""

    def show(self, lines: Iterable[str]) -> None:
        """Show lines."""

    def complain(self, sentence: str, code: int) -> None:
        """Show why something was not done; ``code`` is the exit code it stands for."""

    async def ask_password(self, question: str) -> str | None:
        """A password, not shown while it is typed; None when there will be no answer."""

    def changed(self) -> None:
        """What is known about the conversations has changed."""
