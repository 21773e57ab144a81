"""Whether the server is there, as the window says it.

Belongs here: that, and since when it is not. What is done when it is back, ``model`` says.
"""

from __future__ import annotations

import time

from client.gui.model.changes import Changes, Part
from client.inbox import Status


class Line:
    """``reason`` is an English sentence while ``connected`` is false; ``since`` in seconds since 1970."""

    def __init__(self, changes: Changes) -> None:
        self.connected = True
        self.reason = ""
        self.since = 0.0
        self._changes = changes

    def begin(self) -> None:
        """A session has begun, so the server is there."""
        self._set(Status(True))

    def heard(self, event: Status) -> None:
        """Take a change in."""
        if event.connected != self.connected or event.reason != self.reason:
            self._set(event)

    def _set(self, event: Status) -> None:
        if self.connected and not event.connected:
            self.since = time.time()
        self.connected = event.connected
        self.reason = event.reason
        self._changes.mark(Part.LINE)
