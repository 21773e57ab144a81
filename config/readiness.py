"""Telling whoever started this process how it is: systemd's notify protocol, one datagram a notice.

Here: the speaking side, used by the broker, by workers and by ``pesan up`` itself: "I serve", and again
and again "I live". Who listens is ``broker.up.notices`` or systemd. Without ``NOTIFY_SOCKET`` in the
environment nobody does.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

VARIABLE: Final = "NOTIFY_SOCKET"
WATCHDOG: Final = "WATCHDOG_USEC"
"""Microseconds of silence after which who listens will kill us; without it nobody counts."""
WATCHDOG_PID: Final = "WATCHDOG_PID"
"""Whom systemd means by that: not everyone who inherits the variable."""
SIGNS: Final = 4
"""Signs of life in that time: one may come late, and one be lost."""
PATIENCE: Final = 1.0
"""Seconds to wait for a listener whose queue is full. Without the notice we serve all the same."""


def say_ready(environment: Mapping[str, str] = os.environ) -> None:
    """Say that this process serves now. The process id tells who says it where several share a socket."""
    notify(f"READY=1\nMAINPID={os.getpid()}", environment)


def notify(notice: str, environment: Mapping[str, str] = os.environ, patience: float = PATIENCE) -> None:
    """Send lines of ``NAME=value``, if somebody wants to hear them. Never raises."""
    address = environment.get(VARIABLE, "")
    if not address:
        return
    if address.startswith("@"):  # Linux's abstract sockets, as systemd writes them
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
        speaker.settimeout(patience)
        speaker.sendto(notice.encode(), address)


class Pulse:
    """Signs of life, to be given by the loop that works: one that is stuck falls silent."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        allowed = environment.get(WATCHDOG, "")
        meant = environment.get(WATCHDOG_PID, "") in ("", str(os.getpid()))
        self._environment = environment
        self._every = int(allowed) / 1e6 / SIGNS if meant and allowed.isdecimal() else 0.0
        self.due = 0.0 if self._every else float("inf")
        """When the next sign is due; infinite for who is not watched."""

    def beat(self, now: float) -> None:
        """Give a sign, if one is due; ``now`` in seconds, monotonic. Call it when ``due``, or often."""
        if now >= self.due:
            self.due = now + self._every
            notify(f"WATCHDOG=1\nMAINPID={os.getpid()}", self._environment, patience=0.0)
