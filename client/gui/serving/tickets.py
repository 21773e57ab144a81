"""Tickets: secrets in an address, each good for one file, given to one browser.

Belongs here: making, finding and taking them back. Who has a ticket may do what it is for, and nobody can
guess one.
"""

from __future__ import annotations

import secrets
from typing import Final, Generic, TypeVar

T = TypeVar("T")

BYTES: Final = 24
"""Random bytes of a ticket."""


class Tickets(Generic[T]):
    """Tickets for things of one kind."""

    def __init__(self) -> None:
        self._things: dict[str, T] = {}

    def __len__(self) -> int:
        return len(self._things)

    def issue(self, thing: T) -> str:
        """A ticket for it, good until it is taken back."""
        ticket = secrets.token_urlsafe(BYTES)
        self._things[ticket] = thing
        return ticket

    def find(self, ticket: str) -> T | None:
        """What it is for; None when it is no ticket of ours, or was taken back."""
        return self._things.get(ticket)

    def take_back(self, ticket: str) -> None:
        """It is good for nothing any more."""
        self._things.pop(ticket, None)
