"""A socket that strangers can reach: the options that every one of them has. Nothing else."""

from __future__ import annotations

from typing import Final

import zmq

from config.keys import KeyPair
from config.settings import Settings

HANDSHAKE_MS: Final = 5_000
BACKLOG: Final = 1024
HEARTBEAT_MS: Final = 15_000
HEARTBEAT_TIMEOUT_MS: Final = 45_000
"""A peer that vanished without a word is noticed by then, so that its queue is given back."""


def open_to_strangers(socket: zmq.Socket[bytes], settings: Settings, keys: KeyPair, max_bytes: int) -> None:
    """Set them, before the socket is bound. ``max_bytes``: of a frame; a larger one ends the connection."""
    socket.setsockopt(zmq.MAXMSGSIZE, max_bytes)
    socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    socket.setsockopt(zmq.BACKLOG, BACKLOG)
    socket.setsockopt(zmq.IPV6, 1 if ":" in settings.host else 0)
    socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
    if settings.curve:
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret)
