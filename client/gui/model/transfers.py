"""Files on their way, to a conversation and from one.

Belongs here: which there are, how far each is, pausing, going on, giving up. Where bytes come from and go to on
this machine, or in this browser, is a ``Crate``'s; ``views/`` and ``serving/`` bring those.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from client.gui.model.problem import Problem
from protocol.files import FileInfo

if TYPE_CHECKING:
    from client.gui.model.model import Model


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


class Crate(Protocol):
    """A file that somebody chose to send: known by name and size, whole on this machine's disk a little later."""

    name: str
    size: int

    def coming(self) -> AsyncIterator[int]:
        """Bytes that are here so far, as they come; ends when all are. Raises ``OSError`` if they will not."""

    @property
    def place(self) -> Path:
        """Where it lies when it is here."""

    def drop(self) -> None:
        """It is not needed any more; what was made for it is removed."""


@dataclass
class Transfer:
    """One file. ``done`` of ``size`` bytes; ``address`` is the conversation; ``number`` tells them apart.

    ``file``: of a download, what is fetched; of an upload that is done, what became of it. ``rate`` in bytes a
    second, 0 while it is not known.
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


class Transfers:
    """Every file that is on its way or has been, oldest first."""

    def __init__(self, model: Model) -> None:
        self.rows: list[Transfer] = []
        self._model = model

    def send(self, crate: Crate, to: str, text: str = "") -> Transfer:
        """Send a file into a conversation; several at once go one after the other."""
        raise NotImplementedError

    def save(self, file: FileInfo, address: str, target: Path) -> Transfer:
        """Fetch a file to a place on this machine's disk."""
        raise NotImplementedError

    def stream(self, file: FileInfo, address: str, offset: int = 0) -> tuple[Transfer, AsyncIterator[bytes]]:
        """Fetch a file for somebody who takes its bytes one after the other, from ``offset`` on."""
        raise NotImplementedError

    async def picture(self, file: FileInfo) -> bytes | None:
        """A picture's bytes, if it is one that is shown; None when not. Kept while the window is open."""
        raise NotImplementedError

    def pause(self, number: int) -> None:
        """Stop for now; what has moved stays."""
        raise NotImplementedError

    def resume(self, number: int) -> None:
        """Go on where it stopped: after a pause, or a failure that may not come again."""
        raise NotImplementedError

    def cancel(self, number: int) -> None:
        """Give it up; the server drops what it has of it."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forget those that are over."""
        raise NotImplementedError

    def again(self) -> None:
        """The server is back: what waited goes on."""
        raise NotImplementedError

    async def close(self) -> None:
        """Stop everything, remove what was made for it."""
        raise NotImplementedError
