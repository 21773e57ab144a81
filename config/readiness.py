"""Telling whoever started this process how it is: systemd's notify protocol, one datagram a notice.

Here: the speaking side, used by the broker, by workers and by ``pesan up`` itself. Who listens is
``broker.up.notices`` or systemd. Without ``NOTIFY_SOCKET`` in the environment nobody does.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

VARIABLE: Final = "NOTIFY_SOCKET"
PATIENCE: Final = 1.0
"""Seconds to wait for a listener whose queue is full. Without the notice we serve all the same."""


def say_ready(environment: Mapping[str, str] = os.environ) -> None:
    """Say that this process serves now. The process id tells who says it where several share a socket."""
    notify(f"READY=1\nMAINPID={os.getpid()}", environment)


def notify(notice: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send lines of ``NAME=value``, if somebody wants to hear them. Never raises."""
    address = environment.get(VARIABLE, "")
    if not address:
        return
    if address.startswith("@"):  # Linux's abstract sockets, as systemd writes them
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
        speaker.settimeout(PATIENCE)
        speaker.sendto(notice.encode(), address)
