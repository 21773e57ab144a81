"""``python -m benchmarks.gateway.pests KIND PORT_BASE SECONDS NAME``: plagues a gateway for so long.

A program of its own, so that the honest pair's clock does not wait for it. It says ``ready`` when it is
logged in where need be, and in the end how often it did what it does, as JSON. The gateway may answer, or
hang up; a pest comes back.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import socket
import sys
import time
from collections.abc import Iterator
from typing import Final

from benchmarks.gateway.callers import WAYS, Caller, enter

LINES: Final = 1000
LONG: Final = 10_000_000
"""Bytes of a line."""
FILE: Final = LONG * 3 // 4
"""Bytes of a file that makes such a line in base64."""
JUNK: Final = 65_536
HALF_OPEN: Final = 1000
HOLD: Final = 1.0
"""Seconds that connections are left half open."""


def paste(base: int, name: str) -> Iterator[int]:
    """A thousand lines to oneself at once, in the bracket dialect, and then their answers are read."""
    (caller,), _ = enter(base, "bracket", [name])
    text = b"".join(b"SEND %b line %d of a paste\n" % (name.encode(), number) for number in range(LINES))
    with contextlib.closing(caller):
        yield 0
        while True:
            caller.say(text)
            answered = 0
            while answered < LINES:
                answered += caller.answer(b"\n").startswith(b"[")
            yield LINES


def long_line(base: int, name: str) -> Iterator[int]:
    """A line of 10 MB that nobody has room for, from somebody who has not logged in."""
    yield 0
    while True:
        with (
            contextlib.closing(Caller(base + WAYS["bracket"].port)) as caller,
            contextlib.suppress(ConnectionError),
        ):
            caller.ask(b"x" * LONG + b"\n", b"\n")
        yield 1


def file_line(base: int, name: str) -> Iterator[int]:
    """A file of 7.5 MB to oneself, in one line of 10 MB, as the json dialect allows."""
    (caller,), (answer,) = enter(base, "json", [name])
    begins = f"sendfile {json.loads(answer)['token_id']} {name} b'"
    with contextlib.closing(caller):
        yield 0
        while True:
            content = base64.b64encode(os.urandom(3 * 1024) + bytes(FILE - 3 * 1024)).decode()
            if b'"OK"' not in caller.ask(f"{begins}{content}' pest.bin \r\n".encode(), WAYS["json"].end):
                raise RuntimeError("a file was refused")
            yield 1


def junk(base: int, name: str) -> Iterator[int]:
    """Binary junk to all four dialects, as fast as it is taken."""
    callers = [Junk(base + way.port) for way in WAYS.values()]
    with contextlib.ExitStack() as stack:
        for caller in callers:
            stack.callback(caller.close)
        yield 0
        while True:
            yield sum(caller.go_on() for caller in callers)


class Junk:
    """Who says junk at one port, and listens only so that the gateway goes on listening."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = self._come()

    def go_on(self) -> int:
        """Say some, if there is room within a moment; bytes that were taken."""
        waits = select.poll()  # select() takes no descriptor beyond 1023, and the half open come before
        waits.register(self._socket, select.POLLIN | select.POLLOUT)
        events = sum(event for _, event in waits.poll(10))
        readable, writable = events & ~select.POLLOUT, events & select.POLLOUT
        try:
            if readable and not self._socket.recv(JUNK):
                raise ConnectionResetError
            return self._socket.send(os.urandom(JUNK)) if writable else 0
        except ConnectionError:
            self.close()
            self._socket = self._come()
            return 0

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _come(self) -> socket.socket:
        caller = socket.create_connection(("127.0.0.1", self._port))
        caller.setblocking(False)
        return caller


def half_open(base: int, name: str) -> Iterator[int]:
    """A thousand connections that say half a word and no more, again and again."""
    ways = list(WAYS.values())
    yield 0
    while True:
        with contextlib.ExitStack() as stack:
            for number in range(HALF_OPEN):
                caller = stack.enter_context(contextlib.closing(Caller(base + ways[number % len(ways)].port)))
                caller.say(b"LOG")
            time.sleep(HOLD)
        yield HALF_OPEN


KINDS: Final = {
    "1,000 lines pasted": paste,
    "a line of 10 MB": long_line,
    "a file in a line of 10 MB": file_line,
    "binary junk": junk,
    "1,000 half open": half_open,
}


def main(kind: str, base: int, seconds: float, name: str) -> None:
    """Plague it."""
    work = KINDS[kind](base, name)
    done = next(work)
    print("ready", flush=True)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done += next(work)
    print(json.dumps({"done": done}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
