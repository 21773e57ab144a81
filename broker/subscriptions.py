"""Who may listen to what: decides on each subscription that reaches the XPUB socket.

The socket runs with ``ZMQ_XPUB_MANUAL``: a topic is heard only once it was approved. Two rules of
libzmq 4.3.5 shape this file. First, an approval goes to *the peer whose subscription libzmq thinks
is pending*: after a peer sent an ordinary message upstream that queue is shifted by one, and an
approval would let the wrong peer listen. So after such a frame nothing is approved until the socket
is empty, and the epoch changes, which tells every client to subscribe anew. Second, subscriptions
are read without bound, so each connection may have only so many, and may send only so many frames.

No client of ours ever sends what is no subscription, or frames without end: whoever does is hung up on, and
in the second case, too, nothing is approved until the socket is empty, so that it may be emptied in haste.
"""

from __future__ import annotations

from protocol.addresses import TopicKind
from protocol.limits import TOPIC_BYTES

SUBSCRIBE = 1
UNSUBSCRIBE = 0
FRAMES_AT_ONCE = 1000
"""Frames that a connection may send at once, besides renewing all its subscriptions twice."""
FRAMES_A_SECOND = 1000
"""Frames a second that it may send on average."""
NOBODY = -1
"""Source of a frame that came over no connection: libzmq hands up such ones when a peer leaves."""


class Subscriptions:
    """Decides; the server carries out. Connections are told apart by their file descriptor."""

    def __init__(self, epoch: int, topics_per_connection: int) -> None:
        self.epoch = epoch
        """Changes when clients must subscribe anew."""
        self.refused = 0
        """Subscriptions refused so far: wrong length, too many, or behind a stray message."""
        self.unwanted: set[int] = set()
        """Connections to hang up on, which the server then takes out of here."""
        self._most = topics_per_connection
        # A client that finds a broker restarted renews each topic, ends it and begins it anew.
        self._most_frames = 4 * topics_per_connection + FRAMES_AT_ONCE
        self._topics: dict[int, int] = {}
        self._frames: dict[int, float] = {}
        """Frames that each connection has sent of late: a bucket that leaks."""
        self._shifted = False

    @property
    def refusing(self) -> bool:
        """Whether nothing is approved until the socket is empty."""
        return self._shifted

    @property
    def topics(self) -> int:
        """Subscriptions in force, over all connections."""
        return sum(self._topics.values())

    def connected(self, fd: int) -> None:
        """A new connection has this descriptor: whatever the old one had is gone."""
        self._topics.pop(fd, None)
        self._frames.pop(fd, None)
        self.unwanted.discard(fd)

    disconnected = connected

    def rest(self, seconds: float) -> None:
        """Time has passed."""
        leaked = FRAMES_A_SECOND * seconds
        self._frames = {fd: frames - leaked for fd, frames in self._frames.items() if frames > leaked}

    def frame(self, frame: bytes, fd: int) -> bool:
        """Judge one frame from the XPUB socket; True: carry it out (subscribe or unsubscribe)."""
        kind = frame[0] if frame else -1
        if kind not in (SUBSCRIBE, UNSUBSCRIBE):
            self._shifted = True
            self.unwanted.add(fd)
            return False
        frames = self._frames[fd] = self._frames.get(fd, 0.0) + 1
        if frames > self._most_frames and fd != NOBODY:
            self.unwanted.add(fd)
            return False
        if self._shifted or fd == NOBODY or len(frame) != TOPIC_BYTES + 1:
            self.refused += kind == SUBSCRIBE
            return False
        count = self._topics.get(fd, 0)
        if kind == UNSUBSCRIBE:
            self._topics[fd] = max(0, count - 1)
            return True
        if count >= self._most:
            self.refused += 1
            return False
        self._topics[fd] = count + 1
        return True

    def empty(self) -> bool:
        """The socket has no more frames; True: the epoch has changed, because some were refused."""
        if not self._shifted:
            return False
        self._shifted = False
        self.epoch += 1
        return True


def wants_welcome(topic: bytes) -> bool:
    """Whether a subscription to ``topic`` is answered by a welcome."""
    return topic[:1] == TopicKind.USER
