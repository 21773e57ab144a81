"""One file on its way, as it is shown; and what somebody chose to send, wherever it lies.

Belongs here: these values. What moves a file is ``hauls``', which files there are ``transfers``'.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from client.gui.model.problem import Problem
from protocol.files import FileInfo


class State(Enum):
    """Where a transfer stands."""

    QUEUED = "its turn has not come"
    COMING = "it comes from the browser to the window's server"
    MOVING = "it moves between us and the Pesan server"
    PAUSED = "somebody said so"
    WAITING = "the server is away, or comes from another realm first; it goes on by itself"
    DONE = "all of it is there"
    FAILED = "it will not go on by itself: ``problem`` says why"
    CANCELLED = "somebody gave it up"


OVER: Final = frozenset({State.DONE, State.CANCELLED})
"""Nothing more becomes of these."""


class Crate(Protocol):
    """A file that somebody chose to send: its name and size are known, and soon it lies on this disk."""

    name: str
    size: int

    def coming(self) -> AsyncIterator[int]:
        """Bytes that are here so far, as they come; ends when all are. ``OSError`` if they will not."""

    @property
    def place(self) -> Path | BinaryIO:
        """Where it lies when it is here, or it itself, open: what ``Files.upload`` takes."""

    def drop(self) -> None:
        """It is not needed any more; what was made for it is removed. Harmless when it was said before."""


@dataclass
class Transfer:
    """One file. ``done`` of ``size`` bytes; ``address`` is the conversation; ``number`` tells them apart.

    ``file``: of a download, what is fetched; of an upload that is done, what became of it. ``rate`` in bytes
    a second, 0 while it is not known. ``lasting``: it can be resumed when it has failed.
    """

    number: int
    up: bool
    name: str
    address: str
    size: int
    done: int = 0
    rate: float = 0.0
    state: State = State.QUEUED
    problem: Problem | None = None
    file: FileInfo | None = None
    lasting: bool = True

    @property
    def over(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.state in OVER

    @property
    def part(self) -> float:
        """How much of it is done, 0 to 1."""
        return self.done / self.size if self.size else float(self.state is State.DONE)
