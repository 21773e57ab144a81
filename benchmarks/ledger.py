"""What clients did and heard, one line each, written the moment it happened.

Belongs here: the format, the writer that client programs use, the reader that follows their files.
What the lines prove is ``crash.judge``'s business.

A ledger must not lie, even about a process that is killed with -9 in the middle. So a line is one
``write`` to an appended file, without a buffer in this process; ``SENT`` is written before the call
begins and ``ACKED`` right after it returned. A line that was cut off is dropped, and counted. Times are
nanoseconds of the machine's monotonic clock, which all its processes share.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

SENT: Final = "sent"
"""user, address, message id, number of the try"""
ACKED: Final = "acked"
"""user, address, message id, conversation, seq, 1 when it was a duplicate"""
FAILED: Final = "failed"
"""user, address, message id, name of the error: the call raised"""
HEARD: Final = "heard"
"""user, conversation, seq, message id, sender: handed out by the library"""
CURSOR: Final = "cursor"
"""user, conversation, seq from behind which this run hears it"""
ASKED: Final = "asked"
"""user, command, number: a request other than a message"""
TOLD: Final = "told"
"""user, command, number, ``ok`` or the name of the error"""
STATE: Final = "state"
"""name of the program, ``ready``, ``idle`` or ``closed``"""
MOVED: Final = "moved"
"""name of the transfer, file, conversation, seq: the library said that it is done"""
HINDERED: Final = "hindered"
"""name of the transfer, name of the error: the library gave up, and the program tries again"""

FIELDS: Final = {
    **{SENT: 4, ACKED: 6, FAILED: 4, HEARD: 5, CURSOR: 3, ASKED: 3, TOLD: 4, STATE: 2},
    **{MOVED: 4, HINDERED: 2},
}
"""How many fields a whole line of each kind has."""


class Line(NamedTuple):
    """One line: when (ns), what, and the fields named above."""

    at: int
    what: str
    fields: tuple[str, ...]


class Ledger:
    """The file of one client program; it goes on where an earlier run of it was killed."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")  # what was cut off must not run into what follows

    def note(self, what: str, *fields: str | int) -> None:
        """Write one line. Fields have no spaces in them."""
        text = " ".join([str(time.monotonic_ns()), what, *map(str, fields), "."])
        os.write(self._file, text.encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class Reader:
    """Follows the ledgers of a folder, or one of them. ``torn`` counts lines that were cut off."""

    def __init__(self, folder: Path, name: str = "*.ledger") -> None:
        self._folder = folder
        self._name = name
        self._places: dict[Path, int] = {}
        self.torn = 0

    def new(self) -> list[Line]:
        """Lines written since the last call, in the order of their times."""
        lines: list[Line] = []
        for path in sorted(self._folder.glob(self._name)):
            with path.open("rb") as file:
                file.seek(self._places.get(path, 0))
                data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._places[path] = self._places.get(path, 0) + len(whole)
            lines.extend(self._parsed(whole))
        lines.sort(key=lambda line: line.at)
        return lines

    def _parsed(self, data: bytes) -> Iterator[Line]:
        for text in data.decode(errors="replace").splitlines():
            at, *parts, end = text.split(" ")
            if end == "." and at.isdigit() and parts and len(parts) - 1 == FIELDS.get(parts[0]):
                yield Line(int(at), parts[0], tuple(parts[1:]))
            else:
                self.torn += 1
