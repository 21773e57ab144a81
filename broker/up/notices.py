"""Hearing from our processes that they serve: a datagram socket in the private folder.

What is said here is systemd's notify protocol (``config.readiness`` speaks it). A notice names the
process by its id; the folder is closed to others, so its word is taken.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final

LONGEST: Final = 4096


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

    def ready(self) -> list[int]:
        """Ids of the processes that have said since the last call that they serve."""
        said: list[int] = []
        while True:
            try:
                notice = self._socket.recv(LONGEST)
            except BlockingIOError:
                return said
            pid = ready_pid(notice)
            if pid:
                said.append(pid)

    def close(self) -> None:
        """Remove the socket."""
        self._socket.close()
        self._file.unlink(missing_ok=True)


def ready_pid(notice: bytes) -> int:
    """The process that says READY=1 here; 0 when none does, or it is no notice at all."""
    fields = dict(line.partition(b"=")[::2] for line in notice.splitlines())
    pid = fields.get(b"MAINPID", b"")
    return int(pid) if fields.get(b"READY") == b"1" and pid.isdigit() else 0
