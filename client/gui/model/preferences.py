"""What somebody chose for the window itself: theme and language.

Belongs here: the choices, and keeping them. What they look like is the views'.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Final

from client.gui.model.changes import Changes, Part
from client.gui.model.keeping import PREFERENCES, Keeping

LANGUAGES: Final = ("en", "id")
"""Languages that there is a catalogue for."""


class Theme(StrEnum):
    """Which colours."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Preferences:
    """``language`` is '' for what the browser or the desktop says."""

    def __init__(self, changes: Changes, keeping: Keeping) -> None:
        self.theme = Theme.SYSTEM
        self.language = ""
        self._changes = changes
        self._keeping = keeping

    async def load(self) -> None:
        """What was chosen before; what makes no sense is as if it had not been."""
        try:
            stored = json.loads(await self._keeping.get(PREFERENCES) or "{}")
            self.theme = Theme(stored.get("theme", Theme.SYSTEM))
            language = stored.get("language", "")
            self.language = language if language in LANGUAGES else ""
        except (ValueError, AttributeError):
            return
        finally:
            self._changes.mark(Part.PREFERENCES)

    async def choose(self, *, theme: Theme | None = None, language: str | None = None) -> None:
        """Choose, and keep it."""
        self.theme = self.theme if theme is None else theme
        self.language = self.language if language is None else language
        self._changes.mark(Part.PREFERENCES)
        stored = {"theme": self.theme.value, "language": self.language}
        await self._keeping.put(PREFERENCES, json.dumps(stored))
