"""Large replies that libzmq still holds for who does not read: bounded in bytes, for each and for all.

Belongs here: how many bytes wait, and whether another reply may. Not here: how many replies wait, which
libzmq bounds by itself (``replies_queue``); small ones are left to that. libzmq says nothing of bytes, but it
tells when it has let go of a frame that was handed over without a copy.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import zmq

from broker.fast_socket import NOBLOCK, SNDMORE_NOBLOCK

LARGE: Final = 1024
"""Bytes from which on a reply is counted. A thousand that are smaller are 1 MiB at the most."""


class Kept:
    """Replies that wait for one connection, oldest first, each with its size; ``bytes`` of all of them."""

    __slots__ = ("bytes", "replies")

    def __init__(self) -> None:
        self.bytes = 0
        self.replies: deque[tuple[zmq.MessageTracker, int]] = deque()


class Owed:
    """Sends large replies, as long as their connection owes less than ``most`` bytes.

    While all connections together owe more than ``most_of_all``, who owes anything gets no more.
    """

    def __init__(self, socket: zmq.Socket[bytes], most: int, most_of_all: int) -> None:
        self._socket = socket
        self._most = most
        self._most_of_all = most_of_all
        self._of: dict[bytes, Kept] = {}
        self.bytes = 0
        """Of all connections, as far as was looked."""

    def __len__(self) -> int:
        """Connections that something large is kept for, as far as was looked."""
        return len(self._of)

    def waiting(self, peer: bytes) -> int:
        """How many wait for this connection. Replies leave in order, so those that have left are in front."""
        kept = self._of.get(peer)
        if kept is None:
            return 0
        while kept.replies and kept.replies[0][0].done:
            _, size = kept.replies.popleft()
            kept.bytes -= size
            self.bytes -= size
        if not kept.replies:
            del self._of[peer]
        return kept.bytes

    def send(self, peer: bytes, frame: bytes) -> bool:
        """Send it; False when too much waits already. One alone may be as large as it likes.

        Raises ``zmq.ZMQError`` as ``Socket.send`` does.
        """
        owed, size = self.waiting(peer), len(frame)
        if owed and (owed + size > self._most or self.bytes + size > self._most_of_all):
            return False
        self._socket.send(peer, SNDMORE_NOBLOCK)
        whole = zmq.Frame(frame, track=True, copy=False, copy_threshold=0)
        tracker = self._socket.send(whole, NOBLOCK, copy=False, track=True)
        assert tracker is not None
        kept = self._of.setdefault(peer, Kept())
        kept.replies.append((tracker, size))
        kept.bytes += size
        self.bytes += size
        return True

    def forget(self) -> None:
        """Let go of connections that owe nothing any more: those that read, and those that went."""
        for peer in list(self._of):
            self.waiting(peer)
