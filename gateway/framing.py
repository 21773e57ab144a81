"""Bytes of a TCP connection, cut into requests; no socket and no clock.

Belongs here: where a request ends, and how long it may be. What it means is the dialect's, and that nothing
came for a while is told by whoever has a clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

NUL: Final = b"\0"
NEWLINE: Final = b"\n"
CRLF: Final = b"\r\n"
BEGINS: Final = 128
"""Bytes from which is seen what a long request is going to be."""


class Framing(NamedTuple):
    """How requests end in a dialect."""

    ends: tuple[bytes, ...]
    """Any of these ends a request, and belongs to none."""
    segments: bool = False
    """Whether what came without an end counts as a request after a short silence."""


class TooLong(Exception):
    """A request was longer than it may be. Told once; the rest of it, up to its end, is dropped."""


@cache
def _pattern(ends: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """Finds the next of them, whichever it is: one look at each byte, however many ends there are."""
    return re.compile(b"|".join(map(re.escape, ends)))


class Framer:
    """What came over one connection and was not taken yet.

    ``limit``: most bytes of a request, without its end; ``longer`` is asked for that of one that outgrows it,
    by how it begins.
    """

    __slots__ = (
        "_buffer",
        "_dropping",
        "_framing",
        "_late",
        "_longer",
        "_scanned",
        "_silences",
        "end",
        "limit",
    )

    def __init__(
        self, framing: Framing, limit: int, longer: Callable[[bytes], int] = lambda begins: 0
    ) -> None:
        self._framing = framing
        self._longer = longer
        self._buffer = bytearray()
        self._scanned = 0
        """Up to here there is no end."""
        self._silences: tuple[int, ...] = ()
        """Where a silence ended what had no end, in order."""
        self._dropping = False
        """Whether what comes is the rest of a request that was too long."""
        self._late = False
        """Whether a silence ended the last request: an end that comes now is its own."""
        self.limit = limit
        self.end = framing.ends[-1]
        """The end of the request that was taken last."""

    def __len__(self) -> int:
        return len(self._buffer)

    @property
    def unfinished(self) -> bool:
        """Whether the last bytes are those of a request that has no end yet."""
        if self._silences and self._silences[-1] == len(self._buffer):
            return False
        return self._dropping or (bool(self._buffer) and not self._buffer.endswith(self._framing.ends))

    def feed(self, data: bytes | memoryview) -> None:
        """Bytes as they came."""
        self._buffer += data

    def silence(self) -> None:
        """Nothing came for a while, or nothing will: what has no end yet ends here if the framing says so."""
        if self._framing.segments and self.unfinished:
            self._silences += (len(self._buffer),)

    def ready(self) -> bool:
        """Whether ``next`` has something to give or to raise."""
        return self._find() is not None or self._overlong()

    def next(self) -> bytes | None:
        """The next request, without its end; None when there is none yet. Raises ``TooLong``."""
        while (found := self._find()) is not None:
            place, self.end, length = found
            dropping, self._dropping = self._dropping, False
            request = b"" if dropping else self._request(place)
            self._late = not length
            self._forget(place + length)
            if dropping:
                continue
            if request is None:
                raise TooLong
            return request
        if self._overlong():
            self._dropping = True
            self._forget(self._scanned)
            raise TooLong
        return None

    def until(self, end: bytes) -> bytes | None:
        """What stands before this end, and others in it; None: it is not there. Raises ``TooLong``."""
        place = self._buffer.find(end)
        if self._dropping or place < 0:
            return None
        text = self.take(place + len(end))[:place]
        self.end = end
        if place > self.limit:
            raise TooLong
        return text

    def take(self, most: int) -> bytes:
        """Up to ``most`` bytes as they are, whatever stands in them."""
        with memoryview(self._buffer) as whole:
            taken = bytes(whole[:most])
        self._late = False
        self._forget(len(taken))
        return taken

    def clear(self) -> None:
        """Nothing of what came will be taken: it may be megabytes."""
        self._forget(len(self._buffer))

    def begins(self) -> bytes:
        """The first bytes of what was not taken: enough to see what it is going to be."""
        return bytes(self._buffer[:BEGINS])

    def _request(self, place: int) -> bytes | None:
        """What stands before ``place``; None when it is too long."""
        if self.end == NEWLINE and self._buffer[place - 1 : place] == b"\r":
            place -= 1  # telnet ends its lines with both
        if place > self.limit and place > self._longer(self.begins()):
            return None
        with memoryview(self._buffer) as whole:
            return bytes(whole[:place])

    def _find(self) -> tuple[int, bytes, int] | None:
        """Where the next request ends, with what, and how many bytes that has; None: it has no end yet."""
        if self._late and bytes(self._buffer[:2]) not in (b"", b"\r"):
            self._late = False
            self._forget(
                next((len(end) for end in (CRLF, *self._framing.ends) if self._buffer.startswith(end)), 0)
            )
        silence = self._silences[0] if self._silences else None
        until = len(self._buffer) if silence is None else silence
        match = _pattern(self._framing.ends).search(self._buffer, self._scanned, until)
        if match is not None:
            self._scanned = match.start()
            return match.start(), match.group(), match.end() - match.start()
        if silence is not None:
            return silence, self._framing.ends[-1], 0
        # An end may have begun: of one with two bytes the first is there.
        self._scanned = max(self._scanned, until - max(map(len, self._framing.ends)) + 1)
        if self._dropping:
            self._forget(self._scanned)
        return None

    def _overlong(self) -> bool:
        """Whether what has no end yet is too long, whatever comes."""
        # Its last byte may belong to its end.
        length = len(self._buffer) - self._buffer.endswith(b"\r")
        return not self._dropping and length > self.limit and length > self._longer(self.begins())

    def _forget(self, count: int) -> None:
        """Drop bytes from the front, which costs nothing: a bytearray moves its beginning."""
        del self._buffer[:count]
        self._scanned = max(0, self._scanned - count)
        if self._silences:
            self._silences = tuple(place - count for place in self._silences if place > count)
