"""A program at one of the gateway's ports, as the older clients were: a blocking socket and bytes."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Final

PATIENCE: Final = 20.0
"""Seconds that an answer may take."""
SILENCE: Final = 0.15
"""Seconds after which nothing more is expected."""


class Peer:
    """``with Peer(port) as peer: peer.says(b"WHOAMI\\n"); peer.hears(b"ani\\n")``."""

    def __init__(self, port: int, own_address: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE, (own_address, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._heard = b""

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def says(self, data: bytes) -> None:
        """Send these bytes, in one segment if they are few."""
        self.socket.sendall(data)

    def says_bytewise(self, data: bytes) -> None:
        """Send these bytes, each in a segment of its own."""
        for byte in data:
            self.socket.sendall(bytes([byte]))

    def hears(self, expected: bytes) -> None:
        """These bytes come next, and no others before them."""
        heard = self.takes(len(expected))
        assert heard == expected, f"{heard + self._heard!r} instead of {expected!r}"

    def takes(self, count: int) -> bytes:
        """The next bytes, fewer only where the connection ends."""
        while len(self._heard) < count and self._more():
            pass
        taken, self._heard = self._heard[:count], self._heard[count:]
        return taken

    def until(self, end: bytes) -> bytes:
        """The next bytes up to and with ``end``."""
        while end not in self._heard:
            assert self._more(), f"{self._heard!r}, and then the connection ended"
        taken, _, self._heard = self._heard.partition(end)
        return taken + end

    def line(self) -> bytes:
        """The next line, without its end."""
        return self.until(b"\n")[:-1]

    def hears_nothing(self) -> None:
        """Nothing comes for a while."""
        self.socket.settimeout(SILENCE)
        try:
            self._heard += self.socket.recv(65_536)
        except TimeoutError:
            pass
        finally:
            self.socket.settimeout(PATIENCE)
        assert not self._heard, self._heard

    def forgets(self) -> None:
        """Take whatever comes, until nothing does for a while."""
        self.socket.settimeout(SILENCE)
        try:
            while self._more():
                pass
        except TimeoutError:
            pass
        finally:
            self.socket.settimeout(PATIENCE)
        self._heard = b""

    def is_hung_up_on(self) -> None:
        """The connection ends, and nothing comes before that."""
        try:
            while self._more():
                pass
        except ConnectionResetError:
            pass
        assert not self._heard, self._heard

    def _more(self) -> bool:
        data = self.socket.recv(65_536)
        self._heard += data
        return bool(data)
