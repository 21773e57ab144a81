"""One realm process of an installation at a time listens and has the lines; a further one waits for its turn.

While workers are replaced the new one starts before the old one ends, and both cannot listen. Here: whose
turn it is. Not here: the sockets themselves (``ports``).
"""

from __future__ import annotations

from typing import Final

from config import whereabouts
from config.claims import claim
from config.folders import socket_folder
from config.log import ServerLog
from config.settings import Settings
from services.realm.ports import SocketPorts

AGAIN: Final = 0.2
"""Seconds between two looks at whether the other one has ended."""


class Opening:
    """``opened`` says whether it is our turn, and listens when it has come."""

    def __init__(self, settings: Settings, log: ServerLog, ports: SocketPorts) -> None:
        self._settings = settings
        self._file = socket_folder(settings.home) / "realm.lock"
        self._log = log
        self._ports = ports
        self._claimed = self._open = self._complained = False
        self._next = 0.0

    def first(self) -> None:
        """Listen if nobody else does. Raises ``OSError`` with a sentence when that cannot be."""
        if self._claim():
            self._listen()

    def opened(self, now: float) -> bool:
        """Whether we listen; ``now`` in seconds, monotonic."""
        if self._open or now < self._next:
            return self._open
        self._next = now + AGAIN
        if self._claim():
            try:
                self._listen()
            except OSError as error:  # the one before us is not quite gone
                if not self._complained:
                    self._log.warning("not listening yet", reason=str(error))
                self._complained = True
        return self._open

    def _claim(self) -> bool:
        self._claimed = self._claimed or claim(self._file, 0.0) is not None
        return self._claimed

    def _listen(self) -> None:
        self._ports.bind()
        self._open = True
        settings = self._settings
        try:
            whereabouts.leave(settings.home, running_as(settings), whereabouts.REALM)
        except OSError as error:  # without it `pesan realm` takes its own word for it
            file = str(whereabouts.file_of(settings.home, whereabouts.REALM))
            self._log.warning("where we listen could not be written", file=file, error=error.strerror)


def running_as(settings: Settings) -> str:
    """How other realms know this server, left for `pesan realm`: ``NAME PORT``."""
    return f"{settings.realm} {settings.realm_port}"
