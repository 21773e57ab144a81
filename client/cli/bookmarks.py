"""Where ``tail --resume`` stopped: kept on disk behind each line that was printed.

Belongs here: which tails share a place to go on from, and when it is written. A message is printed first and
noted then, so one that was not printed comes again, and one that was printed comes again only when the
process was killed before the note: at most what it printed in the last ``PAUSE``.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import TYPE_CHECKING, Final

from client.cli.exits import Mistake
from client.record import RecordUnavailable
from config.claims import claim
from config.folders import private_folder

if TYPE_CHECKING:
    from client.cli.context import Context

PAUSE: Final = 0.05
"""Seconds between two notes. Each is a write to disk."""
PATIENCE: Final = 0.5
"""Seconds that an earlier tail, killed a moment ago, gets to be gone."""


class Bookmark:
    """The place of one tail: of a profile, a server, and the conversations that were named.

    Two at once would print everything twice, so the second one is refused with ``Mistake``.
    """

    def __init__(self, context: Context, wanted: tuple[str, ...]) -> None:
        self._record = context.record
        self._reader = " ".join(sorted({name.lower() for name in wanted})) or "everything"
        self._passed: dict[int, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._noted_at = 0.0
        self._fault: RecordUnavailable | None = None
        self._handle = self._claim(context.profile_name)
        try:
            stops = self._record.stops(self._reader)
        except RecordUnavailable as error:
            os.close(self._handle)
            raise Mistake(str(error)) from None
        self.cursors = stops or None
        """Where to go on; None at the first time."""

    def _claim(self, profile: str) -> int:
        name = hashlib.blake2b(f"{self._record.owner} {self._reader}".encode(), digest_size=8).hexdigest()
        folder = private_folder(self._record.file.parent)
        handle = claim(folder / f"{profile}.tail.{name}", patience=PATIENCE)
        if handle is None:
            raise Mistake("the same tail --resume is running already.")
        return handle

    def begin(self, cursors: dict[int, int]) -> list[int]:
        """From here on messages come; conversations in which the server has less than when we stopped.

        The line is drawn for conversations without a message, too: what comes while no tail runs is
        then known to be new.
        """
        known = self.cursors or {}
        self._passed |= {number: seq for number, seq in cursors.items() if known.get(number) != seq}
        self.note()
        return sorted(number for number, seq in known.items() if cursors.get(number, seq) < seq)

    def passed(self, conversation: int, seq: int) -> None:
        """This message is printed, or was not to be. Raises ``Mistake`` when that cannot be noted."""
        self._passed[conversation] = seq
        if self._timer is None:
            loop = asyncio.get_running_loop()
            rest = self._noted_at + PAUSE - loop.time()
            if rest > 0:
                self._timer = loop.call_later(rest, self.note)
            else:
                self.note()
        if self._fault is not None:
            raise Mistake(str(self._fault)) from None

    def note(self) -> None:
        """Write down what was passed; when that fails, the next message tells."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._noted_at = asyncio.get_running_loop().time()
        if self._passed:
            try:
                self._record.stop(self._reader, self._passed)
                self._passed = {}
            except RecordUnavailable as error:
                self._fault = error

    def close(self) -> None:
        """Note the rest, and let another tail have its turn."""
        self.note()
        os.close(self._handle)
