"""TCP clients reduced to the bone: blocking sockets and bytes, and many logins under way at once.

Belongs here: coming in. What is said afterwards is each scenario's.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Final, NamedTuple

PASSWORD: Final = "benchmark1password"  # noqa: S105
PATIENCE: Final = 60.0
"""Seconds that an answer may take."""
AT_ONCE: Final = 64
"""Logins under way at the same time."""


class Way(NamedTuple):
    """How one logs in."""

    port: int
    """Above the port base."""
    requests: tuple[str, ...]
    end: bytes
    """Of an answer."""
    welcome: bytes
    """Part of the last answer, when all went well."""


WAYS: Final = {
    "signup": Way(10, ("login {name} {password}\n",), b"\n", b"Login success"),
    "bracket": Way(11, ("LOGIN {name} {password}\n",), b"\n", b"[OK] login berhasil"),
    "ftp": Way(12, ("USER {name}\n", "PASS {password}\n"), b"\n", b"[OK] login berhasil"),
    "json": Way(13, ("auth {name} {password}\r\n",), b"\r\n\r\n", b'"token_id"'),
}


class Caller:
    """One connection to a port of this machine."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._heard = b""

    def say(self, request: bytes) -> None:
        """Send these bytes."""
        self.socket.sendall(request)

    def answer(self, end: bytes) -> bytes:
        """The next answer, with its end. Raises ``ConnectionError``, ``TimeoutError``."""
        while end not in self._heard:
            data = self.socket.recv(65_536)
            if not data:
                raise ConnectionError(f"hung up after {self._heard[-200:]!r}")
            self._heard += data
        answer, _, self._heard = self._heard.partition(end)
        return answer + end

    def ask(self, request: bytes, end: bytes) -> bytes:
        """Say it, and its answer."""
        self.say(request)
        return self.answer(end)

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


def register(base: int, names: Sequence[str]) -> None:
    """Make accounts, through the bracket dialect of the server at this port base."""
    way = WAYS["bracket"]
    callers = [Caller(base + way.port) for _ in range(min(AT_ONCE, len(names)))]
    for first in range(0, len(names), len(callers)):
        some = list(zip(callers, names[first:], strict=False))
        for caller, name in some:
            caller.say(f"REGISTER {name} {PASSWORD}\n".encode())
        for caller, name in some:
            answer = caller.answer(way.end)
            if not answer.startswith(b"[OK]"):
                raise RuntimeError(f"{name} could not register: {answer!r}")
    for caller in callers:
        caller.close()


def enter(base: int, dialect: str, names: Sequence[str]) -> tuple[list[Caller], list[bytes]]:
    """A connection of each of these, logged in; and what the login answered."""
    way = WAYS[dialect]
    callers = [Caller(base + way.port) for _ in names]
    answers = [b""] * len(names)
    for request in way.requests:
        for place in range(len(callers) + AT_ONCE):
            if 0 <= (first := place - AT_ONCE) < len(callers):
                answers[first] = callers[first].answer(way.end)
            if place < len(callers):
                callers[place].say(request.format(name=names[place], password=PASSWORD).encode())
    for name, answer in zip(names, answers, strict=True):
        if way.welcome not in answer:
            leave(callers)
            raise RuntimeError(f"{name} could not log in: {answer!r}")
    return callers, answers


def leave(callers: Sequence[Caller]) -> None:
    """Everyone hangs up."""
    for caller in callers:
        caller.close()
