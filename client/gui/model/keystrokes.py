"""Telling the others in a room that we are typing.

Belongs here: when that is worth a notice. Who else types is ``talks``'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from client.gui.model.talk import kind_of
from protocol.addresses import Kind

if TYPE_CHECKING:
    from client.gui.model.model import Model

EVERY: Final = 3.0
"""Seconds between two notices."""


class Keystrokes:
    """Of one room."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._told_at = float("-inf")

    def typed(self, address: str, text: str) -> None:
        """This is being typed there now."""
        told = text.strip() and kind_of(address) != Kind.BROADCAST and self._model.line.connected
        if told and self._model.now() - self._told_at >= EVERY:
            self._told_at = self._model.now()
            self._model.spawn(self._model.chat.typing(address))

    def said(self) -> None:
        """It was sent: whatever is typed next is news."""
        self._told_at = float("-inf")
