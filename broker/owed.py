"""Large replies that libzmq still holds for who does not read: bounded in bytes, for each connection.

Belongs here: how many bytes wait, and whether another reply may. Not here: how many replies wait, which
libzmq bounds by itself (``replies_queue``); small ones are left to that. libzmq says nothing of bytes, but it
tells when it has let go of a frame that was handed over without a copy.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import zmq

from broker.fast_socket import NOBLOCK, SNDMORE_NOBLOCK

LARGE: Final = 8192
"""Bytes from which on a reply is counted. A thousand that are smaller are 8 MiB at the most."""


class Owed:
    """Sends large replies, as long as their connection owes less than ``most`` bytes."""

    def __init__(self, socket: zmq.Socket[bytes], most: int) -> None:
        self._socket = socket
        self._most = most
        self._of: dict[bytes, deque[tuple[zmq.MessageTracker, int]]] = {}

    def __len__(self) -> int:
        """Connections that something large is kept for, as far as was looked."""
        return len(self._of)

    def waiting(self, peer: bytes) -> int:
        """How many wait for this connection. Replies leave in order, so those that have left are in front."""
        kept = self._of.get(peer)
        if kept is None:
            return 0
        while kept and kept[0][0].done:
            kept.popleft()
        if not kept:
            del self._of[peer]
        return sum(size for _, size in kept)

    def send(self, peer: bytes, frame: bytes) -> bool:
        """Send it; False when too much waits already. One alone may be as large as it likes.

        Raises ``zmq.ZMQError`` as ``Socket.send`` does.
        """
        owed = self.waiting(peer)
        if owed and owed + len(frame) > self._most:
            return False
        self._socket.send(peer, SNDMORE_NOBLOCK)
        kept = zmq.Frame(frame, track=True, copy=False, copy_threshold=0)
        tracker = self._socket.send(kept, NOBLOCK, copy=False, track=True)
        assert tracker is not None
        self._of.setdefault(peer, deque()).append((tracker, len(frame)))
        return True

    def forget(self) -> None:
        """Let go of connections that owe nothing any more: those that read, and those that went."""
        for peer in list(self._of):
            self.waiting(peer)
