"""Hearing from our processes that they serve, and that they live: a datagram socket in the private folder.

What is said here is systemd's notify protocol (``config.readiness`` speaks it). A notice names the
process by its id; the folder is closed to others, so its word is taken.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final, NamedTuple

LONGEST: Final = 4096


class Notice(NamedTuple):
    """What a process said: that it serves, that it lives, or both."""

    pid: int
    serves: bool
    lives: bool = False


class Notices:
    """The socket behind ``address``. Raises ``OSError`` when it cannot be made."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(os.fspath(file))

    @property
    def address(self) -> str:
        """What ``NOTIFY_SOCKET`` has to say."""
        return os.fspath(self._file)

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    def heard(self) -> list[Notice]:
        """What was said since the last call."""
        said: list[Notice] = []
        while True:
            try:
                notice = understood(self._socket.recv(LONGEST))
            except BlockingIOError:
                return said
            if notice is not None:
                said.append(notice)

    def close(self) -> None:
        """Remove the socket."""
        self._socket.close()
        self._file.unlink(missing_ok=True)


def understood(notice: bytes) -> Notice | None:
    """What a process says here; None when it says neither, or it is no notice at all."""
    fields = dict(line.partition(b"=")[::2] for line in notice.splitlines())
    pid = fields.get(b"MAINPID", b"")
    serves, lives = (fields.get(name) == b"1" for name in (b"READY", b"WATCHDOG"))
    return Notice(int(pid), serves, lives) if (serves or lives) and pid.isdigit() and int(pid) else None
