"""Bytes of a TCP connection, cut into requests; no socket and no clock.

Belongs here: where a request ends, and how long it may be. What it means is the dialect's.
"""

from __future__ import annotations

from typing import Final, NamedTuple

NUL: Final = b"\0"
NEWLINE: Final = b"\n"
CRLF: Final = b"\r\n"


class Framing(NamedTuple):
    """How requests end in a dialect."""

    ends: tuple[bytes, ...]
    """Any of these ends a request, and belongs to none."""
    segments: bool = False
    """Whether what came without an end counts as a request after a short silence."""


class TooLong(Exception):
    """A request was longer than it may be. Told once; the rest of it, up to its end, is dropped."""


class Framer:
    """What came over one connection and was not taken yet.

    ``limit``: most bytes of a request, without its end.
    """

    __slots__ = ("_at", "_buffer", "_dropping", "_framing", "_scanned", "end", "limit")

    def __init__(self, framing: Framing, limit: int) -> None:
        self._framing = framing
        self._buffer = bytearray()
        self._at = 0
        """Where what was not taken begins. Dropped from the front now and then, not for each request."""
        self._scanned = 0
        """Up to here there is no end."""
        self._dropping = False
        self.limit = limit
        self.end = framing.ends[-1]
        """The end of the request that was taken last."""

    def __len__(self) -> int:
        return len(self._buffer) - self._at

    def feed(self, data: bytes) -> None:
        """Bytes as they came."""
        if self._at > 65_536 or self._at == len(self._buffer):
            del self._buffer[: self._at]
            self._scanned = max(0, self._scanned - self._at)
            self._at = 0
        self._buffer += data

    def next(self) -> bytes | None:
        """The next request, without its end; None when there is none yet. Raises ``TooLong``."""
        while True:
            place, end = self._find()
            if place < 0:
                self._scanned = max(self._at, len(self._buffer) - len(max(self._framing.ends, key=len)) + 1)
                if len(self) <= self.limit:
                    return None
                dropping = self._dropping
                self._dropping = True
                self._drop(self._scanned)
                if dropping:
                    return None
                raise TooLong
            request = bytes(self._buffer[self._at : place])
            self._at = self._scanned = place + len(end)
            self.end = end
            if self._dropping:
                self._dropping = False
                continue
            if len(request) > self.limit:
                raise TooLong
            # telnet ends its lines with both.
            return request.removesuffix(b"\r") if end == NEWLINE else request

    def rest(self) -> bytes | None:
        """What came without an end, as a request; None when there is nothing."""
        if self._dropping or not len(self):
            return None
        return self.take(len(self))

    def take(self, most: int) -> bytes:
        """Up to ``most`` bytes as they are, whatever stands in them."""
        taken = bytes(self._buffer[self._at : self._at + most])
        self._at += len(taken)
        self._scanned = max(self._scanned, self._at)
        return taken

    def begins(self) -> bytes:
        """The first bytes of what has no end yet: enough to see what it is going to be."""
        return bytes(self._buffer[self._at : self._at + 128])

    def _find(self) -> tuple[int, bytes]:
        """Where the next end is, and which; -1 when there is none."""
        found = [(self._buffer.find(end, self._scanned), end) for end in self._framing.ends]
        return min(((place, end) for place, end in found if place >= 0), default=(-1, b""))

    def _drop(self, until: int) -> None:
        del self._buffer[:until]
        self._at = self._scanned = 0
