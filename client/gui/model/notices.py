"""What is told for a moment: a message in another room, something that was done, something that failed.

Belongs here: which are there now. When one goes is the window's to time; it calls ``dismiss``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from client.gui.model.changes import Changes, Part
from client.gui.model.problem import Problem
from protocol.addresses import name_key

MOST: Final = 3
"""Notices at once; older ones give way."""


@dataclass(frozen=True)
class Notice:
    """``number`` tells them apart. One of: ``message`` from ``sender`` in ``address``; ``problem``; ``done``.

    ``done`` is an English sentence of ours, which is the key of its translation, with ``values`` to fill in.
    """

    number: int
    address: str = ""
    sender: str = ""
    message: str = ""
    problem: Problem | None = None
    done: str = ""
    values: tuple[tuple[str, str], ...] = ()


class Notices:
    """Those that are there, oldest first."""

    def __init__(self, changes: Changes) -> None:
        self.rows: list[Notice] = []
        self._changes = changes
        self._last = 0

    def message(self, address: str, sender: str, message: str) -> None:
        """Somebody said something in a room that is not open. One notice for each room."""
        self.rows = [row for row in self.rows if not (row.address and row.address == address)]
        self._add(Notice(self._number(), address=address, sender=sender, message=message))

    def failed(self, problem: Problem) -> None:
        """Something that was asked for was not done."""
        self._add(Notice(self._number(), problem=problem))

    def done(self, sentence: str, **values: str) -> None:
        """Something was done that is not seen by itself."""
        self._add(Notice(self._number(), done=sentence, values=tuple(values.items())))

    def dismiss(self, number: int) -> None:
        """It was read, or has been there for long enough."""
        self.rows = [row for row in self.rows if row.number != number]
        self._changes.mark(Part.NOTICES)

    def opened(self, address: str) -> None:
        """The room that a notice was about is open now."""
        key = name_key(address)
        self.rows = [row for row in self.rows if not row.address or name_key(row.address) != key]
        self._changes.mark(Part.NOTICES)

    def clear(self) -> None:
        """Nothing is told any more."""
        self.rows = []
        self._changes.mark(Part.NOTICES)

    def _number(self) -> int:
        self._last += 1
        return self._last

    def _add(self, notice: Notice) -> None:
        self.rows = [*self.rows, notice][-MOST:]
        self._changes.mark(Part.NOTICES)
